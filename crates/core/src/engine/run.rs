//! One event handled to its end.

use handoff_model::{Content, NodeId};
use serde_json::Value;

use super::{Effect, Memory};
use crate::assistant::{
    Compiled, Text,
    compile::{CompiledAction, CompiledDo, CompiledHandOff, ListIx, Place, TriggerIx},
};

/// Actions that one event may run; a longer run is a circle.
const MOST_ACTIONS: usize = 200;
/// Bytes that all variables of a session may take.
const MOST_VARIABLES: usize = 256 * 1024;

/// A run in progress.
pub(super) struct Run<'a> {
    pub(super) assistant: &'a Compiled,
    pub(super) memory: Memory,
    pub(super) effects: Vec<Effect>,
    seed: u64,
    left: usize,
}

/// What follows an action.
pub(super) enum Next {
    /// The next of the list.
    Along,
    /// Nothing more in this turn.
    Over,
}

impl<'a> Run<'a> {
    pub(super) fn new(assistant: &'a Compiled, memory: Memory, seed: u64) -> Self {
        Self { assistant, memory, effects: Vec::new(), seed, left: MOST_ACTIONS }
    }

    pub(super) fn finish(self) -> (Memory, Vec<Effect>) {
        (self.memory, self.effects)
    }

    pub(super) fn level(&self) -> Option<&NodeId> {
        self.memory.level.as_ref()
    }

    /// A trigger fires: its level becomes the current one, and its actions run.
    pub(super) fn fire(&mut self, trigger: TriggerIx) {
        let trigger = &self.assistant.triggers[trigger];
        self.memory.level = Some(trigger.id.clone());
        self.list(trigger.actions, 0);
    }

    /// A branch of an External Handoff that came to nothing.
    pub(super) fn after(&mut self, node: &NodeId, branch: impl Fn(&CompiledHandOff) -> ListIx) {
        if let Some(Place::Action(list, at, _)) = self.assistant.nodes.get(node)
            && let Some(CompiledDo::HandOff(handoff)) = &self.assistant.lists[*list][*at].does
        {
            self.list(branch(handoff), 0);
        }
    }

    pub(super) fn list(&mut self, list: ListIx, from: usize) -> Next {
        let assistant = self.assistant;
        for action in assistant.lists[list].iter().skip(from) {
            if self.left == 0 {
                self.note(&action.id, "the run was stopped: it is a circle without an end");
                return Next::Over;
            }
            self.left -= 1;
            if matches!(self.action(action), Next::Over) {
                return Next::Over;
            }
        }
        Next::Along
    }

    fn action(&mut self, action: &'a CompiledAction) -> Next {
        match &action.does {
            None => Next::Along,
            Some(CompiledDo::Send(texts, quick_replies)) => {
                self.send(&action.id, texts, quick_replies);
                Next::Along
            }
            Some(CompiledDo::If(branches, otherwise)) => {
                let taken = branches.iter().find(|(condition, _)| self.holds(&action.id, condition));
                self.list(taken.map_or(*otherwise, |(_, list)| *list), 0)
            }
            Some(CompiledDo::Set(name, value)) => {
                self.set(&action.id, name, value);
                Next::Along
            }
            Some(CompiledDo::Jump(to)) => {
                self.jump(&action.id, to);
                Next::Over
            }
            Some(CompiledDo::HandOff(handoff)) => match &handoff.action.consent {
                Some(consent) => self.ask(&action.id, consent, 1),
                None => self.hand_off(&action.id, handoff),
            },
        }
    }

    pub(super) fn hand_off(&mut self, id: &NodeId, handoff: &CompiledHandOff) -> Next {
        let mut remarks = Vec::new();
        let handoff = handoff.fill(&self.memory.variables, &mut remarks);
        remarks.iter().for_each(|remark| self.note(id, remark));
        self.effects.push(Effect::HandOff { node: id.clone(), handoff, remarks });
        Next::Over
    }

    fn send(&mut self, id: &NodeId, texts: &[Text], quick_replies: &[Text]) {
        if texts.is_empty() {
            return;
        }
        let chosen = (self.random() % texts.len() as u64) as usize;
        let text = self.render(id, &texts[chosen]);
        let quick_replies: Vec<_> = quick_replies.iter().map(|reply| self.render(id, reply)).collect();
        let content = Content { text, quick_replies, attachments: Vec::new() };
        if !content.is_empty() {
            self.effects.push(Effect::Say(content));
        }
    }

    fn render(&mut self, id: &NodeId, text: &Text) -> String {
        text.render(&self.memory.variables).unwrap_or_else(|error| {
            self.note(id, &error.to_string());
            String::new()
        })
    }

    fn holds(&mut self, id: &NodeId, condition: &crate::assistant::Expression) -> bool {
        condition.is_true(&self.memory.variables).unwrap_or_else(|error| {
            self.note(id, &error.to_string());
            false
        })
    }

    fn set(&mut self, id: &NodeId, name: &str, value: &crate::assistant::Expression) {
        match value.evaluate(&self.memory.variables) {
            Ok(value) if self.fits(&value) => {
                self.memory.variables.insert(name.to_owned(), value);
            }
            Ok(_) => self.note(id, "the session's variables would become too large; this one was not set"),
            Err(error) => self.note(id, &error.to_string()),
        }
    }

    fn fits(&self, value: &Value) -> bool {
        let size = |value: &Value| value.to_string().len();
        let held: usize = self.memory.variables.values().map(size).sum();
        held + size(value) <= MOST_VARIABLES
    }

    fn jump(&mut self, id: &NodeId, to: &NodeId) {
        match self.assistant.nodes.get(to) {
            Some(Place::Trigger(ix)) => self.fire(*ix),
            Some(Place::Action(list, at, owner)) => {
                self.memory.level = Some(self.assistant.triggers[*owner].id.clone());
                self.list(*list, *at);
            }
            None => self.note(id, "this jump leads nowhere"),
        }
    }

    fn note(&mut self, id: &NodeId, problem: &str) {
        self.effects.push(Effect::Note(format!("{id}: {problem}")));
    }

    /// The next number of a small generator (splitmix64); good enough to choose among texts.
    fn random(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assistant::{compile, read};

    /// The first numbers that the published generator gives for this seed. A turn that is repeated, also by a later
    /// version of the program, has to choose as it did.
    #[test]
    fn chance_is_splitmix64() {
        let assistant = compile(read(r#"{"format":1,"id":"a","name":"A","triggers":[]}"#).unwrap()).unwrap();
        let mut run = Run::new(&assistant, Memory::default(), 1_234_567);
        let numbers: Vec<u64> = (0..3).map(|_| run.random()).collect();
        assert_eq!(
            numbers,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }
}
