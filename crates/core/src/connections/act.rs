//! Asks platforms about connections: whether they are set up, and to set them up.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use handoff_model::{
    ConnectionId, Timestamp,
    connector::{Authorise, Authorised, Check, ConnectorError, Install, Installed},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{Book, ChangeError};
use crate::world::{Call, CallError, Connectors};

/// Longest time for one account.
const LONGEST: Duration = Duration::from_secs(50);

/// How long a sign-in at a platform may take.
const STATE_LASTS: Duration = Duration::from_secs(600);

/// What comes back with a browser from a platform, sealed.
#[derive(Serialize, Deserialize)]
struct State {
    connection: ConnectionId,
    browser: String,
    until: Timestamp,
}

/// Why a platform was not asked, or what it said.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// There is no such connection.
    #[error("there is no connection {0}")]
    Unknown(ConnectionId),
    /// Its connector does not offer this.
    #[error("its connector does not offer this")]
    NotOffered,
    /// It failed.
    #[error("{0}")]
    Failed(String),
    /// What was made could not be kept.
    #[error("the account was set up, but what it gave could not be kept: {0}")]
    NotKept(#[source] Box<ChangeError>),
}

impl Book {
    /// Looks over the account on its platform.
    ///
    /// # Errors
    /// Why that was not possible, in plain words.
    pub async fn check(&self, id: &ConnectionId) -> Result<Check, ActError> {
        self.ask(id, "check", Value::Null).await
    }

    /// Sets up what the platform needs to reach us, and keeps the secrets that it gives.
    ///
    /// # Errors
    /// Why that was not possible, in plain words.
    pub async fn install(&self, id: &ConnectionId) -> Result<Vec<String>, ActError> {
        self.install_as(id, true).await
    }

    /// Sets up what has to be set up anew whenever the server begins to serve a connection.
    ///
    /// # Errors
    /// As [`Book::install`].
    pub async fn install_at_start(&self, id: &ConnectionId) -> Result<Vec<String>, ActError> {
        self.install_as(id, false).await
    }

    async fn install_as(&self, id: &ConnectionId, asked: bool) -> Result<Vec<String>, ActError> {
        let answers = self.entry(id).map(|entry| entry.assistant.is_some());
        let install = Install { webhook_url: self.webhook_url(id), asked, answers };
        let Installed { notes, secrets } = self.ask(id, "install", json!(install)).await?;
        if !secrets.is_empty() {
            self.keep_secrets(id, secrets).await.map_err(|error| ActError::NotKept(Box::new(error)))?;
        }
        Ok(notes)
    }

    /// Where a browser is to go so that its user can allow the connection at the platform. What the platform gives back
    /// counts for this `browser` alone, for ten minutes.
    ///
    /// # Errors
    /// Why that was not possible, in plain words.
    pub async fn begin_authorise(&self, id: &ConnectionId, browser: &str) -> Result<String, ActError> {
        let until = self.runtime.clock().now().after(STATE_LASTS);
        let state = State { connection: id.clone(), browser: browser.to_owned(), until };
        let state = BASE64_URL_SAFE_NO_PAD.encode(self.seal.seal(json!(state).to_string().as_bytes()));
        let begin = Authorise::Begin { redirect_url: self.redirect_url(), state };
        let authorised: Authorised = self.ask(id, "authorise", json!(begin)).await?;
        Ok(authorised.url)
    }

    /// The browser came back. Gives the connection and lines for the operator.
    ///
    /// # Errors
    /// When it did not begin here, or the platform gives nothing for the code.
    pub async fn finish_authorise(
        &self,
        state: &str,
        browser: &str,
        code: &str,
    ) -> Result<(ConnectionId, Vec<String>), ActError> {
        let foreign = || {
            ActError::Failed("the platform's answer does not belong to a sign-in that was begun here within ten minutes; begin again".to_owned())
        };
        let opened =
            BASE64_URL_SAFE_NO_PAD.decode(state).ok().and_then(|sealed| self.seal.unseal(&sealed).ok());
        let state: Option<State> = opened.and_then(|plain| serde_json::from_slice(&plain).ok());
        let now = self.runtime.clock().now();
        let state =
            state.filter(|state| state.browser == browser && state.until > now).ok_or_else(foreign)?;
        let finish = Authorise::Finish { redirect_url: self.redirect_url(), code: code.to_owned() };
        let authorised: Authorised = self.ask(&state.connection, "authorise", json!(finish)).await?;
        Ok((state.connection, authorised.notes))
    }

    /// The one address to which platforms send browsers back.
    pub fn redirect_url(&self) -> String {
        format!("{}/console/authorised", self.public_url)
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        id: &ConnectionId,
        verb: &'static str,
        request: Value,
    ) -> Result<T, ActError> {
        if self.entry(id).is_none() {
            return Err(ActError::Unknown(id.clone()));
        }
        let call = Call { verb, request, deadline: LONGEST, checkpoints: None };
        let answer = self.registry.call(id, call).await.map_err(|error| match error {
            CallError::Connector(ConnectorError::Unsupported { .. }) => ActError::NotOffered,
            error => ActError::Failed(error.to_string()),
        })?;
        serde_json::from_value(answer)
            .map_err(|error| ActError::Failed(format!("the connector's answer cannot be read: {error}")))
    }
}
