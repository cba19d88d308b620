//! Files that only the server has: uploaded, to be attached to a comment.

use handoff_sdk::{
    ConnectorError, Result,
    model::{Content, Source},
};
use serde_json::{Value, json};

use crate::{client::unavailable, support::Support, wire::text};

/// What became of the files of some messages.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// What a comment names them by.
    pub(super) tokens: Vec<String>,
    /// Those that are not attached, in words.
    pub(super) left_out: Vec<String>,
}

impl Files {
    /// Uploads every file of these messages that the server keeps. Those that are not taken are named.
    pub(super) async fn upload(
        support: &Support<'_>,
        messages: impl Iterator<Item = &Content> + Send,
    ) -> Result<Self> {
        let mut files = Self::default();
        for attachment in messages.flat_map(|content| &content.attachments) {
            let Source::Blob(blob) = &attachment.source else { continue };
            let refusal = match support.upload_file(&attachment.name, blob).await {
                Ok(answer) if answer.is_success() => {
                    let token = text(&answer.body["upload"], "token");
                    if token.is_empty() {
                        return Err(unavailable("Zendesk's answer names no upload"));
                    }
                    files.tokens.push(token);
                    continue;
                }
                Ok(answer) if matches!(answer.status, 413 | 422) => answer.words(),
                Ok(answer) => return Err(answer.refusal()),
                Err(ConnectorError::Refused { detail }) => detail,
                Err(error) => return Err(error),
            };
            files.left_out.push(format!("the file {} ({refusal})", attachment.name));
        }
        Ok(files)
    }

    /// Attaches them to a comment, which says what is missing.
    pub(super) fn attach(&self, comment: &mut Value) {
        if !self.left_out.is_empty() {
            let body = text(comment, "body");
            comment["body"] = json!(format!("{body}\n\n[Not attached: {}]", self.left_out.join("; ")));
        }
        let given = comment["uploads"].as_array().cloned().unwrap_or_default();
        let all: Vec<_> = given.into_iter().chain(self.tokens.iter().map(|token| json!(token))).collect();
        if !all.is_empty() {
            comment["uploads"] = json!(all);
        }
    }
}
