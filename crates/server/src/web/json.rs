//! JSON in and out, with errors that say where they are.

use axum::{
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::error::Category;

use super::{MESSAGE_BODY, Problem, read_body, utf8};

/// A JSON body of at most `LIMIT` bytes.
pub(crate) struct Json<T, const LIMIT: usize = MESSAGE_BODY>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync, const LIMIT: usize> FromRequest<S> for Json<T, LIMIT> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        if !is_json(&parts.headers) {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "The body must be JSON. Send it with the header `Content-Type: application/json`.",
            ));
        }
        let body = read_body(&parts.headers, body, LIMIT).await?;
        parse(utf8(&body)?).map(Self)
    }
}

impl<T: Serialize, const LIMIT: usize> IntoResponse for Json<T, LIMIT> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// Reads JSON that must be what `T` says, and nothing else.
fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    if text.trim().is_empty() {
        return Err(Problem::unreadable("The body is empty. Send a JSON object."));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| explain(&error.path().to_string(), error.inner()))?;
    reader.end().map_err(|error| explain(".", &error))?;
    Ok(value)
}

fn explain(path: &str, error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or_default();
    let place = format!("line {}, column {}", error.line(), error.column());
    match error.classify() {
        Category::Data if path == "." => {
            Problem::invalid(format!("The body is not accepted: {what} ({place})."))
        }
        Category::Data => Problem::invalid(format!("The field `{path}` is not accepted: {what} ({place}).")),
        _ => Problem::unreadable(format!("The body is not JSON: {what} ({place}).")),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}
