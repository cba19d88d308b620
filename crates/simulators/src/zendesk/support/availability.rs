//! Whether a live agent is there: availability for admins, and opening hours.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::access::SupportCaller;
use super::refusal::Refusal;
use super::tickets::seconds;
use crate::zendesk::Platform;
use crate::zendesk::world::World;

type Answer = Result<Json<Value>, Refusal>;

/// One live agent as availability shows them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::zendesk) struct Agent {
    id: u64,
    /// `online`, `away`, `offline` or `transfers_only`.
    status: String,
    max_capacity: u32,
    work_item_count: u32,
    group_ids: Vec<u64>,
}

impl Default for Agent {
    fn default() -> Self {
        Self {
            id: 10_011,
            status: "online".to_owned(),
            max_capacity: 5,
            work_item_count: 0,
            group_ids: vec![1],
        }
    }
}

pub(super) async fn list(
    State(platform): State<Platform>,
    _: SupportCaller,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    admins_only(&platform)?;
    platform.read(|world| {
        let mut wanted = world.support.agents.clone();
        if let Some(filter) = query.get("filter[channel_status]") {
            let status = filter.strip_prefix("messaging:").ok_or_else(|| bad_filter("channel_status"))?;
            wanted.retain(|agent| agent.status == status);
        }
        if let Some(filter) = query.get("filter[remaining_capacity]") {
            let least = filter.strip_prefix("messaging:").and_then(|least| least.parse::<u32>().ok());
            let least = least.ok_or_else(|| bad_filter("remaining_capacity"))?;
            wanted.retain(|agent| agent.max_capacity.saturating_sub(agent.work_item_count) >= least);
        }
        if let Some(filter) = query.get("filter[agent_status_id]") {
            wanted.retain(|agent| agent.status_id().0.to_string() == *filter);
        }
        Ok(Json(shown(world, &wanted)))
    })
}

pub(super) async fn get(State(platform): State<Platform>, _: SupportCaller, Path(id): Path<u64>) -> Answer {
    admins_only(&platform)?;
    platform.read(|world| {
        let found =
            world.support.agents.iter().find(|agent| agent.id == id).ok_or_else(Refusal::not_found)?;
        let mut one = shown(world, std::slice::from_ref(found));
        Ok(Json(json!({ "data": one["data"][0].take(), "included": one["included"].take() })))
    })
}

/// One schedule, Monday to Friday from nine to five.
pub(super) async fn schedules(_: SupportCaller) -> Json<Value> {
    let day = |day: u32| json!({ "start_time": day * 1440 + 540, "end_time": day * 1440 + 1020 });
    let intervals: Vec<Value> = (1..=5).map(day).collect();
    Json(json!({ "schedules": [{
        "id": 360_000, "name": "Support hours", "time_zone": "Eastern Time (US & Canada)", "intervals": intervals,
    }] }))
}

pub(super) async fn holidays(_: SupportCaller, Path(id): Path<u64>) -> Answer {
    if id == 360_000 { Ok(Json(json!({ "holidays": [] }))) } else { Err(Refusal::not_found()) }
}

fn admins_only(platform: &Platform) -> Result<(), Refusal> {
    if platform.options().support.support_admin { Ok(()) } else { Err(Refusal::admins_only()) }
}

fn bad_filter(name: &str) -> Refusal {
    Refusal::bad_request(&format!("filter[{name}] is invalid"))
}

fn shown(world: &World, agents: &[Agent]) -> Value {
    let now = seconds(world.now_ms());
    let data: Vec<Value> = agents.iter().map(|agent| agent.to_json(world, &now)).collect();
    let included: Vec<Value> = agents.iter().map(|agent| agent.channel(&now)).collect();
    json!({ "data": data, "included": included, "meta": { "has_more": false }, "links": {} })
}

impl Agent {
    fn status_id(&self) -> (u32, &'static str) {
        match self.status.as_str() {
            "online" => (3, "Online"),
            "away" => (4, "Away"),
            "transfers_only" => (5, "Transfers only"),
            _ => (2, "Offline"),
        }
    }

    fn to_json(&self, world: &World, now: &str) -> Value {
        let (status, name) = self.status_id();
        let key = format!("agent_availabilities|{}", self.id);
        json!({
            "type": "agent_availabilities", "id": key,
            "attributes": {
                "agent_id": self.id, "group_ids": self.group_ids, "skills": [], "version": 1,
                "agent_status": { "id": status, "name": name, "reason": null, "updated_at": now },
            },
            "links": { "self": format!("{}/api/v2/agent_availabilities/{}", world.base, self.id) },
            "relationships": {
                "channels": { "data": [{ "type": "channels", "id": format!("{key}|channels|messaging") }] },
            },
        })
    }

    fn channel(&self, now: &str) -> Value {
        json!({
            "type": "channels", "id": format!("agent_availabilities|{}|channels|messaging", self.id),
            "attributes": {
                "name": "messaging", "status": self.status, "max_capacity": self.max_capacity,
                "work_item_count": self.work_item_count, "updated_at": now,
            },
        })
    }
}
