//! What an event of the bot says, in our words.
//!
//! For as long as the bot is in a chat it hears everybody there, live agents and itself included.
//! Events come twice, in any order, or not at all; nothing here relies on having seen another one.

pub(crate) mod v1;

use handoff_sdk::{
    model::{
        Attachment, Content, Person, Source, Timestamp,
        connector::{EventKind, PlatformEvent},
    },
    tracing::warn,
};
use serde_json::Value;

use crate::{bbcode, digest::digest, files, settings::Portal, wire};

/// Most files taken from one message.
const MOST_FILES: usize = 20;

/// An event of the form, with what most events have in common.
struct Event<'a> {
    portal: &'a Portal,
    name: String,
    data: &'a Value,
    at: Timestamp,
}

/// What it comes to, beside the chat.
struct Meaning {
    key: String,
    kind: EventKind,
}

/// Reads a verified form. `body` only makes a key for events that have no name of their own.
pub(crate) fn read(portal: &Portal, form: &Value, body: &str, arrived: Timestamp) -> PlatformEvent {
    let seconds = wire::id(&form["ts"]).and_then(|ts| i64::try_from(ts).ok());
    let at = seconds.map_or(arrived, |seconds| Timestamp(seconds.saturating_mul(1000)));
    let name = wire::text(&form["event"]).to_ascii_uppercase();
    let event = Event { portal, name, data: &form["data"], at };
    let Meaning { key, kind } = event.meaning(body);
    PlatformEvent {
        key: format!("{}/{key}", portal.host.to_ascii_lowercase()),
        chat: event.chat_id().map(|chat| chat.to_string()).unwrap_or_default(),
        handoff: None,
        platform_session: wire::session(wire::text(&event.chat()["entityData1"])),
        at,
        kind,
    }
}

impl Event<'_> {
    fn meaning(&self, body: &str) -> Meaning {
        let meaning = match self.name.as_str() {
            _ if !self.is_for_our_bot() => Err("an event of another bot"),
            "ONIMBOTV2MESSAGEADD" => self.message("ONIMBOTV2MESSAGEADD".to_owned()),
            "ONIMBOTV2MESSAGEUPDATE" => self.message(self.edit()),
            "ONIMBOTV2COMMANDADD" => self.command(),
            "ONIMBOTV2JOINCHAT" => self.joined(),
            "ONIMBOTV2MESSAGEDELETE" => Err("a message was deleted"),
            "ONIMBOTV2REACTIONCHANGE" => Err("a reaction"),
            "ONIMBOTV2CONTEXTGET" => Err("a chat was opened from a context"),
            "ONIMBOTV2DELETE" => {
                warn!("The chat bot was deleted on Bitrix24: install the connection again");
                Err("the bot was deleted on the portal")
            }
            _ => Err("an event that we do not know"),
        };
        meaning.unwrap_or_else(|reason| Meaning {
            key: format!("{}/{}", self.name, digest(&[body])),
            kind: EventKind::Ignored { reason: reason.to_owned() },
        })
    }

    /// Somebody wrote, or changed what they had written.
    fn message(&self, named: String) -> Result<Meaning, &'static str> {
        let id = wire::id(&self.data["message"]["id"]).ok_or("a message without an id")?;
        self.is_persons(self.author())?;
        let content = self.content();
        if content.is_empty() {
            return Err("an empty message");
        }
        let prefixes = &self.portal.settings.ignored_prefixes;
        if prefixes.iter().any(|prefix| content.text.starts_with(prefix.as_str())) {
            return Err("a message with an ignored prefix");
        }
        Ok(Meaning { key: format!("{named}/{id}"), kind: self.said(content, id.to_string()) })
    }

    /// The name of an edit: another text is another event, the same text the same.
    fn edit(&self) -> String {
        let text = wire::text(&self.data["message"]["text"]);
        format!("{}/{}", self.name, digest(&[text]))
    }

    /// A command was typed, or a button with one was pressed. A typed one is the message itself, and
    /// the portal may tell of it twice. A pressed button comes with the message it stands under.
    fn command(&self) -> Result<Meaning, &'static str> {
        let command = &self.data["command"];
        let is_typed = matches!(wire::text(&command["context"]), "" | "textarea" | "TEXTAREA");
        if is_typed && !wire::text(&self.data["message"]["text"]).trim().is_empty() {
            return self.message("ONIMBOTV2MESSAGEADD".to_owned());
        }
        let id = wire::id(&self.data["message"]["id"]).ok_or("a command without a message")?;
        self.is_persons(wire::id(&self.data["user"]["id"]))?;
        let words = format!("{} {}", wire::text(&command["command"]), wire::text(&command["params"]));
        let number = wire::id(&command["id"]).unwrap_or(0);
        let key = format!("{}/{id}/{number}/{}/{}", self.name, digest(&[&words]), self.at.0);
        Ok(Meaning {
            kind: self.said(Content::text(words.trim()), format!("{id}/{number}/{}", self.at.0)),
            key,
        })
    }

    /// The bot was brought into a chat: on an open channel, because a session began.
    fn joined(&self) -> Result<Meaning, &'static str> {
        self.is_in_open_channel()?;
        let chat = self.chat_id().ok_or("no chat")?;
        if self.owner().is_some() {
            return Err("a live agent holds the chat");
        }
        let user = &self.data["user"];
        let customer = wire::customer(wire::text(&self.chat()["entityId"]));
        let person = match customer {
            _ if wire::is_yes(&user["connector"]) => self.person(),
            Some(id) => Person { id: id.to_owned(), ..Person::default() },
            None => return Err("the bot joined, but nobody says whose chat it is"),
        };
        let session = wire::session(wire::text(&self.chat()["entityData1"]));
        let which = session.unwrap_or_else(|| format!("at{}", self.at.0));
        Ok(Meaning { key: format!("{}/{chat}/{which}", self.name), kind: EventKind::ChatStarted { person } })
    }

    fn said(&self, content: Content, external_id: String) -> EventKind {
        EventKind::PersonMessage {
            person: self.person(),
            content,
            external_id,
            held_by_live_agent: self.owner().is_some(),
        }
    }

    /// Whether `author` is the person on the other side of the open channel.
    fn is_persons(&self, author: Option<u64>) -> Result<(), &'static str> {
        self.is_in_open_channel()?;
        let (bot, user) = (wire::id(&self.data["bot"]["id"]), &self.data["user"]);
        if wire::is_yes(&self.data["message"]["isSystem"]) || author.is_none() {
            Err("a message of the system")
        } else if author == bot || wire::is_yes(&user["bot"]) {
            Err("a message of a bot")
        } else if !wire::is_yes(&user["connector"]) {
            Err("a message of a live agent")
        } else {
            Ok(())
        }
    }

    fn is_in_open_channel(&self) -> Result<(), &'static str> {
        let chat = self.chat();
        let is_line = wire::text(&chat["entityType"]).eq_ignore_ascii_case("lines")
            || wire::text(&chat["type"]).eq_ignore_ascii_case("lines");
        match self.chat_id() {
            Some(_) if is_line => Ok(()),
            _ => Err("not a chat of an open channel"),
        }
    }

    fn is_for_our_bot(&self) -> bool {
        let code = wire::text(&self.data["bot"]["code"]);
        code.is_empty() || code == self.portal.settings.bot_code
    }

    fn author(&self) -> Option<u64> {
        wire::first_id(&self.data["message"], &["authorId", "author_id"])
    }

    /// The live agent who accepted the chat.
    fn owner(&self) -> Option<u64> {
        wire::id(&self.chat()["owner"])
    }

    fn chat(&self) -> &Value {
        &self.data["chat"]
    }

    fn chat_id(&self) -> Option<u64> {
        let message = || wire::first_id(&self.data["message"], &["chatId", "chat_id"]);
        let dialog = || wire::text(&self.data["dialogId"]).strip_prefix("chat")?.parse().ok();
        wire::id(&self.chat()["id"]).or_else(message).or_else(dialog)
    }

    fn person(&self) -> Person {
        let user = &self.data["user"];
        let name = wire::text(&user["name"]).trim();
        Person {
            id: wire::id(&user["id"]).or_else(|| self.author()).map(|id| id.to_string()).unwrap_or_default(),
            name: (!name.is_empty()).then(|| name.to_owned()),
            ..Person::default()
        }
    }

    fn content(&self) -> Content {
        let message = &self.data["message"];
        let params = &message["params"];
        let listed = if params["fileId"].is_null() { &params["FILE_ID"] } else { &params["fileId"] };
        let files = wire::items(listed).into_iter().filter_map(wire::id).map(attachment);
        let linked = wire::items(&message["files"]).into_iter().filter_map(linked);
        Content {
            text: bbcode::to_plain(wire::text(&message["text"])),
            quick_replies: Vec::new(),
            attachments: files.chain(linked).take(MOST_FILES).collect(),
        }
    }
}

/// A file of which the event tells only the number.
fn attachment(id: u64) -> Attachment {
    Attachment {
        name: format!("file-{id}"),
        media_type: files::UNKNOWN_TYPE.to_owned(),
        source: Source::Platform(id.to_string()),
    }
}

/// A file that comes with its address.
fn linked(file: &Value) -> Option<Attachment> {
    let url = wire::text(&file["url"]);
    let name = Some(wire::text(&file["name"])).filter(|name| !name.is_empty()).unwrap_or("file");
    (url.starts_with("https://") || url.starts_with("http://")).then(|| Attachment {
        name: name.to_owned(),
        media_type: files::UNKNOWN_TYPE.to_owned(),
        source: Source::Url(url.to_owned()),
    })
}

#[cfg(test)]
mod tests;
