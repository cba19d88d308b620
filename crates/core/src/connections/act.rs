//! Asks platforms about connections: whether they are set up, and to set them up.

use std::time::Duration;

use handoff_model::{
    ConnectionId,
    connector::{Check, ConnectorError, Install, Installed},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Book, ChangeError};
use crate::world::{Call, CallError, Connectors};

/// Longest time for one account.
const LONGEST: Duration = Duration::from_secs(50);

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
        let install = Install { webhook_url: self.webhook_url(id), asked };
        let Installed { notes, secrets } = self.ask(id, "install", json!(install)).await?;
        if !secrets.is_empty() {
            self.keep_secrets(id, secrets).await.map_err(|error| ActError::NotKept(Box::new(error)))?;
        }
        Ok(notes)
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
