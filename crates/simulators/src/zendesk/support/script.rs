//! Control routes of the Support side: agents' availability, comments and states of plain tickets, codes.

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Ticket;
use super::availability::Agent;
use crate::control::{Json, Refused};
use crate::zendesk::Platform;
use crate::zendesk::world::World;

type Answer = Result<Json<Value>, Refused>;

/// The routes, to be put under `/_sim`.
pub(in crate::zendesk) fn script_routes() -> Router<Platform> {
    Router::new()
        .route("/agents", post(agents))
        .route("/agent/comment", post(comment))
        .route("/agent/status", post(status))
        .route("/oauth_code", post(code))
        .route("/expire_tokens", post(expire))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Agents {
    agents: Vec<Agent>,
}

async fn agents(State(platform): State<Platform>, Json(body): Json<Agents>) -> Answer {
    let count = body.agents.len();
    platform.change(|world| world.support.agents = body.agents);
    Ok(Json(json!({ "agents": count })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Remark {
    ticket: u64,
    text: String,
    #[serde(default = "yes")]
    public: bool,
}

fn yes() -> bool {
    true
}

async fn comment(State(platform): State<Platform>, Json(remark): Json<Remark>) -> Answer {
    platform.change(|world| {
        plain_ticket(world, remark.ticket)?;
        let author = world.options.live_agent_id;
        let text = (remark.text.clone(), format!("<p>{}</p>", remark.text));
        world.add_comment(remark.ticket, author, &json!({ "public": remark.public }), text);
        Ok(Json(json!({ "commented": true })))
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Status {
    ticket: u64,
    status: String,
}

async fn status(State(platform): State<Platform>, Json(asked): Json<Status>) -> Answer {
    if !["new", "open", "pending", "hold", "solved", "closed"].contains(&asked.status.as_str()) {
        return Err(Refused::because(format!("A ticket is never {}.", asked.status)));
    }
    platform.change(|world| {
        plain_ticket(world, asked.ticket)?.status.clone_from(&asked.status);
        Ok(Json(json!({ "status": asked.status })))
    })
}

async fn code(State(platform): State<Platform>) -> Answer {
    Ok(Json(json!({ "code": platform.change(World::give_code) })))
}

/// Every access token ends at once; refresh tokens stay good.
async fn expire(State(platform): State<Platform>) -> Answer {
    Ok(Json(json!({ "expired": platform.change(World::expire_tokens) })))
}

fn plain_ticket(world: &mut World, id: u64) -> Result<&mut Ticket, Refused> {
    let ticket = world.support.ticket(id).filter(|ticket| ticket.conversation.is_none());
    ticket.ok_or_else(|| {
        Refused::because(format!("There is no plain ticket {id}; a chat's is worked on by its conversation."))
    })
}
