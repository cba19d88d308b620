//! What can be seen from outside: the whole state, the live agent's and the customer's view.

use serde_json::{Value, json};

use super::model::{Chat, Holder, Kind, Message, Session};
use super::state::State;
use super::views;
use crate::clock::iso;

/// Everything, as a JSON object.
pub(super) fn state(state: &State) -> Value {
    json!({
        "live_agent": { "chats": state.chats.values().map(|chat| live_agent(state, chat)).collect::<Vec<_>>() },
        "settings": state.settings,
        "lines": state.lines,
        "users": state.users,
        "bots": state.bots,
        "commands": state.commands,
        "chats": state.chats,
        "sessions": state.sessions,
        "files": state.files,
        "bindings": state.bindings,
        "connectors": state.connectors,
        "tokens": { "refreshes": state.tokens.refreshes, "refusals": state.tokens.refusals },
        "bucket": state.bucket.level(),
        "portal": {
            "base": state.identity.base,
            "webhook": format!(
                "{}/rest/{}/{}/", state.identity.base, state.identity.webhook_user, state.identity.webhook_secret
            ),
            "client_id": state.identity.client_id,
            "client_secret": state.identity.client_secret,
            "application_token": state.identity.application_token,
            "member_id": state.identity.member_id,
        },
    })
}

/// What the customer of a chat sees, in order.
pub(super) fn seen_by_customer(state: &State, chat: i64) -> Vec<Value> {
    let messages = state.chats.get(&chat).map(|chat| chat.messages.as_slice()).unwrap_or_default();
    messages.iter().filter(|message| message.reaches_customer).map(|message| line(state, message)).collect()
}

/// A chat as an operator sees it.
fn live_agent(state: &State, chat: &Chat) -> Value {
    let newest = chat.sessions.last().and_then(|id| state.sessions.get(id));
    let holder = newest.map_or(Holder::Closed, |session| session.holder);
    let notes = chat.messages.iter().filter(|message| message.system).count();
    let sessions: Vec<Value> = chat
        .sessions
        .iter()
        .filter_map(|id| state.sessions.get(id))
        .map(|known| session(chat, known))
        .collect();
    let bots: Vec<i64> = chat.members.iter().copied().filter(|id| state.bots.contains_key(id)).collect();
    json!({
        "id": chat.id,
        "ticket": newest.map(|session| session.id),
        "status": views::holder(holder),
        "requester": state.name_of(chat.customer),
        "assigned_to": (chat.owner != 0).then(|| state.name_of(chat.owner)),
        "messages": chat.messages.iter().map(|message| line(state, message)).collect::<Vec<_>>(),
        "fields": {
            "line": chat.line,
            "owner": chat.owner,
            "entity_id": chat.entity_id(),
            "entity_data_1": views::entity_data_1(state, chat),
            "members": chat.members,
            "bots": bots,
            "offered_to": newest.map(|session| session.offer.to.clone()),
        },
        "handoff_calls": chat.handoff_calls,
        "auto_handoffs": chat.auto_handoffs,
        "system_messages": notes,
        "input_actions": chat.input_actions,
        "sessions": sessions,
    })
}

fn session(chat: &Chat, session: &Session) -> Value {
    let last = chat.messages.iter().rev().find(|message| message.session == session.id && !message.system);
    json!({
        "id": session.id,
        "line": session.line,
        "holder": views::holder(session.holder),
        "status": session.status(last.is_some_and(|message| message.author == chat.customer)),
    })
}

fn line(state: &State, message: &Message) -> Value {
    let author = match state.users.get(&message.author).map(|user| user.kind) {
        _ if message.system => "system",
        Some(Kind::Customer) => "customer",
        Some(Kind::Administrator | Kind::Employee) => "live_agent",
        // A bot that was unregistered has no user any more.
        Some(Kind::Bot) | None => "assistant",
    };
    let file = |id: &i64| {
        let file = state.files.get(id)?;
        Some(json!({
            "id": file.id, "name": file.name, "size": file.content.len(),
            "text": std::str::from_utf8(&file.content).ok(),
        }))
    };
    json!({
        "author": author,
        "name": if message.author == 0 { String::new() } else { state.name_of(message.author) },
        "text": message.text,
        "files": message.files.iter().filter_map(file).collect::<Vec<_>>(),
        "keyboard": message.keyboard,
        "reaches_customer": message.reaches_customer,
        "session": message.session,
        "id": message.id,
        "mid": message.mid,
        "delivered": message.delivered,
        "at": iso(message.at_ms),
    })
}
