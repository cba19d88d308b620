//! What an answer of the portal means.
//!
//! Bitrix24 documents its system errors for every method: limits refuse a call before it runs, codes
//! 401 and 403 speak of the credentials, and anything that is not its JSON comes from something in
//! between and says nothing about what was done.

use handoff_sdk::{ConnectorError, Response, model::Timestamp};
use serde_json::Value;

use crate::wire;

/// What a call does, and so what a missing answer leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It changes nothing.
    Reads,
    /// It may have had its effect though no answer came.
    Changes,
}

/// A call that did not give a result.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Failure {
    /// The method itself refused, with one of its documented codes. Nothing was done.
    Said {
        /// The code in upper case, such as `WRONG_CHAT`.
        code: String,
        /// Code and description, shortened.
        words: String,
        /// Whether the credentials are the reason.
        about_credentials: bool,
    },
    /// Everything that every method has in common.
    Failed(ConnectorError),
}

impl Failure {
    /// Whether the method refused with this code.
    pub(crate) fn is(&self, wanted: &str) -> bool {
        matches!(self, Self::Said { code, .. } if code == wanted)
    }
}

impl From<ConnectorError> for Failure {
    fn from(error: ConnectorError) -> Self {
        Self::Failed(error)
    }
}

impl From<Failure> for ConnectorError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Said { words, about_credentials: true, .. } => Self::Unauthorised { detail: words },
            Failure::Said { words, .. } => Self::Refused { detail: words },
            Failure::Failed(error) => error,
        }
    }
}

/// Longest text of an error, in UTF-16 units.
const LONGEST_WORDS: usize = 200;

/// How long to wait when the portal's bucket of requests is full, at least and at most. It drains by
/// two requests a second.
const BUCKET_MS: (u64, u64) = (500, 1_000);

/// How long a method may stay blocked for having run too long, when the portal does not say until
/// when; and the longest we believe.
const OPERATING_MS: (u64, u64) = (60_000, 600_000);

/// The `result` of an answer, or what stands in its place.
pub(crate) fn result(response: &Response, kind: Kind, now: Timestamp) -> Result<Value, Failure> {
    if matches!(response.status, 300..400) {
        return Err(moved(response).into());
    }
    let body: Option<Value> = serde_json::from_str(&response.body).ok().filter(Value::is_object);
    match body {
        Some(mut body) if response.status < 300 && body.get("error").is_none() => {
            match body.get_mut("result") {
                Some(result) => Ok(result.take()),
                None => Err(lost(kind, "an answer without a result").into()),
            }
        }
        Some(body) if body.get("error").is_some() => Err(refusal(response, &body, kind, now)),
        _ => Err(foreign(response, kind, now).into()),
    }
}

/// Whether the access token was refused, which another one may mend.
pub(crate) fn is_expired(response: &Response) -> bool {
    let body: Value = serde_json::from_str(&response.body).unwrap_or_default();
    response.status == 401 && matches!(wire::text(&body["error"]), "expired_token" | "invalid_token")
}

/// An error in Bitrix24's own form.
fn refusal(response: &Response, body: &Value, kind: Kind, now: Timestamp) -> Failure {
    let code = wire::text(&body["error"]).to_uppercase();
    let words = words(&code, wire::text(&body["error_description"]));
    let failed = match (code.as_str(), response.status) {
        ("QUERY_LIMIT_EXCEEDED", _) => limited(bucket_ms(now), words),
        ("OPERATION_TIME_LIMIT", _) => limited(operating_ms(body, now), words),
        (_, 429) => limited(asked_ms(response).unwrap_or_else(|| bucket_ms(now)), words),
        ("OVERLOAD_LIMIT" | "PORTAL_DELETED", _) => ConnectorError::Refused { detail: words },
        (_, 401) => ConnectorError::Unauthorised { detail: words },
        (_, 500.. | 408) => lost(kind, &words),
        (_, status) => {
            let token = matches!(
                code.as_str(),
                "BOT_OWNERSHIP_ERROR" | "BOT_TOKEN_NOT_SPECIFIED" | "WRONG_AUTH_TYPE"
            );
            return Failure::Said { code, words, about_credentials: status == 403 || token };
        }
    };
    failed.into()
}

/// An answer that Bitrix24 did not write: a proxy's page, a page of maintenance, half an answer.
fn foreign(response: &Response, kind: Kind, now: Timestamp) -> ConnectorError {
    let detail = format!("an unreadable answer with status {}", response.status);
    match response.status {
        401 => ConnectorError::Unauthorised { detail },
        429 => limited(asked_ms(response).unwrap_or_else(|| bucket_ms(now)), detail),
        _ => lost(kind, &detail),
    }
}

fn lost(kind: Kind, detail: &str) -> ConnectorError {
    let detail = detail.to_owned();
    match kind {
        Kind::Reads => ConnectorError::Unavailable { detail },
        Kind::Changes => ConnectorError::Lost { detail },
    }
}

fn limited(after_ms: u64, detail: String) -> ConnectorError {
    ConnectorError::RateLimited { after_ms, detail }
}

/// A renamed portal answers every call with its new address. A call is not sent there: credentials
/// go only where the operator allowed.
fn moved(response: &Response) -> ConnectorError {
    let to = response.headers.get("location").map_or("", String::as_str);
    let host = to.split_once("://").map_or(to, |(_, rest)| rest).split('/').next().unwrap_or_default();
    let host: String = host.chars().take(100).collect();
    ConnectorError::Refused { detail: format!("the portal has moved to {host}: change the setting portal") }
}

fn words(code: &str, description: &str) -> String {
    let whole = if description.is_empty() { code.to_owned() } else { format!("{code}: {description}") };
    handoff_sdk::text::truncate_utf16(&whole, LONGEST_WORDS).to_owned()
}

/// Spread a little, so that waiting callers do not come back all at once.
fn bucket_ms(now: Timestamp) -> u64 {
    let (least, most) = BUCKET_MS;
    least + now.0.unsigned_abs() % (most - least + 1)
}

fn operating_ms(body: &Value, now: Timestamp) -> u64 {
    let (unsaid, most) = OPERATING_MS;
    let reset_at =
        wire::id(&body["time"]["operating_reset_at"]).or_else(|| wire::id(&body["operating_reset_at"]));
    let until = reset_at.and_then(|at| i64::try_from(at).ok()).map(|at| Timestamp(at.saturating_mul(1000)));
    let wait = until.map(|until| u64::try_from(until.since(now).as_millis()).unwrap_or(most));
    wait.unwrap_or(unsaid).clamp(BUCKET_MS.1, most)
}

/// `Retry-After` in seconds.
fn asked_ms(response: &Response) -> Option<u64> {
    let seconds: u64 = response.headers.get("retry-after")?.trim().parse().ok()?;
    Some(seconds.saturating_mul(1000).clamp(BUCKET_MS.0, OPERATING_MS.1))
}

#[cfg(test)]
mod tests {
    use handoff_sdk::Advice;

    use super::*;

    const NOW: Timestamp = Timestamp(1_790_000_000_250);

    fn answer(status: u16, body: &str) -> Response {
        Response { status, headers: Default::default(), body: body.to_owned(), blob: None }
    }

    fn failure(status: u16, body: &str, kind: Kind) -> ConnectorError {
        result(&answer(status, body), kind, NOW).unwrap_err().into()
    }

    #[test]
    fn a_result_is_taken_out_of_its_envelope() {
        let body = r#"{"result":{"bot":{"id":456}},"time":{"operating":0.1}}"#;
        assert_eq!(result(&answer(200, body), Kind::Reads, NOW).unwrap()["bot"]["id"], 456);
    }

    #[test]
    fn every_system_error_has_its_meaning() {
        use Advice::{GiveUp, LookFirst, Reauthorise, Retry};
        const LIMITED: Advice = Advice::RetryAfter(BUCKET_MS.0 + NOW.0.unsigned_abs() % 501);
        let cases = [
            (503, "QUERY_LIMIT_EXCEEDED", LIMITED, LIMITED),
            (429, "TOO_MANY_REQUESTS", LIMITED, LIMITED),
            (503, "OVERLOAD_LIMIT", GiveUp, GiveUp),
            (401, "expired_token", Reauthorise, Reauthorise),
            (401, "NO_AUTH_FOUND", Reauthorise, Reauthorise),
            (403, "insufficient_scope", Reauthorise, Reauthorise),
            (403, "INVALID_CREDENTIALS", Reauthorise, Reauthorise),
            (400, "BOT_OWNERSHIP_ERROR", Reauthorise, Reauthorise),
            (400, "INVALID_REQUEST", GiveUp, GiveUp),
            (404, "ERROR_METHOD_NOT_FOUND", GiveUp, GiveUp),
            (500, "INTERNAL_SERVER_ERROR", Retry, LookFirst),
            (500, "ERROR_UNEXPECTED_ANSWER", Retry, LookFirst),
            (500, "PORTAL_DELETED", GiveUp, GiveUp),
            (408, "TIMEOUT", Retry, LookFirst),
        ];
        for (status, code, reads, changes) in cases {
            let body = format!(r#"{{"error":"{code}","error_description":"because"}}"#);
            assert_eq!(failure(status, &body, Kind::Reads).advice(), reads, "{code}");
            assert_eq!(failure(status, &body, Kind::Changes).advice(), changes, "{code}");
        }
    }

    #[test]
    fn what_bitrix24_did_not_write_says_nothing_about_what_was_done() {
        let bodies = ["<html>502</html>", "", "{\"result\":{\"bo", "[]", "{}", "null"];
        for (status, body) in
            [200, 403, 404, 500, 502, 503, 504].into_iter().flat_map(|s| bodies.map(|b| (s, b)))
        {
            assert_eq!(failure(status, body, Kind::Changes).advice(), Advice::LookFirst, "{status} {body}");
            assert_eq!(failure(status, body, Kind::Reads).advice(), Advice::Retry, "{status} {body}");
        }
    }

    #[test]
    fn a_blocked_method_is_asked_again_when_the_portal_says_so() {
        let body = r#"{"error":"OPERATION_TIME_LIMIT","time":{"operating_reset_at":1790000090}}"#;
        assert_eq!(failure(429, body, Kind::Changes).advice(), Advice::RetryAfter(89_750));
        let unsaid = r#"{"error":"OPERATION_TIME_LIMIT"}"#;
        assert_eq!(failure(429, unsaid, Kind::Changes).advice(), Advice::RetryAfter(60_000));
    }

    #[test]
    fn a_moved_portal_is_named_and_not_followed() {
        let mut response = answer(302, "");
        response.headers.insert("location".into(), "https://new.bitrix24.eu/rest/1/x/m".into());
        let error: ConnectorError = result(&response, Kind::Changes, NOW).unwrap_err().into();
        assert_eq!(error.advice(), Advice::GiveUp);
        assert!(
            error.to_string().contains("new.bitrix24.eu") && !error.to_string().contains("/rest/"),
            "{error}"
        );
    }

    #[test]
    fn a_methods_own_refusal_keeps_its_code() {
        let body = r#"{"error":"WRONG_CHAT","error_description":"Operator is not a bot"}"#;
        let failure = result(&answer(400, body), Kind::Changes, NOW).unwrap_err();
        assert!(failure.is("WRONG_CHAT") && !failure.is("OPERATOR_WRONG"));
        let error: ConnectorError = failure.into();
        assert_eq!(error.to_string(), "the platform refused: WRONG_CHAT: Operator is not a bot");
    }
}
