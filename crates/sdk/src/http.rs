//! Requests as a connector writes them, and what their failure means.

use handoff_model::connector::{
    ConnectorError, FormFile, HttpAuth, HttpBody, HttpError, HttpRequest, HttpResponse, SecretPlace,
};
use serde::Serialize;

use crate::{Cx, Result};

/// What came back; see [`HttpResponse`].
pub type Response = HttpResponse;

/// A request to the platform, built step by step.
#[derive(Debug, Clone)]
#[must_use]
pub struct Request(HttpRequest);

impl Request {
    /// A request with this method (`GET`, `POST`, …) to this absolute address.
    pub fn new(method: &str, url: impl Into<String>) -> Self {
        Self(HttpRequest {
            method: method.to_owned(),
            url: url.into(),
            headers: Default::default(),
            auth: None,
            secrets: Vec::new(),
            body: HttpBody::Empty,
            timeout_ms: None,
            save_as_blob: false,
        })
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.headers.insert(name.to_owned(), value.into());
        self
    }

    /// Basic authentication with a secret as password.
    pub fn basic(mut self, user: &str, password_secret: &str) -> Self {
        let (user, password_secret) = (user.to_owned(), password_secret.to_owned());
        self.0.auth = Some(HttpAuth::Basic { user, password_secret });
        self
    }

    /// Bearer authentication with a secret as token.
    pub fn bearer(mut self, token_secret: &str) -> Self {
        self.0.auth = Some(HttpAuth::Bearer { token_secret: token_secret.to_owned() });
        self
    }

    /// Puts a secret into the address, instead of the path segment `:name`.
    pub fn path_secret(mut self, name: &str) -> Self {
        self.0.secrets.push(SecretPlace::Path { name: name.to_owned() });
        self
    }

    /// Puts a secret into the JSON body, at a JSON pointer.
    pub fn body_secret(mut self, name: &str, pointer: &str) -> Self {
        self.0.secrets.push(SecretPlace::Json { name: name.to_owned(), pointer: pointer.to_owned() });
        self
    }

    /// Puts a secret into the form that [`Request::form`] sends, as one more field.
    pub fn form_secret(mut self, name: &str, field: &str) -> Self {
        self.0.secrets.push(SecretPlace::Form { name: name.to_owned(), field: field.to_owned() });
        self
    }

    /// Puts a secret into a header, behind what `before` says: `("key", "X-Api-Key", "")`, or
    /// `("key", "Authorization", "Token token=")`. Asks for `http.header_secret/1`.
    pub fn header_secret(mut self, name: &str, header: &str, before: &str) -> Self {
        let (name, header, before) = (name.to_owned(), header.to_owned(), before.to_owned());
        self.0.secrets.push(SecretPlace::Header { name, header, before });
        self
    }

    /// Sends a form, already encoded.
    pub fn form(mut self, encoded: impl Into<String>) -> Self {
        let kind = "application/x-www-form-urlencoded".to_owned();
        self.0.headers.insert("content-type".to_owned(), kind);
        self.0.body = HttpBody::Text(encoded.into());
        self
    }

    /// Sends a text as it is, byte for byte, as this media type.
    pub fn text(mut self, media_type: &str, text: impl Into<String>) -> Self {
        self.0.headers.insert("content-type".to_owned(), media_type.to_owned());
        self.0.body = HttpBody::Text(text.into());
        self
    }

    /// Sends JSON.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.0.body = HttpBody::Json(serde_json::to_value(body).unwrap_or_default());
        self
    }

    /// Sends the bytes of a blob, with its media type. Asks for `http.file/1`.
    pub fn blob(mut self, name: &str) -> Self {
        self.0.body = HttpBody::Blob { blob: name.to_owned() };
        self
    }

    /// Sends a file as the field of a form. Asks for `http.file/1`.
    pub fn multipart(mut self, file: FormFile) -> Self {
        self.0.body = HttpBody::Multipart { fields: Vec::new(), file };
        self
    }

    /// Waits for the whole exchange no longer than this, in milliseconds.
    pub fn within_ms(mut self, ms: u64) -> Self {
        self.0.timeout_ms = Some(ms);
        self
    }

    /// Keeps the answer's body as a blob.
    pub fn save_as_blob(mut self) -> Self {
        self.0.save_as_blob = true;
        self
    }

    /// The request as data.
    pub fn into_inner(self) -> HttpRequest {
        self.0
    }

    /// Sends a request that changes nothing: a failure on the way leaves nothing behind.
    ///
    /// # Errors
    /// [`ConnectorError::Unavailable`]; [`ConnectorError::Refused`] when the file that it names cannot be sent.
    pub async fn read(self, cx: &Cx) -> Result<Response> {
        let answer = cx.try_http(&self.0).await.map_err(final_only)?;
        answer.map_err(|error| ConnectorError::Unavailable { detail: error.to_string() })
    }

    /// Sends a request that changes something: when its answer is lost, it may have happened.
    ///
    /// # Errors
    /// [`ConnectorError::Unavailable`] when it was not sent, [`ConnectorError::Lost`] when the answer is missing.
    pub async fn act(self, cx: &Cx) -> Result<Response> {
        cx.try_http(&self.0).await.map_err(final_only)?.map_err(|error| match error {
            HttpError::NotSent { .. } => ConnectorError::Unavailable { detail: error.to_string() },
            HttpError::Lost { .. } => ConnectorError::Lost { detail: error.to_string() },
        })
    }
}

/// A refusal of the host is final; whatever else the host could not do is a matter of now.
fn final_only(error: ConnectorError) -> ConnectorError {
    match error {
        ConnectorError::Refused { .. } => error,
        error => ConnectorError::Unavailable { detail: error.to_string() },
    }
}
