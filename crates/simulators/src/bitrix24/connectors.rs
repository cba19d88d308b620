//! Channels of others: connectors that an application registered, what customers write through
//! them, and what their application is told.
//!
//! A message that came in is never told of again; everything that is written on the portal's side and
//! reaches the customer is. Nothing here recognises a message that comes in twice: the real portal
//! does not either.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::api;
use super::model::{Chat, Kind, Message, User};
use super::state::{Draft, State};

/// A registered connector.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Connector {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) placement: String,
    /// Puts the author's name in front of every text.
    pub(super) signature: bool,
    /// Automatic texts are passed on, too.
    pub(super) system: bool,
    /// Everybody in one chat from outside is one customer.
    pub(super) group: bool,
    /// The lines it is switched on for, with what `connector.data.set` left.
    pub(super) lines: BTreeMap<i64, Value>,
}

/// What a chat of a connector is called outside.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Outside {
    pub(super) connector: String,
    pub(super) chat: String,
    pub(super) user: String,
}

/// One message as the connector's application sends it.
#[derive(Debug, Clone)]
pub(super) struct Incoming {
    pub(super) outside: Outside,
    pub(super) line: i64,
    pub(super) name: String,
    pub(super) mid: String,
    pub(super) text: String,
    pub(super) files: Vec<(String, String)>,
}

impl State {
    /// Whether a connector may speak on a line, or the documented code of why not.
    pub(super) fn connector_on(&self, connector: &str, line: i64) -> Result<&Connector, &'static str> {
        let known = self.connectors.get(connector).ok_or("IMCONNECTOR_NO_CORRECT_PROVIDER")?;
        let is_on = self.lines.get(&line).is_some_and(|line| line.is_on("ACTIVE"));
        match known.lines.contains_key(&line) {
            true if is_on => Ok(known),
            _ => Err("NOT_ACTIVE_LINE"),
        }
    }

    /// The customer writes through a connector. Gives the chat, the session and the message.
    pub(super) fn comes_in(&mut self, message: Incoming) -> (i64, i64, i64) {
        let chat = self.chat_outside(&message);
        if self.open_session(chat).is_none() {
            let joined = self.start_session(chat);
            self.tell_connector_of_session(chat, "ONIMCONNECTORDIALOGSTART", "N");
            if let Some(bot) = joined {
                super::events::bot_joined(self, bot, chat);
            }
        }
        let customer = self.chats.get(&chat).map_or(0, |chat| chat.customer);
        let session = self.open_session(chat).map_or(0, |session| session.id);
        let files = message.files.into_iter();
        // The simulator downloads nothing: a file's content is the address it would be downloaded from.
        let files = files.map(|(name, url)| {
            self.add_file(chat, customer, super::sessions::NewFile { name, content: url.into_bytes() })
        });
        let files = files.collect();
        let draft = Draft { files, mid: Some(message.mid), ..Draft::says(customer, &message.text) };
        let id = self.add_message(chat, draft);
        self.greet(chat, id);
        (chat, session, id)
    }

    fn chat_outside(&mut self, message: &Incoming) -> i64 {
        let Incoming { outside, line, name, .. } = message;
        let same = |chat: &&Chat| {
            chat.home_line == *line
                && chat.outside_of.as_ref().is_some_and(|known| {
                    known.connector == outside.connector
                        && known.chat == outside.chat
                        && known.user == outside.user
                })
        };
        if let Some(chat) = self.chats.values().find(same) {
            return chat.id;
        }
        let key = format!("{}|{}", outside.connector, outside.user);
        let customer = self.persons.get(&key).copied().unwrap_or_else(|| {
            self.ids.user += 1;
            let id = self.ids.user;
            let user = User {
                id,
                first_name: name.clone(),
                last_name: String::new(),
                kind: Kind::Customer,
                online: true,
                accepts_after: None,
            };
            self.users.insert(id, user);
            self.persons.insert(key.clone(), id);
            id
        });
        self.ids.chat += 2;
        let id = self.ids.chat;
        let title = self.lines.get(line).map_or("", |line| line.text("LINE_NAME"));
        let mut chat = Chat::new(id, &key, customer, format!("{name} - {title}"), self.now_ms);
        (chat.home_line, chat.line) = (*line, *line);
        chat.outside_of = Some(outside.clone());
        self.chats.insert(id, chat);
        id
    }

    /// Tells a chat's connector what was written on the portal's side.
    pub(super) fn tell_connector(&mut self, chat: i64, message: &Message, event: &str) {
        let Some(entry) = self.chats.get(&chat) else { return };
        let Some(outside) = entry.outside_of.clone() else { return };
        let Some(connector) = self.connectors.get(&outside.connector) else { return };
        let is_customers = message.mid.is_some() || message.author == entry.customer;
        if is_customers || !message.reaches_customer || (message.system && !connector.system) {
            return;
        }
        let said = match event {
            "ONIMCONNECTORMESSAGEDELETE" => {
                json!({ "user_id": message.author, "id": message.outside_ids.first() })
            }
            "ONIMCONNECTORMESSAGEUPDATE" => json!({
                "user_id": message.author, "id": message.outside_ids,
                "text": self.signed(connector.signature, message),
            }),
            _ => {
                let text = self.signed(connector.signature, message);
                let files: Vec<Value> = message.files.iter().filter_map(|id| self.linked(*id)).collect();
                json!({ "user_id": message.author, "text": text, "files": files })
            }
        };
        let data = json!({
            "CONNECTOR": outside.connector, "LINE": entry.line,
            "MESSAGES": [{
                "im": { "chat_id": chat, "message_id": message.id }, "message": said,
                "chat": { "id": outside.chat },
            }],
        });
        let author = (message.author != 0).then_some(message.author);
        api::fire(self, event, &data, author);
    }

    fn signed(&self, signature: bool, message: &Message) -> String {
        let text = message.text.replace('\n', "[br]");
        match signature && message.author != 0 {
            true => format!("[b]{}:[/b] [br]{text}", self.name_of(message.author)),
            false => text,
        }
    }

    fn linked(&self, id: i64) -> Option<Value> {
        let file = self.files.get(&id)?;
        let view = super::views::file(self, file);
        Some(json!({
            "type": view["type"], "name": file.name, "mime": "application/octet-stream",
            "link": format!("{}/~f{id}", self.identity.base), "size": file.content.len(),
        }))
    }

    /// Tells a chat's connector that a session began or ended.
    pub(super) fn tell_connector_of_session(&mut self, chat: i64, event: &str, closed: &str) {
        let Some(entry) = self.chats.get(&chat) else { return };
        let Some(outside) = entry.outside_of.clone() else { return };
        let data = json!({
            "CONNECTOR": outside.connector, "LINE": entry.line,
            "DATA": [{
                "connector": {
                    "connector_id": outside.connector, "line_id": entry.line, "chat_id": outside.chat,
                    "user_id": outside.user,
                },
                "session": { "id": entry.sessions.last(), "closed": closed, "parent_id": 0, "close_term": 0 },
                "chat": { "id": chat }, "user": { "id": entry.customer },
            }],
        });
        api::fire(self, event, &data, None);
    }

    /// The administrator removes a line: its connectors are told, with a bare number.
    pub(super) fn delete_line(&mut self, line: i64) -> bool {
        let known = self.lines.remove(&line).is_some();
        for connector in self.connectors.values_mut() {
            connector.lines.remove(&line);
        }
        if known {
            api::fire(self, "ONIMCONNECTORLINEDELETE", &json!(line), None);
        }
        known
    }

    /// The administrator switches a connector off on a line.
    pub(super) fn switch_connector_off(&mut self, connector: &str, line: i64) -> bool {
        let known = self.connectors.get_mut(connector).and_then(|known| known.lines.remove(&line)).is_some();
        if known {
            let data = json!({ "connector": connector, "line": line });
            api::fire(self, "ONIMCONNECTORSTATUSDELETE", &data, None);
        }
        known
    }

    /// An operator changes one of their messages; nothing is told of one without an outside id.
    pub(super) fn operator_edits(&mut self, message: i64, text: &str) -> Result<(), String> {
        let (chat, found) = self.own_message(message)?;
        found.text = text.to_owned();
        let found = found.clone();
        self.tell_connector_of_change(chat, &found, "ONIMCONNECTORMESSAGEUPDATE");
        Ok(())
    }

    /// An operator deletes one of their messages.
    pub(super) fn operator_deletes(&mut self, message: i64) -> Result<(), String> {
        let (chat, found) = self.own_message(message)?;
        found.text = String::new();
        let found = found.clone();
        self.tell_connector_of_change(chat, &found, "ONIMCONNECTORMESSAGEDELETE");
        Ok(())
    }

    fn tell_connector_of_change(&mut self, chat: i64, message: &Message, event: &str) {
        if !message.outside_ids.is_empty() {
            self.tell_connector(chat, message, event);
        }
    }

    fn own_message(&mut self, message: i64) -> Result<(i64, &mut Message), String> {
        let staff: Vec<i64> =
            self.users.values().filter(|user| user.is_staff()).map(|user| user.id).collect();
        for chat in self.chats.values_mut() {
            let id = chat.id;
            let own = |known: &&mut Message| known.id == message && staff.contains(&known.author);
            if let Some(found) = chat.messages.iter_mut().find(own) {
                return Ok((id, found));
            }
        }
        Err(format!("Message {message} is no operator's."))
    }
}
