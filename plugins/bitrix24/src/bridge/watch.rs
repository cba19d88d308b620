//! Reads the chats that are under way again, for what happened there and no event told.
//!
//! Bitrix24 tells of everything once, and whoever did not hear it then never hears of it. So each chat is looked at
//! once a minute: a number says whether somebody wrote, and only then its session is read. What is found gets the key
//! that its event would have had, so that the host knows what it has seen already. What was told before is kept when
//! the host asks again, for by then it is on disk.

use std::{collections::BTreeMap, time::Duration};

use handoff_sdk::{
    ConnectorError, Result,
    model::{Content, HandoffKey, Timestamp, connector::PlatformEvent},
    tracing::{info, warn},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    event,
    mark::{self, Place},
};
use crate::{client::Client, history, kept, wire};

/// How often each chat is looked at.
const ROUND: Duration = Duration::from_secs(60);

/// Most chats in one look: as many as a batch takes, which counts as one request.
const AT_ONCE: usize = 50;

/// Most sessions read in one look, so that people's words find room.
const MOST_READ: usize = 2;

/// How far the watch has come; travels in the cursor.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Watch {
    /// When the next round begins.
    due: Option<Timestamp>,
    /// Chats that this round has not looked at yet.
    left: Vec<HandoffKey>,
    /// Up to which message the last answer told of a chat.
    told: BTreeMap<String, u64>,
}

/// A chat, where it is, and up to which message it was told.
struct Watched {
    key: HandoffKey,
    place: Place,
    seen: u64,
}

/// Looks at some of the open chats.
///
/// # Errors
/// When the portal cannot be asked; then the same chats are looked at again.
pub(crate) async fn look_again(
    client: &Client<'_>,
    open: &[HandoffKey],
    mut watch: Watch,
) -> Result<(Vec<PlatformEvent>, Watch)> {
    for (key, message) in std::mem::take(&mut watch.told) {
        kept::put(client.cx, &slot(&key), &message).await?;
    }
    let now = client.cx.now();
    watch.left.retain(|key| open.contains(key));
    if watch.left.is_empty() && watch.due.is_none_or(|due| due <= now) {
        (watch.left, watch.due) = (open.to_vec(), Some(now.after(ROUND)));
    }
    let rest = watch.left.split_off(watch.left.len().min(AT_ONCE));
    let mut watched = Vec::new();
    for key in std::mem::replace(&mut watch.left, rest) {
        if let Some(place) = mark::place(client.cx, key.as_str()).await? {
            let seen = kept::get(client.cx, &slot(key.as_str())).await?.unwrap_or(0);
            watched.push(Watched { key, place, seen });
        }
    }
    let events = if watched.is_empty() { Vec::new() } else { look(client, watched, &mut watch).await? };
    Ok((events, watch))
}

async fn look(client: &Client<'_>, watched: Vec<Watched>, watch: &mut Watch) -> Result<Vec<PlatformEvent>> {
    let dialogs = dialogs(client, &watched).await?;
    let (mut events, mut read) = (Vec::new(), 0);
    for (n, chat) in watched.into_iter().enumerate() {
        let seen = &dialogs[name(n)];
        let Some(last) = wire::first_id(seen, &["last_message_id"]) else { continue };
        let session = wire::session(wire::text(&seen["entity_data_1"]));
        let place = (chat.place.chat, &chat.key);
        if last > chat.seen {
            if read == MOST_READ {
                watch.left.push(chat.key);
                continue;
            }
            read += 1;
            let session = session.as_deref().unwrap_or(&chat.place.session);
            let (missed, newest) = written_since(client, &chat, session).await?;
            events.extend(missed);
            watch.told.insert(chat.key.to_string(), newest.max(last));
        }
        if session.is_none() && wire::id(&seen["owner"]).is_none() {
            info!("The session {} was found to be finished", chat.place.session);
            events.push(event::finished(client.portal, client.cx.now(), place, &chat.place.session));
        }
    }
    Ok(events)
}

/// The dialogs of these chats by [`name`]; those that may not be seen are missing.
async fn dialogs(client: &Client<'_>, watched: &[Watched]) -> Result<Value> {
    let call = |chat: &Watched| json!(format!("imopenlines.dialog.get?CHAT_ID={}", chat.place.chat));
    let calls: Map<String, Value> =
        watched.iter().enumerate().map(|(n, chat)| (name(n), call(chat))).collect();
    let mut answer = client.read("batch", &json!({ "halt": 0, "cmd": calls })).await?;
    Ok(answer["result"].take())
}

fn name(n: usize) -> String {
    format!("c{n}")
}

/// What live agents wrote in a session after a message, and its newest message.
async fn written_since(
    client: &Client<'_>,
    chat: &Watched,
    session: &str,
) -> Result<(Vec<PlatformEvent>, u64)> {
    let history = match history::read(client, session).await {
        Ok(history) => history,
        Err(failure) => {
            let error = ConnectorError::from(failure);
            if error.advice() != handoff_sdk::Advice::GiveUp {
                return Err(error);
            }
            warn!("The session {session} could not be read again: {error}");
            return Ok((Vec::new(), 0));
        }
    };
    let mut lines: Vec<(u64, &Value)> = wire::items(&history["message"])
        .into_iter()
        .filter_map(|line| Some((wire::id(&line["id"])?, line)))
        .collect();
    lines.sort_by_key(|(id, _)| *id);
    let newest = lines.last().map_or(0, |(id, _)| *id);
    let (at, place) = (client.cx.now(), (chat.place.chat, &chat.key));
    let missed = lines.into_iter().filter(|(id, _)| *id > chat.seen).filter_map(|(id, line)| {
        let said = by_live_agent(&history, line)?;
        Some(event::added(client.portal, at, place, id, said))
    });
    Ok((missed.collect(), newest))
}

/// Name and words of a line, if a live agent wrote it for the person.
///
/// What the platform says by itself has no author. Lines that only live agents see, and notes of the system that have an
/// author, bear a class of their own.
fn by_live_agent(history: &Value, line: &Value) -> Option<(Option<String>, Content)> {
    let author = wire::first_id(line, &["senderid", "senderId"])?;
    let (user, params) = (&history["users"][author.to_string()], &line["params"]);
    let is_persons = wire::is_yes(&user["connector"]) || wire::text(&user["externalAuthId"]) == "imconnector";
    let is_internal =
        ["class", "CLASS"].iter().any(|name| wire::text(&params[*name]).contains("content-item-system"));
    let is_ours = history::ours(params).iter().any(|id| super::outgoing::is_ours(id));
    if is_persons || is_internal || is_ours || wire::is_yes(&user["bot"]) {
        return None;
    }
    let mut text = history::plain(wire::text(&line["text"])).trim().to_owned();
    let listed = if params["fileId"].is_null() { &params["FILE_ID"] } else { &params["fileId"] };
    for file in wire::items(listed).into_iter().filter_map(wire::id) {
        let name = match wire::text(&history["files"][file.to_string()]["name"]) {
            "" => "a file",
            name => name,
        };
        text.push_str(&format!("\n({name} did not arrive: please ask for it again)"));
    }
    let name = wire::text(&user["name"]).trim();
    let content = Content::text(text.trim());
    (!content.is_empty()).then(|| ((!name.is_empty()).then(|| name.to_owned()), content))
}

fn slot(key: &str) -> String {
    format!("seen/{key}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_live_agents_wrote_for_the_person_is_told() {
        let history = json!({
            "users": {
                "27": { "name": "Klaus Weber", "connector": false, "bot": false },
                "585": { "name": "Ann", "connector": true },
                "456": { "name": "Ada", "bot": true },
            },
            "files": { "9": { "id": 9, "name": "a.png" } },
        });
        let line =
            |by: &str, text: &str, params: Value| json!({ "senderid": by, "text": text, "params": params });
        let told = |line: &Value| by_live_agent(&history, line).map(|(name, said)| (name, said.text));
        let klaus = || Some("Klaus Weber".to_owned());
        let cases = [
            (line("27", "A &amp; [b]B[/b]<br />C", json!([])), Some((klaus(), "A & B\nC".to_owned()))),
            (
                line("27", "seen", json!({ "connectorMid": ["h1.a86497"] })),
                Some((klaus(), "seen".to_owned())),
            ),
            (
                line("27", "", json!({ "fileId": [9] })),
                Some((klaus(), "(a.png did not arrive: please ask for it again)".to_owned())),
            ),
            (line("31", "new here", json!([])), Some((None, "new here".to_owned()))),
            (line("27", "among us", json!({ "class": "bx-messenger-content-item-system" })), None),
            (line("27", "among us", json!({ "CLASS": "bx-messenger-content-item-system" })), None),
            (line("0", "began to work", json!([])), None),
            (line("585", "hi", json!([])), None),
            (line("999", "hi", json!({ "connectorMid": ["h1.w3.0"] })), None),
            (line("999", "hi", json!({ "connectorMid": ["h1.h0"] })), None),
            (line("456", "I am Ada", json!([])), None),
            (line("27", " ", json!([])), None),
        ];
        for (line, expected) in cases {
            assert_eq!(told(&line), expected, "{line}");
        }
    }
}
