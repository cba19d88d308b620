//! The connector for Zendesk: gives chats to the Agent Workspace through the Conversations API.
//!
//! [`bridge`] is the recipe for chats on channels of ours, [`native`] is for
//! chats of Zendesk's own channels, [`ticket`] makes tickets by the Support API, [`webhook`] decodes what Zendesk sends,
//! [`check`] looks over the account, [`install`] sets it up. Requests go through [`client`], which decides what an answer means.

mod address;
mod bridge;
mod check;
mod client;
mod fetch;
mod install;
mod lines;
mod native;
mod options;
mod settings;
mod support;
mod team;
mod ticket;
mod time;
mod webhook;
mod wire;

use handoff_sdk::{
    Connector, Cx, Result,
    model::{
        Route,
        connector::{
            AskAvailability, Authorise, Authorised, Availability, Check, Choice, Fetch, Fetched, Find,
            Forward, Found, Install, Installed, Options, Receive, Received, Send, Sent, Transfer,
            Transferred, Withdraw, Withdrawn,
        },
    },
};

pub use settings::Settings;

use client::Client;
use support::Support;

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

    async fn install(&self, cx: &Cx, install: Install) -> Result<Installed> {
        install::install(Client::new(cx, &self.settings), &install).await.map_err(install::explained)
    }

    async fn authorise(&self, cx: &Cx, step: Authorise) -> Result<Authorised> {
        Support::new(cx, &self.settings)?.authorise(step).await
    }

    async fn receive(&self, cx: &Cx, request: Receive) -> Result<Received> {
        webhook::receive(cx, &self.settings, &request).await
    }

    async fn transfer(&self, cx: &Cx, transfer: Transfer) -> Result<Transferred> {
        match transfer.route {
            Route::Bridge => bridge::transfer(Client::new(cx, &self.settings), &transfer).await,
            Route::Native => native::transfer(Client::new(cx, &self.settings), &transfer).await,
            Route::Ticket => ticket::transfer(Support::new(cx, &self.settings)?, &transfer).await,
        }
    }

    async fn find(&self, cx: &Cx, find: Find) -> Result<Found> {
        match find.transfer.route {
            Route::Bridge => bridge::find(Client::new(cx, &self.settings), &find.transfer).await,
            Route::Ticket => ticket::find(Support::new(cx, &self.settings)?, &find.transfer).await,
            Route::Native => native::find(Client::new(cx, &self.settings), &find.transfer).await,
        }
    }

    async fn withdraw(&self, cx: &Cx, withdraw: Withdraw) -> Result<Withdrawn> {
        match withdraw.transfer.route {
            Route::Bridge => bridge::withdraw(Client::new(cx, &self.settings), &withdraw.transfer).await,
            Route::Ticket => ticket::withdraw(Support::new(cx, &self.settings)?, &withdraw.transfer).await,
            Route::Native => Ok(native::withdraw()),
        }
    }

    async fn forward(&self, cx: &Cx, words: Forward) -> Result<Sent> {
        if ticket::is_ticket(&words) {
            return ticket::forward(Support::new(cx, &self.settings)?, &words).await;
        }
        bridge::forward(Client::new(cx, &self.settings), &words).await
    }

    async fn send(&self, cx: &Cx, message: Send) -> Result<Sent> {
        native::send(Client::new(cx, &self.settings), &message).await
    }

    async fn availability(&self, cx: &Cx, _asked: AskAvailability) -> Result<Availability> {
        match Support::new(cx, &self.settings) {
            Ok(support) => team::availability(support).await,
            // Nobody can look.
            Err(_) => Ok(Availability::Unknown),
        }
    }

    async fn options(&self, cx: &Cx, options: Options) -> Result<Vec<Choice>> {
        team::choices(Support::new(cx, &self.settings), &options.field).await
    }

    async fn fetch(&self, cx: &Cx, fetch: Fetch) -> Result<Fetched> {
        fetch::fetch(Client::new(cx, &self.settings), &fetch).await
    }
}
