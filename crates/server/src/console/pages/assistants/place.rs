//! Finds nodes in a tree, for reading and for changing.

use std::collections::HashSet;

use handoff_core::assistant::{Action, Assistant, Do, Trigger, definition::Node};
use handoff_model::NodeId;

use super::kind::Kind;

/// A list of nodes that can be changed.
pub(super) enum List<'a> {
    Triggers(&'a mut Vec<Trigger>),
    Actions(&'a mut Vec<Action>),
}

/// A node that can be changed.
pub(super) enum NodeMut<'a> {
    Trigger(&'a mut Trigger),
    Action(&'a mut Action),
}

/// The id of a node.
pub(super) fn id<'a>(node: Node<'a>) -> &'a NodeId {
    match node {
        Node::Trigger(trigger) => &trigger.id,
        Node::Action(action) => &action.id,
    }
}

/// A node by id.
pub(super) fn find<'a>(definition: &'a Assistant, wanted: &NodeId) -> Option<Node<'a>> {
    let mut found = None;
    definition.visit(&mut |node| {
        if found.is_none() && id(node) == wanted {
            found = Some(node);
        }
    });
    found
}

/// Nodes within a node, itself not counted.
pub(super) fn count_inside(node: Node<'_>) -> usize {
    match node {
        Node::Trigger(trigger) => {
            let below = trigger.triggers.iter().map(|inner| 1 + count_inside(Node::Trigger(inner)));
            below.sum::<usize>() + count_actions(&trigger.actions)
        }
        Node::Action(action) => action.inner().into_iter().map(count_actions).sum(),
    }
}

fn count_actions(actions: &[Action]) -> usize {
    actions.iter().map(|action| 1 + count_inside(Node::Action(action))).sum()
}

/// The list in which a node is, and its place there.
pub(super) fn home<'a>(definition: &'a mut Assistant, wanted: &NodeId) -> Option<(List<'a>, usize)> {
    in_triggers(&mut definition.triggers, wanted)
}

/// A node by id, to change it.
pub(super) fn find_mut<'a>(definition: &'a mut Assistant, wanted: &NodeId) -> Option<NodeMut<'a>> {
    match home(definition, wanted)? {
        (List::Triggers(list), place) => list.get_mut(place).map(NodeMut::Trigger),
        (List::Actions(list), place) => list.get_mut(place).map(NodeMut::Action),
    }
}

/// The list `slot` of the node `owner`; without an owner the top level.
pub(super) fn slot<'a>(definition: &'a mut Assistant, owner: &str, slot: &str) -> Option<List<'a>> {
    if owner.is_empty() {
        return (slot == "triggers").then_some(List::Triggers(&mut definition.triggers));
    }
    match find_mut(definition, &NodeId::new(owner))? {
        NodeMut::Trigger(trigger) if slot == "triggers" => Some(List::Triggers(&mut trigger.triggers)),
        NodeMut::Trigger(trigger) if slot == "actions" => Some(List::Actions(&mut trigger.actions)),
        NodeMut::Trigger(_) => None,
        NodeMut::Action(action) => inner_slot(&mut action.does, slot).map(List::Actions),
    }
}

fn inner_slot<'a>(does: &'a mut Do, slot: &str) -> Option<&'a mut Vec<Action>> {
    match does {
        Do::IfElse { otherwise, .. } if slot == "else" => Some(otherwise),
        Do::IfElse { branches, .. } => {
            let number: usize = slot.strip_prefix("branch-")?.parse().ok()?;
            branches.get_mut(number).map(|branch| &mut branch.actions)
        }
        Do::ExternalHandoff(handoff) => match slot {
            "failed" => Some(&mut handoff.when_handoff_fails),
            "nobody" => Some(&mut handoff.when_nobody_is_there),
            "refused" => Some(&mut handoff.when_consent_is_refused),
            _ => None,
        },
        _ => None,
    }
}

/// An id that no node has yet.
pub(super) fn fresh_id(definition: &Assistant, kind: Kind) -> NodeId {
    let mut taken = HashSet::new();
    definition.visit(&mut |node| {
        taken.insert(id(node).as_str());
    });
    let mut number = 1_usize;
    loop {
        let candidate = format!("{}-{number}", kind.slug());
        if !taken.contains(candidate.as_str()) {
            return NodeId::new(candidate);
        }
        number += 1;
    }
}

fn in_triggers<'a>(list: &'a mut Vec<Trigger>, wanted: &NodeId) -> Option<(List<'a>, usize)> {
    if let Some(place) = list.iter().position(|trigger| trigger.id == *wanted) {
        return Some((List::Triggers(list), place));
    }
    list.iter_mut().find_map(|Trigger { actions, triggers, .. }| {
        in_actions(actions, wanted).or_else(|| in_triggers(triggers, wanted))
    })
}

fn in_actions<'a>(list: &'a mut Vec<Action>, wanted: &NodeId) -> Option<(List<'a>, usize)> {
    if let Some(place) = list.iter().position(|action| action.id == *wanted) {
        return Some((List::Actions(list), place));
    }
    list.iter_mut().flat_map(inner_mut).find_map(|inner| in_actions(inner, wanted))
}

fn inner_mut(action: &mut Action) -> Vec<&mut Vec<Action>> {
    match &mut action.does {
        Do::IfElse { branches, otherwise } => {
            branches.iter_mut().map(|branch| &mut branch.actions).chain([otherwise]).collect()
        }
        Do::ExternalHandoff(handoff) => {
            vec![
                &mut handoff.when_handoff_fails,
                &mut handoff.when_nobody_is_there,
                &mut handoff.when_consent_is_refused,
            ]
        }
        _ => Vec::new(),
    }
}
