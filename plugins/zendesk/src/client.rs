//! Requests to the Conversations API, and what its answers mean.
//!
//! An answer is definite only when Zendesk itself gave it: a success with a JSON object, or a refusal
//! in Zendesk's error envelope. Everything else leaves open what happened.

use handoff_sdk::{ConnectorError, Cx, Request, Response, Result, model::connector::FormFile};
use serde_json::Value;

use crate::settings::Settings;

/// For a limit without a waiting time: Zendesk documents none for this API.
const DEFAULT_WAIT_MS: u64 = 5_000;
/// A longer wait is not believed.
const LONGEST_WAIT_S: u64 = 3_600;
/// How much of the platform's own words is passed on.
const WORDS: usize = 200;

/// The API of one account, during one call.
#[derive(Clone, Copy)]
pub(crate) struct Client<'a> {
    pub(crate) cx: &'a Cx,
    pub(crate) settings: &'a Settings,
}

/// A definite answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// Whether a request changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aim {
    Read,
    Act,
}

impl<'a> Client<'a> {
    pub(crate) fn new(cx: &'a Cx, settings: &'a Settings) -> Self {
        Self { cx, settings }
    }

    /// Asks. `path` follows the app's address.
    pub(crate) async fn get(&self, path: &str) -> Result<Answer> {
        weigh(Aim::Read, self.request("GET", path).read(self.cx).await?)
    }

    /// Makes or does something.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.act("POST", path, Some(body)).await
    }

    /// Changes something.
    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Result<Answer> {
        self.act("PATCH", path, Some(body)).await
    }

    /// Deletes something.
    pub(crate) async fn delete(&self, path: &str) -> Result<Answer> {
        self.act("DELETE", path, None).await
    }

    /// Uploads a file that the server keeps, for a conversation.
    ///
    /// # Errors
    /// Refused when the server does not have it any more, or it is larger than anybody takes.
    pub(crate) async fn upload(&self, conversation: &str, name: &str, blob: &str) -> Result<Answer> {
        let path = format!(
            "/attachments?access=public&for=message&conversationId={}",
            crate::address::encoded(conversation)
        );
        let (field, name, blob) = ("source".to_owned(), name.to_owned(), blob.to_owned());
        let request = self.request("POST", &path).multipart(FormFile { field, name, blob });
        // Uploading again only leaves a file that belongs to nothing.
        weigh(Aim::Read, request.read(self.cx).await?)
    }

    async fn act(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer> {
        let request = self.request(method, path);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        weigh(Aim::Act, request.act(self.cx).await?)
    }

    fn request(&self, method: &str, path: &str) -> Request {
        let Settings { base_url, app_id, key_id, .. } = self.settings;
        let request = Request::new(method, format!("{base_url}/v2/apps/{app_id}{path}"));
        request.basic(key_id, "key_secret").header("accept", "application/json")
    }
}

impl Answer {
    /// The body of a success.
    ///
    /// # Errors
    /// What the refusal means.
    pub(crate) fn accept(self) -> Result<Value> {
        if self.is_success() { Ok(self.body) } else { Err(self.refusal()) }
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the thing asked for is not there, while the app is.
    pub(crate) fn is_missing(&self) -> bool {
        self.status == 404 && self.code() != "app_not_found"
    }

    /// Whether Zendesk will not take what the request says, rather than the request as such.
    pub(crate) fn is_about_content(&self) -> bool {
        matches!(self.status, 400 | 413 | 422)
    }

    /// What a refusal means.
    pub(crate) fn refusal(&self) -> ConnectorError {
        let detail = format!("{} {}", self.status, self.words());
        match self.status {
            401 | 403 => ConnectorError::Unauthorised { detail },
            _ => ConnectorError::Refused { detail },
        }
    }

    /// What Zendesk says, shortened.
    pub(crate) fn words(&self) -> String {
        let errors = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        let titles: Vec<_> = errors.iter().filter_map(|error| error["title"].as_str()).collect();
        let words = if titles.is_empty() { self.code().to_owned() } else { titles.join("; ") };
        words.chars().filter(|c| !c.is_control()).take(WORDS).collect()
    }

    fn code(&self) -> &str {
        self.body["errors"][0]["code"].as_str().unwrap_or_default()
    }
}

/// It may have happened.
pub(crate) fn lost(detail: impl Into<String>) -> ConnectorError {
    ConnectorError::Lost { detail: detail.into() }
}

/// Nothing was done; it may go better later.
pub(crate) fn unavailable(detail: impl Into<String>) -> ConnectorError {
    ConnectorError::Unavailable { detail: detail.into() }
}

/// It will not be done.
pub(crate) fn refused(detail: impl Into<String>) -> ConnectorError {
    ConnectorError::Refused { detail: detail.into() }
}

/// What an answer without a definite meaning means.
pub(crate) fn vague(aim: Aim, detail: String) -> ConnectorError {
    match aim {
        Aim::Read => unavailable(detail),
        Aim::Act => lost(detail),
    }
}

/// The platform's wish to be left alone for a while.
pub(crate) fn limit(response: &Response) -> Option<ConnectorError> {
    let wait = response.headers.get("retry-after").and_then(|seconds| seconds.trim().parse::<u64>().ok());
    let limited = response.status == 429 || (response.status == 503 && wait.is_some());
    let after_ms = wait.map_or(DEFAULT_WAIT_MS, |seconds| seconds.min(LONGEST_WAIT_S) * 1000);
    let detail = format!("Zendesk answered {}", response.status);
    limited.then_some(ConnectorError::RateLimited { after_ms, detail })
}

fn weigh(aim: Aim, response: Response) -> Result<Answer> {
    if let Some(limit) = limit(&response) {
        return Err(limit);
    }
    let status = response.status;
    let body = serde_json::from_str(&response.body).unwrap_or(Value::Null);
    let answer = Answer { status, body };
    match status {
        200..=299 if answer.body.is_object() => Ok(answer),
        200..=299 => Err(vague(aim, format!("Zendesk answered {status} with something unreadable"))),
        401 => Err(answer.refusal()),
        // What a proxy or an intruding page says in its own shape is no word of the API.
        403 | 413 => Ok(answer),
        400..=499 if status != 408 && answer.body["errors"].is_array() => Ok(answer),
        _ => Err(vague(aim, format!("Zendesk answered {status}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENVELOPE: &str =
        r#"{"errors":[{"code":"conversation_not_found","title":"Conversation not found"}]}"#;

    fn answered(aim: Aim, status: u16, headers: &[(&str, &str)], body: &str) -> Result<Answer> {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        weigh(aim, Response { status, headers, body: body.to_owned(), blob: None })
    }

    #[test]
    fn an_answer_that_zendesk_did_not_give_leaves_open_what_happened() {
        for (status, body) in [
            (200, "<html>Please sign in</html>"),
            (200, ""),
            (201, r#"{"conversation":{"id":"#),
            (302, ""),
            (400, "<html>bad</html>"),
            (404, "<html>no such help centre</html>"),
            (408, ENVELOPE),
            (500, ENVELOPE),
            (502, "<html></html>"),
            (503, ENVELOPE),
            (504, ""),
        ] {
            let acted = answered(Aim::Act, status, &[], body);
            assert!(matches!(acted, Err(ConnectorError::Lost { .. })), "{status} {acted:?}");
            let read = answered(Aim::Read, status, &[], body);
            assert!(matches!(read, Err(ConnectorError::Unavailable { .. })), "{status} {read:?}");
        }
    }

    #[test]
    fn a_limit_says_how_long_to_wait() {
        for (status, headers, expected) in [
            (429, vec![], 5_000),
            (429, vec![("retry-after", "7")], 7_000),
            (429, vec![("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT")], 5_000),
            (429, vec![("retry-after", "18446744073709551615")], 3_600_000),
            (503, vec![("retry-after", "2")], 2_000),
        ] {
            match answered(Aim::Act, status, &headers, "slow down") {
                Err(ConnectorError::RateLimited { after_ms, .. }) => assert_eq!(after_ms, expected),
                other => panic!("{status} {headers:?} gave {other:?}"),
            }
        }
    }

    #[test]
    fn a_refusal_carries_the_platforms_own_words() {
        let answer = answered(Aim::Act, 404, &[], ENVELOPE).unwrap();
        assert!(answer.is_missing());
        assert_eq!(answer.refusal(), refused("404 Conversation not found"));
        let error = answered(Aim::Act, 401, &[], "{}").unwrap_err();
        assert!(matches!(error, ConnectorError::Unauthorised { .. }), "{error:?}");
        let error = answered(Aim::Act, 403, &[], "<html>").unwrap().accept().unwrap_err();
        assert!(matches!(error, ConnectorError::Unauthorised { .. }), "{error:?}");
    }

    #[test]
    fn an_app_that_is_not_there_is_no_missing_user() {
        let body = r#"{"errors":[{"code":"app_not_found","title":"App not found"}]}"#;
        assert!(!answered(Aim::Read, 404, &[], body).unwrap().is_missing());
    }
}
