//! `handoff handoff`: which conversations left, and what became of each.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, bail};
use clap::Subcommand;
use handoff_core::{
    handoff::{Handoff, HandoffState},
    store::{Handoffs, Page},
};
use handoff_model::HandoffId;
use serde_json::{Value, json};

use super::{live, receipt, say, say_json};
use crate::{
    compose::{self, Role},
    config::Config,
};

/// Handoffs in one request.
const MOST: usize = 200;

/// What to do with handoffs.
#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Lists handoffs, latest first.
    List {
        /// Only those that are requested, waiting, transferring, `in_doubt`, accepted, carrying, closed or failed.
        #[arg(long)]
        state: Option<String>,
        /// How many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// Goes on after this cursor.
        #[arg(long)]
        after: Option<String>,
    },
    /// Shows a handoff and its receipt.
    Show {
        /// Its id.
        id: String,
    },
    /// Gives the signed receipt of a handoff, to keep or to show to others.
    Receipt {
        /// Its id.
        id: String,
        /// The file to write; its signature lies beside it as FILE.minisig. Without it the receipt is printed.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Prints the public key by which receipts of this server are checked.
    ReceiptKey,
    /// Checks a receipt against its signature, without a server and without a configuration.
    VerifyReceipt {
        /// The receipt.
        file: PathBuf,
        /// The public key, or a file that holds it.
        #[arg(long)]
        key: String,
        /// The signature, when it is not FILE.minisig.
        #[arg(long)]
        signature: Option<PathBuf>,
    },
    /// Looks a handoff in doubt up on the platform now, through the running server.
    Look {
        /// Its id.
        id: String,
    },
    /// Gives a handoff in doubt up, through the running server: the chat takes the next way, or goes back
    /// to the assistant. Look on the
    /// platform first.
    GiveUp {
        /// Its id.
        id: String,
        /// What you found on the platform; it stands in the receipt.
        #[arg(long)]
        reason: String,
    },
    /// Tries failed handoffs again, through the running server, each as a new handoff with the history until now.
    Replay {
        /// Their ids.
        #[arg(required_unless_present = "failed", num_args = 1..)]
        ids: Vec<String>,
        /// All that failed and were not tried again yet.
        #[arg(long, conflicts_with = "ids")]
        failed: bool,
        /// Another platform: a connector's id.
        #[arg(long)]
        platform: Option<String>,
        /// Which account, when there are several.
        #[arg(long)]
        connection: Option<String>,
        /// Changes to the author's options, as a JSON merge patch.
        #[arg(long)]
        options: Option<String>,
        /// Another time for attempts, in seconds.
        #[arg(long)]
        budget_seconds: Option<u64>,
    },
}

pub(crate) async fn run(config: &Config, verb: &Verb, json: bool) -> anyhow::Result<ExitCode> {
    let store = compose::open_store(config, Role::Command)?;
    match verb {
        Verb::List { state, limit, after } => {
            if let Some(name) = state.as_deref().filter(|name| !HandoffState::NAMES.contains(name)) {
                bail!("there is no state {name:?}; the states are {}", HandoffState::NAMES.join(", "));
            }
            let page = Page { after: after.clone(), limit: *limit };
            let rows = store.handoffs(state.as_deref(), page).await?;
            if json {
                say_json(&rows)?;
            } else if rows.is_empty() {
                say("no handoffs");
            } else {
                for row in rows {
                    say(format!(
                        "{}  {:<12}  {:<10}  {}  {}",
                        row.id, row.state, row.platform, row.fired_at, row.conversation
                    ));
                }
            }
        }
        Verb::Show { id } => {
            let handoff = store.handoff(&HandoffId::new(id)).await?;
            let handoff =
                handoff.with_context(|| format!("there is no handoff {id:?}; see: handoff handoff list"))?;
            if json { say_json(&handoff)? } else { show(&handoff) }
        }
        Verb::Receipt { id, out } => receipt::give(config, &*store, id, out.as_deref()).await?,
        Verb::ReceiptKey => receipt::key(config)?,
        Verb::VerifyReceipt { file, key, signature } => {
            return receipt::verify(file, key, signature.as_deref());
        }
        Verb::Look { id } => {
            let told = live::tell(config, &address(id, "look"), None).await?;
            decided(&told, json, "the platform is being asked now; see: handoff handoff show")?;
        }
        Verb::GiveUp { id, reason } => {
            let told = live::tell(config, &address(id, "give-up"), Some(json!({ "reason": reason }))).await?;
            decided(
                &told,
                json,
                "the handoff is given up; the chat goes on by the next way that its author named, or with the assistant",
            )?;
        }
        Verb::Replay { ids, failed, platform, connection, options, budget_seconds } => {
            let options = options.as_deref().map(serde_json::from_str::<Value>).transpose();
            let options = options.context("--options must be JSON, such as '{\"priority\": \"high\"}'")?;
            let mend = json!({
                "platform": platform, "connection": connection, "options": options, "budget_seconds": budget_seconds,
            });
            let ids = if *failed { dead_letters(&*store).await? } else { ids.clone() };
            return replay(config, &ids, &mend, json).await;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Failed handoffs that were not tried again yet, latest first.
async fn dead_letters(store: &impl Handoffs) -> anyhow::Result<Vec<String>> {
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let rows = store.handoffs(Some("failed"), Page { after, limit: MOST }).await?;
        for row in &rows {
            let handoff = store.handoff(&row.id).await?;
            if handoff.is_some_and(|handoff| handoff.replayed_as.is_none()) {
                ids.push(row.id.to_string());
            }
        }
        after = rows.last().map(|row| row.cursor.clone());
        if rows.len() < MOST {
            return Ok(ids);
        }
    }
}

async fn replay(config: &Config, ids: &[String], mend: &Value, json: bool) -> anyhow::Result<ExitCode> {
    let (mut items, mut refused) = (Vec::new(), false);
    for some in ids.chunks(MOST) {
        let body = json!({ "handoffs": some, "mend": mend });
        let told = live::tell(config, "/v1/handoffs/replay", Some(body)).await?;
        items.extend(told["items"].as_array().cloned().unwrap_or_default());
    }
    let text = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
    refused |= items.iter().any(|item| item["replayed_as"].is_null());
    if json {
        say_json(&items)?;
    } else if items.is_empty() {
        say("no failed handoffs that were not tried again already");
    } else {
        for item in &items {
            match item["replayed_as"].as_str() {
                Some(again) => say(format!("{}  is tried again as {again}", text(item, "handoff"))),
                None => say(format!("{}  not tried again: {}", text(item, "handoff"), text(item, "refused"))),
            }
        }
    }
    Ok(if refused { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn address(id: &str, decision: &str) -> String {
    let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    format!("/v1/handoffs/{id}/{decision}")
}

fn decided(told: &Value, json: bool, words: &str) -> anyhow::Result<()> {
    if json {
        return say_json(told);
    }
    say(words);
    Ok(())
}

fn show(handoff: &Handoff) {
    let receipt = &handoff.receipt;
    say(format!("handoff      {}", handoff.id));
    say(format!("conversation {}", handoff.conversation));
    say(format!("platform     {} (connection {})", handoff.platform, handoff.connection));
    say(format!("route        {:?}", handoff.route).to_lowercase());
    say(format!("state        {}", handoff.state.name()));
    match &handoff.state {
        HandoffState::Failed { reason, at, .. } => say(format!("failed       {at}: {reason}")),
        HandoffState::InDoubt { cause, since, .. } => say(format!("in doubt     since {since}: {cause}")),
        HandoffState::Waiting { until, why } => say(format!("waiting      until {until}: {why}")),
        HandoffState::Closed { reason, at, .. } => say(format!("closed       {at}: {reason}")),
        _ => {}
    }
    say(format!("fired        {}", handoff.fired_at));
    if let Some(at) = receipt.accepted_at {
        say(format!("accepted     {at}"));
    }
    if let Some(ticket) = &receipt.ticket {
        let label = ticket.label.as_deref().unwrap_or("-");
        say(format!("ticket       {} ({label}) {}", ticket.chat, ticket.url.as_deref().unwrap_or_default()));
    }
    say(format!("attempts     {}", handoff.attempts));
    say(format!(
        "transcript   {} messages, sha256 {}",
        receipt.transcript_messages,
        receipt.transcript_sha256.as_deref().unwrap_or("-")
    ));
    say(format!("tail         {} messages", receipt.tail_messages));
    say(format!(
        "carried      {} out, {} in, {} dropped unread",
        receipt.carried_out, receipt.carried_in, receipt.dropped
    ));
    for (what, removed) in [("redacted", &receipt.redacted), ("since", &receipt.redacted_since)] {
        for (rule, times) in removed {
            say(format!("{what:<12} {rule}: {times}"));
        }
    }
    say(format!("told         {}", receipt.told.join(", ")));
    for remark in &receipt.remarks {
        say(format!("remark       {remark}"));
    }
}
