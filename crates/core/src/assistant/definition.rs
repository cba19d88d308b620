//! The shapes of an assistant, as stored and exchanged.

use handoff_model::{AssistantId, ConnectionId, ConnectorId, NodeId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::handoff::{Consent, Fallback, Leaves, Rule, Texts};

/// Number of the exchange format.
pub const FORMAT: u32 = 1;
/// Seconds for which attempts of a handoff go on, unless the author says otherwise.
pub const BUDGET_SECONDS: u64 = 60;

/// An assistant: its name and its tree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assistant {
    /// Number of the format, 1.
    pub format: u32,
    /// Id, stable across imports.
    pub id: AssistantId,
    /// Name, also shown beside its messages.
    pub name: String,
    /// Language as a BCP 47 tag.
    #[serde(default = "english")]
    pub language: String,
    /// The top level.
    pub triggers: Vec<Trigger>,
}

/// The start of a branch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// Id, unique within the assistant.
    pub id: NodeId,
    /// Switched off without being deleted.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub enabled: bool,
    /// What makes it fire.
    pub on: On,
    /// What happens then, in order.
    #[serde(default)]
    pub actions: Vec<Action>,
    /// The level below: offered the next event first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<Trigger>,
}

/// What makes a trigger fire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
pub enum On {
    /// The chat begins. Top level only.
    ChatStarted {},
    /// The person wrote something that fits.
    MessageReceived {
        /// Phrases that fit.
        phrases: Vec<String>,
        /// Phrases that do not, even if they look alike.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        excluded: Vec<String>,
        /// Whether similar phrases fit too.
        #[serde(default = "yes", skip_serializing_if = "is_yes")]
        approximate: bool,
    },
    /// Nothing else at this level fired.
    Fallback {},
}

/// Something the assistant does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// Id, unique within the assistant.
    pub id: NodeId,
    /// Switched off without being deleted.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub enabled: bool,
    /// What.
    #[serde(flatten)]
    pub does: Do,
}

/// What an action does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Do {
    /// Says one of several texts.
    SendMessage {
        /// Texts, one of which is said; `{ }` holds an expression.
        texts: Vec<String>,
        /// Answers to offer, at most 13.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        quick_replies: Vec<String>,
    },
    /// Goes one of several ways.
    IfElse {
        /// The first whose condition holds is taken; at most ten.
        branches: Vec<Branch>,
        /// Taken when no condition holds.
        #[serde(default, rename = "else", skip_serializing_if = "Vec::is_empty")]
        otherwise: Vec<Action>,
    },
    /// Creates or changes a variable.
    SetVariable {
        /// Its name; must not begin with `_`.
        name: String,
        /// Expression for its value.
        value: String,
    },
    /// Goes on at another node.
    Jump {
        /// The trigger or action.
        to: NodeId,
    },
    /// Gives the chat away for good.
    ExternalHandoff(Box<ExternalHandoff>),
}

/// One way of an If/Else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Branch {
    /// Expression.
    #[serde(rename = "if")]
    pub condition: String,
    /// What happens when it holds.
    #[serde(default)]
    pub actions: Vec<Action>,
}

/// The External Handoff action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExternalHandoff {
    /// The platform: a connector's id, such as `zendesk`. None until the author has chosen.
    #[serde(default)]
    pub platform: Option<ConnectorId>,
    /// Which account, when there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<ConnectionId>,
    /// What the team gets: the chat itself, or a ticket with the transcript.
    #[serde(default, skip_serializing_if = "is_default")]
    pub route: Leaves,
    /// The question that the person is asked first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
    /// What happens when the person says no; empty: as when the handoff fails.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when_consent_is_refused: Vec<Action>,
    /// What happens when the handoff fails for good.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when_handoff_fails: Vec<Action>,
    /// Whether the platform is asked first if live agents are there, before a chat is given to it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub check_availability: bool,
    /// What happens when nobody is there, and no other way takes the chat; empty: as when the handoff fails.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when_nobody_is_there: Vec<Action>,
    /// What the person is told.
    #[serde(default, skip_serializing_if = "is_default")]
    pub texts: Texts,
    /// Seconds for which attempts go on.
    #[serde(default = "budget", deserialize_with = "number", skip_serializing_if = "is_budget")]
    pub budget_seconds: u64,
    /// Routing and fields, as the platform's connector understands them; `{ }` in a text holds an expression.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub options: Value,
    /// What does not leave.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redact: Vec<Rule>,
    /// Ways that are tried one after the other when this one fails for good.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallbacks: Vec<Fallback>,
}

impl Assistant {
    /// Every action list, with the nodes in it, from top to bottom.
    pub fn visit<'a>(&'a self, see: &mut dyn FnMut(Node<'a>)) {
        visit_triggers(&self.triggers, see);
    }
}

/// A node of the tree.
#[derive(Clone, Copy)]
pub enum Node<'a> {
    /// A trigger.
    Trigger(&'a Trigger),
    /// An action.
    Action(&'a Action),
}

impl Action {
    /// The lists of actions inside this one.
    pub fn inner(&self) -> Vec<&[Action]> {
        match &self.does {
            Do::IfElse { branches, otherwise } => branches
                .iter()
                .map(|branch| branch.actions.as_slice())
                .chain([otherwise.as_slice()])
                .collect(),
            Do::ExternalHandoff(handoff) => vec![
                &handoff.when_handoff_fails,
                &handoff.when_nobody_is_there,
                &handoff.when_consent_is_refused,
            ],
            _ => Vec::new(),
        }
    }
}

fn visit_triggers<'a>(triggers: &'a [Trigger], see: &mut dyn FnMut(Node<'a>)) {
    for trigger in triggers {
        see(Node::Trigger(trigger));
        visit_actions(&trigger.actions, see);
        visit_triggers(&trigger.triggers, see);
    }
}

fn visit_actions<'a>(actions: &'a [Action], see: &mut dyn FnMut(Node<'a>)) {
    for action in actions {
        see(Node::Action(action));
        for list in action.inner() {
            visit_actions(list, see);
        }
    }
}

fn english() -> String {
    "en".to_owned()
}

fn yes() -> bool {
    true
}

fn is_yes(value: &bool) -> bool {
    *value
}

/// A number that serde may have kept aside on its way: with numbers of any length switched on, as the
/// expression language does, a number inside a tagged enum arrives in a wrapping that only `Value` knows.
fn number<'de, D: serde::Deserializer<'de>>(source: D) -> Result<u64, D::Error> {
    let value = Value::deserialize(source)?;
    value.as_u64().ok_or_else(|| serde::de::Error::custom("budget_seconds must be a whole number of seconds"))
}

fn budget() -> u64 {
    BUDGET_SECONDS
}

fn is_budget(value: &u64) -> bool {
    *value == BUDGET_SECONDS
}

fn is_default<T: Default + PartialEq>(texts: &T) -> bool {
    *texts == T::default()
}
