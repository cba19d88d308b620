//! `POST …/files`: a file of the person, to be named by a message.

use axum::{body::Body, extract::State, http::HeaderMap};

use super::super::{
    channel::{InChat, OnChannel},
    openapi::ProblemDocument,
};
use crate::{
    AppState,
    chat::{self, Answer, UploadQuery, Uploaded},
    web::Query,
};

/// Keeps a file for a day; a message names it in `files`. The body is the file, with its media type.
#[utoipa::path(
    post, path = "/v1/channels/{channel}/conversations/{external}/files", tag = "chat",
    params(InChat, UploadQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 201, description = "What a message names it by", body = Uploaded),
        (status = "default", description = "What went wrong, and what to do next", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn upload(
    State(state): State<AppState>,
    OnChannel(address): OnChannel,
    Query(query): Query<UploadQuery>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    chat::upload(state, address, &headers, query, body).await
}
