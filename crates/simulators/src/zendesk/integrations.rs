//! The app, its integrations, their webhooks and keys.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Platform;
use super::auth::Caller;
use super::events::TRIGGERS;
use super::input::{Body, page, string};
use super::problem::Problem;
use super::world::{Integration, Key, Scope, Webhook, World};

type Answer = Result<Json<Value>, Problem>;
type Created = Result<(StatusCode, Json<Value>), Problem>;

/// The most webhooks of an app.
const WEBHOOK_LIMIT: usize = 10;
/// The most keys of an app.
const KEY_LIMIT: usize = 10;

pub(super) async fn app(State(platform): State<Platform>, caller: Caller) -> Answer {
    caller.require_app()?;
    let options = platform.options();
    Ok(Json(json!({ "app": {
        "id": options.app_id, "displayName": "Simulated app", "metadata": {},
        "settings": {
            "multiConvoEnabled": options.multi_convo_enabled, "maskCreditCardNumbers": false,
            "useAnimalNames": false, "echoPostback": false, "appLocalizationEnabled": false,
        },
    } })))
}

pub(super) async fn create(State(platform): State<Platform>, caller: Caller, Body(body): Body) -> Created {
    caller.require_app()?;
    let shown = platform.change(|world| {
        if string(&body, "type")? != "custom" {
            return Err(Problem::bad_request("Invalid integration type"));
        }
        let webhook = match body["webhooks"].as_array().map(Vec::as_slice) {
            Some([one]) => world.new_webhook(one)?,
            _ => return Err(Problem::bad_request("Exactly one webhook is required")),
        };
        let integration = Integration {
            id: world.id(),
            kind: "custom".to_owned(),
            display_name: body["displayName"].as_str().unwrap_or_default().to_owned(),
            webhooks: vec![webhook],
            default_responder: None,
        };
        let shown = integration.to_json();
        world.integrations.push(integration);
        Ok(shown)
    })?;
    Ok((StatusCode::CREATED, Json(json!({ "integration": shown }))))
}

pub(super) async fn list(
    State(platform): State<Platform>,
    caller: Caller,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    caller.require_app()?;
    let shown: Vec<Value> =
        platform.read(|world| world.integrations.iter().map(|found| world.shown(found)).collect());
    let (shown, meta) = page(shown, &query, |found| found["id"].as_str().unwrap_or_default().to_owned())?;
    Ok(Json(json!({ "integrations": shown, "meta": meta, "links": {} })))
}

pub(super) async fn get(
    State(platform): State<Platform>,
    caller: Caller,
    Path((_, id)): Path<(String, String)>,
) -> Answer {
    caller.require_app()?;
    let shown = platform.read(|world| {
        let found = world.integrations.iter().find(|found| found.id == id);
        found.map(|found| world.shown(found)).ok_or_else(Problem::integration_missing)
    })?;
    Ok(Json(json!({ "integration": shown })))
}

pub(super) async fn patch(
    State(platform): State<Platform>,
    caller: Caller,
    Path((_, id)): Path<(String, String)>,
    Body(body): Body,
) -> Answer {
    caller.require_app()?;
    let shown = platform.change(|world| {
        let responder = body["defaultResponderId"].as_str().map(str::to_owned);
        if responder.as_deref().is_some_and(|member| world.member(member).is_none()) {
            let title = "Switchboard integration not found";
            return Err(Problem::missing("switchboard_integration_not_found", title));
        }
        let found = world.integration(&id)?;
        if let Some(name) = body["displayName"].as_str() {
            found.display_name = name.to_owned();
        }
        if body.get("defaultResponderId").is_some() {
            found.default_responder = responder;
        }
        let changed = world.integrations.iter().find(|found| found.id == id);
        Ok(changed.map(|found| world.shown(found)))
    })?;
    Ok(Json(json!({ "integration": shown })))
}

pub(super) async fn delete(
    State(platform): State<Platform>,
    caller: Caller,
    Path((_, id)): Path<(String, String)>,
) -> Answer {
    caller.require_app()?;
    platform.change(|world| {
        world.integration(&id)?;
        world.integrations.retain(|integration| integration.id != id);
        Ok(Json(json!({})))
    })
}

pub(super) async fn create_key(
    State(platform): State<Platform>,
    caller: Caller,
    Path((_, id)): Path<(String, String)>,
    Body(body): Body,
) -> Created {
    caller.require_app()?;
    let shown = platform.change(|world| {
        if world.integration(&id)?.kind != "custom" {
            return Err(Problem::bad_request("API keys are available only for custom integrations"));
        }
        if world.keys.len() >= KEY_LIMIT {
            return Err(Problem::bad_request("An app has at most 10 keys"));
        }
        let (key, secret) = (format!("int_{}", world.id()), world.hex(64));
        let display_name = string(&body, "displayName")?.to_owned();
        let shown = json!({ "id": key, "displayName": display_name, "secret": secret });
        world.keys.push(Key { id: key, secret, scope: Scope::Integration(id.clone()), display_name });
        Ok(shown)
    })?;
    Ok((StatusCode::CREATED, Json(json!({ "key": shown }))))
}

pub(super) async fn list_keys(
    State(platform): State<Platform>,
    caller: Caller,
    Path((_, id)): Path<(String, String)>,
) -> Answer {
    caller.require_app()?;
    let owner = Scope::Integration(id);
    let shown: Vec<Value> = platform.read(|world| {
        let own = world.keys.iter().filter(|key| key.scope == owner);
        own.map(|key| json!({ "id": key.id, "displayName": key.display_name })).collect()
    });
    Ok(Json(json!({ "keys": shown })))
}

pub(super) async fn create_webhook(
    State(platform): State<Platform>,
    caller: Caller,
    Path((_, id)): Path<(String, String)>,
    Body(body): Body,
) -> Created {
    let shown = platform.change(|world| {
        let id = own_or_any(&caller, &id)?;
        if world.integrations.iter().map(|found| found.webhooks.len()).sum::<usize>() >= WEBHOOK_LIMIT {
            return Err(Problem::bad_request("An app has at most 10 webhooks"));
        }
        let webhook = world.new_webhook(&body)?;
        let shown = webhook.to_json();
        world.integration(&id)?.webhooks.push(webhook);
        Ok(shown)
    })?;
    Ok((StatusCode::CREATED, Json(json!({ "webhook": shown }))))
}

pub(super) async fn list_webhooks(
    State(platform): State<Platform>,
    caller: Caller,
    Path((_, id)): Path<(String, String)>,
) -> Answer {
    let shown: Vec<Value> = platform.change(|world| {
        let webhooks = &world.integration(&own_or_any(&caller, &id)?)?.webhooks;
        Ok(webhooks.iter().map(Webhook::to_json).collect())
    })?;
    Ok(Json(json!({ "webhooks": shown })))
}

pub(super) async fn get_webhook(
    State(platform): State<Platform>,
    caller: Caller,
    Path((_, id, webhook)): Path<(String, String, String)>,
) -> Answer {
    let shown = platform.change(|world| Ok(world.webhook(&caller, &id, &webhook)?.to_json()))?;
    Ok(Json(json!({ "webhook": shown })))
}

pub(super) async fn patch_webhook(
    State(platform): State<Platform>,
    caller: Caller,
    Path((_, id, webhook)): Path<(String, String, String)>,
    Body(body): Body,
) -> Answer {
    let shown = platform.change(|world| {
        let found = world.webhook(&caller, &id, &webhook)?;
        if !body["target"].is_null() {
            found.target = target(&body)?;
        }
        if !body["triggers"].is_null() {
            found.triggers = triggers(&body)?;
        }
        found.full_user = body["includeFullUser"].as_bool().unwrap_or(found.full_user);
        found.full_source = body["includeFullSource"].as_bool().unwrap_or(found.full_source);
        Ok(found.to_json())
    })?;
    Ok(Json(json!({ "webhook": shown })))
}

pub(super) async fn delete_webhook(
    State(platform): State<Platform>,
    caller: Caller,
    Path((_, id, webhook)): Path<(String, String, String)>,
) -> Answer {
    platform.change(|world| {
        world.webhook(&caller, &id, &webhook)?;
        world.integration(&own_or_any(&caller, &id)?)?.webhooks.retain(|found| found.id != webhook);
        Ok(Json(json!({})))
    })
}

/// The integration a path means: `me` is the caller's own, and the only one an integration key may name.
fn own_or_any(caller: &Caller, id: &str) -> Result<String, Problem> {
    match (caller.integration(), id) {
        (Some(own), "me") => Ok(own.to_owned()),
        (Some(own), id) if own == id => Ok(own.to_owned()),
        (Some(_), _) => Err(Problem::forbidden()),
        (None, id) => Ok(id.to_owned()),
    }
}

impl World {
    /// An integration; a channel with who answers first on it, and whether the switchboard says so.
    fn shown(&self, integration: &Integration) -> Value {
        let mut shown = integration.to_json();
        let is_channel = integration.kind != "custom" && !integration.kind.starts_with("zd:");
        let own = integration.default_responder.as_ref();
        let default =
            self.switchboard.as_ref().filter(|_| is_channel).and_then(|board| board.default.as_ref());
        let members = self.switchboard.iter().flat_map(|board| &board.integrations);
        if let Some(found) = members.into_iter().find(|member| Some(&member.id) == own.or(default)) {
            shown["defaultResponder"] = found.to_json();
            shown["defaultResponder"]["inherited"] = json!(own.is_none());
        }
        shown
    }

    fn webhook(&mut self, caller: &Caller, id: &str, webhook: &str) -> Result<&mut Webhook, Problem> {
        let integration = self.integration(&own_or_any(caller, id)?)?;
        let missing = || Problem::not_found("Webhook not found");
        integration.webhooks.iter_mut().find(|found| found.id == webhook).ok_or_else(missing)
    }

    fn new_webhook(&mut self, body: &Value) -> Result<Webhook, Problem> {
        Ok(Webhook {
            target: target(body)?,
            triggers: triggers(body)?,
            id: self.id(),
            secret: self.hex(32),
            full_user: body["includeFullUser"].as_bool().unwrap_or(false),
            full_source: body["includeFullSource"].as_bool().unwrap_or(false),
        })
    }
}

impl Integration {
    pub(super) fn to_json(&self) -> Value {
        let webhooks: Vec<Value> = self.webhooks.iter().map(Webhook::to_json).collect();
        let mut shown = json!({
            "id": self.id, "type": self.kind, "status": "active", "displayName": self.display_name,
        });
        if self.kind == "custom" {
            shown["webhooks"] = json!(webhooks);
        }
        shown
    }
}

impl Webhook {
    fn to_json(&self) -> Value {
        json!({
            "id": self.id, "version": "v2", "target": self.target, "triggers": self.triggers, "secret": self.secret,
            "includeFullUser": self.full_user, "includeFullSource": self.full_source,
        })
    }
}

fn target(body: &Value) -> Result<String, Problem> {
    let target = string(body, "target")?;
    match url::Url::parse(target) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(target.to_owned()),
        _ => Err(Problem::bad_request("target must be an URL")),
    }
}

fn triggers(body: &Value) -> Result<Vec<String>, Problem> {
    let triggers = body["triggers"].as_array().filter(|triggers| !triggers.is_empty());
    let triggers = triggers.ok_or_else(|| Problem::bad_request("triggers are required"))?;
    let known = triggers.iter().map(|trigger| trigger.as_str().filter(|trigger| TRIGGERS.contains(trigger)));
    let known = known.map(|trigger| trigger.map(str::to_owned)).collect::<Option<_>>();
    known.ok_or_else(|| Problem::bad_request("Invalid trigger"))
}
