//! Requests to the Support API, which makes tickets, and what its answers mean.
//!
//! It has credentials of its own: keys of the Conversations API do not work here, nor the other way round.

mod token;

use handoff_sdk::{
    ConnectorError, Cx, Request, Response, Result,
    model::connector::{Authorise, Authorised},
};
use serde_json::Value;

use crate::{
    client::{Aim, limit, refused, vague},
    settings::{Grant, Settings},
};

/// How much of the platform's own words is passed on.
const WORDS: usize = 300;

/// The Support API of one account, during one call.
#[derive(Clone, Copy)]
pub(crate) struct Support<'a> {
    pub(crate) cx: &'a Cx,
    pub(crate) settings: &'a Settings,
}

/// A definite answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl<'a> Support<'a> {
    /// The account's Support API.
    ///
    /// # Errors
    /// Refused when the connection says nothing of how to sign in there.
    pub(crate) fn new(cx: &'a Cx, settings: &'a Settings) -> Result<Self> {
        if settings.support_client.is_empty() && settings.support_user.is_empty() {
            return Err(refused(
                "tickets need the Support API: set support_client or support_user in the connection's settings",
            ));
        }
        Ok(Self { cx, settings })
    }

    /// Lets somebody of the account sign in for the OAuth client.
    ///
    /// # Errors
    /// Refused when the settings do not want that.
    pub(crate) async fn authorise(&self, step: Authorise) -> Result<Authorised> {
        if self.settings.support_client.is_empty() || self.settings.support_grant != Grant::AuthorizationCode
        {
            return Err(refused(
                "nobody needs to sign in: set support_client, and support_grant to authorization_code, if somebody shall",
            ));
        }
        match step {
            Authorise::Begin { redirect_url, state } => {
                let url = token::consent(self.settings, &redirect_url, &state);
                Ok(Authorised { url, ..Authorised::default() })
            }
            Authorise::Finish { redirect_url, code } => {
                token::exchange(self, &redirect_url, &code).await?;
                Ok(Authorised { notes: vec!["Zendesk gave the tokens.".to_owned()], ..Authorised::default() })
            }
        }
    }

    /// Asks. `path` follows `/api/v2`.
    pub(crate) async fn get(&self, path: &str) -> Result<Answer> {
        self.send(Aim::Read, &self.request("GET", path)).await
    }

    /// Changes something.
    pub(crate) async fn put(&self, path: &str, body: &Value) -> Result<Answer> {
        self.send(Aim::Act, &self.request("PUT", path).json(body)).await
    }

    /// Makes a ticket from these bytes, at most once for each key within two hours.
    pub(crate) async fn create(&self, key: &str, body: &str) -> Result<Answer> {
        let request = self.request("POST", "/tickets").header("idempotency-key", key);
        self.send(Aim::Act, &request.text("application/json", body)).await
    }

    /// Uploads a text file. Repeating leaves a file that is attached to nothing, which Zendesk throws away.
    pub(crate) async fn upload(&self, name: &str, text: &str) -> Result<Answer> {
        let request = self.request("POST", &format!("/uploads?filename={}", crate::address::encoded(name)));
        self.send(Aim::Read, &request.text("text/plain; charset=utf-8", text)).await
    }

    /// Uploads a file that the server keeps.
    ///
    /// # Errors
    /// Refused when the server does not have it any more, or it is larger than anybody takes.
    pub(crate) async fn upload_file(&self, name: &str, blob: &str) -> Result<Answer> {
        let request = self.request("POST", &format!("/uploads?filename={}", crate::address::encoded(name)));
        self.send(Aim::Read, &request.blob(blob)).await
    }

    fn request(&self, method: &str, path: &str) -> Request {
        let url = format!("{}/api/v2{path}", self.settings.support_url);
        Request::new(method, url).header("accept", "application/json")
    }

    /// Signs a request and sends it; once more when a token was not good any more.
    async fn send(&self, aim: Aim, request: &Request) -> Result<Answer> {
        if self.settings.support_client.is_empty() {
            let user = format!("{}/token", self.settings.support_user);
            return weigh(aim, perform(aim, self.cx, request.clone().basic(&user, "support_secret")).await?);
        }
        let token = token::access(self).await?;
        let answer = perform(aim, self.cx, signed(request, &token)).await?;
        if answer.status != 401 {
            return weigh(aim, answer);
        }
        let token = token::renewed(self, &token).await?;
        weigh(aim, perform(aim, self.cx, signed(request, &token)).await?)
    }
}

fn signed(request: &Request, token: &str) -> Request {
    request.clone().header("authorization", format!("Bearer {token}"))
}

async fn perform(aim: Aim, cx: &Cx, request: Request) -> Result<Response> {
    match aim {
        Aim::Read => request.read(cx).await,
        Aim::Act => request.act(cx).await,
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

    /// What a refusal means.
    pub(crate) fn refusal(&self) -> ConnectorError {
        let detail = format!("Zendesk Support answered {} {}", self.status, self.words());
        match self.status {
            401 | 403 => ConnectorError::Unauthorised { detail },
            _ => ConnectorError::Refused { detail },
        }
    }

    /// The word of the refusal, when it is one word.
    pub(crate) fn code(&self) -> &str {
        self.body["error"].as_str().unwrap_or_default()
    }

    /// What Zendesk says, shortened. `error` is a word or an object; `details` tell of each field.
    pub(crate) fn words(&self) -> String {
        let body = &self.body;
        let details = body["details"].as_object().into_iter().flatten().flat_map(|(_, list)| entries(list));
        let details: Vec<_> = details.filter_map(|entry| entry["description"].as_str()).collect();
        let said =
            [&body["error"]["message"], &body["description"], &body["error_description"], &body["error"]];
        let said = said.into_iter().find_map(Value::as_str).unwrap_or_default();
        let words = if details.is_empty() { said.to_owned() } else { details.join("; ") };
        words.chars().filter(|c| !c.is_control()).take(WORDS).collect()
    }
}

/// The members of a list; none of anything else.
pub(crate) fn entries(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn weigh(aim: Aim, response: Response) -> Result<Answer> {
    if let Some(limit) = limit(&response) {
        return Err(limit);
    }
    let status = response.status;
    let body: Value = serde_json::from_str(&response.body).unwrap_or(Value::Null);
    let own = body["error"].is_string() || body["error"].is_object();
    let answer = Answer { status, body };
    match status {
        200..=299 if answer.body.is_object() => Ok(answer),
        401 => Err(answer.refusal()),
        // Two requests met: whose turn it was is not said.
        409 => Err(vague(aim, format!("Zendesk Support answered 409 {}", answer.words()))),
        403 | 413 => Ok(answer),
        // What a proxy or a page says in its own shape is no word of the API.
        400..=499 if status != 408 && own => Ok(answer),
        _ => Err(vague(aim, format!("Zendesk Support answered {status}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(aim: Aim, status: u16, body: &str) -> Result<Answer> {
        weigh(aim, Response { status, headers: Default::default(), body: body.to_owned(), blob: None })
    }

    #[test]
    fn both_forms_of_an_error_are_understood() {
        for (body, words) in [
            (r#"{"error":"RecordNotFound","description":"Not found"}"#, "Not found"),
            (r#"{"error":{"title":"Forbidden","message":"No access"}}"#, "No access"),
            (r#"{"error":"Couldn't authenticate you"}"#, "Couldn't authenticate you"),
            (
                r#"{"error":"RecordInvalid","description":"Record validation errors","details":{"base":[{"description":"Description: cannot be blank"}]}}"#,
                "Description: cannot be blank",
            ),
        ] {
            assert_eq!(answered(Aim::Act, 404, body).unwrap().words(), words, "{body}");
        }
    }

    #[test]
    fn what_support_did_not_say_leaves_open_what_happened() {
        for (status, body) in
            [(201, "<html>"), (400, "<html>"), (404, "no such host"), (409, "{}"), (500, "{}"), (502, "")]
        {
            let error = answered(Aim::Act, status, body).unwrap_err();
            assert!(matches!(error, ConnectorError::Lost { .. }), "{status} {body}: {error}");
        }
        assert!(matches!(answered(Aim::Act, 429, "slow"), Err(ConnectorError::RateLimited { .. })));
        assert!(matches!(answered(Aim::Act, 401, "{}"), Err(ConnectorError::Unauthorised { .. })));
    }
}
