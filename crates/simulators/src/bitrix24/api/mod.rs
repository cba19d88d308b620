//! The REST API: from an http request to a method and back.
//!
//! Read [`routes`] first, then `gate` (who may call), `methods` (which method is
//! which), then one file per family of methods.

pub(super) mod answer;
mod batch;
mod bots;
mod chats;
mod connectors;
mod dialogs;
mod files;
mod first_bots;
mod gate;
mod handoffs;
mod lines;
mod methods;
mod oauth;
mod operators;
pub(super) mod params;
mod portal;

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Map, Value};

use self::params::Params;
pub(super) use self::portal::fire;
use super::Portal;
use super::php;

/// Larger bodies are refused; an upload of the documented 100 MB grows by a third in base64.
const LARGEST_BODY: usize = 140 * 1024 * 1024;

/// The platform API.
pub(super) fn routes(portal: Arc<Portal>) -> Router {
    Router::new()
        .route("/rest/{method}", get(by_token).post(by_token))
        .route("/rest/{user}/{secret}/{method}", get(by_webhook).post(by_webhook))
        .route("/rest/download.json", get(files::fetch))
        .route("/oauth/token/", get(oauth::token).post(oauth::token))
        .fallback(nowhere)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(portal)
}

async fn by_webhook(
    State(portal): State<Arc<Portal>>,
    Path((user, secret, method)): Path<(String, String, String)>,
    request: Request,
) -> Response {
    answer(&portal, gate::Credentials::Webhook { user, secret }, &method, request).await
}

async fn by_token(
    State(portal): State<Arc<Portal>>,
    Path(method): Path<String>,
    request: Request,
) -> Response {
    answer(&portal, gate::Credentials::Token, &method, request).await
}

async fn answer(
    portal: &Arc<Portal>,
    credentials: gate::Credentials,
    method: &str,
    request: Request,
) -> Response {
    if let Some(target) = portal.read(|state| moved(&state.settings.moved_to, request.uri())) {
        return (StatusCode::FOUND, [(header::LOCATION, target)]).into_response();
    }
    let params = match read(request).await {
        Ok(params) => params,
        Err(refused) => return refused,
    };
    let method = method.strip_suffix(".json").unwrap_or(method);
    let began = portal.now_ms();
    let (outcome, lost) = portal.act(|state| {
        let outcome = gate::call(state, credentials, method, params);
        (outcome, state.loses_answer(method))
    });
    match outcome {
        _ if lost => {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            (status, Json(answer::fault_body(status))).into_response()
        }
        Ok(answer) => Json(answer.to_json(began, portal.now_ms())).into_response(),
        Err(refused) => refused.into_response(),
    }
}

fn moved(to: &str, uri: &axum::http::Uri) -> Option<String> {
    let path = uri.path_and_query().map_or(uri.path(), |target| target.as_str());
    (!to.is_empty()).then(|| format!("{}{path}", to.trim_end_matches('/')))
}

/// The parameters of a request: its body, and behind that its query.
pub(super) async fn read(request: Request) -> Result<Params, Response> {
    let query = request.uri().query().map(|query| php::decode(query.as_bytes())).unwrap_or_default();
    let content_type = content_type(request.headers());
    if content_type.starts_with("multipart/form-data") {
        let body = multipart(request).await?;
        return Ok(Params::new(php::decode(&body)).or(query));
    }
    let body = Bytes::from_request(request, &()).await.map_err(IntoResponse::into_response)?;
    let body = match content_type.as_str() {
        // An unreadable JSON body counts as no parameters.
        kind if kind.starts_with("application/json") => {
            serde_json::from_slice::<Map<String, Value>>(&body).unwrap_or_default()
        }
        _ => php::decode(&body),
    };
    Ok(Params::new(body).or(query))
}

fn content_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_ascii_lowercase()
}

/// A multipart body turned into the form it stands for.
async fn multipart(request: Request) -> Result<Vec<u8>, Response> {
    let mut parts = Multipart::from_request(request, &()).await.map_err(IntoResponse::into_response)?;
    let mut fields = Vec::new();
    while let Some(part) = parts.next_field().await.map_err(IntoResponse::into_response)? {
        let name = part.name().unwrap_or_default().to_owned();
        let text = part.text().await.map_err(IntoResponse::into_response)?;
        fields.push((name, text));
    }
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    Ok(form.into_bytes())
}

async fn nowhere() -> Response {
    (StatusCode::NOT_FOUND, "Not found").into_response()
}
