//! What is to be shown in one conversation, as it comes.

use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, watch};

use super::{super::view::Line, BATCH};
use crate::{AppState, chat::Address, web::Problem};

/// How long to wait for a word of something new before looking anyway: the word may have been said
/// on another node.
const LOOK_ANYWAY: Duration = Duration::from_secs(10);

/// What is to be shown in one conversation, from a place on.
pub(super) struct Source {
    pub(super) state: AppState,
    address: Address,
    /// Place of the last line that was given.
    pub(super) after: u64,
    news: watch::Receiver<u64>,
    stopping: watch::Receiver<bool>,
    _place: Option<OwnedSemaphorePermit>,
}

impl Source {
    pub(super) fn new(
        state: AppState,
        address: Address,
        after: u64,
        place: Option<OwnedSemaphorePermit>,
    ) -> Self {
        let news = state.runtime.watch(&address.conversation());
        let stopping = state.stopping();
        Self { state, address, after, news, stopping, _place: place }
    }

    /// What is there now.
    pub(super) async fn read(&mut self) -> Result<Vec<Line>, Problem> {
        // Seen before reading: what is added while we read is news again.
        self.news.mark_unchanged();
        let Address { channel, external, .. } = &self.address;
        let items = self.state.runtime.shown(channel, external, self.after, BATCH).await?;
        let lines: Vec<Line> =
            items.into_iter().map(|item| Line::shown(item, &self.state, &self.address)).collect();
        self.after = lines.last().map_or(self.after, |line| line.seq);
        Ok(lines)
    }

    /// Waits until it is worth reading again; `false` when the server stops.
    pub(super) async fn wait(&mut self) -> bool {
        tokio::select! {
            () = changed(&mut self.news) => true,
            () = self.state.runtime.clock().sleep(LOOK_ANYWAY) => true,
            () = stops(&mut self.stopping) => false,
        }
    }
}

/// Ends when something new is to be shown; never, when nobody is left to say so.
async fn changed(news: &mut watch::Receiver<u64>) {
    if news.changed().await.is_err() {
        std::future::pending().await
    }
}

/// Ends when the server stops.
async fn stops(stopping: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, and with it the server.
    let _ = stopping.wait_for(|stops| *stops).await;
}
