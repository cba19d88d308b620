//! A connector that talks to nobody: the example to copy, and a platform for trying things out.
//!
//! What a platform would hold, it keeps in the host's key-value store: one record for each
//! handoff, with the transcript and every word carried since.

use handoff_sdk::{
    Connector, ConnectorError, Cx, Result,
    model::{
        HandoffKey, TicketRef,
        connector::{
            AskAvailability, Availability, Check, Choice, Find, Forward, Found, Options, Sent, Transfer,
            Transferred, Withdraw, Withdrawn,
        },
    },
};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[cfg(feature = "export")]
handoff_sdk::export!(Loopback, "../manifest.json");

/// How often a write is tried when somebody else writes at the same time.
const TRIES: u32 = 20;

/// What an operator configures.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Answers every carried message with the same words.
    echo: bool,
    /// Says that no live agent is there.
    away: bool,
}

/// The connector.
pub struct Loopback {
    settings: Settings,
}

/// What a platform would know of a handoff.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Record {
    transcript: Vec<String>,
    carried: Vec<(u64, String)>,
    echoed: Vec<String>,
}

impl Connector for Loopback {
    type Settings = Settings;

    fn new(settings: Settings) -> std::result::Result<Self, String> {
        Ok(Self { settings })
    }

    async fn check(&self, _cx: &Cx) -> Result<Check> {
        Ok(Check::default())
    }

    async fn transfer(&self, cx: &Cx, transfer: Transfer) -> Result<Transferred> {
        let transcript: Vec<_> =
            transfer.transcript.iter().map(|message| message.content.text.clone()).collect();
        update(cx, &transfer.key, |record| record.transcript = transcript.clone()).await?;
        cx.checkpoint(&json!({ "recorded": true })).await?;
        Ok(held(&transfer.key))
    }

    async fn find(&self, cx: &Cx, find: Find) -> Result<Found> {
        Ok(match cx.kept(&slot(&find.transfer.key)).await? {
            Some(_) => Found::There(held(&find.transfer.key)),
            None => Found::Absent { safe_now: true },
        })
    }

    async fn withdraw(&self, cx: &Cx, withdraw: Withdraw) -> Result<Withdrawn> {
        update(cx, &withdraw.transfer.key, |record| *record = Record::default()).await?;
        Ok(Withdrawn { remarks: vec!["the record was emptied".to_owned()] })
    }

    async fn forward(&self, cx: &Cx, words: Forward) -> Result<Sent> {
        let line = (words.seq, words.content.text.clone());
        update(cx, &words.handoff, |record| {
            if !record.carried.contains(&line) {
                record.carried.push(line.clone());
                if self.settings.echo {
                    record.echoed.push(line.1.clone());
                }
            }
        })
        .await?;
        Ok(Sent { external_ids: vec![format!("{}-{}", words.handoff, words.seq)], ..Sent::default() })
    }

    async fn availability(&self, _cx: &Cx, _asked: AskAvailability) -> Result<Availability> {
        Ok(if self.settings.away { Availability::No } else { Availability::Yes })
    }

    async fn options(&self, _cx: &Cx, options: Options) -> Result<Vec<Choice>> {
        let choice =
            |(value, label): (&str, &str)| Choice { value: value.to_owned(), label: label.to_owned() };
        match options.field.as_str() {
            "queue" => Ok([("first", "First line"), ("second", "Second line")].map(choice).to_vec()),
            field => Err(ConnectorError::Unsupported { verb: format!("options for {field}") }),
        }
    }
}

fn held(key: &HandoffKey) -> Transferred {
    let ticket = TicketRef { chat: key.to_string(), label: None, url: None };
    Transferred { ticket, queued: false, remarks: Vec::new() }
}

fn slot(key: &HandoffKey) -> String {
    format!("handoff/{key}")
}

/// Changes the record of a handoff by compare-and-set, so that two writers cannot lose a word.
async fn update(cx: &Cx, key: &HandoffKey, change: impl Fn(&mut Record)) -> Result<()> {
    for _ in 0..TRIES {
        let kept = cx.kept(&slot(key)).await?;
        let version = kept.as_ref().map_or(0, |kept| kept.version);
        let mut record: Record =
            kept.and_then(|kept| serde_json::from_value(kept.value).ok()).unwrap_or_default();
        change(&mut record);
        if cx.swap(&slot(key), version, &json!(record)).await? {
            return Ok(());
        }
    }
    Err(ConnectorError::Unavailable { detail: "too many writers at once".to_owned() })
}

#[cfg(test)]
mod tests;
