//! What the administrator and the weather do: settings, lines, tokens, the application, failing methods.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State as Shared;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::api::params::Params;
use super::super::{Portal, api, bucket, events, views};
use super::Answered;
use crate::control::{Json, Refused};

/// The switches as they are.
pub(super) async fn settings(Shared(portal): Shared<Arc<Portal>>) -> Json<Value> {
    Json(json!(portal.read(|state| state.settings.clone())))
}

/// Changes some switches.
pub(super) async fn change_settings(
    Shared(portal): Shared<Arc<Portal>>,
    Json(patch): Json<Value>,
) -> Answered {
    let changed = portal.act(|state| {
        let patched = state.settings.patched(&patch)?;
        state.settings = patched.clone();
        Ok::<_, String>(patched)
    });
    Ok(Json(json!(changed.map_err(Refused::because)?)))
}

/// How near the portal's rate came everything that it was asked, also what a fault took, and whether or not the rate
/// limit is on.
pub(super) async fn rate(Shared(portal): Shared<Arc<Portal>>) -> Json<Value> {
    let rate = portal.read(|state| bucket::Rate::of(&state.settings));
    let arrivals = portal.control.journal.arrivals(|path| path.starts_with("/rest/"));
    Json(json!(bucket::load(rate, arrivals)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LineChange {
    id: i64,
    /// Settings under their documented names.
    #[serde(default)]
    fields: Map<String, Value>,
    /// User ids.
    #[serde(default)]
    queue: Option<Vec<i64>>,
}

/// Changes a line, or adds one.
pub(super) async fn line(Shared(portal): Shared<Arc<Portal>>, Json(change): Json<LineChange>) -> Answered {
    let line = portal.act(|state| {
        let mut fields = change.fields;
        if let Some(queue) = change.queue {
            fields.insert("QUEUE".to_owned(), json!(queue));
        }
        let wishes = Params::new(fields);
        match state.lines.get_mut(&change.id) {
            Some(line) => line.set(&wishes),
            None => drop(state.add_line(Some(change.id), &wishes)),
        }
        state.lines.get(&change.id).cloned()
    });
    Ok(Json(json!(line)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfConnector {
    #[serde(default)]
    connector: String,
    #[serde(default)]
    line: i64,
    #[serde(default)]
    times: u32,
}

/// Deletes a line, as the administrator does.
pub(super) async fn line_delete(
    Shared(portal): Shared<Arc<Portal>>,
    Json(which): Json<OfConnector>,
) -> Json<Value> {
    Json(json!({ "deleted": portal.act(|state| state.delete_line(which.line)) }))
}

/// Switches a connector off on a line.
pub(super) async fn connector_off(
    Shared(portal): Shared<Arc<Portal>>,
    Json(which): Json<OfConnector>,
) -> Json<Value> {
    Json(json!({ "off": portal.act(|state| state.switch_connector_off(&which.connector, which.line)) }))
}

/// Lets the next messages through connectors be refused one by one, within an answer of success.
pub(super) async fn connector_refuse(
    Shared(portal): Shared<Arc<Portal>>,
    Json(which): Json<OfConnector>,
) -> Json<Value> {
    portal.act(|state| state.refuses = which.times);
    Json(json!({ "times": which.times }))
}

/// Opens a connector's settings page from the contact center.
pub(super) async fn connector_open(
    Shared(portal): Shared<Arc<Portal>>,
    Json(which): Json<OfConnector>,
) -> Answered {
    let opened = portal.act(|state| {
        let placement = state.connectors.get(&which.connector)?.placement.clone();
        let user = state.identity.webhook_user;
        let pair = state.tokens.issue(user, state.settings.access_token_seconds, state.now_ms);
        let options = json!({ "LINE": which.line, "ACTIVE_STATUS": 0 }).to_string();
        let identity = &state.identity;
        let fields = [
            ("AUTH_ID", json!(pair.access)),
            ("AUTH_EXPIRES", json!(3600)),
            ("REFRESH_ID", json!(pair.refresh)),
            ("SERVER_ENDPOINT", json!(format!("{}/rest/", identity.base))),
            ("APPLICATION_TOKEN", json!(identity.application_token)),
            ("APPLICATION_SCOPE", json!(state.settings.scope)),
            ("member_id", json!(identity.member_id)),
            ("status", json!("L")),
            ("PLACEMENT", json!("SETTING_CONNECTOR")),
            ("PLACEMENT_OPTIONS", json!(options)),
        ];
        let fields: Vec<(&str, &Value)> = fields.iter().map(|(name, value)| (*name, value)).collect();
        let url = format!("{placement}?DOMAIN={}&PROTOCOL=1&LANG=en&APP_SID=sid", identity.domain);
        let body = super::super::php::encode(&fields);
        state.posts.push(super::super::state::Post { event: "SETTING_CONNECTOR".to_owned(), url, body });
        Some(())
    });
    opened.ok_or_else(|| Refused::because(format!("There is no connector {}.", which.connector)))?;
    Ok(Json(json!({ "opened": which.connector })))
}

/// Every access token expires now.
pub(super) async fn tokens_expire(Shared(portal): Shared<Arc<Portal>>) -> Json<Value> {
    portal.act(|state| state.tokens.expire_all(state.now_ms));
    Json(json!({ "expired": true }))
}

/// Every token is worthless from now on.
pub(super) async fn tokens_revoke(Shared(portal): Shared<Arc<Portal>>) -> Json<Value> {
    portal.act(|state| state.tokens.revoke_all());
    Json(json!({ "revoked": true }))
}

/// A user agrees to the application: an authorisation code.
pub(super) async fn oauth_code(Shared(portal): Shared<Arc<Portal>>) -> Json<Value> {
    let code = portal.act(|state| {
        let (user, now_ms) = (state.identity.webhook_user, state.now_ms);
        state.tokens.code(user, now_ms)
    });
    Json(json!({ "code": code }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Install {
    handler: String,
}

/// The administrator installs the application: its handler gets the first tokens.
pub(super) async fn app_install(
    Shared(portal): Shared<Arc<Portal>>,
    Json(install): Json<Install>,
) -> Json<Value> {
    portal.act(|state| {
        state.settings.installed = true;
        let user = state.identity.webhook_user;
        let pair = state.tokens.issue(user, state.settings.access_token_seconds, state.now_ms);
        let mut auth = events::auth_block(state, None);
        if let (Value::Object(auth), Value::Object(token)) = (&mut auth, views::token(state, &pair)) {
            auth.extend(token);
        }
        let language = state.settings.language.clone();
        let data = json!({ "VERSION": 1, "ACTIVE": "Y", "INSTALLED": "Y", "LANGUAGE_ID": language });
        events::application_event(state, "ONAPPINSTALL", &install.handler, &data, &auth, 0);
    });
    Json(json!({ "installed": true }))
}

/// The administrator removes the application: its tokens and bindings are gone, and no event leaves any more.
pub(super) async fn app_uninstall(Shared(portal): Shared<Arc<Portal>>) -> Json<Value> {
    portal.act(|state| {
        let data = json!({ "LANGUAGE_ID": state.settings.language, "CLEAN": "1" });
        api::fire(state, "ONAPPUNINSTALL", &data, None);
        state.settings.installed = false;
        state.bindings.clear();
        state.tokens.revoke_all();
    });
    Json(json!({ "installed": false }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Block {
    method: String,
    seconds: i64,
}

/// The method has used up its operating time for a while.
pub(super) async fn method_block(
    Shared(portal): Shared<Arc<Portal>>,
    Json(block): Json<Block>,
) -> Json<Value> {
    let blocked: BTreeMap<String, i64> = portal.act(|state| {
        state.blocked.insert(block.method.to_lowercase(), state.now_ms + block.seconds * 1000);
        state.blocked.clone()
    });
    Json(json!({ "blocked_until_ms": blocked }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FailAfter {
    method: String,
    #[serde(default = "once")]
    times: u32,
}

fn once() -> u32 {
    1
}

/// The next calls of the method have their effect and are answered 500.
pub(super) async fn method_fail_after(
    Shared(portal): Shared<Arc<Portal>>,
    Json(fail): Json<FailAfter>,
) -> Json<Value> {
    portal.act(|state| state.fail_after.insert(fail.method.to_lowercase(), fail.times));
    Json(json!({ "method": fail.method, "times": fail.times }))
}
