//! Users: created once per external id, found by either id.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::Platform;
use super::auth::Caller;
use super::input::{Body, check_metadata, metadata, page, string, within};
use super::problem::Problem;
use super::world::{User, World};
use crate::clock::iso;

type Answer = Result<Json<Value>, Problem>;

pub(super) async fn create(
    State(platform): State<Platform>,
    _: Caller,
    Body(body): Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    string(&body, "externalId")?;
    within(&body, "externalId", 1024)?;
    let profile = profile(&body)?;
    let metadata = metadata(&body, "User")?;
    let user = platform.change(|world| world.add_user(&body, profile, metadata))?;
    Ok((StatusCode::CREATED, Json(json!({ "user": user }))))
}

pub(super) async fn list(
    State(platform): State<Platform>,
    _: Caller,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    // No simulated user has linked identities, and the filter does not look at the profile.
    if !query.contains_key("filter[identities.email]") {
        return Err(Problem::bad_request("filter[identities.email] is required"));
    }
    let (users, meta) = platform.read(|_| page(Vec::<Value>::new(), &query, |_| String::new()))?;
    Ok(Json(json!({ "users": users, "meta": meta, "links": {} })))
}

pub(super) async fn get(
    State(platform): State<Platform>,
    _: Caller,
    Path((_, id)): Path<(String, String)>,
) -> Answer {
    let user = platform.change(|world| world.user(&id).map(|user| user.to_json()))?;
    Ok(Json(json!({ "user": user })))
}

pub(super) async fn patch(
    State(platform): State<Platform>,
    _: Caller,
    Path((_, id)): Path<(String, String)>,
    Body(body): Body,
) -> Answer {
    let profile = profile(&body)?;
    let metadata = metadata(&body, "User")?;
    let user = platform.change(|world| {
        let user = world.user(&id)?;
        user.profile.extend(profile);
        user.metadata.extend(metadata);
        check_metadata(&user.metadata, "User")?;
        if let Some(at) = body["signedUpAt"].as_str() {
            user.signed_up_at = at.to_owned();
        }
        user.to_be_retained = body["toBeRetained"].as_bool().unwrap_or(user.to_be_retained);
        Ok(user.to_json())
    })?;
    Ok(Json(json!({ "user": user })))
}

pub(super) async fn delete(
    State(platform): State<Platform>,
    _: Caller,
    Path((_, id)): Path<(String, String)>,
) -> Answer {
    platform.change(|world| {
        let id = world.user(&id)?.id.clone();
        let user = world.user_in_event(&id);
        world.emit_to_all("user:remove", json!({ "user": user }));
        world.users.retain(|user| user.id != id);
        world
            .conversations
            .retain(|c| !(c.kind == "personal" && c.participants.iter().any(|p| p.user_id == id)));
        Ok(Json(json!({})))
    })
}

impl World {
    fn add_user(
        &mut self,
        body: &Value,
        profile: Map<String, Value>,
        metadata: Map<String, Value>,
    ) -> Result<Value, Problem> {
        let external_id = body["externalId"].as_str().map(str::to_owned);
        if self.users.iter().any(|user| user.external_id == external_id) {
            return Err(Problem::new(StatusCode::CONFLICT, "conflict", "User already exists"));
        }
        let user = self.new_user(external_id, profile, metadata);
        user.brand_id = body["brandId"].as_str().map(str::to_owned);
        user.to_be_retained = body["toBeRetained"].as_bool().unwrap_or(false);
        if let Some(at) = body["signedUpAt"].as_str() {
            user.signed_up_at = at.to_owned();
        }
        Ok(user.to_json())
    }

    /// Adds a user as a channel or the API would.
    pub(super) fn new_user(
        &mut self,
        external_id: Option<String>,
        mut profile: Map<String, Value>,
        metadata: Map<String, Value>,
    ) -> &mut User {
        if !profile.contains_key("locale") {
            profile.insert("locale".to_owned(), json!("en"));
            profile.insert("localeOrigin".to_owned(), json!("zendeskAccount"));
        }
        let (id, signed_up_at) = (self.id(), iso(self.now_ms()));
        let user = User {
            id,
            external_id,
            brand_id: None,
            zendesk_id: None,
            signed_up_at,
            profile,
            metadata,
            to_be_retained: false,
        };
        self.users.push(user);
        let last = self.users.len() - 1;
        &mut self.users[last]
    }

    /// Joins two users as a channel link or a login does: conversations move to the surviving one.
    pub(super) fn merge_users(&mut self, surviving: &str, discarded: &str) -> Result<(), Problem> {
        let surviving = self.user(surviving)?.id.clone();
        let discarded = self.user(discarded)?.id.clone();
        let pair = json!({
            "surviving": self.user_in_event(&surviving), "discarded": self.user_in_event(&discarded),
        });
        for conversation in &mut self.conversations {
            for participant in conversation.participants.iter_mut().filter(|p| p.user_id == discarded) {
                participant.user_id.clone_from(&surviving);
            }
        }
        self.users.retain(|user| user.id != discarded);
        self.emit_to_all("user:merge", json!({ "mergedUsers": pair, "reason": "sdkLogin" }));
        Ok(())
    }
}

fn profile(body: &Value) -> Result<Map<String, Value>, Problem> {
    let profile = &body["profile"];
    for (name, limit) in
        [("givenName", 128), ("surname", 128), ("email", 128), ("avatarUrl", 2048), ("locale", 64)]
    {
        within(profile, name, limit)?;
    }
    match profile {
        Value::Null => Ok(Map::new()),
        Value::Object(profile) => Ok(profile.clone()),
        _ => Err(Problem::bad_request("profile must be an object")),
    }
}
