//! The connector for Zendesk: gives chats to the Agent Workspace through the Conversations API.
//!
//! [`bridge`] is the recipe for chats on channels of ours, [`webhook`] decodes what Zendesk sends,
//! [`check`] looks over the account. Requests go through [`client`], which decides what an answer means.

mod address;
mod bridge;
mod check;
mod client;
mod fetch;
mod lines;
mod settings;
mod time;
mod webhook;
mod wire;

use handoff_sdk::{
    Connector, Cx, Result,
    model::{
        Route,
        connector::{
            Check, Fetch, Fetched, Find, Forward, Found, Receive, Received, Sent, Transfer, Transferred,
            Withdraw, Withdrawn,
        },
    },
};

pub use settings::Settings;

use client::{Client, refused};

#[cfg(feature = "export")]
handoff_sdk::export!(Zendesk, "../manifest.json");

/// The connector.
pub struct Zendesk {
    settings: Settings,
}

impl Connector for Zendesk {
    type Settings = Settings;

    fn new(settings: Settings) -> std::result::Result<Self, String> {
        Ok(Self { settings: settings.checked()? })
    }

    async fn check(&self, cx: &Cx) -> Result<Check> {
        check::check(Client::new(cx, &self.settings)).await
    }

    async fn receive(&self, cx: &Cx, request: Receive) -> Result<Received> {
        webhook::receive(cx, &self.settings, &request).await
    }

    async fn transfer(&self, cx: &Cx, transfer: Transfer) -> Result<Transferred> {
        match transfer.route {
            Route::Bridge => bridge::transfer(Client::new(cx, &self.settings), &transfer).await,
            Route::Native => Err(refused("this connector does not take chats of Zendesk's own channels")),
            Route::Ticket => Err(refused("this connector does not make tickets without a chat")),
        }
    }

    async fn find(&self, cx: &Cx, find: Find) -> Result<Found> {
        match find.transfer.route {
            Route::Bridge => bridge::find(Client::new(cx, &self.settings), &find.transfer).await,
            // A transfer on another route is refused before anything is done.
            Route::Native | Route::Ticket => Ok(Found::Absent { safe_now: true }),
        }
    }

    async fn withdraw(&self, cx: &Cx, withdraw: Withdraw) -> Result<Withdrawn> {
        match withdraw.transfer.route {
            Route::Bridge => bridge::withdraw(Client::new(cx, &self.settings), &withdraw.transfer).await,
            Route::Native | Route::Ticket => Ok(Withdrawn::default()),
        }
    }

    async fn forward(&self, cx: &Cx, words: Forward) -> Result<Sent> {
        bridge::forward(Client::new(cx, &self.settings), &words).await
    }

    async fn fetch(&self, cx: &Cx, fetch: Fetch) -> Result<Fetched> {
        fetch::fetch(Client::new(cx, &self.settings), &fetch).await
    }
}
