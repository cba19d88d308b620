//! Requests that a connector asks the host to send.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One request to a platform. Secrets appear by name; the host puts the values in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HttpRequest {
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// Absolute address within the connector's granted hosts.
    pub url: String,
    /// Headers beside those of `auth` and `body`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Credentials, by name of secret.
    #[serde(default)]
    pub auth: Option<HttpAuth>,
    /// Further places into which the host puts a secret.
    #[serde(default)]
    pub secrets: Vec<SecretPlace>,
    /// What is sent.
    #[serde(default)]
    pub body: HttpBody,
    /// How long the whole exchange may take, in milliseconds; the host has an upper limit of its own.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
    /// Keeps the answer's body as a blob instead of handing it over.
    #[serde(default)]
    pub save_as_blob: bool,
}

/// Credentials of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum HttpAuth {
    /// Basic authentication.
    Basic {
        /// User name, in the clear.
        user: String,
        /// Name of the secret that is the password.
        password_secret: String,
    },
    /// `Authorization: Bearer …`
    Bearer {
        /// Name of the secret that is the token.
        token_secret: String,
    },
}

/// A place into which the host puts the value of a secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "place", rename_all = "snake_case")]
pub enum SecretPlace {
    /// Instead of the path segment that reads `:name` (for platforms that want a secret in the address).
    Path {
        /// Name of the secret, and of the segment after its colon.
        name: String,
    },
    /// As a member of the JSON body, at this JSON pointer.
    Json {
        /// Name of the secret.
        name: String,
        /// Where, such as `/botToken`; the parent must exist.
        pointer: String,
    },
    /// As one more field of a form that is sent as text.
    Form {
        /// Name of the secret.
        name: String,
        /// Name of the field.
        field: String,
    },
    /// As the value of a header, such as `X-Api-Key`. Asks for `http.header_secret/1`.
    Header {
        /// Name of the secret.
        name: String,
        /// Name of the header; none of `headers`.
        header: String,
        /// What stands before the secret, such as `Token token=`.
        #[serde(default)]
        before: String,
    },
}

/// What a request carries.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", content = "data", rename_all = "snake_case")]
pub enum HttpBody {
    /// Nothing.
    #[default]
    Empty,
    /// JSON, with its content type.
    Json(serde_json::Value),
    /// Text as it is; set the content type by a header.
    Text(String),
    /// The bytes of a blob, with its media type unless a header names another. Asks for `http.file/1`.
    Blob {
        /// Name of the blob.
        blob: String,
    },
    /// A form with a file, as `multipart/form-data`. Asks for `http.file/1`.
    Multipart {
        /// Fields before the file.
        fields: Vec<(String, String)>,
        /// The file.
        file: FormFile,
    },
}

/// A file in a form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FormFile {
    /// Name of the field.
    pub field: String,
    /// Name of the file.
    pub name: String,
    /// Name of the blob with its bytes and media type.
    pub blob: String,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HttpResponse {
    /// Status code.
    pub status: u16,
    /// Headers, names in lower case; several of one name are joined by a comma.
    pub headers: BTreeMap<String, String>,
    /// The body, invalid UTF-8 replaced; empty when it was saved as a blob.
    pub body: String,
    /// Name of the blob, when one was asked for and the status is a success.
    #[serde(default)]
    pub blob: Option<String>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HttpError {
    /// The request never left: address not allowed, host not found, connection refused.
    #[error("the request was not sent: {detail}")]
    NotSent {
        /// What went wrong, without secrets.
        detail: String,
    },
    /// The request left and no complete answer came: it may have had its effect.
    #[error("no complete answer came: {detail}")]
    Lost {
        /// What went wrong, without secrets.
        detail: String,
    },
}
