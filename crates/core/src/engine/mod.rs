//! Runs assistants: which trigger fires, and what each action does.
//!
//! Every function here is a plain function of its arguments. Whatever touches the world is returned
//! as an [`Effect`], and the caller performs it. Read [`step`] first, then `matching`.

mod ask;
pub mod matching;
mod run;

use std::sync::Arc;

use handoff_model::{Content, NodeId};
use serde_json::{Map, Value};

use crate::assistant::{
    Compiled, ExternalHandoff,
    compile::{CompiledOn, Place, TriggerIx},
};
use crate::handoff::consent::Asked;
use run::Run;

/// What a session remembers between two events, as far as the engine is concerned.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Memory {
    /// The trigger whose level is offered the next event first; none: the top level.
    pub level: Option<NodeId>,
    /// Variables.
    pub variables: Map<String, Value>,
    /// The question before a handoff that waits for its answer.
    pub asked: Option<Asked>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Input<'a> {
    /// The chat begins.
    ChatStarted,
    /// The person wrote this.
    Message(&'a str),
    /// The person wrote this before whatever was asked last, so it is no answer to that.
    Earlier(&'a str),
    /// The External Handoff of this node failed for good.
    HandoffFailed(&'a NodeId),
    /// Nobody was there to take the chat that this node gives away.
    NobodyThere(&'a NodeId),
}

/// Something to do in the world.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Say this.
    Say(Content),
    /// Keep what the person answered when they were asked about a handoff.
    Consented {
        /// The action that asked.
        node: NodeId,
        /// What was asked.
        question: String,
        /// The answer, in the author's words; none when there was no clear one.
        answer: Option<String>,
        /// Whether the chat may leave.
        given: bool,
    },
    /// Give the chat away. Always the last effect.
    HandOff {
        /// The action.
        node: NodeId,
        /// What its author chose, with the expressions in the options evaluated.
        handoff: Arc<ExternalHandoff>,
        /// Options that could not be evaluated and were left out.
        remarks: Vec<String>,
    },
    /// Something went wrong that the author should know; the session goes on.
    Note(String),
}

/// What follows from an event: what is to be done, and what is remembered.
pub fn step(
    assistant: &Compiled,
    mut memory: Memory,
    system: Map<String, Value>,
    input: Input<'_>,
    seed: u64,
) -> (Memory, Vec<Effect>) {
    memory.variables.extend(system);
    if let Input::Message(text) | Input::Earlier(text) = input {
        memory.variables.insert("_user_input".to_owned(), Value::from(text));
    }
    let mut run = Run::new(assistant, memory, seed);
    match input {
        Input::ChatStarted => start(assistant, &mut run),
        Input::Message(text) if run.answer(text) => {}
        Input::Message(text) | Input::Earlier(text) => {
            if let Some(trigger) = fitting(assistant, run.level(), text) {
                run.fire(trigger);
            }
        }
        Input::HandoffFailed(node) => run.after(node, |handoff| handoff.failed),
        Input::NobodyThere(node) => run.after(node, |handoff| handoff.nobody),
    }
    let (mut memory, effects) = run.finish();
    memory.variables.retain(|name, _| !name.starts_with('_'));
    (memory, effects)
}

fn start(assistant: &Compiled, run: &mut Run<'_>) {
    let starts = |ix: &&TriggerIx| matches!(assistant.triggers[**ix].on, CompiledOn::ChatStarted);
    if let Some(trigger) = assistant.top.iter().find(starts) {
        run.fire(*trigger);
    }
}

/// The trigger that fires for a text: levels from the current one upwards, on each the best phrase, else its Fallback.
fn fitting(assistant: &Compiled, level: Option<&NodeId>, text: &str) -> Option<TriggerIx> {
    let spoken = matching::Spoken::new(text);
    let mut current = level.and_then(|id| match assistant.nodes.get(id) {
        Some(Place::Trigger(ix)) => Some(*ix),
        _ => None,
    });
    loop {
        let triggers = current.map_or(&assistant.top, |ix| &assistant.triggers[ix].below);
        if let Some(found) = best(assistant, triggers, &spoken) {
            return Some(found);
        }
        current = assistant.triggers[current?].above;
    }
}

fn best(assistant: &Compiled, triggers: &[TriggerIx], spoken: &matching::Spoken) -> Option<TriggerIx> {
    let mut best: Option<(u32, TriggerIx)> = None;
    for ix in triggers {
        if let CompiledOn::Message(phrases) = &assistant.triggers[*ix].on
            && let Some(score) = phrases.score(spoken)
            && best.is_none_or(|(highest, _)| score > highest)
        {
            best = Some((score, *ix));
        }
    }
    let fallback =
        || triggers.iter().find(|ix| matches!(assistant.triggers[**ix].on, CompiledOn::Fallback)).copied();
    best.map(|(_, ix)| ix).or_else(fallback)
}
