//! Bitrix24: the assistant as the chat bot of an open channel, and its way out to live agents.
//!
//! The chat is on Bitrix24 from the start. [`webhook`] reads what the portal tells the bot,
//! [`message`] lets the bot speak, [`recipe`] passes the session on to people and [`find`] looks
//! what became of that when an answer was lost. All calls go through [`client`], which is also
//! where the portal's refusals get their meaning. Authentication is an inbound webhook.

mod answer;
mod bbcode;
mod bot;
mod chat;
mod check;
mod checkpoint;
mod client;
mod digest;
mod event;
mod files;
mod find;
mod form;
mod history;
mod line;
mod message;
mod recipe;
mod settings;
mod verify;
mod webhook;
mod wire;

use handoff_sdk::{
    Connector, Cx, Result,
    model::connector::{
        Availability, Check, Choice, Fetch, Fetched, Find, Found, Install, Installed, Options, Receive,
        Received, Send, Sent, Transfer, Transferred, Withdraw, Withdrawn,
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
        bot::install(&self.client(cx), &install.webhook_url).await
    }

    async fn receive(&self, cx: &Cx, request: Receive) -> Result<Received> {
        webhook::receive(cx, &self.portal, &request).await
    }

    async fn send(&self, cx: &Cx, message: Send) -> Result<Sent> {
        message::send(&self.client(cx), &message).await
    }

    async fn transfer(&self, cx: &Cx, transfer: Transfer) -> Result<Transferred> {
        recipe::transfer(&self.client(cx), &transfer).await
    }

    async fn find(&self, cx: &Cx, find: Find) -> Result<Found> {
        find::find(&self.client(cx), &find.transfer).await
    }

    /// Passing a session on is one step: a refused one leaves nothing behind.
    async fn withdraw(&self, _cx: &Cx, _withdraw: Withdraw) -> Result<Withdrawn> {
        let remark = "nothing was taken back: a refused transfer leaves nothing behind on Bitrix24";
        Ok(Withdrawn { remarks: vec![remark.to_owned()] })
    }

    async fn fetch(&self, cx: &Cx, fetch: Fetch) -> Result<Fetched> {
        files::fetch(&self.client(cx), &fetch).await
    }

    async fn availability(&self, cx: &Cx) -> Result<Availability> {
        line::availability(&self.client(cx)).await
    }

    async fn options(&self, cx: &Cx, options: Options) -> Result<Vec<Choice>> {
        line::choices(&self.client(cx), &options.field).await
    }
}

#[cfg(test)]
mod tests;
