//! Bitrix24: the assistant as the chat bot of an open channel, and its way out to live agents.
//!
//! On the native route the chat is on Bitrix24 from the start. [`webhook`] reads what the portal tells the bot,
//! [`message`] lets the bot speak, [`recipe`] passes the session on to people and [`find`] looks
//! what became of that when an answer was lost. All calls go through [`client`], which is also
//! where the portal's refusals get their meaning. On the bridge route ([`bridge`]) a chat of another
//! channel reaches an open channel through a connector of our own; that takes a local application
//! ([`app`]), whose tokens are kept and renewed in [`oauth`].

mod answer;
mod app;
mod bbcode;
mod bot;
mod bridge;
mod chat;
mod check;
mod checkpoint;
mod client;
mod comeback;
mod crm;
mod digest;
mod event;
mod files;
mod find;
mod form;
mod history;
mod install;
mod kept;
mod line;
mod message;
mod oauth;
mod poll;
mod recipe;
mod settings;
mod verify;
mod webhook;
mod wire;

use handoff_sdk::{
    Connector, ConnectorError, Cx, Result,
    model::Route,
    model::connector::{
        AskAvailability, Availability, Check, Choice, Fetch, Fetched, Find, Forward, Found, Install,
        Installed, Options, Poll, Polled, Receive, Received, Send, Sent, Transfer, Transferred, Withdraw,
        Withdrawn,
    },
};

use client::Client;
use settings::Portal;
pub use settings::Settings;

#[cfg(feature = "export")]
handoff_sdk::export!(Bitrix24, "../manifest.json");

/// The connector for one portal.
pub struct Bitrix24 {
    portal: Portal,
}

impl Bitrix24 {
    fn client<'a>(&'a self, cx: &'a Cx) -> Client<'a> {
        Client::new(cx, &self.portal)
    }

    /// # Errors
    /// [`ConnectorError::Refused`] without a local application.
    fn bridge<'a>(&'a self, cx: &'a Cx) -> Result<Client<'a>> {
        if !self.portal.settings.has_application() {
            let detail = "only chats that are on Bitrix24 already can be passed on: chats of other channels need a local \
                          application (client_id)";
            return Err(ConnectorError::Refused { detail: detail.to_owned() });
        }
        Ok(self.client(cx).as_application())
    }
}

impl Connector for Bitrix24 {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self, String> {
        Portal::new(settings).map(|portal| Self { portal })
    }

    async fn check(&self, cx: &Cx) -> Result<Check> {
        check::check(&self.client(cx)).await
    }

    async fn install(&self, cx: &Cx, install: Install) -> Result<Installed> {
        install::install(&self.client(cx), &install.webhook_url).await
    }

    async fn receive(&self, cx: &Cx, request: Receive) -> Result<Received> {
        webhook::receive(cx, &self.portal, &request).await
    }

    async fn poll(&self, cx: &Cx, poll: Poll) -> Result<Polled> {
        poll::poll(&self.client(cx), poll).await
    }

    async fn send(&self, cx: &Cx, message: Send) -> Result<Sent> {
        message::send(&self.client(cx), &message).await
    }

    async fn transfer(&self, cx: &Cx, transfer: Transfer) -> Result<Transferred> {
        match transfer.route {
            Route::Bridge => bridge::transfer(&self.bridge(cx)?, &transfer).await,
            _ => recipe::transfer(&self.client(cx), &transfer).await,
        }
    }

    async fn find(&self, cx: &Cx, find: Find) -> Result<Found> {
        match find.transfer.route {
            Route::Bridge => bridge::find(&self.bridge(cx)?, &find.transfer).await,
            _ => find::find(&self.client(cx), &find.transfer).await,
        }
    }

    /// On the native route passing a session on is one step: a refused one leaves nothing behind.
    async fn withdraw(&self, cx: &Cx, withdraw: Withdraw) -> Result<Withdrawn> {
        if withdraw.transfer.route == Route::Bridge {
            return bridge::withdraw(&self.bridge(cx)?, &withdraw).await;
        }
        let remark = "nothing was taken back: a refused transfer leaves nothing behind on Bitrix24";
        Ok(Withdrawn { remarks: vec![remark.to_owned()] })
    }

    async fn forward(&self, cx: &Cx, words: Forward) -> Result<Sent> {
        bridge::forward(&self.bridge(cx)?, &words).await
    }

    async fn fetch(&self, cx: &Cx, fetch: Fetch) -> Result<Fetched> {
        files::fetch(&self.client(cx), &fetch).await
    }

    async fn availability(&self, cx: &Cx, asked: AskAvailability) -> Result<Availability> {
        line::availability(&self.client(cx), &asked.options).await
    }

    async fn options(&self, cx: &Cx, options: Options) -> Result<Vec<Choice>> {
        line::choices(&self.client(cx), &options.field).await
    }
}

#[cfg(test)]
mod tests;
