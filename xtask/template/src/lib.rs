//! A connector for Acme Desk: gives a chat of ours to its live agents and carries words both ways.
//!
//! Acme Desk is invented. What it offers is played in `tests/conformance/desk.rs`; put your platform in its
//! place there, and its requests here.

mod answer;
mod webhook;

use handoff_sdk::{
    Connector, ConnectorError, Cx, Request, Result,
    model::{
        TicketRef,
        connector::{Check, Find, Finding, Forward, Found, Receive, Received, Sent, Transfer, Transferred},
    },
};
use serde::Deserialize;
use serde_json::{Value, json};

use answer::{field, understood};

#[cfg(feature = "export")]
handoff_sdk::export!(Acme, "../manifest.json");

/// What an operator configures.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Address of the account.
    base_url: String,
}

/// The connector.
pub struct Acme {
    base: String,
}

impl Acme {
    fn ask(&self, method: &str, path: &str) -> Request {
        Request::new(method, format!("{}{path}", self.base)).bearer("token")
    }
}

impl Connector for Acme {
    type Settings = Settings;

    fn new(settings: Settings) -> std::result::Result<Self, String> {
        Ok(Self { base: settings.base_url.trim_end_matches('/').to_owned() })
    }

    async fn check(&self, cx: &Cx) -> Result<Check> {
        match self.ask("GET", "/account").read(cx).await.and_then(understood) {
            Ok(_) => Ok(Check::default()),
            Err(ConnectorError::Unauthorised { detail }) => {
                let remedy = "Make a new API token in Acme Desk under Settings, API.".to_owned();
                Ok(Check { findings: vec![Finding { only_a_warning: false, problem: detail, remedy }] })
            }
            Err(error) => Err(error),
        }
    }

    async fn transfer(&self, cx: &Cx, transfer: Transfer) -> Result<Transferred> {
        let left = transfer.checkpoint.as_ref().and_then(|left| left["chat"].as_str());
        let chat = match left {
            Some(chat) => chat.to_owned(),
            None => {
                let history: Vec<Value> = transfer
                    .transcript
                    .iter()
                    .map(|message| json!({ "who": message.name, "text": message.content.text }))
                    .collect();
                let body = json!({ "key": transfer.key, "history": history });
                let made = self.ask("POST", "/chats").json(&body).act(cx).await.and_then(understood)?;
                let chat = field(&made, "id")?;
                cx.checkpoint(&json!({ "chat": chat })).await?;
                chat
            }
        };
        self.ask("POST", &format!("/chats/{chat}/queue")).act(cx).await.and_then(understood)?;
        Ok(held(chat))
    }

    async fn find(&self, cx: &Cx, find: Find) -> Result<Found> {
        let path = format!("/chats?key={}", find.transfer.key);
        let found = self.ask("GET", &path).read(cx).await.and_then(understood)?;
        let Some(chats) = found["chats"].as_array() else {
            return Ok(Found::Unknown { detail: "Acme Desk's list of chats cannot be read".to_owned() });
        };
        let Some(chat) = chats.first() else {
            // The lost request may still make the chat: absent is final only after the settle time.
            return Ok(Found::Absent { safe_now: false });
        };
        let id = field(chat, "id")?;
        match chat["state"].as_str() {
            Some("queued" | "open") => Ok(Found::There(held(id))),
            // Queueing a queued chat changes nothing on Acme Desk.
            _ => Ok(Found::Partly {
                checkpoint: json!({ "chat": id }),
                safe_now: true,
                held: false,
                unseen: false,
            }),
        }
    }

    async fn forward(&self, cx: &Cx, words: Forward) -> Result<Sent> {
        // Acme Desk keeps one message for each external id, so there is nothing to look up when `maybe_sent` is set.
        let external_id = format!("{}-{}", words.handoff, words.seq);
        let body = json!({ "text": words.content.text, "external_id": external_id });
        let path = format!("/chats/{}/messages", words.ticket.chat);
        let sent = self.ask("POST", &path).json(&body).act(cx).await.and_then(understood)?;
        Ok(Sent { external_ids: vec![field(&sent, "id")?], ..Sent::default() })
    }

    async fn receive(&self, cx: &Cx, request: Receive) -> Result<Received> {
        webhook::receive(cx, request).await
    }
}

fn held(chat: String) -> Transferred {
    let ticket = TicketRef { chat, label: None, url: None };
    Transferred { ticket, queued: true, remarks: Vec::new() }
}
