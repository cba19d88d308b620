//! The panels of the tree: what a node holds, as fields.
//!
//! Each form is read from the stored node or from what somebody typed, and writes itself into the node.
//! What is refused stays in the form, with the reason at its field, so that nothing typed is lost.

mod branches;
mod consent;
mod fallback;
mod handoff;
mod options;
mod outcome;
mod redact;
mod simple;

use handoff_core::{
    assistant::{Action, Do, On, definition::Node},
    handoff::Targets,
};

pub(super) use branches::BranchesForm;
pub(super) use fallback::value as fallback_value;
pub(super) use handoff::HandoffForm;
pub(super) use options::{field as option_field, shown};
pub(super) use simple::{JumpForm, MessageForm, PhrasesForm, VariableForm};

use super::{
    kind::Kind,
    place::NodeMut,
    platforms::{Account, Choice},
};
use crate::console::fields::Fields;

/// What a panel can choose from.
pub(super) struct Setting {
    pub(super) targets: Targets,
    pub(super) choices: Vec<Choice>,
    pub(super) accounts: Vec<Account>,
}

/// A panel's fields.
pub(super) struct Panel {
    /// Whether the node is switched on.
    pub(super) enabled: bool,
    pub(super) form: Form,
}

/// The fields of one kind of node.
pub(super) enum Form {
    /// Nothing to choose.
    Plain,
    Phrases(PhrasesForm),
    Message(MessageForm),
    Branches(BranchesForm),
    Variable(VariableForm),
    Jump(JumpForm),
    Handoff(Box<HandoffForm>),
}

impl Panel {
    /// What is stored.
    pub(super) fn stored(node: Node<'_>) -> Self {
        match node {
            Node::Trigger(trigger) => Self { enabled: trigger.enabled, form: event(&trigger.on) },
            Node::Action(action) => Self { enabled: action.enabled, form: does(action) },
        }
    }

    /// What somebody typed into the panel of a node of this kind.
    pub(super) fn typed(kind: Kind, fields: &Fields) -> Self {
        let form = match kind {
            Kind::ChatStarted | Kind::Fallback => Form::Plain,
            Kind::MessageReceived => Form::Phrases(PhrasesForm::typed(fields)),
            Kind::SendMessage => Form::Message(MessageForm::typed(fields)),
            Kind::IfElse => Form::Branches(BranchesForm::typed(fields)),
            Kind::SetVariable => Form::Variable(VariableForm::typed(fields)),
            Kind::Jump => Form::Jump(JumpForm::typed(fields)),
            Kind::ExternalHandoff => Form::Handoff(Box::new(HandoffForm::typed(fields))),
        };
        Self { enabled: fields.ticked("enabled"), form }
    }

    /// Puts the fields into the node. When something is refused, its field says so and false is given.
    pub(super) fn write(&mut self, node: NodeMut<'_>, setting: &Setting) -> bool {
        match node {
            NodeMut::Trigger(trigger) => {
                trigger.enabled = self.enabled;
                self.form.write_event(&mut trigger.on)
            }
            NodeMut::Action(action) => {
                action.enabled = self.enabled;
                self.form.write_does(&mut action.does, setting)
            }
        }
    }
}

impl Form {
    fn write_event(&mut self, on: &mut On) -> bool {
        match (self, on) {
            (Self::Phrases(form), on @ On::MessageReceived { .. }) => {
                *on = form.event();
                true
            }
            (Self::Plain, On::ChatStarted {} | On::Fallback {}) => true,
            _ => false,
        }
    }

    fn write_does(&mut self, does: &mut Do, setting: &Setting) -> bool {
        match (self, does) {
            (Self::Message(form), Do::SendMessage { texts, quick_replies }) => {
                (*texts, *quick_replies) = (form.texts(), form.replies());
                true
            }
            (Self::Branches(form), Do::IfElse { branches, .. }) => form.write(branches),
            (Self::Variable(form), Do::SetVariable { name, value }) => {
                (*name, *value) = (form.name.clone(), form.value.clone());
                true
            }
            (Self::Jump(form), Do::Jump { to }) => {
                *to = form.to();
                true
            }
            (Self::Handoff(form), Do::ExternalHandoff(handoff)) => form.write(handoff, setting),
            _ => false,
        }
    }
}

fn event(on: &On) -> Form {
    match on {
        On::MessageReceived { phrases, excluded, approximate } => {
            Form::Phrases(PhrasesForm::stored(phrases, excluded, *approximate))
        }
        On::ChatStarted {} | On::Fallback {} => Form::Plain,
    }
}

fn does(action: &Action) -> Form {
    match &action.does {
        Do::SendMessage { texts, quick_replies } => Form::Message(MessageForm::stored(texts, quick_replies)),
        Do::IfElse { branches, .. } => Form::Branches(BranchesForm::stored(branches)),
        Do::SetVariable { name, value } => {
            Form::Variable(VariableForm { name: name.clone(), value: value.clone() })
        }
        Do::Jump { to } => Form::Jump(JumpForm { to: to.to_string() }),
        Do::ExternalHandoff(handoff) => Form::Handoff(Box::new(HandoffForm::stored(handoff))),
    }
}
