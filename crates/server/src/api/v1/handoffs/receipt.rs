//! `GET /v1/handoffs/{id}/receipt`: what left, when and to whom, to be kept and shown to others; its signature beside it.

use axum::{
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use handoff_model::HandoffId;
use serde::Serialize;

use super::super::openapi::ProblemDocument;
use crate::{
    AppState, SignedReceipt,
    auth::Admin,
    web::{Json, Problem},
};

/// The key by which receipts can be checked.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ReceiptKeyView {
    /// The public key, in minisign's form.
    public_key: String,
}

/// The receipt of a handoff as it stands. Keep the bytes as they are: the signature is over them.
#[utoipa::path(
    get, path = "/v1/handoffs/{handoff}/receipt", tag = "handoffs",
    params(("handoff" = String, Path, description = "Id of the handoff")),
    responses(
        (status = 200, description = "The receipt", content_type = "application/json", body = Object),
        (status = "default", description = "What went wrong, and what to do next", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn show(
    State(state): State<AppState>,
    _: Admin,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let SignedReceipt { receipt, .. } = signed(&state, id).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], receipt).into_response())
}

/// The signature over the receipt as it stands. If the handoff went on meanwhile, read both again.
#[utoipa::path(
    get, path = "/v1/handoffs/{handoff}/receipt.minisig", tag = "handoffs",
    params(("handoff" = String, Path, description = "Id of the handoff")),
    responses(
        (status = 200, description = "The signature, as minisign writes it", content_type = "text/plain",
            body = String),
        (status = "default", description = "What went wrong, and what to do next", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(crate) async fn signature(
    State(state): State<AppState>,
    _: Admin,
    Path(id): Path<String>,
) -> Result<String, Problem> {
    signed(&state, id).await.map(|signed| signed.signature)
}

/// The public key of receipts. It is no secret, so no key is needed to read it.
#[utoipa::path(
    get, path = "/v1/receipt-key", tag = "handoffs",
    responses(
        (status = 200, description = "The public key", body = ReceiptKeyView),
        (status = "default", description = "What went wrong, and what to do next", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn key(State(state): State<AppState>) -> Result<Json<ReceiptKeyView>, Problem> {
    let key = state.receipts.as_ref().ok_or_else(unsigned)?;
    Ok(Json(ReceiptKeyView { public_key: key.public() }))
}

async fn signed(state: &AppState, id: String) -> Result<SignedReceipt, Problem> {
    let id = HandoffId::new(id);
    let key = state.receipts.as_ref().ok_or_else(unsigned)?;
    let found = state.runtime.store().handoff(&id).await?;
    let handoff =
        found.ok_or_else(|| Problem::not_found(format!("There is no handoff {:?}.", id.as_str())))?;
    key.sign(&handoff).map_err(|error| {
        tracing::error!(handoff.id = %id, %error, "A receipt could not be signed");
        Problem::fault()
    })
}

fn unsigned() -> Problem {
    Problem::not_found("This server has no key for receipts.")
}
