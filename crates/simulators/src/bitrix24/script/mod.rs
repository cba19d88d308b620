//! The routes by which a test plays customers, operators and the administrator.

mod administrator;
mod customers;
mod operators;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

use super::Portal;
use super::sessions::NewFile;
use crate::control::{Json, Refused};

type Answered = Result<Json<Value>, Refused>;

/// All of them, without the `/_sim` prefix.
pub(super) fn routes(portal: Arc<Portal>) -> Router {
    Router::new()
        .route("/person/message", post(customers::person_message))
        .route("/person/press", post(customers::person_press))
        .route("/person/{name}/messages", get(customers::person_messages))
        .route("/operator/accept", post(operators::operator_accept))
        .route("/operator/intercept", post(operators::operator_intercept))
        .route("/operator/reply", post(operators::operator_reply))
        .route("/operator/silent", post(operators::operator_silent))
        .route("/operator/attach", post(operators::operator_attach))
        .route("/operator/close", post(operators::operator_close))
        .route("/operator/set", post(operators::operator_set))
        .route("/operator/edit", post(operators::operator_edit))
        .route("/operator/delete", post(operators::operator_delete))
        .route("/settings", get(administrator::settings).post(administrator::change_settings))
        .route("/rate", get(administrator::rate))
        .route("/line", post(administrator::line))
        .route("/line/delete", post(administrator::line_delete))
        .route("/connector/off", post(administrator::connector_off))
        .route("/connector/refuse", post(administrator::connector_refuse))
        .route("/connector/open", post(administrator::connector_open))
        .route("/tokens/expire", post(administrator::tokens_expire))
        .route("/tokens/revoke", post(administrator::tokens_revoke))
        .route("/oauth/code", post(administrator::oauth_code))
        .route("/app/install", post(administrator::app_install))
        .route("/app/uninstall", post(administrator::app_uninstall))
        .route("/method/block", post(administrator::method_block))
        .route("/method/fail_after", post(administrator::method_fail_after))
        .with_state(portal)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileContent {
    name: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    content_base64: Option<String>,
}

impl FileContent {
    /// The content, decoded.
    fn read(self) -> Result<NewFile, Refused> {
        let content = match (self.text, self.content_base64) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(encoded)) => STANDARD
                .decode(encoded)
                .map_err(|why| Refused::because(format!("The content is no base64: {why}.")))?,
            _ => return Err(Refused::because("A file has either text or content_base64.")),
        };
        Ok(NewFile { name: self.name, content })
    }
}
