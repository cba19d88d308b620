//! What a connector's answer means to the caller.
//!
//! The one question that matters is whether the call may have had its effect: only a call that
//! surely had none may simply be repeated.

use handoff_model::connector::ConnectorError;
use serde::Deserialize;
use serde_json::Value;

use super::secrets::Secrets;
use crate::world::CallError;

/// Largest request and largest answer, in bytes of JSON.
pub(super) const MAX_PAYLOAD: usize = 16 * 1024 * 1024;
/// Longest text about a failure, in characters.
const MAX_MESSAGE: usize = 1000;

/// How a call ended on the connector's side.
#[derive(Debug)]
pub(super) enum Outcome {
    /// With an answer.
    Answered(Vec<u8>),
    /// With an error of the edge.
    Failed {
        /// Its code.
        code: u32,
        /// What says more.
        body: Vec<u8>,
    },
    /// With a panic that nobody on the other side caught.
    Panicked(String),
    /// There is no connector for the connection.
    NoConnector(String),
}

/// The body of an error that is read for its message.
#[derive(Deserialize)]
struct Body {
    message: String,
}

/// The answer to `verb`, or why there is none. Texts come out without secrets.
pub(super) fn read(outcome: Outcome, verb: &str, secrets: &Secrets) -> Result<Value, CallError> {
    let (code, body) = match outcome {
        Outcome::Answered(bytes) if bytes.len() > MAX_PAYLOAD => {
            return Err(CallError::Lost("the answer is larger than 16 MiB".to_owned()));
        }
        Outcome::Answered(bytes) => {
            let answer = serde_json::from_slice(&bytes);
            return answer.map_err(|error| CallError::Lost(format!("the answer cannot be read: {error}")));
        }
        Outcome::NoConnector(problem) => return Err(CallError::NotBegun(problem)),
        Outcome::Panicked(text) => return Err(CallError::Lost(secrets.redact(&text))),
        Outcome::Failed { code, body } => (code, body),
    };
    let said = secrets.redact(&message(&body));
    Err(match code {
        400 => CallError::NotBegun(format!("the connector cannot read the request: {said}")),
        422 => match serde_json::from_slice(&body) {
            Ok(error) => CallError::Connector(redacted(error, secrets)),
            Err(_) => CallError::Lost("the connector's error cannot be read".to_owned()),
        },
        501 => CallError::Connector(ConnectorError::Unsupported { verb: unsupported(&said, verb) }),
        503 => CallError::NotBegun(said),
        504 => CallError::Lost("the deadline passed".to_owned()),
        _ => CallError::Lost(said),
    })
}

/// The text of an error's body.
pub(super) fn message(body: &[u8]) -> String {
    let mut text = match serde_json::from_slice(body) {
        Ok(Body { message }) => message,
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    };
    if let Some((at, _)) = text.char_indices().nth(MAX_MESSAGE) {
        text.truncate(at);
        text.push('…');
    }
    text
}

/// What exactly is not offered: the connector may mean only a part of the verb.
fn unsupported(said: &str, verb: &str) -> String {
    let part = said.strip_prefix("no verb ").unwrap_or(said);
    if part.is_empty() { verb.to_owned() } else { part.to_owned() }
}

fn redacted(mut error: ConnectorError, secrets: &Secrets) -> ConnectorError {
    match &mut error {
        ConnectorError::RateLimited { detail, .. }
        | ConnectorError::Unavailable { detail }
        | ConnectorError::Refused { detail }
        | ConnectorError::Unauthorised { detail }
        | ConnectorError::Lost { detail }
        | ConnectorError::Unverified { detail }
        | ConnectorError::Unreadable { detail }
        | ConnectorError::Unsupported { verb: detail } => *detail = secrets.redact(detail),
        ConnectorError::Superseded => {}
    }
    error
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    #[test]
    fn every_end_of_a_call_says_whether_it_may_have_had_its_effect() {
        let failed = |code, body: Value| Outcome::Failed { code, body: body.to_string().into_bytes() };
        let said = |text: &str| json!({ "message": text });
        let not_begun = |text: &str| Err(CallError::NotBegun(text.into()));
        let lost = |text: &str| Err(CallError::Lost(text.into()));
        let refused = |text: &str| ConnectorError::Refused { detail: text.into() };
        let cases = [
            (Outcome::Answered(b"{\"a\":1}".to_vec()), Ok(json!({ "a": 1 }))),
            (Outcome::Answered(vec![b' '; MAX_PAYLOAD + 1]), lost("the answer is larger than 16 MiB")),
            (failed(400, said("no")), not_begun("the connector cannot read the request: no")),
            (
                failed(422, json!(refused("no key hunter2"))),
                Err(CallError::Connector(refused("no key [token]"))),
            ),
            (failed(422, json!({ "kind": "new" })), lost("the connector's error cannot be read")),
            (failed(500, said("panicked at hunter2")), lost("panicked at [token]")),
            (
                failed(501, said("no verb poll")),
                Err(ConnectorError::Unsupported { verb: "poll".into() }.into()),
            ),
            (failed(501, said("")), Err(ConnectorError::Unsupported { verb: "send".into() }.into())),
            (failed(503, said("later")), not_begun("later")),
            (failed(504, said("")), lost("the deadline passed")),
            (failed(999, said("what")), lost("what")),
            (Outcome::Panicked("hunter2".into()), lost("[token]")),
            (Outcome::NoConnector("none".into()), not_begun("none")),
        ];
        let all = BTreeMap::from([("token".to_owned(), "hunter2".to_owned().into())]);
        let secrets = Secrets::only(&all, &["token"]);
        for (outcome, expected) in cases {
            let told = format!("{outcome:?}").chars().take(80).collect::<String>();
            assert_eq!(read(outcome, "send", &secrets), expected, "{told}");
        }
        let garbled = read(Outcome::Answered(b"{".to_vec()), "send", &secrets);
        assert!(matches!(garbled, Err(CallError::Lost(_))));
    }
}
