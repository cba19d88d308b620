//! The kinds of nodes that a tree has.

use handoff_core::assistant::{
    Action, Branch, Do, ExternalHandoff, On, Trigger,
    definition::{BUDGET_SECONDS, Node},
};
use handoff_core::handoff::{Leaves, Texts};
use handoff_model::NodeId;
use serde_json::Value;

/// A kind of trigger or action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    ChatStarted,
    MessageReceived,
    Fallback,
    SendMessage,
    IfElse,
    SetVariable,
    Jump,
    ExternalHandoff,
}

/// Actions in the order in which they are offered.
pub(super) const ACTIONS: [Kind; 5] =
    [Kind::SendMessage, Kind::ExternalHandoff, Kind::IfElse, Kind::SetVariable, Kind::Jump];
/// Triggers in the order in which they are offered; Chat Started at the top level only.
pub(super) const TRIGGERS: [Kind; 3] = [Kind::MessageReceived, Kind::Fallback, Kind::ChatStarted];

impl Kind {
    /// What a node is.
    pub(super) fn of(node: Node<'_>) -> Self {
        match node {
            Node::Trigger(trigger) => match trigger.on {
                On::ChatStarted {} => Self::ChatStarted,
                On::MessageReceived { .. } => Self::MessageReceived,
                On::Fallback {} => Self::Fallback,
            },
            Node::Action(action) => match action.does {
                Do::SendMessage { .. } => Self::SendMessage,
                Do::IfElse { .. } => Self::IfElse,
                Do::SetVariable { .. } => Self::SetVariable,
                Do::Jump { .. } => Self::Jump,
                Do::ExternalHandoff(_) => Self::ExternalHandoff,
            },
        }
    }

    /// The kind with this short name.
    pub(super) fn find(slug: &str) -> Option<Self> {
        TRIGGERS.into_iter().chain(ACTIONS).find(|kind| kind.slug() == slug)
    }

    /// The name that authors know.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ChatStarted => "Chat Started",
            Self::MessageReceived => "Message Received",
            Self::Fallback => "Fallback",
            Self::SendMessage => "Send Message",
            Self::IfElse => "If/Else",
            Self::SetVariable => "Set Chat Variable",
            Self::Jump => "Jump",
            Self::ExternalHandoff => "External Handoff",
        }
    }

    /// The short name, in forms, styles and new ids.
    pub(super) fn slug(self) -> &'static str {
        match self {
            Self::ChatStarted => "start",
            Self::MessageReceived => "message",
            Self::Fallback => "fallback",
            Self::SendMessage => "send",
            Self::IfElse => "if",
            Self::SetVariable => "set",
            Self::Jump => "jump",
            Self::ExternalHandoff => "handoff",
        }
    }

    /// A new trigger of this kind; none for actions.
    pub(super) fn trigger(self, id: NodeId) -> Option<Trigger> {
        let on = match self {
            Self::ChatStarted => On::ChatStarted {},
            Self::Fallback => On::Fallback {},
            Self::MessageReceived => {
                On::MessageReceived { phrases: Vec::new(), excluded: Vec::new(), approximate: true }
            }
            _ => return None,
        };
        Some(Trigger { id, enabled: true, on, actions: Vec::new(), triggers: Vec::new() })
    }

    /// A new action of this kind; none for triggers.
    pub(super) fn action(self, id: NodeId) -> Option<Action> {
        let does = match self {
            Self::SendMessage => Do::SendMessage { texts: Vec::new(), quick_replies: Vec::new() },
            Self::IfElse => {
                let branch = Branch { condition: "True".to_owned(), actions: Vec::new() };
                Do::IfElse { branches: vec![branch], otherwise: Vec::new() }
            }
            Self::SetVariable => Do::SetVariable { name: "variable".to_owned(), value: "''".to_owned() },
            Self::Jump => Do::Jump { to: NodeId::new("") },
            Self::ExternalHandoff => Do::ExternalHandoff(Box::new(ExternalHandoff {
                consent: None,
                when_consent_is_refused: Vec::new(),
                redact: Vec::new(),
                fallbacks: Vec::new(),
                platform: None,
                connection: None,
                route: Leaves::Chat,
                when_handoff_fails: Vec::new(),
                check_availability: false,
                when_nobody_is_there: Vec::new(),
                texts: Texts::default(),
                budget_seconds: BUDGET_SECONDS,
                options: Value::Null,
            })),
            _ => return None,
        };
        Some(Action { id, enabled: true, does })
    }
}
