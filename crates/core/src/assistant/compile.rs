//! Turns a definition into what the engine runs: expressions compiled, nodes found by number.
//!
//! One compiled assistant is shared by all of its sessions.

use std::{collections::HashMap, sync::Arc};

use handoff_model::NodeId;
use serde_json::{Map, Value};

use super::{
    Expression, Finding, OptionTexts, Text,
    definition::{Action, Assistant, Do, ExternalHandoff, On, Trigger},
};
use crate::{
    engine::matching::Phrases,
    handoff::{Redaction, Rule},
};

/// Number of a list of actions.
pub type ListIx = usize;
/// Number of a trigger.
pub type TriggerIx = usize;

/// An assistant, ready to run.
#[derive(Debug)]
pub struct Compiled {
    /// The definition.
    pub definition: Assistant,
    /// All triggers.
    pub triggers: Vec<CompiledTrigger>,
    /// All lists of actions.
    pub lists: Vec<Vec<CompiledAction>>,
    /// Triggers of the top level.
    pub top: Vec<TriggerIx>,
    /// Where each node is.
    pub nodes: HashMap<NodeId, Place>,
}

/// Where a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A trigger.
    Trigger(TriggerIx),
    /// An action: its list, its place there, and the trigger it belongs to.
    Action(ListIx, usize, TriggerIx),
}

/// A trigger, ready to run.
#[derive(Debug)]
pub struct CompiledTrigger {
    /// Its id.
    pub id: NodeId,
    /// What makes it fire.
    pub on: CompiledOn,
    /// What happens then.
    pub actions: ListIx,
    /// The level below.
    pub below: Vec<TriggerIx>,
    /// The trigger above; none at the top level.
    pub above: Option<TriggerIx>,
}

/// What makes a trigger fire.
#[derive(Debug)]
pub enum CompiledOn {
    /// The chat begins.
    ChatStarted,
    /// The person wrote something that fits.
    Message(Phrases),
    /// Nothing else at the level fired.
    Fallback,
    /// Nothing: it is switched off.
    Never,
}

/// An action, ready to run.
#[derive(Debug)]
pub struct CompiledAction {
    /// Its id.
    pub id: NodeId,
    /// What it does; none when it is switched off.
    pub does: Option<CompiledDo>,
}

/// What an action does.
#[derive(Debug)]
pub enum CompiledDo {
    /// Says one of these.
    Send(Vec<Text>, Vec<Text>),
    /// The first branch whose condition holds, or the last list.
    If(Vec<(Expression, ListIx)>, ListIx),
    /// Sets a variable.
    Set(String, Expression),
    /// Goes on elsewhere.
    Jump(NodeId),
    /// Gives the chat away.
    HandOff(CompiledHandOff),
}

/// An External Handoff, ready to fire.
#[derive(Debug)]
pub struct CompiledHandOff {
    /// What its author chose; shared by all sessions while no option holds an expression.
    pub action: Arc<ExternalHandoff>,
    /// Its options, and those of its fallbacks, where they hold expressions.
    options: Vec<Option<OptionTexts>>,
    /// What happens when it fails for good.
    pub failed: ListIx,
    /// What happens when nobody is there.
    pub nobody: ListIx,
    /// What happens when the person does not want it.
    pub refused: ListIx,
}

impl CompiledHandOff {
    /// What the author chose, with the expressions in the options evaluated. What could not be is said in `problems`.
    pub fn fill(&self, variables: &Map<String, Value>, problems: &mut Vec<String>) -> Arc<ExternalHandoff> {
        if self.options.iter().all(Option::is_none) {
            return self.action.clone();
        }
        let mut action = (*self.action).clone();
        let places = std::iter::once(&mut action.options)
            .chain(action.fallbacks.iter_mut().map(|way| &mut way.options));
        for (place, options) in places.zip(&self.options) {
            if let Some(options) = options {
                *place = options.fill(variables, problems);
            }
        }
        Arc::new(action)
    }
}

/// Compiles a definition.
///
/// # Errors
/// Every text or expression that does not compile, with its node.
pub fn compile(definition: Assistant) -> Result<Compiled, Vec<Finding>> {
    let mut builder = Builder::default();
    let top = builder.level(&definition.triggers, None);
    if !builder.findings.is_empty() {
        return Err(builder.findings);
    }
    let Builder { triggers, lists, nodes, .. } = builder;
    Ok(Compiled { definition, triggers, lists, top, nodes })
}

#[derive(Default)]
struct Builder {
    triggers: Vec<CompiledTrigger>,
    lists: Vec<Vec<CompiledAction>>,
    nodes: HashMap<NodeId, Place>,
    findings: Vec<Finding>,
}

impl Builder {
    fn level(&mut self, triggers: &[Trigger], above: Option<TriggerIx>) -> Vec<TriggerIx> {
        triggers.iter().map(|trigger| self.trigger(trigger, above)).collect()
    }

    fn trigger(&mut self, trigger: &Trigger, above: Option<TriggerIx>) -> TriggerIx {
        let ix = self.triggers.len();
        let on = match &trigger.on {
            _ if !trigger.enabled => CompiledOn::Never,
            On::ChatStarted {} => CompiledOn::ChatStarted,
            On::Fallback {} => CompiledOn::Fallback,
            On::MessageReceived { phrases, excluded, approximate } => {
                CompiledOn::Message(Phrases::new(phrases, excluded, *approximate))
            }
        };
        self.triggers.push(CompiledTrigger {
            id: trigger.id.clone(),
            on,
            actions: 0,
            below: Vec::new(),
            above,
        });
        self.nodes.insert(trigger.id.clone(), Place::Trigger(ix));
        let actions = self.list(&trigger.actions, ix);
        let below = self.level(&trigger.triggers, Some(ix));
        self.triggers[ix].actions = actions;
        self.triggers[ix].below = below;
        ix
    }

    fn list(&mut self, actions: &[Action], owner: TriggerIx) -> ListIx {
        let ix = self.lists.len();
        self.lists.push(Vec::new());
        for (place, action) in actions.iter().enumerate() {
            self.nodes.insert(action.id.clone(), Place::Action(ix, place, owner));
            let does = self.does(action, owner);
            let does = if action.enabled { does } else { None };
            self.lists[ix].push(CompiledAction { id: action.id.clone(), does });
        }
        ix
    }

    fn does(&mut self, action: &Action, owner: TriggerIx) -> Option<CompiledDo> {
        Some(match &action.does {
            Do::SendMessage { texts, quick_replies } => {
                CompiledDo::Send(self.texts(action, texts), self.texts(action, quick_replies))
            }
            Do::IfElse { branches, otherwise } => {
                let compiled = branches.iter().filter_map(|branch| {
                    let list = self.list(&branch.actions, owner);
                    self.expression(action, &branch.condition).map(|condition| (condition, list))
                });
                let compiled = compiled.collect();
                CompiledDo::If(compiled, self.list(otherwise, owner))
            }
            Do::SetVariable { name, value } => CompiledDo::Set(name.clone(), self.expression(action, value)?),
            Do::Jump { to } => CompiledDo::Jump(to.clone()),
            Do::ExternalHandoff(handoff) => {
                let failed = self.list(&handoff.when_handoff_fails, owner);
                let nobody = self.or(failed, &handoff.when_nobody_is_there, owner);
                let refused = self.or(failed, &handoff.when_consent_is_refused, owner);
                let fallbacks = handoff.fallbacks.iter().map(|way| &way.options);
                let options = std::iter::once(&handoff.options).chain(fallbacks);
                let options = options.map(|options| self.options(action, options)).collect();
                self.rules(action, &handoff.redact);
                CompiledDo::HandOff(CompiledHandOff {
                    action: Arc::new((**handoff).clone()),
                    options,
                    failed,
                    nobody,
                    refused,
                })
            }
        })
    }

    /// A list of actions; an empty one is another.
    fn or(&mut self, other: ListIx, actions: &[Action], owner: TriggerIx) -> ListIx {
        if actions.is_empty() { other } else { self.list(actions, owner) }
    }

    fn rules(&mut self, action: &Action, rules: &[Rule]) {
        if let Err(problems) = Redaction::new(rules) {
            let finding = |problem| Finding::error(Some(action.id.clone()), problem);
            self.findings.extend(problems.into_iter().map(finding));
        }
    }

    fn options(&mut self, action: &Action, options: &Value) -> Option<OptionTexts> {
        OptionTexts::compile(options).unwrap_or_else(|problems| {
            let finding = |problem| Finding::error(Some(action.id.clone()), problem);
            self.findings.extend(problems.into_iter().map(finding));
            None
        })
    }

    fn texts(&mut self, action: &Action, sources: &[String]) -> Vec<Text> {
        let compiled = sources.iter().map(|source| Text::compile(source));
        let (good, bad): (Vec<_>, Vec<_>) = compiled.partition(Result::is_ok);
        for error in bad.into_iter().filter_map(Result::err) {
            self.findings.push(Finding::error(Some(action.id.clone()), error.to_string()));
        }
        good.into_iter().filter_map(Result::ok).collect()
    }

    fn expression(&mut self, action: &Action, source: &str) -> Option<Expression> {
        let compiled = Expression::compile(source);
        if let Err(error) = &compiled {
            self.findings.push(Finding::error(Some(action.id.clone()), error.to_string()));
        }
        compiled.ok()
    }
}
