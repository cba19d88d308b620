//! The things of a portal: users, chats, sessions, messages, bots.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use super::connectors::Outside;

/// Anybody with a user id.
#[derive(Debug, Clone, Serialize)]
pub(super) struct User {
    pub(super) id: i64,
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(super) kind: Kind,
    pub(super) online: bool,
    /// Simulated seconds after which this operator presses Answer; never if absent.
    pub(super) accepts_after: Option<f64>,
}

/// What sort of user it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Administrator,
    Employee,
    Customer,
    Bot,
}

/// A chat of one customer in one line, used again for every session.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Chat {
    pub(super) id: i64,
    pub(super) person: String,
    pub(super) customer: i64,
    pub(super) name: String,
    /// The chat's number on the customer's side of the live chat.
    pub(super) outside: i64,
    /// The line in which the customer writes.
    pub(super) home_line: i64,
    /// The line that has the chat now.
    pub(super) line: i64,
    pub(super) members: BTreeSet<i64>,
    /// The operator who accepted, or 0.
    pub(super) owner: i64,
    pub(super) sessions: Vec<i64>,
    pub(super) messages: Vec<Message>,
    pub(super) created_ms: i64,
    /// How often `bot.session.operator` or `.transfer` had an effect.
    pub(super) handoff_calls: u32,
    /// How often the platform itself took the chat from the bot.
    pub(super) auto_handoffs: u32,
    /// How often a bot showed that it is busy.
    pub(super) input_actions: u32,
    /// Operators write among themselves: nothing of it reaches the customer.
    pub(super) silent: bool,
    /// What it is called outside, when it came through a connector.
    pub(super) outside_of: Option<Outside>,
    /// What the line made of it in the CRM: `LEAD` or `DEAL`, and its number.
    pub(super) crm: Option<(String, i64)>,
}

/// One conversation within a chat, from the customer's first word to the close.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Session {
    pub(super) id: i64,
    pub(super) chat: i64,
    pub(super) line: i64,
    pub(super) holder: Holder,
    /// The bot that leaves when an operator accepts.
    pub(super) leaves_at_accept: Option<i64>,
    pub(super) offer: Offer,
    pub(super) created_ms: i64,
    pub(super) closed_ms: Option<i64>,
}

/// Who is to answer the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "who", content = "id")]
pub(super) enum Holder {
    Bot(i64),
    /// Offered to operators, accepted by none.
    Queue,
    Operator(i64),
    Closed,
}

/// To whom a waiting session is offered.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Offer {
    pub(super) to: Vec<i64>,
    /// Operators who let their turn pass.
    pub(super) passed: Vec<i64>,
    /// Grows with every new offer, so that a timer of an old one does nothing.
    pub(super) round: u64,
}

/// One line of a chat.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Message {
    pub(super) id: i64,
    pub(super) session: i64,
    /// A user id; 0 for system messages.
    pub(super) author: i64,
    pub(super) text: String,
    pub(super) system: bool,
    /// Whether it reached the customer.
    pub(super) reaches_customer: bool,
    pub(super) files: Vec<i64>,
    pub(super) keyboard: Option<Value>,
    pub(super) at_ms: i64,
    /// The id that a connector gave it.
    pub(super) mid: Option<String>,
    /// The connector said that it reached the customer.
    pub(super) delivered: bool,
    /// The ids that the connector gave it then.
    pub(super) outside_ids: Vec<String>,
}

/// A file in a chat.
#[derive(Debug, Clone, Serialize)]
pub(super) struct File {
    pub(super) id: i64,
    pub(super) chat: i64,
    pub(super) author: i64,
    pub(super) name: String,
    pub(super) at_ms: i64,
    #[serde(skip)]
    pub(super) content: Vec<u8>,
}

/// A registered chat bot; its user has the same id.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Bot {
    pub(super) id: i64,
    pub(super) code: String,
    pub(super) kind: String,
    /// Registered by the methods of the first generation: it is told of events in their form.
    pub(super) first_generation: bool,
    /// The application or webhook that registered it.
    pub(super) app: String,
    /// The secret of a bot that was registered through a webhook.
    pub(super) token: Option<String>,
    pub(super) event_mode: EventMode,
    pub(super) webhook_url: String,
    pub(super) hidden: bool,
    pub(super) reactions: bool,
    pub(super) open_lines: bool,
    pub(super) work_position: String,
    pub(super) gender: String,
    pub(super) sent: u32,
    /// Events waiting to be fetched.
    pub(super) waiting: Vec<Waiting>,
}

/// How a bot learns of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EventMode {
    Webhook,
    Fetch,
}

/// An event that a bot has not yet confirmed.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Waiting {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) at_ms: i64,
    pub(super) data: Value,
}

/// A slash command.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Command {
    pub(super) id: i64,
    pub(super) bot: i64,
    /// Without the slash.
    pub(super) name: String,
    pub(super) title: Value,
    pub(super) params: Value,
    pub(super) common: bool,
    pub(super) hidden: bool,
    pub(super) extranet: bool,
}

/// An application's wish to hear of an event.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Binding {
    pub(super) id: i64,
    pub(super) event: String,
    pub(super) handler: String,
    pub(super) auth_type: i64,
}

impl User {
    /// First and last name.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name).trim().to_owned()
    }

    /// Whether this user works at the company.
    pub(super) fn is_staff(&self) -> bool {
        matches!(self.kind, Kind::Administrator | Kind::Employee)
    }
}

impl Chat {
    /// The name under which messages are sent to it.
    pub(super) fn dialog_id(&self) -> String {
        format!("chat{}", self.id)
    }

    /// Connector, line, outside chat and customer in one string.
    pub(super) fn entity_id(&self) -> String {
        match &self.outside_of {
            Some(Outside { connector, chat, .. }) => {
                format!("{connector}|{}|{chat}|{}", self.line, self.customer)
            }
            None => format!("livechat|{}|{}|{}", self.line, self.outside, self.customer),
        }
    }

    /// The newest message's id, or 0.
    pub(super) fn last_message(&self) -> i64 {
        self.messages.last().map_or(0, |message| message.id)
    }
}

impl Session {
    /// Whether it is still going on.
    pub(super) fn is_open(&self) -> bool {
        self.holder != Holder::Closed
    }

    /// The platform's own number for the state.
    pub(super) fn status(&self, customer_spoke_last: bool) -> u32 {
        match self.holder {
            Holder::Bot(_) | Holder::Queue => 0,
            Holder::Operator(_) if customer_spoke_last => 25,
            Holder::Operator(_) => 40,
            Holder::Closed => 60,
        }
    }
}
