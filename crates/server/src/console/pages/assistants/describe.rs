//! What a node does, in one line.

use handoff_core::{
    assistant::{Assistant, Do, On, definition::Node},
    handoff::Leaves,
};
use handoff_model::NodeId;

use super::{
    kind::Kind,
    place,
    platforms::{self, Choice},
};
use crate::console::words::brief;

/// Characters of a summary.
const LONGEST: usize = 90;

/// Says what nodes of an assistant do.
pub(super) struct Describer<'a> {
    pub(super) definition: &'a Assistant,
    pub(super) choices: &'a [Choice],
}

impl Describer<'_> {
    /// What a node does, without its kind.
    pub(super) fn summary(&self, node: Node<'_>) -> String {
        let text = match node {
            Node::Trigger(trigger) => event(&trigger.on),
            Node::Action(action) => self.action(&action.does),
        };
        brief(&text, LONGEST)
    }

    /// A node by its kind and summary, for choosing it from a list.
    pub(super) fn label(&self, node: Node<'_>) -> String {
        format!("{}: {}", Kind::of(node).name(), self.summary(node))
    }

    fn action(&self, does: &Do) -> String {
        match does {
            Do::SendMessage { texts, quick_replies } => message(texts, quick_replies.len()),
            Do::IfElse { branches, .. } => match branches.as_slice() {
                [] => "no condition yet".to_owned(),
                [_] => "one condition".to_owned(),
                many => format!("{} conditions", many.len()),
            },
            Do::SetVariable { name, value } => format!("{name} = {value}"),
            Do::Jump { to } => self.jump(to),
            Do::ExternalHandoff(handoff) => match &handoff.platform {
                Some(platform) => {
                    let what = if handoff.route == Leaves::Ticket { "as a ticket " } else { "" };
                    format!("{what}to {}", platforms::name(self.choices, platform))
                }
                None => "no platform chosen yet".to_owned(),
            },
        }
    }

    fn jump(&self, to: &NodeId) -> String {
        match place::find(self.definition, to) {
            None if to.as_str().is_empty() => "no node chosen yet".to_owned(),
            None => format!("to {to}, which is not there"),
            // A jump to a jump is not followed: they may form a circle.
            Some(node) if Kind::of(node) == Kind::Jump => format!("to another Jump, {to}"),
            Some(node) => format!("to {}", self.label(node)),
        }
    }
}

fn event(on: &On) -> String {
    match on {
        On::ChatStarted {} => "when the chat begins".to_owned(),
        On::Fallback {} => "when nothing else at this level fires".to_owned(),
        On::MessageReceived { phrases, .. } => match phrases.as_slice() {
            [] => "no phrase yet".to_owned(),
            phrases => phrases.iter().map(|phrase| format!("“{phrase}”")).collect::<Vec<_>>().join(", "),
        },
    }
}

fn message(texts: &[String], quick_replies: usize) -> String {
    let first = texts.iter().find(|text| !text.trim().is_empty());
    let Some(first) = first else { return "no text yet".to_owned() };
    let first = brief(first, LONGEST - 30);
    let others = match texts.len() {
        0 | 1 => String::new(),
        many => format!(" (one of {many})"),
    };
    let replies = match quick_replies {
        0 => String::new(),
        1 => " + 1 quick reply".to_owned(),
        many => format!(" + {many} quick replies"),
    };
    format!("“{first}”{others}{replies}")
}
