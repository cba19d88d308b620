//! The account as a test sees it, and as the live agent sees it.

use serde_json::{Value, json};

use super::content::fallback;
use super::support::{Comment, Ticket, Via};
use super::world::{Conversation, Integration, Message, SwitchboardIntegration, User, World};
use crate::clock::iso;

/// The whole state.
pub(super) fn state(world: &World) -> Value {
    let members = world.switchboard.iter().flat_map(|switchboard| &switchboard.integrations);
    json!({
        "platform": "zendesk",
        "app": { "id": world.options.app_id },
        "integrations": world.integrations.iter().map(Integration::to_json).collect::<Vec<_>>(),
        "switchboard": world.switchboard.as_ref().map(super::world::Switchboard::to_json),
        "switchboard_integrations": members.map(SwitchboardIntegration::to_json).collect::<Vec<_>>(),
        "users": world.users.iter().map(User::to_json).collect::<Vec<_>>(),
        "conversations": world.conversations.iter().map(|found| conversation(world, found)).collect::<Vec<_>>(),
        "attachments": world.attachments.iter().map(|found| json!({
            "key": found.key, "file_name": found.file_name, "media_type": found.media_type,
            "size": found.bytes.len(), "conversation": found.conversation, "private": found.private,
        })).collect::<Vec<_>>(),
        "tickets": world.support.tickets.iter().map(|found| found.to_json(world)).collect::<Vec<_>>(),
        "support": { "idempotency_keys_in_use": world.support.kept_answers.in_use() },
        "live_agent": { "chats": chats(world) },
    })
}

/// The live agent's view: one chat for each ticket that a person works on.
pub(super) fn chats(world: &World) -> Vec<Value> {
    world.support.tickets.iter().filter(|ticket| !ticket.ai_agent).map(|ticket| chat(world, ticket)).collect()
}

fn conversation(world: &World, found: &Conversation) -> Value {
    let name =
        |id: &Option<String>| id.as_ref().and_then(|id| world.member(id)).map(|member| member.name.clone());
    json!({
        "id": found.id, "type": found.kind, "is_default": found.is_default, "metadata": found.metadata,
        "participants": found.participants.iter().map(|participant| &participant.user_id).collect::<Vec<_>>(),
        "active": name(&found.active), "pending": name(&found.pending), "ticket": found.ticket,
        "messages": found.messages.iter().map(|message| {
            let mut shown = message.to_json();
            shown["silent"] = json!(message.silent);
            shown
        }).collect::<Vec<_>>(),
    })
}

fn chat(world: &World, ticket: &Ticket) -> Value {
    let requester = world.support.contact(ticket.requester);
    let customer = requester.map(|requester| requester.name.clone()).unwrap_or_default();
    let messages: Vec<Value> = match ticket.via {
        Via::Messaging => ticket.messages.iter().map(|message| spoken(message, &customer)).collect(),
        Via::Api => ticket.comments.iter().map(|comment| remark(world, ticket, comment)).collect(),
    };
    json!({
        "id": ticket.conversation.clone().unwrap_or_else(|| ticket.id.to_string()),
        "ticket": ticket.id, "status": ticket.status, "subject": ticket.subject, "priority": ticket.priority,
        "tags": ticket.tags, "by_email": ticket.by_email, "group": ticket.group, "external_id": ticket.external_id,
        "requester": requester.map(|requester| json!({
            "id": requester.id, "name": requester.name, "email": requester.email,
            "external_id": requester.external_id,
        })),
        "assigned_to": ticket.assignee.map(|assignee| match assignee == world.options.live_agent_id {
            true => world.options.live_agent_name.clone(),
            false => assignee.to_string(),
        }),
        "fields": ticket.custom_fields,
        "messages": messages,
    })
}

fn spoken(message: &Message, customer: &str) -> Value {
    let author = author(message);
    let own_name = message.author["displayName"].as_str();
    let name = if author == "customer" { own_name.or(Some(customer)) } else { own_name };
    json!({
        "author": author, "name": name, "text": text(message), "files": files(message), "id": message.id,
        "at": iso(message.received_ms), "metadata": message.metadata,
    })
}

fn author(message: &Message) -> &'static str {
    if message.is_by_user() {
        return "customer";
    }
    let by = message.metadata.get("__zendesk_msg.agent.id").and_then(Value::as_str);
    match by {
        _ if message.activity.is_some() => "system",
        Some("__trigger") => "system",
        Some(_) => "live_agent",
        None => "assistant",
    }
}

/// A file's name is no text of its own.
fn text(message: &Message) -> String {
    let content = &message.content;
    if content["mediaUrl"].is_string() && content["text"].is_null() {
        return String::new();
    }
    fallback(content)
}

fn files(message: &Message) -> Vec<Value> {
    let content = &message.content;
    let url = content["mediaUrl"].as_str().into_iter();
    url.map(|url| json!({ "name": content["altText"], "url": url, "media_type": content["mediaType"] }))
        .collect()
}

fn remark(world: &World, ticket: &Ticket, comment: &Comment) -> Value {
    let author = match comment.author {
        by if by == ticket.requester => "customer",
        by if by == world.options.live_agent_id => "live_agent",
        _ => "system",
    };
    let name = world.support.contact(comment.author).map(|contact| contact.name.clone());
    json!({
        "author": author, "name": name, "text": comment.body, "files": comment.attachments, "id": comment.id,
        "at": iso(comment.at_ms), "public": comment.public,
    })
}
