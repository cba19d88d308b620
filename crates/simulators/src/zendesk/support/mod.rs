//! The Support side of the account: tickets, their users, and the Support API before them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::world::Message;

mod access;
mod availability;
mod catalog;
mod consent;
mod create;
mod idempotency;
mod lookup;
mod refusal;
mod routes;
mod script;
mod tickets;
mod uploads;

pub(super) use routes::routes;
pub(super) use script::script_routes;

/// How a ticket came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Via {
    Messaging,
    Api,
}

/// One remark on a plain ticket.
#[derive(Debug, Clone)]
pub(super) struct Comment {
    pub(super) id: u64,
    pub(super) author: u64,
    pub(super) body: String,
    pub(super) html_body: String,
    pub(super) public: bool,
    pub(super) attachments: Vec<Value>,
    pub(super) at_ms: i64,
}

/// A ticket, of a conversation or plain.
#[derive(Debug, Clone)]
pub(super) struct Ticket {
    pub(super) id: u64,
    pub(super) via: Via,
    /// The conversation behind a messaging ticket.
    pub(super) conversation: Option<String>,
    /// What the agent sees of it.
    pub(super) messages: Vec<Message>,
    /// Read-only, held by a bot.
    pub(super) ai_agent: bool,
    /// Moved to e-mail by the agent.
    pub(super) by_email: bool,
    pub(super) status: String,
    pub(super) subject: String,
    pub(super) description: String,
    pub(super) priority: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) requester: u64,
    pub(super) assignee: Option<u64>,
    pub(super) group: Option<u64>,
    pub(super) organization: Option<u64>,
    pub(super) brand: Option<u64>,
    pub(super) form: Option<u64>,
    pub(super) recipient: Option<String>,
    pub(super) origin: Option<String>,
    pub(super) external_id: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) custom_fields: BTreeMap<String, Value>,
    pub(super) comments: Vec<Comment>,
    /// What the creator attached, shown in the first audit.
    pub(super) metadata: Value,
    pub(super) created_ms: i64,
    pub(super) updated_ms: i64,
}

/// A Support user: a requester or somebody from the team.
#[derive(Debug, Clone)]
pub(super) struct Contact {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) email: Option<String>,
    pub(super) external_id: Option<String>,
}

/// Everything Support holds.
pub(super) struct Support {
    pub(super) tickets: Vec<Ticket>,
    pub(super) contacts: Vec<Contact>,
    pub(super) uploads: Vec<uploads::Upload>,
    pub(super) tokens: access::Tokens,
    pub(super) window: access::Window,
    pub(super) kept_answers: idempotency::Kept,
    /// The agents' availability, as the control routes set it.
    pub(super) agents: Vec<availability::Agent>,
    numbers: u64,
}

impl Support {
    pub(super) fn new() -> Self {
        Self {
            tickets: Vec::new(),
            contacts: Vec::new(),
            uploads: Vec::new(),
            tokens: access::Tokens::default(),
            window: access::Window::default(),
            kept_answers: idempotency::Kept::default(),
            agents: vec![availability::Agent::default()],
            numbers: 35_435,
        }
    }

    /// The next number; tickets, users and comments share the sequence.
    pub(super) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(super) fn ticket(&mut self, id: u64) -> Option<&mut Ticket> {
        self.tickets.iter_mut().find(|ticket| ticket.id == id)
    }

    pub(super) fn contact(&self, id: u64) -> Option<&Contact> {
        self.contacts.iter().find(|contact| contact.id == id)
    }

    pub(super) fn user_with_external_id(&self, external_id: Option<&str>) -> Option<u64> {
        let external_id = external_id?;
        let found = self.contacts.iter().find(|contact| contact.external_id.as_deref() == Some(external_id));
        found.map(|contact| contact.id)
    }

    pub(super) fn add_user(&mut self, name: &str, email: Option<&str>, external_id: Option<&str>) -> u64 {
        let id = self.number();
        self.contacts.push(Contact {
            id,
            name: name.to_owned(),
            email: email.map(str::to_owned),
            external_id: external_id.map(str::to_owned),
        });
        id
    }

    /// Takes the requester's name and e-mail from captured fields.
    pub(super) fn name_requester(&mut self, id: u64, captured: &Map<String, Value>, prefix: &str) {
        let text =
            |name: &str| captured.get(&format!("{prefix}{name}")).and_then(Value::as_str).map(str::to_owned);
        let name = text("requester.name").or_else(|| text("requester"));
        let email = text("requester.email");
        if let Some(contact) = self.contacts.iter_mut().find(|contact| contact.id == id) {
            contact.name = name.unwrap_or_else(|| contact.name.clone());
            contact.email = email.or_else(|| contact.email.take());
        }
    }

    /// An empty ticket.
    pub(super) fn add_ticket(&mut self, via: Via, requester: u64, now_ms: i64) -> &mut Ticket {
        let id = self.number();
        let name = self.contact(requester).map(|contact| contact.name.clone()).unwrap_or_default();
        self.tickets.push(Ticket {
            id,
            via,
            conversation: None,
            messages: Vec::new(),
            ai_agent: false,
            by_email: false,
            status: "new".to_owned(),
            subject: format!("Conversation with {name}"),
            description: String::new(),
            priority: None,
            kind: None,
            requester,
            assignee: None,
            group: None,
            organization: None,
            brand: None,
            form: None,
            recipient: None,
            origin: None,
            external_id: None,
            tags: Vec::new(),
            custom_fields: BTreeMap::new(),
            comments: Vec::new(),
            metadata: Value::Null,
            created_ms: now_ms,
            updated_ms: now_ms,
        });
        let last = self.tickets.len() - 1;
        &mut self.tickets[last]
    }
}
