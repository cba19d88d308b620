//! The routes of the Conversations API, under the licensed and the legacy base.

use axum::Router;
use axum::http::{Method, Uri};
use axum::routing::{delete, get, patch, post};

use super::Platform;
use super::problem::Problem;
use super::{attachments, conversations, integrations, messages, switchboard, users};

/// All routes of the Conversations API.
pub(super) fn routes(platform: Platform) -> Router {
    Router::new()
        .nest("/sc/v2/apps/{app}", in_app())
        .nest("/v2/apps/{app}", in_app())
        .route("/sc/attachments/v2/{key}/{file_name}", get(attachments::download))
        .fallback(unknown)
        .with_state(platform)
}

async fn unknown(method: Method, uri: Uri) -> Problem {
    Problem::not_found(&format!("Resource not found: {method} {}", uri.path()))
}

fn in_app() -> Router<Platform> {
    Router::new()
        .route("/", get(integrations::app))
        .route("/users", post(users::create).get(users::list))
        .route("/users/{id}", get(users::get).patch(users::patch).delete(users::delete))
        .route("/attachments", post(attachments::upload).layer(attachments::upload_limit()))
        .route("/attachments/remove", post(attachments::remove))
        .merge(conversation_routes())
        .merge(integration_routes())
        .merge(switchboard_routes())
}

fn conversation_routes() -> Router<Platform> {
    Router::new()
        .route("/conversations", post(conversations::create).get(conversations::list))
        .route(
            "/conversations/{id}",
            get(conversations::get).patch(conversations::patch).delete(conversations::delete),
        )
        .route("/conversations/{id}/participants", get(conversations::participants))
        .route("/conversations/{id}/join", post(conversations::join))
        .route("/conversations/{id}/leave", post(conversations::leave))
        .route(
            "/conversations/{id}/messages",
            post(messages::post).get(messages::list).delete(messages::delete_all),
        )
        .route("/conversations/{id}/messages/{message}", delete(messages::delete_one))
        .route("/conversations/{id}/activity", post(messages::activity))
        .route("/conversations/{id}/passControl", post(switchboard::pass))
        .route("/conversations/{id}/offerControl", post(switchboard::offer))
        .route("/conversations/{id}/acceptControl", post(switchboard::accept))
        .route("/conversations/{id}/releaseControl", post(switchboard::release))
}

fn integration_routes() -> Router<Platform> {
    Router::new()
        .route("/integrations", post(integrations::create).get(integrations::list))
        .route(
            "/integrations/{id}",
            get(integrations::get).patch(integrations::patch).delete(integrations::delete),
        )
        .route("/integrations/{id}/keys", post(integrations::create_key).get(integrations::list_keys))
        .route(
            "/integrations/{id}/webhooks",
            post(integrations::create_webhook).get(integrations::list_webhooks),
        )
        .route(
            "/integrations/{id}/webhooks/{webhook}",
            get(integrations::get_webhook)
                .patch(integrations::patch_webhook)
                .delete(integrations::delete_webhook),
        )
}

fn switchboard_routes() -> Router<Platform> {
    Router::new()
        .route("/switchboards", post(switchboard::create).get(switchboard::list))
        .route("/switchboards/{id}", patch(switchboard::patch).delete(switchboard::delete))
        .route(
            "/switchboards/{id}/switchboardIntegrations",
            post(switchboard::create_member).get(switchboard::list_members),
        )
        .route(
            "/switchboards/{id}/switchboardIntegrations/{member}",
            patch(switchboard::patch_member).delete(switchboard::delete_member),
        )
}
