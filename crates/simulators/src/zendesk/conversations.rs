//! Conversations and their participants.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::Platform;
use super::auth::Caller;
use super::input::{Body, check_metadata, metadata, page, string};
use super::problem::Problem;
use super::world::{Conversation, Participant, World};
use crate::clock::iso;

type Answer = Result<Json<Value>, Problem>;
type Created = Result<(StatusCode, Json<Value>), Problem>;

/// The most participants of a group.
const GROUP_LIMIT: usize = 10;
const FACTS: [&str; 3] = ["displayName", "description", "iconUrl"];

pub(super) async fn create(State(platform): State<Platform>, _: Caller, Body(body): Body) -> Created {
    let metadata = metadata(&body, "Conversation")?;
    let shown = platform.change(|world| {
        let users = world.wanted_participants(&body)?;
        let kind = string(&body, "type")?;
        let id = world.new_conversation(kind, &users, facts(&body), metadata, None)?;
        world.emit_creation(&id, "none", json!({ "type": "api:conversations" }));
        world.conversation_json(&id)
    })?;
    Ok((StatusCode::CREATED, Json(json!({ "conversation": shown }))))
}

pub(super) async fn list(
    State(platform): State<Platform>,
    _: Caller,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    let filter = query.get("filter[userId]").or_else(|| query.get("filter[userExternalId]"));
    let filter =
        filter.ok_or_else(|| Problem::bad_request("filter[userId] or filter[userExternalId] is required"))?;
    platform.change(|world| {
        let user = world.user(filter)?.id.clone();
        let ids = world.conversations.iter().filter(|found| found.has(&user)).map(|found| found.id.clone());
        let (ids, meta) = page(ids.collect(), &query, String::clone)?;
        let shown = ids.iter().map(|id| world.conversation_json(id)).collect::<Result<Vec<_>, _>>()?;
        Ok(Json(json!({ "conversations": shown, "meta": meta, "links": {} })))
    })
}

pub(super) async fn get(
    State(platform): State<Platform>,
    _: Caller,
    Path((_, id)): Path<(String, String)>,
) -> Answer {
    let shown = platform.change(|world| world.conversation_json(&id))?;
    Ok(Json(json!({ "conversation": shown })))
}

pub(super) async fn patch(
    State(platform): State<Platform>,
    _: Caller,
    Path((_, id)): Path<(String, String)>,
    Body(body): Body,
) -> Answer {
    metadata(&body, "Conversation")?;
    let shown = platform.change(|world| {
        let merges = world.options.metadata_merges;
        let conversation = world.conversation(&id)?;
        conversation.facts.extend(facts(&body));
        if let Value::Object(changes) = &body["metadata"] {
            let mut kept = if merges { conversation.metadata.clone() } else { Map::new() };
            kept.extend(changes.clone());
            kept.retain(|_, value| !value.is_null());
            check_metadata(&kept, "Conversation")?;
            conversation.metadata = kept;
        }
        world.conversation_json(&id)
    })?;
    Ok(Json(json!({ "conversation": shown })))
}

pub(super) async fn delete(
    State(platform): State<Platform>,
    _: Caller,
    Path((_, id)): Path<(String, String)>,
) -> Answer {
    platform.change(|world| {
        if world.conversation(&id)?.is_default {
            let title = format!("Conversation {id} cannot be deleted because it is the default.");
            return Err(Problem::bad_request(title));
        }
        world.emit("conversation:remove", &id, &[], json!({}));
        world.conversations.retain(|conversation| conversation.id != id);
        Ok(Json(json!({})))
    })
}

pub(super) async fn participants(
    State(platform): State<Platform>,
    _: Caller,
    Path((_, id)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    platform.change(|world| {
        let shown: Vec<Value> =
            world.conversation(&id)?.participants.iter().map(Participant::to_json).collect();
        let (shown, meta) = page(shown, &query, |shown| shown["id"].as_str().unwrap_or_default().to_owned())?;
        Ok(Json(json!({ "participants": shown, "meta": meta, "links": {} })))
    })
}

pub(super) async fn join(
    State(platform): State<Platform>,
    _: Caller,
    Path((_, id)): Path<(String, String)>,
    Body(body): Body,
) -> Created {
    let shown = platform.change(|world| {
        let user_id = world.named_user(&body)?;
        let participant = Participant { id: world.id(), user_id: user_id.clone() };
        let shown = participant.to_json();
        let conversation = world.conversation(&id)?;
        if conversation.kind != "sdkGroup" {
            return Err(Problem::bad_request("Only an sdkGroup can be joined"));
        }
        if conversation.has(&user_id) {
            return Err(Problem::bad_request("User is a member of the conversation already"));
        }
        if conversation.participants.len() >= GROUP_LIMIT {
            return Err(Problem::bad_request("Too many participants"));
        }
        conversation.participants.push(participant);
        let user = world.user_in_event(&user_id);
        world.emit("conversation:join", &id, &[], json!({ "user": user }));
        Ok(shown)
    })?;
    Ok((StatusCode::CREATED, Json(json!({ "participant": shown }))))
}

pub(super) async fn leave(
    State(platform): State<Platform>,
    _: Caller,
    Path((_, id)): Path<(String, String)>,
    Body(body): Body,
) -> Answer {
    platform.change(|world| {
        let user_id = world.named_user(&body)?;
        let conversation = world.conversation(&id)?;
        if conversation.kind != "sdkGroup" {
            return Err(Problem::bad_request("Only an sdkGroup can be left"));
        }
        if !conversation.has(&user_id) {
            return Err(Problem::not_found("User is not a member of the conversation"));
        }
        conversation.participants.retain(|participant| participant.user_id != user_id);
        let user = world.user_in_event(&user_id);
        world.emit("conversation:leave", &id, &[], json!({ "user": user }));
        Ok(Json(json!({})))
    })
}

impl World {
    /// A new conversation of these users, refused where the account allows one only.
    pub(super) fn new_conversation(
        &mut self,
        kind: &str,
        users: &[String],
        facts: Map<String, Value>,
        metadata: Map<String, Value>,
        channel: Option<String>,
    ) -> Result<String, Problem> {
        let personal = kind == "personal";
        let owner = users.first().filter(|_| personal);
        let has_one = owner.is_some_and(|user| self.conversations.iter().any(|c| c.is_personal_of(user)));
        if has_one && !self.options.multi_convo_enabled {
            return Err(Problem::switched(self.options.second_conversation_status, "Forbidden"));
        }
        let participants =
            users.iter().map(|user| Participant { id: self.id(), user_id: user.clone() }).collect();
        let (id, now) = (self.id(), self.now_ms());
        self.conversations.push(Conversation {
            id: id.clone(),
            kind: kind.to_owned(),
            participants,
            is_default: personal && !has_one,
            facts,
            metadata,
            created_ms: now,
            updated_ms: now,
            business_last_read_ms: None,
            active: None,
            pending: None,
            messages: Vec::new(),
            channel,
            ticket: None,
        });
        Ok(id)
    }

    pub(super) fn emit_creation(&mut self, id: &str, reason: &str, source: Value) {
        let owner = self.conversations.iter().find(|found| found.id == id).and_then(Conversation::owner);
        let mut payload = json!({ "creationReason": reason, "source": source });
        if let Some(owner) = owner {
            payload["user"] = self.user_in_event(&owner);
        }
        self.emit("conversation:create", id, &[], payload);
    }

    pub(super) fn conversation_json(&mut self, id: &str) -> Result<Value, Problem> {
        let conversation = self.conversation(id)?;
        let mut shown = json!({
            "id": conversation.id, "type": conversation.kind, "isDefault": conversation.is_default,
            "metadata": conversation.metadata, "createdAt": iso(conversation.created_ms),
            "lastUpdatedAt": iso(conversation.updated_ms),
        });
        for (name, value) in &conversation.facts {
            shown[name] = value.clone();
        }
        if let Some(read) = conversation.business_last_read_ms {
            shown["businessLastRead"] = json!(iso(read));
        }
        let (active, pending) = (conversation.active.clone(), conversation.pending.clone());
        self.show_control(&mut shown, active.as_deref(), pending.as_deref());
        Ok(shown)
    }

    /// The user a body names by `userId` or `userExternalId`.
    pub(super) fn named_user(&mut self, body: &Value) -> Result<String, Problem> {
        let (id, external) = (body["userId"].as_str(), body["userExternalId"].as_str());
        let (by_id, wanted) = match (id, external) {
            (Some(id), None) => (true, id),
            (None, Some(external)) => (false, external),
            _ => return Err(Problem::bad_request("Either userId or userExternalId is required")),
        };
        let user = self.users.iter().find(|user| match by_id {
            true => user.id == wanted,
            false => user.external_id.as_deref() == Some(wanted),
        });
        user.map(|user| user.id.clone()).ok_or_else(Problem::user_missing)
    }

    fn wanted_participants(&mut self, body: &Value) -> Result<Vec<String>, Problem> {
        let none = Vec::new();
        let participants = body["participants"].as_array().unwrap_or(&none);
        match string(body, "type")? {
            "personal" if participants.len() == 1 => {}
            "personal" => {
                return Err(Problem::bad_request("A personal conversation has exactly one participant"));
            }
            "sdkGroup" if participants.len() > GROUP_LIMIT => {
                return Err(Problem::bad_request("Too many participants"));
            }
            "sdkGroup" if participants.iter().any(|p| !p["subscribeSDKClient"].is_boolean()) => {
                return Err(Problem::bad_request("subscribeSDKClient is required"));
            }
            "sdkGroup" => {}
            other => return Err(Problem::bad_request(format!("Invalid conversation type {other}"))),
        }
        participants.iter().map(|participant| self.named_user(participant)).collect()
    }
}

impl Conversation {
    pub(super) fn has(&self, user: &str) -> bool {
        self.participants.iter().any(|participant| participant.user_id == user)
    }

    /// The one user of a personal conversation.
    pub(super) fn owner(&self) -> Option<String> {
        self.participants.first().filter(|_| self.kind == "personal").map(|owner| owner.user_id.clone())
    }

    fn is_personal_of(&self, user: &str) -> bool {
        self.kind == "personal" && self.has(user)
    }
}

impl Participant {
    fn to_json(&self) -> Value {
        json!({ "id": self.id, "userId": self.user_id, "unreadCount": 0, "clientAssociations": [] })
    }
}

fn facts(body: &Value) -> Map<String, Value> {
    let given = FACTS.iter().filter(|name| body[**name].is_string());
    given.map(|name| ((*name).to_owned(), body[*name].clone())).collect()
}
