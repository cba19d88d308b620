//! The routes of the Support API.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, post};

use super::refusal::Refusal;
use super::{access, availability, catalog, consent, create, lookup, uploads};
use crate::zendesk::Platform;

/// All routes of the Support API, token endpoint included.
pub(in crate::zendesk) fn routes(platform: Platform) -> Router {
    Router::new()
        .nest("/api/v2", api(platform.clone()))
        .route("/oauth/authorizations/new", get(consent::ask))
        .route("/oauth/authorizations/allow", get(consent::allow))
        .route("/oauth/tokens", post(access::token))
        .route("/attachments/token/{token}/{id}", get(uploads::download))
        .with_state(platform)
}

fn api(platform: Platform) -> Router<Platform> {
    Router::new()
        .route("/tickets", get(lookup::list).post(create::create))
        .route("/tickets.json", get(lookup::list).post(create::create))
        .route("/tickets/{id}", get(lookup::get).put(create::update))
        .route("/tickets/{id}/comments", get(lookup::comments))
        .route("/tickets/{id}/audits", get(lookup::audits))
        .route("/search", get(lookup::search))
        .route("/search.json", get(lookup::search))
        .route("/uploads", post(uploads::create).layer(DefaultBodyLimit::disable()))
        .route("/uploads.json", post(uploads::create).layer(DefaultBodyLimit::disable()))
        .route("/uploads/{token}", delete(uploads::delete))
        .route("/groups", get(catalog::groups))
        .route("/brands", get(catalog::brands))
        .route("/ticket_forms", get(catalog::forms))
        .route("/ticket_fields", get(catalog::fields))
        .route("/agent_availabilities", get(availability::list))
        .route("/agent_availabilities/{id}", get(availability::get))
        .route("/business_hours/schedules", get(availability::schedules))
        .route("/business_hours/schedules/{id}/holidays", get(availability::holidays))
        .fallback(|| async { Refusal::no_endpoint() })
        .layer(from_fn_with_state(platform, access::throttle))
}
