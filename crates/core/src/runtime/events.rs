//! Events from platforms: webhook requests, verified and decoded by the connection's connector.

use std::time::Duration;

use handoff_model::{
    ChannelId, ConnectionId, HandoffId, Timestamp,
    connector::{ConnectorError, EventKind, PlatformEvent, Receive, Received},
};
use serde_json::{Value, json};

use super::{Counter, Runtime, TurnError, WebhookError, turns::Arrival};
use crate::{
    session::{FromTeam, Happening},
    store::{Changes, ParkedRequest, StoreError},
    world::{Call, CallError},
};

/// A platform gives up on its request after some seconds; the answer must be there before.
const DECODING: Duration = Duration::from_secs(5);
/// Pause between two attempts to read requests that were kept.
const RETRY_PARKED: Duration = Duration::from_secs(5);
/// Longest body that is kept before anybody could verify its sender.
const LONGEST_PARKED: usize = 64 * 1024;
/// Requests read again in one go.
const PARKED_AT_ONCE: usize = 100;

impl Runtime {
    /// Takes a request to a connection's webhook: verified, decoded, handled and on disk when this returns.
    ///
    /// # Errors
    /// See [`WebhookError`]; its status tells the platform whether to send it again.
    pub async fn webhook(
        &self,
        connection: &ConnectionId,
        request: Receive,
    ) -> Result<(u16, String), WebhookError> {
        if !self.connections().iter().any(|known| known.id == *connection) {
            return Err(WebhookError::UnknownConnection);
        }
        let seen = self.0.parts.clock.now();
        let received = match self.decode(connection, &request).await {
            Ok(received) => received,
            Err(error) => return self.not_decoded(connection, request, error).await,
        };
        self.take_each(connection, &received.events, seen).await.map_err(|_| WebhookError::TryAgain)?;
        self.0.counters.add(Counter::Webhooks);
        Ok((received.status, received.body))
    }

    async fn decode(&self, connection: &ConnectionId, request: &Receive) -> Result<Received, CallError> {
        let call = Call { verb: "receive", request: json!(request), deadline: DECODING, checkpoints: None };
        let answer: Value = self.0.parts.connectors.call(connection, call).await?;
        serde_json::from_value(answer)
            .map_err(|error| CallError::Lost(format!("an answer that cannot be read: {error}")))
    }

    /// Every event on its own: one that is not for us, or whose conversation is damaged, must not keep the others
    /// back. `seen` is when the connector began to read them.
    pub(super) async fn take_each(
        &self,
        connection: &ConnectionId,
        events: &[PlatformEvent],
        seen: Timestamp,
    ) -> Result<(), TurnError> {
        let mut taken = Ok(());
        for event in events {
            match self.take(connection, event.clone(), seen).await {
                Ok(()) | Err(TurnError::UnknownChannel(_) | TurnError::BadName) => {}
                Err(TurnError::Damaged) => taken = Err(TurnError::Damaged),
                Err(error) => return Err(error),
            }
        }
        taken
    }

    async fn not_decoded(
        &self,
        connection: &ConnectionId,
        request: Receive,
        error: CallError,
    ) -> Result<(u16, String), WebhookError> {
        let refused = match error {
            CallError::Connector(ConnectorError::Unverified { .. }) => WebhookError::Unverified,
            CallError::Connector(ConnectorError::Unreadable { detail }) => WebhookError::Unreadable(detail),
            CallError::Connector(ConnectorError::Unsupported { .. }) => WebhookError::NotOffered,
            other => {
                tracing::error!(connection.id = %connection, cause = %other, "A webhook request could not be decoded");
                return self.keep_or_ask_again(connection, request).await;
            }
        };
        self.0.counters.add(Counter::WebhooksRefused);
        tracing::warn!(connection.id = %connection, "A webhook request was refused: {refused}");
        Err(refused)
    }

    /// A platform that does not deliver again must not lose its event because our connector is not well.
    async fn keep_or_ask_again(
        &self,
        connection: &ConnectionId,
        request: Receive,
    ) -> Result<(u16, String), WebhookError> {
        let manifest = self.0.parts.connectors.manifest(connection);
        let asks_again = manifest.is_some_and(|manifest| manifest.capabilities.redelivers);
        if asks_again || request.body.len() > LONGEST_PARKED {
            return Err(WebhookError::TryAgain);
        }
        let plain = serde_json::to_vec(&request).unwrap_or_default();
        let sealed = self.0.parts.seal.seal(&plain);
        let parked = ParkedRequest { connection: connection.clone(), sealed, at: request.at };
        self.0.parts.store.park(parked).await.map_err(|_| WebhookError::TryAgain)?;
        self.0.counters.add(Counter::Parked);
        Ok((200, String::new()))
    }

    /// Reads requests that were kept, once their connector is well again.
    pub(super) async fn retry_parked(&self) {
        loop {
            for connection in self.connections().iter() {
                if let Err(error) = self.retry_parked_of(&connection.id).await {
                    tracing::warn!(connection.id = %connection.id, cause = %error, "Kept requests still wait");
                }
            }
            self.0.parts.clock.sleep(RETRY_PARKED).await;
        }
    }

    async fn retry_parked_of(&self, connection: &ConnectionId) -> Result<(), TurnError> {
        for (id, parked) in self.0.parts.store.parked(connection, PARKED_AT_ONCE).await? {
            let seen = self.0.parts.clock.now();
            match self.unseal::<Receive>(&parked.sealed) {
                Err(cause) => tracing::error!(%cause, "A kept request could not be decrypted and is dropped"),
                Ok(request) => match self.decode(connection, &request).await {
                    Ok(received) => match self.take_each(connection, &received.events, seen).await {
                        // It stays, and those behind it have their turn.
                        Err(TurnError::Damaged) => continue,
                        taken => taken?,
                    },
                    Err(CallError::Connector(
                        ConnectorError::Unverified { .. } | ConnectorError::Unreadable { .. },
                    )) => {
                        tracing::warn!(connection.id = %connection, "A kept request was refused when it was read");
                    }
                    Err(_) => return Ok(()),
                },
            }
            self.0.parts.store.unpark(id).await?;
        }
        Ok(())
    }

    /// Handles one event of a platform.
    async fn take(
        &self,
        connection: &ConnectionId,
        event: PlatformEvent,
        seen: Timestamp,
    ) -> Result<(), TurnError> {
        let dedupe = Some((format!("connection/{connection}"), event.key.clone()));
        let session = event.platform_session.clone();
        let (person, happening) = match event.kind {
            EventKind::ChatStarted { person } => {
                (Some(person), Happening::Opened { platform_session: session })
            }
            EventKind::ControlReturned { person } => {
                (person, Happening::Opened { platform_session: session })
            }
            EventKind::TakenByPlatform => (None, Happening::TakenByPlatform { platform_session: session }),
            EventKind::PersonMessage { person, content, external_id, held_by_live_agent } => {
                let external_id = Some(external_id);
                let said =
                    Happening::Said { content, external_id, platform_session: session, held_by_live_agent };
                (Some(person), said)
            }
            EventKind::LiveAgentMessage { name, content, .. } => {
                let news = FromTeam::Message { name, content };
                return self.news_of_team(connection, &event.chat, event.handoff, dedupe, news).await;
            }
            EventKind::Closed { reason } => {
                let news = FromTeam::Closed { reason };
                return self.news_of_team(connection, &event.chat, event.handoff, dedupe, news).await;
            }
            EventKind::Renamed { to } => return self.rename(connection, event.chat, to).await,
            EventKind::Ignored { reason } => {
                self.0.counters.add(Counter::Ignored);
                tracing::debug!(connection.id = %connection, %reason, "An event was ignored");
                return Ok(());
            }
        };
        let channel = ChannelId::new(connection.as_str());
        let arrival =
            Arrival { channel, external: event.chat, person, dedupe, handoff: None, happening, seen };
        self.handle(arrival).await.map(|_| ())
    }

    /// Finds the conversation that a bridge's event belongs to.
    async fn news_of_team(
        &self,
        connection: &ConnectionId,
        chat: &str,
        named: Option<HandoffId>,
        dedupe: Option<(String, String)>,
        news: FromTeam,
    ) -> Result<(), TurnError> {
        let store = &self.0.parts.store;
        let id = match named {
            Some(id) => Some(id),
            None => store.handoff_by_chat(connection, chat).await?,
        };
        let handoff = match &id {
            Some(id) => store.handoff(id).await?.filter(|handoff| handoff.connection == *connection),
            None => None,
        };
        let Some(handoff) = handoff else {
            self.0.counters.add(Counter::Ignored);
            tracing::warn!(connection.id = %connection, "An event of a chat that no handoff made was ignored");
            return Ok(());
        };
        let Some(conversation) = store.conversation(&handoff.conversation).await? else { return Ok(()) };
        let arrival = Arrival {
            channel: conversation.channel,
            external: conversation.external_id,
            person: None,
            dedupe,
            handoff: Some(handoff.id),
            happening: Happening::FromTeam(news),
            seen: self.0.parts.clock.now(),
        };
        self.handle(arrival).await.map(|_| ())
    }

    async fn rename(&self, connection: &ConnectionId, from: String, to: String) -> Result<(), TurnError> {
        let changes = Changes { renamed_chats: vec![(connection.clone(), from, to)], ..Changes::default() };
        match self.commit(changes).await {
            Ok(()) | Err(StoreError::Duplicate { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
