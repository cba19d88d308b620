//! The switchboard's configuration and the four actions on a conversation.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Platform;
use super::auth::Caller;
use super::input::{Body, metadata, string};
use super::problem::Problem;
use super::world::{Switchboard, SwitchboardIntegration, World};

type Answer = Result<Json<Value>, Problem>;
type Created = Result<(StatusCode, Json<Value>), Problem>;

/// The most integrations of a switchboard.
const MEMBER_LIMIT: usize = 10;

pub(super) async fn pass(
    State(platform): State<Platform>,
    caller: Caller,
    Path((_, id)): Path<(String, String)>,
    Body(body): Body,
) -> Answer {
    let metadata = metadata(&body, "Action")?;
    platform.change(|world| {
        world.conversation(&id)?;
        world.pass_control(&id, Some(&caller), string(&body, "switchboardIntegration")?, metadata)
    })?;
    Ok(Json(json!({})))
}

pub(super) async fn offer(
    State(platform): State<Platform>,
    caller: Caller,
    Path((_, id)): Path<(String, String)>,
    Body(body): Body,
) -> Answer {
    let metadata = metadata(&body, "Action")?;
    platform.change(|world| {
        world.conversation(&id)?;
        world.offer_control(&id, Some(&caller), string(&body, "switchboardIntegration")?, metadata)
    })?;
    Ok(Json(json!({})))
}

pub(super) async fn accept(
    State(platform): State<Platform>,
    caller: Caller,
    Path((_, id)): Path<(String, String)>,
    Body(body): Body,
) -> Answer {
    let metadata = metadata(&body, "Action")?;
    platform.change(|world| world.accept_control(&id, &caller, metadata))?;
    Ok(Json(json!({})))
}

pub(super) async fn release(
    State(platform): State<Platform>,
    caller: Caller,
    Path((_, id)): Path<(String, String)>,
    Body(body): Body,
) -> Answer {
    let metadata = metadata(&body, "Action")?;
    platform.change(|world| world.release_control(&id, &caller, metadata))?;
    Ok(Json(json!({})))
}

pub(super) async fn create(State(platform): State<Platform>, caller: Caller, Body(_): Body) -> Created {
    caller.require_app()?;
    let shown = platform.change(|world| {
        if world.switchboard.is_some() {
            return Err(Problem::bad_request("Only one switchboard can be created per app"));
        }
        let id = world.id();
        let switchboard = Switchboard { id, enabled: false, default: None, integrations: Vec::new() };
        let shown = switchboard.to_json();
        world.switchboard = Some(switchboard);
        Ok(shown)
    })?;
    Ok((StatusCode::CREATED, Json(json!({ "switchboard": shown }))))
}

pub(super) async fn list(State(platform): State<Platform>, caller: Caller) -> Answer {
    caller.require_app()?;
    let shown: Vec<Value> =
        platform.read(|world| world.switchboard.iter().map(Switchboard::to_json).collect());
    Ok(Json(json!({ "switchboards": shown })))
}

pub(super) async fn patch(
    State(platform): State<Platform>,
    caller: Caller,
    Path((_, id)): Path<(String, String)>,
    Body(body): Body,
) -> Answer {
    caller.require_app()?;
    let shown = platform.change(|world| {
        let switchboard = world.own_switchboard(&id)?;
        let default = match body["defaultSwitchboardIntegrationId"].as_str() {
            Some(default) if !switchboard.integrations.iter().any(|member| member.id == default) => {
                return Err(member_missing());
            }
            Some(default) => Some(default.to_owned()),
            None => switchboard.default.clone(),
        };
        let enabled = body["enabled"].as_bool().unwrap_or(switchboard.enabled);
        if enabled && default.is_none() {
            let title = "Enabled switchboard must have an associated default switchboardIntegration";
            return Err(Problem::missing("switchboard_integration_not_found", title));
        }
        (switchboard.enabled, switchboard.default) = (enabled, default);
        Ok(switchboard.to_json())
    })?;
    Ok(Json(json!({ "switchboard": shown })))
}

pub(super) async fn delete(
    State(platform): State<Platform>,
    caller: Caller,
    Path((_, id)): Path<(String, String)>,
) -> Answer {
    caller.require_app()?;
    platform.change(|world| {
        world.own_switchboard(&id)?;
        world.switchboard = None;
        Ok(Json(json!({})))
    })
}

pub(super) async fn list_members(
    State(platform): State<Platform>,
    caller: Caller,
    Path((_, id)): Path<(String, String)>,
) -> Answer {
    caller.require_app()?;
    let shown: Vec<Value> = platform.change(|world| {
        let members = &world.own_switchboard(&id)?.integrations;
        Ok(members.iter().map(SwitchboardIntegration::to_json).collect())
    })?;
    Ok(Json(json!({ "switchboardIntegrations": shown })))
}

pub(super) async fn create_member(
    State(platform): State<Platform>,
    caller: Caller,
    Path((_, id)): Path<(String, String)>,
    Body(body): Body,
) -> Created {
    caller.require_app()?;
    let shown = platform.change(|world| world.create_member(&id, &body))?;
    Ok((StatusCode::CREATED, Json(json!({ "switchboardIntegration": shown }))))
}

pub(super) async fn patch_member(
    State(platform): State<Platform>,
    caller: Caller,
    Path((_, id, member)): Path<(String, String, String)>,
    Body(body): Body,
) -> Answer {
    caller.require_app()?;
    let shown = platform.change(|world| {
        let switchboard = world.own_switchboard(&id)?;
        let known = |next: &str| switchboard.integrations.iter().any(|member| member.id == next);
        if body["nextSwitchboardIntegrationId"].as_str().is_some_and(|next| !known(next)) {
            return Err(member_missing());
        }
        if !body["name"].is_null() {
            check_name(string(&body, "name")?)?;
        }
        let found = switchboard.integrations.iter_mut().find(|found| found.id == member);
        let found = found.ok_or_else(member_missing)?;
        found.change(&body);
        Ok(found.to_json())
    })?;
    Ok(Json(json!({ "switchboardIntegration": shown })))
}

pub(super) async fn delete_member(
    State(platform): State<Platform>,
    caller: Caller,
    Path((_, id, member)): Path<(String, String, String)>,
) -> Answer {
    caller.require_app()?;
    platform.change(|world| {
        let switchboard = world.own_switchboard(&id)?;
        let is_next = switchboard.integrations.iter().any(|found| found.next.as_deref() == Some(&member));
        if is_next || switchboard.default.as_deref() == Some(&member) {
            return Err(Problem::bad_request("The switchboardIntegration is a default or a next"));
        }
        let before = switchboard.integrations.len();
        switchboard.integrations.retain(|found| found.id != member);
        if switchboard.integrations.len() == before {
            return Err(member_missing());
        }
        // A conversation it was active in is given a new one at its next activity, without an event.
        for conversation in &mut world.conversations {
            conversation.active = conversation.active.take().filter(|active| *active != member);
            conversation.pending = conversation.pending.take().filter(|pending| *pending != member);
        }
        Ok(Json(json!({})))
    })
}

impl World {
    fn own_switchboard(&mut self, id: &str) -> Result<&mut Switchboard, Problem> {
        let missing = || Problem::missing("switchboard_not_found", "Switchboard not found");
        self.switchboard.as_mut().filter(|switchboard| switchboard.id == id).ok_or_else(missing)
    }

    fn create_member(&mut self, id: &str, body: &Value) -> Result<Value, Problem> {
        let name = string(body, "name")?.to_owned();
        check_name(&name)?;
        let (integration_id, integration_type) = self.what_member_stands_for(body)?;
        let member_id = self.id();
        let switchboard = self.own_switchboard(id)?;
        if switchboard.integrations.len() >= MEMBER_LIMIT {
            let title = "Switchboard has reached the max number of switchboard integrations (10)";
            return Err(Problem::new(StatusCode::BAD_REQUEST, "too_many_switchboard_integrations", title));
        }
        if switchboard.integrations.iter().any(|member| member.name == name) {
            return Err(Problem::bad_request("name is taken"));
        }
        let mut member = SwitchboardIntegration {
            id: member_id,
            name,
            integration_id,
            integration_type,
            deliver_standby: true,
            next: None,
            history_count: None,
        };
        member.change(body);
        let shown = member.to_json();
        switchboard.integrations.push(member);
        Ok(shown)
    }

    fn what_member_stands_for(&mut self, body: &Value) -> Result<(String, String), Problem> {
        match (body["integrationId"].as_str(), body["integrationType"].as_str()) {
            (Some(id), None) => self.integration(id).map(|found| (found.id.clone(), found.kind.clone())),
            (None, Some(kind)) => {
                let found = self.integrations.iter().find(|integration| integration.kind == kind);
                let found = found.ok_or_else(|| Problem::bad_request("Invalid integration type"))?;
                Ok((found.id.clone(), kind.to_owned()))
            }
            _ => Err(Problem::bad_request("Exactly one of integrationId and integrationType is required")),
        }
    }
}

impl Switchboard {
    pub(super) fn to_json(&self) -> Value {
        let mut shown = json!({ "id": self.id, "enabled": self.enabled });
        if let Some(default) = &self.default {
            shown["defaultSwitchboardIntegrationId"] = json!(default);
        }
        shown
    }
}

impl SwitchboardIntegration {
    pub(super) fn to_json(&self) -> Value {
        let mut shown = self.short_json();
        shown["deliverStandbyEvents"] = json!(self.deliver_standby);
        if let Some(next) = &self.next {
            shown["nextSwitchboardIntegrationId"] = json!(next);
        }
        if let Some(count) = self.history_count {
            shown["messageHistoryCount"] = json!(count);
        }
        shown
    }

    fn change(&mut self, body: &Value) {
        if let Some(name) = body["name"].as_str() {
            self.name = name.to_owned();
        }
        self.deliver_standby = body["deliverStandbyEvents"].as_bool().unwrap_or(self.deliver_standby);
        match &body["nextSwitchboardIntegrationId"] {
            Value::String(next) => self.next = Some(next.clone()),
            Value::Null if body.get("nextSwitchboardIntegrationId").is_some() => self.next = None,
            _ => {}
        }
        if let Some(count) = body.get("messageHistoryCount") {
            self.history_count = count.as_u64().filter(|count| (1..=10).contains(count));
        }
    }
}

fn check_name(name: &str) -> Result<(), Problem> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.len() <= 128 && name.chars().all(plain) {
        return Ok(());
    }
    Err(Problem::bad_request("name may hold letters, digits, - and _ only"))
}

fn member_missing() -> Problem {
    Problem::missing("switchboard_integration_not_found", "Switchboard integration not found")
}
