//! The methods about the portal itself: users, the application, its event bindings.

use axum::http::StatusCode;
use serde_json::{Value, json};
use url::Url;

use super::super::events;
use super::super::model::{Binding, Kind, User};
use super::super::state::State;
use super::super::views;
use super::answer::{Answer, Error, Outcome, bad, error, forbidden, ok};
use super::gate::Caller;
use super::methods as registry;
use super::params::{Params, as_int};

/// Rows on a page.
const PAGE: usize = 50;

/// The events of the application itself that this portal can send. Bots' events are
/// subscribed to by the platform, not by `event.bind`.
const EVENTS: [&str; 10] = [
    "ONAPPTEST",
    "ONAPPUNINSTALL",
    "ONAPPUPDATE",
    "ONIMCONNECTORMESSAGEADD",
    "ONIMCONNECTORMESSAGEUPDATE",
    "ONIMCONNECTORMESSAGEDELETE",
    "ONIMCONNECTORDIALOGSTART",
    "ONIMCONNECTORDIALOGFINISH",
    "ONIMCONNECTORSTATUSDELETE",
    "ONIMCONNECTORLINEDELETE",
];

/// `scope`.
pub(super) fn scope(state: &mut State, _: Caller, _: Params) -> Outcome {
    ok(json!(state.settings.scope.split(',').map(str::trim).collect::<Vec<_>>()))
}

/// `server.time`.
pub(super) fn server_time(state: &mut State, _: Caller, _: Params) -> Outcome {
    ok(json!(views::date(state.now_ms)))
}

/// `methods`.
pub(super) fn methods(_: &mut State, _: Caller, _: Params) -> Outcome {
    ok(registry::names().collect())
}

/// `method.get`.
pub(super) fn method_get(_: &mut State, _: Caller, params: Params) -> Outcome {
    let known = params.text("name").is_some_and(|name| registry::find(&name).is_some());
    ok(json!({ "isExisting": known, "isAvailable": known }))
}

/// `app.info`, which an inbound webhook has no use for.
pub(super) fn app_info(state: &mut State, caller: Caller, _: Params) -> Outcome {
    if caller.by_webhook {
        return Err(forbidden("ACCESS_DENIED", "Access denied! Application context required"));
    }
    ok(json!({
        "ID": 7, "CODE": state.identity.client_id, "VERSION": 1, "STATUS": "L",
        "INSTALLED": state.settings.installed, "PAYMENT_EXPIRED": "N", "DAYS": null,
        "LANGUAGE_ID": state.settings.language, "LICENSE": "en_ent250", "LICENSE_TYPE": "ent250", "LICENSE_FAMILY": "ent",
    }))
}

/// `event.bind`.
pub(super) fn event_bind(state: &mut State, caller: Caller, params: Params) -> Outcome {
    application_only(caller)?;
    let (event, handler) = event_and_handler(&params)?;
    if state.bindings.iter().any(|binding| binding.event == event && binding.handler == handler) {
        return Err(bad("ERROR_CORE", "Unable to set event handler: Handler already binded"));
    }
    state.ids.binding += 1;
    let auth_type = params.int("auth_type").unwrap_or(0);
    state.bindings.push(Binding { id: state.ids.binding, event, handler, auth_type });
    ok(json!(true))
}

/// `event.get`.
pub(super) fn event_get(state: &mut State, caller: Caller, _: Params) -> Outcome {
    application_only(caller)?;
    let row = |binding: &Binding| {
        json!({
            "event": binding.event, "handler": binding.handler, "auth_type": binding.auth_type.to_string(), "offline": 0,
        })
    };
    ok(state.bindings.iter().map(row).collect())
}

/// `event.unbind`.
pub(super) fn event_unbind(state: &mut State, caller: Caller, params: Params) -> Outcome {
    application_only(caller)?;
    let (event, handler) = event_and_handler(&params)?;
    let before = state.bindings.len();
    state.bindings.retain(|binding| binding.event != event || binding.handler != handler);
    ok(json!({ "count": before - state.bindings.len() }))
}

/// `event.test`: fires `ONAPPTEST` with the call's parameters.
pub(super) fn event_test(state: &mut State, caller: Caller, params: Params) -> Outcome {
    application_only(caller)?;
    let query: serde_json::Map<String, Value> =
        params.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    fire(state, "ONAPPTEST", &json!({ "QUERY": query }), Some(caller.user));
    ok(json!(true))
}

/// Sends one of the application's own events to everyone who bound it.
pub(in super::super) fn fire(state: &mut State, event: &str, data: &Value, user: Option<i64>) {
    if !state.settings.installed {
        return;
    }
    let bound: Vec<Binding> =
        state.bindings.iter().filter(|binding| binding.event == event).cloned().collect();
    for binding in bound {
        let auth = events::auth_block(state, user);
        events::application_event(state, event, &binding.handler, data, &auth, binding.id);
    }
}

/// `user.current`.
pub(super) fn user_current(state: &mut State, caller: Caller, _: Params) -> Outcome {
    match state.users.get(&caller.user) {
        Some(user) => ok(row(user)),
        None => Err(error(StatusCode::UNAUTHORIZED, "NO_AUTH_FOUND", "Wrong authorization data")),
    }
}

/// `user.get`: employees, filtered by id and presence.
pub(super) fn user_get(state: &mut State, _: Caller, params: Params) -> Outcome {
    let params = params.upper();
    let filter = if params.has("FILTER") { params.nested("FILTER").upper() } else { params.clone() };
    let ids: Option<Vec<i64>> = filter.get("ID").map(|wanted| match wanted {
        Value::Array(ids) => ids.iter().filter_map(as_int).collect(),
        one => as_int(one).into_iter().collect(),
    });
    let online = filter.text("IS_ONLINE").map(|online| online == "Y");
    let fits = |user: &&User| {
        user.is_staff()
            && ids.as_ref().is_none_or(|ids| ids.contains(&user.id))
            && online.is_none_or(|online| online == user.online)
    };
    let found: Vec<&User> = state.users.values().filter(fits).collect();
    let start = params.id("START").unwrap_or(0) as usize;
    let page = found.iter().skip(start).take(PAGE).map(|user| row(user)).collect();
    let next = (found.len() > start + PAGE).then_some(start + PAGE);
    Ok(Answer { result: page, total: Some(found.len()), next })
}

fn row(user: &User) -> Value {
    json!({
        "ID": user.id.to_string(), "ACTIVE": true, "NAME": user.first_name, "LAST_NAME": user.last_name,
        "EMAIL": format!("user{}@example.com", user.id), "IS_ONLINE": if user.online { "Y" } else { "N" },
        "WORK_POSITION": if user.kind == Kind::Administrator { "Administrator" } else { "Operator" },
        "UF_DEPARTMENT": [1], "USER_TYPE": "employee",
    })
}

fn application_only(caller: Caller) -> Result<(), Error> {
    if caller.by_webhook {
        return Err(forbidden("WRONG_AUTH_TYPE", "Current authorization type is denied for this method"));
    }
    Ok(())
}

fn event_and_handler(params: &Params) -> Result<(String, String), Error> {
    let event = params.text("event").unwrap_or_default().to_uppercase();
    if !EVENTS.contains(&event.as_str()) {
        return Err(bad("ERROR_EVENT_NOT_FOUND", "Event not found"));
    }
    let handler = params.text("handler").filter(|handler| Url::parse(handler).is_ok());
    Ok((event, handler.ok_or(bad("ERROR_CORE", "Unable to set event handler: wrong handler URL"))?))
}
