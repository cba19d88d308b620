//! `GET …/files/{blob}`: a file that a message of this conversation names.

use std::collections::HashMap;

use axum::extract::{Path, State};

use super::super::{
    channel::{InChat, OnChannel},
    openapi::ProblemDocument,
};
use crate::{
    AppState,
    chat::{Answer, file},
};

/// The file's bytes.
#[utoipa::path(
    get, path = "/v1/channels/{channel}/conversations/{external}/files/{blob}", tag = "chat",
    params(InChat, ("blob" = String, Path, description = "As the `url` of an attachment says")),
    responses(
        (status = 200, description = "The bytes", content_type = "application/octet-stream"),
        (status = "default", description = "What went wrong, and what to do next", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn download(
    State(state): State<AppState>,
    OnChannel(address): OnChannel,
    Path(names): Path<HashMap<String, String>>,
) -> Answer {
    file(state, address, names.get("blob").map_or("", String::as_str)).await
}
