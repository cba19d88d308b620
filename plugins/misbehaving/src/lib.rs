//! A connector that does wrong on request, in every way that the loader, the lanes and the conformance kit must
//! notice. It is never shipped.
//!
//! Without a fault it is a decent connector for the desk that `xtask/template/tests/conformance/desk.rs` plays.
//! `fault` has the ways in which it can go wrong; `raw` those that the SDK would prevent.

mod fault;
mod raw;
mod wire;

use std::sync::OnceLock;

use handoff_sdk::{
    Connector, ConnectorError, Cx, Result,
    model::connector::{
        AskAvailability, Availability, Check, Choice, Find, Forward, Found, Install, Installed, Options,
        Receive, Received, Send, Sent, Transfer, Transferred,
    },
};
use serde::Deserialize;
use serde_json::{Value, json};

use fault::{Doomed, Fault};
use wire::{Wire, field, held};

/// What an operator configures.
#[derive(Debug, Deserialize)]
pub struct Settings {
    base_url: String,
    #[serde(default)]
    fault: Fault,
    region: Option<String>,
    /// Takes in whatever nobody knows, so that mistakes go unnoticed.
    #[serde(flatten)]
    rest: serde_json::Map<String, Value>,
}

/// The connector.
pub struct Misbehaving {
    wire: Wire,
    fault: Fault,
}

/// What the first connection's address was.
static FIRST: OnceLock<String> = OnceLock::new();

impl Connector for Misbehaving {
    type Settings = Settings;

    fn new(settings: Settings) -> std::result::Result<Self, String> {
        let Settings { base_url, fault, region, rest } = settings;
        if region.is_none() && fault == Fault::WantsMoreSettings {
            return Err("there is no region, which was not asked for before".to_owned());
        }
        if !rest.is_empty() && fault != Fault::TakesAnySettings {
            return Err("there is a setting that nobody knows".to_owned());
        }
        fault.at_birth();
        let shared = FIRST.get_or_init(|| base_url.clone());
        let base = if fault == Fault::SharesState { shared.clone() } else { base_url };
        Ok(Self { wire: Wire { base, fault }, fault })
    }

    async fn check(&self, cx: &Cx) -> Result<Check> {
        self.fault.at_work(cx).await;
        self.wire.read(cx, "/account").await.map(|_| Check::default())
    }

    // Not `async`, so that a part of it runs before there is a future.
    fn transfer(
        &self,
        cx: &Cx,
        transfer: Transfer,
    ) -> impl Future<Output = Result<Transferred>> + std::marker::Send {
        if self.fault == Fault::PanicsBeforeTheFuture {
            wrong("before there was a future");
        }
        self.hand_over(cx.clone(), transfer)
    }

    async fn find(&self, cx: &Cx, find: Find) -> Result<Found> {
        match self.fault {
            Fault::FindsWhatIsNotThere => return Ok(Found::There(held("chat1".to_owned()))),
            Fault::FindsNothing => return Ok(Found::Absent { safe_now: true }),
            _ => {}
        }
        let found = self.wire.read(cx, &format!("/chats?key={}", find.transfer.key)).await?;
        let Some(chat) = found["chats"].get(0) else { return Ok(Found::Absent { safe_now: false }) };
        let id = field(chat, "id")?;
        Ok(match chat["state"].as_str() {
            Some("queued") => Found::There(held(id)),
            _ => Found::Partly {
                checkpoint: json!({ "chat": id }),
                safe_now: true,
                held: false,
                unseen: false,
            },
        })
    }

    async fn forward(&self, cx: &Cx, words: Forward) -> Result<Sent> {
        let external_id = match (self.fault, words.maybe_sent) {
            (Fault::DoublesWords, true) => format!("{}-{}-again", words.handoff, words.seq),
            _ => format!("{}-{}", words.handoff, words.seq),
        };
        let body = json!({ "text": words.content.text, "external_id": external_id });
        let sent = self.wire.act(cx, &format!("/chats/{}/messages", words.ticket.chat), &body).await?;
        Ok(Sent { external_ids: vec![field(&sent, "id")?], ..Sent::default() })
    }

    async fn install(&self, cx: &Cx, install: Install) -> Result<Installed> {
        let known = self.wire.read(cx, "/hooks").await?;
        let there =
            known["hooks"].as_array().is_some_and(|hooks| hooks.contains(&json!(install.webhook_url)));
        if !there || self.fault == Fault::InstallsTwice {
            self.wire.act(cx, "/hooks", &json!({ "url": install.webhook_url })).await?;
        }
        Ok(Installed::default())
    }

    async fn send(&self, cx: &Cx, message: Send) -> Result<Sent> {
        let external_id = match (self.fault, message.maybe_sent) {
            (Fault::DoublesReplies, true) => format!("{}-again", message.key),
            _ => message.key,
        };
        let body = json!({ "text": message.content.text, "external_id": external_id });
        let sent = self.wire.act(cx, &format!("/talks/{}/messages", message.chat), &body).await?;
        Ok(Sent { external_ids: vec![field(&sent, "id")?], ..Sent::default() })
    }

    async fn availability(&self, cx: &Cx, _asked: AskAvailability) -> Result<Availability> {
        let found = self.wire.read(cx, "/team").await.ok();
        Ok(match found.and_then(|team| team["online"].as_u64()) {
            _ if self.fault == Fault::SaysSomebodyIsThere => Availability::Yes,
            Some(0) => Availability::No,
            Some(_) => Availability::Yes,
            None => Availability::Unknown,
        })
    }

    async fn options(&self, cx: &Cx, options: Options) -> Result<Vec<Choice>> {
        if options.field != "group" {
            return Err(ConnectorError::Unsupported { verb: "options".to_owned() });
        }
        let found = match self.wire.read(cx, "/groups").await {
            Err(_) if self.fault == Fault::OffersNothingWhenItCannotLook => return Ok(Vec::new()),
            found => found?,
        };
        let groups =
            found["groups"].as_array().ok_or_else(|| wire::lost("the desk's answer has no groups"))?;
        let choice = |group: &Value| Ok(Choice { value: field(group, "id")?, label: field(group, "name")? });
        let mut choices = groups.iter().map(choice).collect::<Result<Vec<_>>>()?;
        if self.fault == Fault::OffersAChoiceTwice {
            choices.extend(choices.first().cloned());
        }
        Ok(choices)
    }

    async fn receive(&self, cx: &Cx, request: Receive) -> Result<Received> {
        let given = request.headers.get("x-acme-secret").map_or("", String::as_str);
        if self.fault == Fault::LeaksASecret {
            handoff_sdk::tracing::info!("somebody proved themselves with {given}");
            let backwards: String = given.chars().rev().collect();
            handoff_sdk::tracing::info!("backwards {backwards}");
        }
        let known = cx.secret_matches("webhook_secret", given).await?;
        if !known && self.fault != Fault::BelievesAnyone {
            return Err(ConnectorError::Unverified { detail: "the secret is wrong".to_owned() });
        }
        wire::posted(&request, self.fault)
    }
}

impl Misbehaving {
    async fn hand_over(&self, cx: Cx, transfer: Transfer) -> Result<Transferred> {
        let _doomed = Doomed(self.fault);
        // Its checks show it well enough, and take less time.
        if self.fault != Fault::BlocksAWhile {
            self.fault.at_work(&cx).await;
        }
        let ours = |left: &&Value| {
            self.fault != Fault::ReadsOnlyItsOwnCheckpoints || left["version"] == json!(raw::version())
        };
        let left = transfer.checkpoint.as_ref().filter(ours);
        let left = left.and_then(|left| left["chat"].as_str()).map(str::to_owned);
        let chat = match left {
            Some(chat) => chat,
            None => self.make(&cx, &transfer).await?,
        };
        if self.fault != Fault::SaysDoneTooSoon {
            self.wire.act(&cx, &format!("/chats/{chat}/queue"), &json!({})).await?;
        }
        if self.fault == Fault::RefusesAfterHandingOver {
            self.wire.act(&cx, &format!("/chats/{chat}/tags"), &json!({ "tags": ["handoff"] })).await?;
        }
        Ok(held(if self.fault == Fault::NamesAnotherChat { "chat99".to_owned() } else { chat }))
    }

    async fn make(&self, cx: &Cx, transfer: &Transfer) -> Result<String> {
        let mut lines: Vec<Value> =
            transfer.transcript.iter().map(|message| json!({ "text": message.content.text })).collect();
        match self.fault {
            Fault::DropsWords => drop(lines.pop()),
            Fault::ReordersWords => lines.reverse(),
            Fault::LogsWords => handoff_sdk::tracing::info!("it was said: {lines:?}"),
            _ => {}
        }
        let key = if self.fault == Fault::ForgetsTheKey { json!("none") } else { json!(transfer.key) };
        let made = self.wire.act(cx, "/chats", &json!({ "key": key, "history": lines })).await?;
        let chat = field(&made, "id")?;
        let stored = cx.checkpoint(&json!({ "chat": chat, "version": raw::version() })).await;
        if self.fault != Fault::GoesOnWhenSuperseded {
            stored?;
        }
        Ok(chat)
    }
}

impl Drop for Misbehaving {
    fn drop(&mut self) {
        if self.fault == Fault::PanicsWhenDropped {
            wrong("when it was dropped");
        }
    }
}

#[expect(clippy::panic, reason = "that is what it is for")]
fn wrong(place: &str) {
    panic!("it panics on request, {place}");
}
