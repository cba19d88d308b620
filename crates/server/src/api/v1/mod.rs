//! Version 1: one folder a noun, one file a verb.

mod assistants;
mod channel;
mod connections;
mod connectors;
mod conversations;
mod events;
mod files;
mod handoffs;
mod messages;
mod openapi;
mod plans;
mod targets;

use axum::{
    Router,
    routing::{get, post, put},
};

use crate::AppState;

/// Every address of the API.
pub(crate) fn routes() -> Router<AppState> {
    Router::new().merge(channel_routes()).merge(assistant_routes()).merge(admin_routes())
}

/// For keys with the scope of the channel.
fn channel_routes() -> Router<AppState> {
    let chat = Router::new()
        .route("/start", post(conversations::start::start))
        .route("/messages", post(messages::send::send))
        .route("/events", get(events::list::list))
        .route("/events/ack", post(events::ack::ack))
        .route("/files", post(files::upload::upload))
        .route("/files/{blob}", get(files::download::download));
    Router::new().nest("/v1/channels/{channel}/conversations/{external}", chat)
}

/// For keys with the scope `admin`.
fn assistant_routes() -> Router<AppState> {
    Router::new()
        .route("/v1/assistants", get(assistants::list::list))
        .route("/v1/assistants/{assistant}", get(assistants::show::show))
        .route("/v1/assistants/{assistant}/draft", put(assistants::put_draft::put_draft))
        .route("/v1/assistants/{assistant}/validate", post(assistants::validate::validate))
        .route("/v1/assistants/{assistant}/publish", post(assistants::publish::publish))
        .route("/v1/assistants/{assistant}/export", get(assistants::export::export))
}

/// For keys with the scope `admin`.
fn admin_routes() -> Router<AppState> {
    Router::new()
        .route("/v1/conversations", get(conversations::list::list))
        .route("/v1/conversations/{conversation}", get(conversations::show::show))
        .route("/v1/handoffs", get(handoffs::list::list))
        .route("/v1/handoffs/{handoff}", get(handoffs::show::show))
        .route("/v1/handoffs/{handoff}/receipt", get(handoffs::receipt::show))
        .route("/v1/handoffs/{handoff}/receipt.minisig", get(handoffs::receipt::signature))
        .route("/v1/receipt-key", get(handoffs::receipt::key))
        .route("/v1/handoffs/{handoff}/look", post(handoffs::decide::look))
        .route("/v1/handoffs/{handoff}/give-up", post(handoffs::decide::give_up))
        .route("/v1/handoffs/replay", post(handoffs::replay::many))
        .route("/v1/handoffs/{handoff}/replay", post(handoffs::replay::one))
        .route("/v1/connections", get(connections::list::list))
        .route(
            "/v1/connections/{connection}",
            get(connections::list::show).put(connections::change::put).delete(connections::change::delete),
        )
        .route("/v1/connections/{connection}/check", post(connections::act::check))
        .route("/v1/connections/{connection}/install", post(connections::act::install))
        .route("/v1/connectors", get(connectors::list::list))
        .route("/v1/targets", get(targets::list::list))
        .route("/v1/targets/{connection}/availability", get(targets::ask::availability))
        .route("/v1/targets/{connection}/options/{field}", get(targets::ask::options))
        .route("/v1/plans", get(plans::show::show))
        .route("/v1/openapi.json", get(openapi::document))
}
