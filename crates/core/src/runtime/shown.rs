//! What the person is to be shown, on channels of ours.

use handoff_model::{Author, ChannelId, Content, ConversationId, Delivery, Message, Source, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Runtime, TurnError};
use crate::{
    session::FromTeam,
    store::Shown,
    world::{Blob, NotKept, Pieces},
};

/// Something to show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShownItem {
    /// Its place; the cursor to go on from.
    pub seq: u64,
    /// `assistant`, `notice` or `live_agent`.
    pub author: String,
    /// Name to show beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What.
    pub content: Content,
    /// When.
    pub at: Timestamp,
}

/// What a sealed row holds.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SealedItem {
    pub(super) name: Option<String>,
    pub(super) content: Content,
    pub(super) at: Timestamp,
}

impl Runtime {
    /// What is to be shown after a place, in order, at most `limit`.
    ///
    /// # Errors
    /// See [`TurnError`].
    pub async fn shown(
        &self,
        channel: &ChannelId,
        external: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<ShownItem>, TurnError> {
        self.own_channel(channel, external)?;
        let id = ConversationId::derive(channel, external);
        let mut rows = self.unseen(&id, after, limit).await?;
        if rows.is_empty() {
            rows = self.0.parts.store.shown(&id, after, limit).await?;
        }
        let name = if rows.is_empty() { None } else { self.name_of_assistant(&id).await? };
        Ok(rows.into_iter().map(|row| self.open_row(row, name.as_deref())).collect())
    }

    /// What is to be shown again because the window's place is from a life of the data that is none of ours: its places
    /// are later than ours were, so that nothing that waited for the person in the backup would ever be shown. They get it
    /// at places of the present life, the latest of it if there is more than fits. What they acknowledged stays out.
    async fn unseen(&self, id: &ConversationId, after: u64, limit: usize) -> Result<Vec<Shown>, TurnError> {
        let lives = &self.0.parts.lives;
        if !lives.is_foreign(after) {
            return Ok(Vec::new());
        }
        let mut past = self.0.parts.store.messages(id, 0, lives.first_place()).await?;
        past.retain(|message| message.author != Author::Person && message.delivery != Delivery::Delivered);
        let waiting = past.split_off(past.len().saturating_sub(limit));
        let raised = |Message { seq, author, content, at, .. }: Message| Shown::Said {
            seq: lives.raised(seq),
            author,
            content,
            at,
        };
        Ok(waiting.into_iter().map(raised).collect())
    }

    /// The name under which the assistant of the latest session speaks.
    async fn name_of_assistant(&self, id: &ConversationId) -> Result<Option<String>, TurnError> {
        let session =
            self.0.parts.store.conversation(id).await?.and_then(|conversation| conversation.session);
        let Some(session) = session else { return Ok(None) };
        let version = self.0.library.version(&session.assistant, session.assistant_version).await?;
        Ok(version.map(|version| version.definition.name.clone()))
    }

    /// The person has everything up to this place; what was sealed is deleted.
    ///
    /// # Errors
    /// See [`TurnError`].
    pub async fn acknowledge(
        &self,
        channel: &ChannelId,
        external: &str,
        until: u64,
    ) -> Result<(), TurnError> {
        self.own_channel(channel, external)?;
        // Who has everything up to a place that we never gave may have nothing of what is here.
        if self.0.parts.lives.is_foreign(until) {
            return Ok(());
        }
        let id = ConversationId::derive(channel, external);
        Ok(self.0.parts.store.acknowledge(&id, until).await?)
    }

    /// A file that something shown to the person names; its name cannot be guessed.
    ///
    /// # Errors
    /// See [`TurnError`].
    pub async fn blob(
        &self,
        channel: &ChannelId,
        external: &str,
        name: &str,
    ) -> Result<Option<Blob>, TurnError> {
        self.own_channel(channel, external)?;
        let found = self.0.parts.blobs.read(name).await;
        found.map_err(|cause| {
            tracing::error!(%cause, "A file could not be read");
            TurnError::Unavailable
        })
    }

    /// Keeps a file that the person sent, for a while; gives its name. None when its bytes broke off.
    ///
    /// # Errors
    /// When it cannot be kept just now.
    pub async fn keep_blob(
        &self,
        media_type: String,
        pieces: Pieces<'_>,
    ) -> Result<Option<String>, TurnError> {
        match self.0.parts.blobs.write(media_type, pieces).await {
            Ok(name) => Ok(Some(name)),
            Err(NotKept::BrokeOff(_)) => Ok(None),
            Err(NotKept::Unavailable(cause)) => {
                tracing::error!(%cause, "A file could not be kept");
                Err(TurnError::Unavailable)
            }
        }
    }

    fn open_row(&self, row: Shown, assistant: Option<&str>) -> ShownItem {
        match row {
            Shown::Said { seq, author, content, at } => {
                let (author, name) = match author {
                    Author::Notice => ("notice", None),
                    Author::Assistant | Author::Person => ("assistant", assistant.map(str::to_owned)),
                };
                ShownItem { seq, author: author.to_owned(), name, content, at }
            }
            Shown::Sealed { seq, sealed } => self.open_sealed(seq, &sealed),
        }
    }

    fn open_sealed(&self, seq: u64, sealed: &[u8]) -> ShownItem {
        let opened = self.unseal::<SealedItem>(sealed);
        let item = opened.unwrap_or_else(|cause| {
            tracing::error!(%cause, "A message for the person could not be decrypted");
            let content = Content::text("A message could not be shown here. Please ask for it again.");
            SealedItem { name: None, content, at: self.0.parts.clock.now() }
        });
        let author = if item.name.is_some() { "live_agent" } else { "notice" };
        ShownItem { seq, author: author.to_owned(), name: item.name, content: item.content, at: item.at }
    }

    /// Opens a sealed row.
    pub(super) fn unseal<T: serde::de::DeserializeOwned>(&self, sealed: &[u8]) -> Result<T, String> {
        let plain = self.0.parts.seal.unseal(sealed)?;
        serde_json::from_slice(&plain).map_err(|error| error.to_string())
    }
}

impl SealedItem {
    /// What the team said, without files that only the platform has.
    pub(super) fn new(news: FromTeam, at: Timestamp) -> Option<Self> {
        match news {
            FromTeam::Message { name, mut content } => {
                content.attachments.retain(|file| !matches!(file.source, Source::Platform(_)));
                Some(Self { name, content, at })
            }
            FromTeam::Notice { text } => Some(Self { name: None, content: Content::text(text), at }),
            FromTeam::Closed { .. } => None,
        }
    }
}
