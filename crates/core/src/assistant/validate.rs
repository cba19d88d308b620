//! What keeps an assistant from being published. All findings at once, each with its node.

use std::collections::{HashMap, HashSet};

use handoff_model::NodeId;
use serde::{Deserialize, Serialize};

use super::{
    compile::{Compiled, CompiledAction, CompiledDo, ListIx, Place, compile},
    definition::{Action, Assistant, Do, ExternalHandoff, Node, On, Trigger},
};
use crate::handoff::{Leaves, MOST_FALLBACKS, Refusal, Targets, consent};

/// Answers that can be offered at most.
const MOST_QUICK_REPLIES: usize = 13;
/// Conditions of an If/Else at most.
const MOST_BRANCHES: usize = 10;
/// Longest text, in characters; every channel carries that much.
const LONGEST_TEXT: usize = 4000;

/// Something about an assistant that its author should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The node; none when it concerns the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// What is the matter and what to do.
    pub problem: String,
    /// Whether it can be published all the same.
    pub only_a_warning: bool,
}

impl Finding {
    /// Something that keeps it from being published.
    pub fn error(node: Option<NodeId>, problem: impl Into<String>) -> Self {
        Self { node, problem: problem.into(), only_a_warning: false }
    }

    /// Something to know.
    pub fn warning(node: Option<NodeId>, problem: impl Into<String>) -> Self {
        Self { node, problem: problem.into(), only_a_warning: true }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = if self.only_a_warning { "warning" } else { "error" };
        match &self.node {
            Some(node) => write!(f, "{kind} at {node}: {}", self.problem),
            None => write!(f, "{kind}: {}", self.problem),
        }
    }
}

/// Everything that is to be said about a definition. It can be published when no finding is an error.
pub fn validate(definition: &Assistant, targets: &Targets) -> Vec<Finding> {
    let mut findings = Vec::new();
    unique_ids(definition, &mut findings);
    places(&definition.triggers, true, &mut findings);
    definition.visit(&mut |node| {
        if let Node::Action(action) = node {
            check_action(action, targets, &mut findings);
        }
    });
    if definition.triggers.is_empty() {
        findings.push(Finding::error(None, "the assistant has no triggers, so it would never do anything"));
    }
    match compile(definition.clone()) {
        Ok(compiled) => {
            jumps(&compiled, &mut findings);
            after_an_end(definition, &mut findings);
        }
        Err(errors) => findings.extend(errors),
    }
    findings
}

/// Why an action's platform cannot be chosen. The same check stands behind the panel, publishing and running.
pub fn check_platform(handoff: &ExternalHandoff, targets: &Targets) -> Result<(), Refusal> {
    match &handoff.platform {
        Some(platform) => {
            let target = targets.choose(platform, handoff.connection.as_ref())?;
            match handoff.route {
                // Whether a chat can leave depends on its channel as well, so it shows when the action fires.
                Leaves::Chat => Ok(()),
                Leaves::Ticket => target.route(None, Leaves::Ticket).map(|_| ()),
            }
        }
        None => Ok(()),
    }
}

fn unique_ids(definition: &Assistant, findings: &mut Vec<Finding>) {
    let mut seen = HashSet::new();
    definition.visit(&mut |node| {
        let id = match node {
            Node::Trigger(trigger) => &trigger.id,
            Node::Action(action) => &action.id,
        };
        if !seen.insert(id.clone()) {
            findings
                .push(Finding::error(Some(id.clone()), "two nodes have this id; every node needs its own"));
        }
    });
}

fn places(triggers: &[Trigger], top: bool, findings: &mut Vec<Finding>) {
    let mut fallbacks = 0;
    for trigger in triggers {
        let id = Some(trigger.id.clone());
        match &trigger.on {
            On::ChatStarted {} if !top => {
                findings.push(Finding::error(id, "Chat Started belongs to the top level only"));
            }
            On::MessageReceived { phrases, .. } if phrases.iter().all(|phrase| phrase.trim().is_empty()) => {
                findings
                    .push(Finding::error(id, "this trigger has no training phrase, so it would never fire"));
            }
            On::Fallback {} => {
                fallbacks += 1;
                if fallbacks == 2 {
                    findings.push(Finding::error(
                        id,
                        "a level can have one Fallback; the second would never fire",
                    ));
                }
            }
            _ => {}
        }
        places(&trigger.triggers, false, findings);
    }
}

fn check_action(action: &Action, targets: &Targets, findings: &mut Vec<Finding>) {
    let mut error = |problem: String| findings.push(Finding::error(Some(action.id.clone()), problem));
    match &action.does {
        Do::SendMessage { texts, quick_replies } => {
            if texts.iter().all(|text| text.trim().is_empty()) {
                error("this message has no text".to_owned());
            }
            if texts.iter().any(|text| text.chars().count() > LONGEST_TEXT) {
                error(format!("a text has more than {LONGEST_TEXT} characters"));
            }
            if quick_replies.len() > MOST_QUICK_REPLIES {
                error(format!(
                    "{} quick replies; at most {MOST_QUICK_REPLIES} can be offered",
                    quick_replies.len()
                ));
            }
        }
        Do::IfElse { branches, .. } if branches.is_empty() || branches.len() > MOST_BRANCHES => {
            error(format!("an If/Else has 1 to {MOST_BRANCHES} conditions; this one has {}", branches.len()));
        }
        Do::SetVariable { name, .. } => {
            if let Err(problem) = variable_name(name) {
                error(problem);
            }
        }
        Do::ExternalHandoff(handoff) => {
            if handoff.platform.is_none() {
                error("choose the platform of this External Handoff".to_owned());
            }
            if let Err(refusal) = check_platform(handoff, targets) {
                error(refusal.to_string());
            }
            for (name, text) in handoff.texts.written() {
                if text.chars().count() > LONGEST_TEXT {
                    error(format!("the text {name:?} has more than {LONGEST_TEXT} characters"));
                }
            }
            if !(5..=86_400).contains(&handoff.budget_seconds) {
                error("budget_seconds must lie between 5 and 86400".to_owned());
            }
            let consent = handoff.consent.iter().flat_map(consent::problems);
            consent.chain(fallbacks(handoff, targets)).for_each(error);
        }
        _ => {}
    }
}

/// What is wrong with the ways that are tried after the first.
fn fallbacks(handoff: &ExternalHandoff, targets: &Targets) -> Vec<String> {
    let ways = &handoff.fallbacks;
    let mut problems = Vec::new();
    if ways.len() > MOST_FALLBACKS {
        problems.push(format!("an External Handoff has at most {MOST_FALLBACKS} ways to fall back on"));
    }
    let mut before = vec![(handoff.platform.clone(), handoff.connection.clone(), handoff.route)];
    for (number, way) in ways.iter().enumerate() {
        let number = number + 1;
        let this = (Some(way.platform.clone()), way.connection.clone(), way.route);
        if before.contains(&this) {
            problems.push(format!("fallback {number} is a way that was tried before it; choose another one"));
        }
        before.push(this);
        // Whether a chat can leave depends on its channel as well, so only tickets are asked for here.
        let open =
            targets.choose(&way.platform, way.connection.as_ref()).and_then(|target| match way.route {
                Leaves::Chat => Ok(()),
                Leaves::Ticket => target.route(None, Leaves::Ticket).map(|_| ()),
            });
        if let Err(refusal) = open {
            problems.push(format!("fallback {number}: {refusal}"));
        }
        if !(5..=86_400).contains(&way.budget_seconds) {
            problems.push(format!("fallback {number}: budget_seconds must lie between 5 and 86400"));
        }
    }
    problems
}

fn variable_name(name: &str) -> Result<(), String> {
    if super::Expression::is_reserved(name) {
        return Err(format!("{name:?} has a meaning of its own in expressions; choose another name"));
    }
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.starts_with('_') {
        return Err(format!("{name:?}: names that begin with _ belong to the system"));
    }
    let fits =
        name.len() <= 64 && name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(word);
    if fits { Ok(()) } else { Err(format!("{name:?} is no variable name: use letters, digits and _")) }
}

/// Jumps that lead nowhere, and circles in which nothing is said and nothing waited for.
fn jumps(compiled: &Compiled, findings: &mut Vec<Finding>) {
    let mut silent: HashMap<NodeId, Vec<NodeId>> = HashMap::new();
    for action in compiled.lists.iter().flatten() {
        if let Some(CompiledDo::Jump(to)) = &action.does {
            match compiled.nodes.get(to) {
                None => findings.push(Finding::error(
                    Some(action.id.clone()),
                    format!("this jump leads to {to:?}, and there is no such node"),
                )),
                Some(place) => {
                    silent.insert(action.id.clone(), reached_in_silence(compiled, *place));
                }
            }
        }
    }
    for start in silent.keys() {
        if circles(start, &silent) {
            findings.push(Finding::error(
                Some(start.clone()),
                "this jump is part of a circle in which nothing is said and nothing waited for",
            ));
        }
    }
}

/// The jumps that can be reached from a place before anything is said.
fn reached_in_silence(compiled: &Compiled, place: Place) -> Vec<NodeId> {
    let mut found = Vec::new();
    match place {
        Place::Trigger(ix) => walk(compiled, compiled.triggers[ix].actions, 0, &mut found),
        Place::Action(list, from, _) => walk(compiled, list, from, &mut found),
    };
    found
}

/// Adds the jumps of a list; false when the walk always ends inside it (something said, a jump, a handoff).
fn walk(compiled: &Compiled, list: ListIx, from: usize, found: &mut Vec<NodeId>) -> bool {
    for CompiledAction { id, does } in compiled.lists[list].iter().skip(from) {
        match does {
            None | Some(CompiledDo::Set(..)) => {}
            Some(CompiledDo::Send(..) | CompiledDo::HandOff(_)) => return false,
            Some(CompiledDo::Jump(_)) => {
                found.push(id.clone());
                return false;
            }
            Some(CompiledDo::If(branches, otherwise)) => {
                let lists = branches.iter().map(|(_, list)| *list).chain([*otherwise]);
                let falls_through: Vec<bool> = lists.map(|list| walk(compiled, list, 0, found)).collect();
                if !falls_through.contains(&true) {
                    return false;
                }
            }
        }
    }
    true
}

fn circles(start: &NodeId, next: &HashMap<NodeId, Vec<NodeId>>) -> bool {
    let mut seen = HashSet::new();
    let mut open: Vec<&NodeId> = next.get(start).into_iter().flatten().collect();
    while let Some(node) = open.pop() {
        if node == start {
            return true;
        }
        if seen.insert(node) {
            open.extend(next.get(node).into_iter().flatten());
        }
    }
    false
}

/// Actions behind one that ends the turn.
fn after_an_end(definition: &Assistant, findings: &mut Vec<Finding>) {
    let mut lists: Vec<&[Action]> = Vec::new();
    definition.visit(&mut |node| match node {
        Node::Trigger(trigger) => lists.push(&trigger.actions),
        Node::Action(action) => lists.extend(action.inner()),
    });
    for list in lists {
        let ends = |action: &&Action| {
            action.enabled && matches!(action.does, Do::Jump { .. } | Do::ExternalHandoff(_))
        };
        if let Some(end) = list.iter().position(|action| ends(&action)) {
            for action in &list[end + 1..] {
                findings.push(Finding::warning(
                    Some(action.id.clone()),
                    "this action is never reached: the one before it ends the branch",
                ));
            }
        }
    }
}
