//! Messaging tickets: what the Agent Workspace makes of a conversation, and what its agent then sees.

use serde_json::{Map, Value};

use super::support::{Ticket, Via};
use super::world::{Message, World};

/// What an agent sees of the time before the ticket, unless the first message is named.
const HISTORY: usize = 10;
/// After so much silence a stored first message is forgotten, in milliseconds.
const FORGETTING_MS: i64 = 72 * 3600 * 1000;
const FIELD: &str = "dataCapture.ticketField.";
const SYSTEM: &str = "dataCapture.systemField.";

impl World {
    /// Control went to `target`: under the Agent Workspace that makes the ticket, if there is
    /// something to show. Metadata counts only when this makes it.
    pub(super) fn ticket_on_pass(&mut self, id: &str, target: &str, metadata: &Map<String, Value>) {
        if !self.is_agent_workspace(target) {
            return;
        }
        let Ok(conversation) = self.conversation(id) else { return };
        let (number, empty) = (conversation.ticket, conversation.messages.is_empty());
        let held_by_bot =
            number.and_then(|number| self.open_ticket(number)).map(|ticket| (ticket.id, ticket.ai_agent));
        match held_by_bot {
            Some((number, true)) => {
                self.fill_ticket(number, id, metadata);
                if let Some(ticket) = self.support.ticket(number) {
                    ticket.ai_agent = false;
                }
            }
            Some((_, false)) => {}
            None if empty && !self.options.empty_pass_makes_ticket => {}
            None => self.make_ticket(id, metadata, false),
        }
    }

    /// A message arrived: it goes into the open ticket, or makes one while the Agent Workspace is active.
    pub(super) fn ticket_on_message(&mut self, id: &str, message: &Message) {
        let Ok(conversation) = self.conversation(id) else { return };
        let (number, active) = (conversation.ticket, conversation.active.clone());
        let now = self.now_ms();
        if let Some(ticket) = number.and_then(|number| self.open_ticket(number)) {
            ticket.messages.push(message.clone());
            ticket.updated_ms = now;
            if message.is_by_user() && ticket.status == "solved" {
                ticket.status = "open".to_owned();
            }
            return;
        }
        match active {
            Some(active) if self.is_agent_workspace(&active) => self.make_ticket(id, &Map::new(), false),
            Some(_) if self.options.ai_agent_tickets => self.make_ticket(id, &Map::new(), true),
            _ => {}
        }
    }

    /// The ticket with this number unless it is closed.
    pub(super) fn open_ticket(&mut self, number: u64) -> Option<&mut Ticket> {
        self.support.ticket(number).filter(|ticket| ticket.status != "closed")
    }

    fn make_ticket(&mut self, id: &str, metadata: &Map<String, Value>, ai_agent: bool) {
        let owner = self.conversations.iter().find(|found| found.id == id).and_then(|found| found.owner());
        let requester = self.requester_for(owner.as_deref());
        let now = self.now_ms();
        let ticket = self.support.add_ticket(Via::Messaging, requester, now);
        ticket.conversation = Some(id.to_owned());
        ticket.ai_agent = ai_agent;
        if ai_agent {
            ticket.status = "open".to_owned();
        }
        let number = ticket.id;
        if let Ok(conversation) = self.conversation(id) {
            conversation.ticket = Some(number);
        }
        self.fill_ticket(number, id, metadata);
    }

    /// Gives a ticket its history and the fields captured so far.
    fn fill_ticket(&mut self, number: u64, id: &str, metadata: &Map<String, Value>) {
        let now = self.now_ms();
        let Ok(conversation) = self.conversation(id) else { return };
        let mut captured = conversation.metadata.clone();
        captured.extend(metadata.clone());
        let history = visible(&conversation.messages, &captured, now);
        let Some(ticket) = self.support.ticket(number) else { return };
        ticket.messages = history;
        ticket.updated_ms = now;
        let requester = ticket.requester;
        for (key, value) in &captured {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            if let Some(field) = key.strip_prefix(FIELD) {
                ticket.custom_fields.insert(field.to_owned(), Value::String(text));
            } else if let Some(field) = key.strip_prefix(SYSTEM) {
                ticket.capture(field, &text);
            } else if key == "origin_source_type" {
                ticket.origin = Some(text);
            }
        }
        self.support.name_requester(requester, &captured, SYSTEM);
    }

    /// The Support end user behind a conversation's user, joined by external id and never by e-mail.
    fn requester_for(&mut self, owner: Option<&str>) -> u64 {
        let Some(user) = owner.and_then(|owner| self.users.iter_mut().find(|user| user.id == owner)) else {
            return self.support.add_user("Visitor", None, None);
        };
        if let Some(known) = user.zendesk_id.as_ref().and_then(|id| id.parse().ok()) {
            return known;
        }
        let email = user.profile.get("email").and_then(Value::as_str);
        let known = self.support.user_with_external_id(user.external_id.as_deref());
        let number = known.unwrap_or_else(|| {
            self.support.add_user(&user.display_name(), email, user.external_id.as_deref())
        });
        user.zendesk_id = Some(number.to_string());
        number
    }
}

/// The part of the history the agent sees: from the named first message, or the last ten.
fn visible(messages: &[Message], captured: &Map<String, Value>, now_ms: i64) -> Vec<Message> {
    let forgotten = messages.last().is_some_and(|last| now_ms - last.received_ms > FORGETTING_MS);
    let named = captured.get("first_message_id").filter(|_| !forgotten);
    let start = named.and_then(|first| messages.iter().position(|message| *first == message.id.as_str()));
    messages[start.unwrap_or(messages.len().saturating_sub(HISTORY))..].to_vec()
}

impl Ticket {
    /// Takes one `dataCapture.systemField` value; unknown ones are ignored.
    fn capture(&mut self, field: &str, text: &str) {
        match field {
            "priority" if matches!(text, "low" | "normal" | "high" | "urgent") => {
                self.priority = Some(text.to_owned());
            }
            "tags" => {
                self.tags.extend(text.split([',', ' ']).filter(|tag| !tag.is_empty()).map(str::to_owned))
            }
            "group_id" => self.group = text.parse().ok(),
            "assignee_id" => self.assignee = text.parse().ok(),
            "brand_id" => self.brand = text.parse().ok(),
            "organization_id" => self.organization = text.parse().ok(),
            "subject" => self.subject = text.to_owned(),
            "description" => self.description = text.to_owned(),
            "recipient" => self.recipient = Some(text.to_owned()),
            _ => {}
        }
    }
}
