//! What the portal tells our connector.

use handoff_sdk::{
    Cx, Result,
    model::{
        Attachment, Content, HandoffKey, Source, Timestamp,
        connector::{EventKind, PlatformEvent},
    },
    tracing::warn,
};
use serde_json::Value;

use super::{
    acks::{self, Ack},
    mark::{self, Place},
    staff,
};
use crate::{bbcode, client::Client, digest::digest, files, settings::Portal, wire};

/// Most messages taken from one event, and most files from one message.
const MOST_MESSAGES: usize = 50;
const MOST_FILES: usize = 20;

/// Longest id of a chat that may be ours.
const LONGEST_KEY: usize = 200;

/// Why a chat is over, in one word.
const CLOSED: &str = "closed";

/// What live agents changed afterwards is told as another line.
const CORRECTED: &str = "(corrected) ";
const WITHDRAWN: &str = "(a message was withdrawn)";

/// Whether an event belongs to connectors.
pub(crate) fn is_ours(form: &Value) -> bool {
    wire::text(&form["event"]).to_ascii_uppercase().starts_with("ONIMCONNECTOR")
}

/// What a live agent wrote, as the event that told of it would have said.
pub(super) fn added(
    portal: &Portal,
    at: Timestamp,
    place: (u64, &HandoffKey),
    message: u64,
    said: (Option<String>, Content),
) -> PlatformEvent {
    let ((chat, key), (name, content)) = (place, said);
    PlatformEvent {
        key: event_key(portal, "ONIMCONNECTORMESSAGEADD", &format!("{chat}/{message}")),
        chat: chat.to_string(),
        handoff: Some(key.clone()),
        platform_session: None,
        at,
        kind: EventKind::LiveAgentMessage { name, content, external_id: message.to_string() },
    }
}

/// The end of a session, as the event that told of it would have said.
pub(super) fn finished(
    portal: &Portal,
    at: Timestamp,
    place: (u64, &HandoffKey),
    session: &str,
) -> PlatformEvent {
    let (chat, key) = place;
    PlatformEvent {
        key: event_key(portal, "ONIMCONNECTORDIALOGFINISH", &format!("{chat}/{session}")),
        chat: chat.to_string(),
        handoff: Some(key.clone()),
        platform_session: Some(session.to_owned()),
        at,
        kind: EventKind::Closed { reason: CLOSED.to_owned() },
    }
}

/// By which an event is known when it comes again.
fn event_key(portal: &Portal, name: &str, which: &str) -> String {
    format!("{}/{name}/{which}", portal.host.to_ascii_lowercase())
}

/// Reads a verified event; one for each message in it.
pub(crate) async fn read(
    cx: &Cx,
    portal: &Portal,
    form: &Value,
    body: &str,
    arrived: Timestamp,
) -> Result<Vec<PlatformEvent>> {
    let name = wire::text(&form["event"]).to_ascii_uppercase();
    let seconds = wire::id(&form["ts"]).and_then(|ts| i64::try_from(ts).ok());
    let at = seconds.map_or(arrived, |seconds| Timestamp(seconds.saturating_mul(1000)));
    let reader = Reader { client: Client::new(cx, portal).as_application(), portal, name: &name, at };
    let ignored = |reason: &str| vec![reader.ignored(&digest(&[body]), reason)];
    let data = &form["data"];
    Ok(match name.as_str() {
        "ONIMCONNECTORMESSAGEADD" | "ONIMCONNECTORMESSAGEUPDATE" | "ONIMCONNECTORMESSAGEDELETE" => {
            if !reader.is_our_connector(&data["CONNECTOR"]) {
                return Ok(ignored("a message of another connector"));
            }
            let mut events = Vec::new();
            for message in wire::items(&data["MESSAGES"]).into_iter().take(MOST_MESSAGES) {
                events.push(reader.message(message).await);
                if let Some(ack) = reader.acknowledgement(wire::id(&data["LINE"]), message, arrived) {
                    acks::note(cx, ack).await?;
                }
            }
            events
        }
        "ONIMCONNECTORDIALOGSTART" | "ONIMCONNECTORDIALOGFINISH" => {
            if !reader.is_our_connector(&data["CONNECTOR"]) {
                return Ok(ignored("a dialog of another connector"));
            }
            let mut events = Vec::new();
            for dialog in wire::items(&data["DATA"]).into_iter().take(MOST_MESSAGES) {
                events.push(reader.dialog(dialog).await?);
            }
            events
        }
        "ONIMCONNECTORSTATUSDELETE" => {
            let line = wire::text(&data["line"]);
            if reader.is_our_connector(&data["connector"]) {
                warn!(
                    "The connector was switched off for the open channel {line}: chats wait until it is on again"
                );
            }
            ignored("a connector was switched off")
        }
        "ONIMCONNECTORLINEDELETE" => {
            let line = wire::id(data).unwrap_or(0);
            if portal.settings.line == Some(line) {
                warn!("The open channel {line} was deleted: chats wait until another one is chosen");
            }
            ignored("an open channel was deleted")
        }
        _ => ignored("an event that we do not know"),
    })
}

struct Reader<'a> {
    client: Client<'a>,
    portal: &'a Portal,
    name: &'a str,
    at: Timestamp,
}

impl Reader<'_> {
    fn is_our_connector(&self, connector: &Value) -> bool {
        wire::text(connector).eq_ignore_ascii_case(&self.portal.settings.connector_code)
    }

    async fn message(&self, message: &Value) -> PlatformEvent {
        let (im, said) = (&message["im"], &message["message"]);
        let (chat, id) = (wire::id(&im["chat_id"]), wire::id(&im["message_id"]));
        let key = outside_chat(&message["chat"]["id"]);
        let (Some(chat), Some(id), Some(key)) = (chat, id, key) else {
            return self.ignored(&digest(&[&message.to_string()]), "a message without its ids");
        };
        let author = wire::id(&said["user_id"]);
        let ours = crate::bot::remembered_number(self.client.cx).await;
        if author.is_some() && author == ours {
            return self.ignored(&format!("{chat}/{id}"), "a message of our own bot");
        }
        let (name, content) = self.content(said, author).await;
        // What was changed twice is two events; what is told twice is one.
        let which = match self.name {
            "ONIMCONNECTORMESSAGEUPDATE" => format!("{chat}/{id}/{}", digest(&[wire::text(&said["text"])])),
            _ => format!("{chat}/{id}"),
        };
        if content.is_empty() {
            return self.ignored(&which, "an empty message");
        }
        let told = added(self.portal, self.at, (chat, &HandoffKey::new(key)), id, (name, content));
        PlatformEvent { key: self.key(&which), ..told }
    }

    /// What is to be told when a message was received; a deleted one needs nothing.
    fn acknowledgement(&self, line: Option<u64>, message: &Value, at: Timestamp) -> Option<Ack> {
        let key = outside_chat(&message["chat"]["id"])?.to_owned();
        let (chat, id) = (wire::id(&message["im"]["chat_id"])?, wire::id(&message["im"]["message_id"])?);
        (self.name != "ONIMCONNECTORMESSAGEDELETE").then_some(Ack { line: line?, key, chat, message: id, at })
    }

    /// Author and words of a message. Texts without an author are automatic ones.
    async fn content(&self, said: &Value, author: Option<u64>) -> (Option<String>, Content) {
        let (signed, text) = unsigned(wire::text(&said["text"]));
        let name = match (signed, author) {
            (Some(name), _) => Some(name),
            (None, Some(author)) => staff::name(&self.client, author).await,
            (None, None) => None,
        };
        let text = bbcode::to_plain(text).trim().to_owned();
        let text = match self.name {
            "ONIMCONNECTORMESSAGEDELETE" => WITHDRAWN.to_owned(),
            "ONIMCONNECTORMESSAGEUPDATE" => format!("{CORRECTED}{text}"),
            _ => text,
        };
        let files = wire::items(&said["files"]).into_iter().filter_map(attachment).take(MOST_FILES);
        (name, Content { text, quick_replies: Vec::new(), attachments: files.collect() })
    }

    async fn dialog(&self, dialog: &Value) -> Result<PlatformEvent> {
        let (outside, session) = (&dialog["connector"], &dialog["session"]);
        let key = outside_chat(&outside["chat_id"]);
        let (chat, number) = (wire::id(&dialog["chat"]["id"]), wire::id(&session["id"]));
        let (Some(key), Some(chat), Some(number)) = (key, chat, number) else {
            return Ok(self.ignored(&digest(&[&dialog.to_string()]), "a dialog without its ids"));
        };
        let which = format!("{chat}/{number}");
        if self.name == "ONIMCONNECTORDIALOGSTART" {
            let place = Place { chat, session: number.to_string() };
            mark::remember(self.client.cx, key, &place).await?;
            return Ok(self.ignored(&which, "a dialog began"));
        }
        if wire::text(&session["closed"]).eq_ignore_ascii_case("n") {
            return Ok(self.ignored(&which, "a dialog goes on"));
        }
        Ok(finished(self.portal, self.at, (chat, &HandoffKey::new(key)), &number.to_string()))
    }

    fn ignored(&self, which: &str, reason: &str) -> PlatformEvent {
        PlatformEvent {
            key: self.key(which),
            chat: String::new(),
            handoff: None,
            platform_session: None,
            at: self.at,
            kind: EventKind::Ignored { reason: reason.to_owned() },
        }
    }

    fn key(&self, which: &str) -> String {
        event_key(self.portal, self.name, which)
    }
}

/// The outside id of a chat, which is a handoff's key.
fn outside_chat(id: &Value) -> Option<&str> {
    Some(wire::text(id)).filter(|key| !key.is_empty() && key.len() <= LONGEST_KEY)
}

/// The author's name, when the portal put it in front in spite of our wish, and what follows it.
fn unsigned(text: &str) -> (Option<String>, &str) {
    let signed = || {
        let (name, rest) = text.strip_prefix("[b]")?.split_once(":[/b]")?;
        let rest = rest.trim_start().strip_prefix("[br]")?;
        (name.len() <= 200 && !name.contains('[')).then(|| (name.to_owned(), rest.trim_start()))
    };
    signed().map_or((None, text), |(name, rest)| (Some(name), rest))
}

fn attachment(file: &Value) -> Option<Attachment> {
    let link = wire::text(&file["link"]);
    let is_address = link.starts_with("https://") || link.starts_with("http://");
    let name = match wire::text(&file["name"]) {
        "" => "file",
        name => name,
    };
    let media_type = match wire::text(&file["mime"]) {
        "" => files::UNKNOWN_TYPE,
        mime => mime,
    };
    is_address.then(|| Attachment {
        name: name.to_owned(),
        media_type: media_type.to_owned(),
        source: Source::Url(link.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_taken_off_in_both_spellings() {
        let cases = [
            ("[b]Klaus Weber:[/b] [br]Guten Tag!", (Some("Klaus Weber"), "Guten Tag!")),
            ("[b]Klaus Weber:[/b][br]Guten Tag!", (Some("Klaus Weber"), "Guten Tag!")),
            ("[b]Note:[/b] read this", (None, "[b]Note:[/b] read this")),
            ("[b]x[/b]", (None, "[b]x[/b]")),
            ("", (None, "")),
        ];
        for (text, (name, rest)) in cases {
            assert_eq!(unsigned(text), (name.map(str::to_owned), rest), "{text}");
        }
    }
}
