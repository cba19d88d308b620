//! `/console/handoffs/{id}`: one handoff and its receipt. Never what was said after the transfer.

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use handoff_core::{
    handoff::{Handoff, HandoffState, Target, redaction::Removed},
    runtime::{Decision, DecisionError, ReplayError},
    session::Repair,
};
use handoff_model::{HandoffId, TicketRef, Timestamp};
use serde::Deserialize;

use crate::SignedReceipt;
use crate::console::{
    ConsoleState,
    access::{Posted, SignedIn},
    answer::{self, Trouble},
    link,
    notice::Notice,
    shell::Shell,
    words::{self, Badge, Moment},
};

#[derive(Template)]
#[template(path = "console/receipt.html")]
struct ReceiptPage {
    shell: Shell,
    platform: String,
    state: Badge,
    standing: String,
    thread: String,
    ticket: Option<Ticket>,
    facts: Vec<(&'static str, String)>,
    told: Vec<String>,
    /// Whether there is a key that signs receipts.
    signs: bool,
    remarks: Vec<String>,
    notice: Option<Notice>,
    /// Where a decision is sent to.
    address: String,
    /// Whether there is a doubt to decide.
    in_doubt: bool,
    /// Platforms on which a failed handoff can be tried again, the one from before first; none when it cannot.
    again: Vec<Choice>,
    /// Other handoffs of the same wish: what it is, and its page.
    kin: Vec<(&'static str, String, String)>,
}

/// A platform to choose.
struct Choice {
    connection: String,
    name: String,
}

/// What was done before the page was shown.
#[derive(Deserialize)]
pub(in crate::console) struct Done {
    #[serde(default)]
    done: String,
}

struct Ticket {
    name: String,
    /// Only a web address becomes a link.
    link: Option<String>,
}

/// A handoff.
pub(in crate::console) async fn show(
    State(state): State<ConsoleState>,
    who: SignedIn,
    Path(id): Path<String>,
    Query(Done { done }): Query<Done>,
) -> Result<Response, Trouble> {
    let found = state.runtime.store().handoff(&HandoffId::new(id)).await?;
    let handoff = found.ok_or_else(no_such_handoff)?;
    let notice = match done.as_str() {
        "look" => Some("The platform is being asked now. Load this page again to see what it said."),
        "give-up" => Some(
            "The handoff is given up. The chat goes on: by the next way that its author named, or with the assistant.",
        ),
        "replay" => Some("The chat is handed off once more; this is the new handoff."),
        _ => None,
    };
    Ok(answer::page(&page(&state, &who, handoff, notice.map(Notice::good))))
}

/// Takes a decision about a handoff in doubt.
pub(in crate::console) async fn decide(
    State(state): State<ConsoleState>,
    Path(id): Path<String>,
    Posted { who, fields }: Posted,
) -> Result<Response, Trouble> {
    let (word, decision) = match fields.get("decision") {
        "look" => ("look", Decision::LookNow),
        _ => {
            let (by, reason) = (who.user.clone(), fields.get("reason").to_owned());
            ("give-up", Decision::GiveUp { by, reason })
        }
    };
    let id = HandoffId::new(id);
    let refused = match state.runtime.decide_handoff(&id, &decision).await {
        Ok(_) => return Ok(answer::go(&format!("{}?done={word}", link::handoff(id.as_str())))),
        Err(DecisionError::Unknown(_)) => return Err(no_such_handoff()),
        Err(DecisionError::Store(error)) => return Err(error.into()),
        Err(refused) => refused,
    };
    let handoff = state.runtime.store().handoff(&id).await?.ok_or_else(no_such_handoff)?;
    let notice = Notice::bad(format!("Nothing was changed: {refused}."));
    Ok(answer::page_with(StatusCode::CONFLICT, &page(&state, &who, handoff, Some(notice))))
}

/// The receipt to keep and to show to others.
pub(in crate::console) async fn document(
    State(state): State<ConsoleState>,
    _: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let signed = signed(&state, &id).await?;
    Ok(download("application/json", &format!("receipt-{id}.json"), signed.receipt))
}

/// The signature over it.
pub(in crate::console) async fn signature(
    State(state): State<ConsoleState>,
    _: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let signed = signed(&state, &id).await?;
    Ok(download("text/plain", &format!("receipt-{id}.json.minisig"), signed.signature.into_bytes()))
}

async fn signed(state: &ConsoleState, id: &str) -> Result<SignedReceipt, Trouble> {
    let found = state.runtime.store().handoff(&HandoffId::new(id)).await?;
    let handoff = found.ok_or_else(no_such_handoff)?;
    let key = state.receipts.as_ref().ok_or_else(|| Trouble::not_found("This server signs no receipts."))?;
    key.sign(&handoff).map_err(|error| {
        tracing::error!(handoff.id = %handoff.id, %error, "A receipt could not be signed");
        Trouble::fault()
    })
}

/// The id is one that was found, so it holds nothing that a header does not.
fn download(media_type: &'static str, name: &str, bytes: Vec<u8>) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [(header::CONTENT_TYPE, media_type.to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    (headers, bytes).into_response()
}

fn no_such_handoff() -> Trouble {
    Trouble::not_found("There is no such handoff.")
}

fn page(state: &ConsoleState, who: &SignedIn, handoff: Handoff, notice: Option<Notice>) -> ReceiptPage {
    ReceiptPage {
        notice,
        address: link::handoff(handoff.id.as_str()),
        in_doubt: handoff.awaits_decision(),
        again: choices(state, &handoff),
        kin: kin(&handoff),
        shell: Shell::new(state, who, "handoffs"),
        platform: handoff.platform.clone(),
        state: words::handoff_state(handoff.state.name()),
        standing: standing(&handoff.state),
        thread: link::thread(handoff.conversation.as_str()),
        ticket: handoff.receipt.ticket.as_ref().or(handoff.state.ticket()).map(Ticket::new),
        facts: facts(&handoff),
        signs: state.receipts.is_some(),
        told: handoff.receipt.told,
        remarks: handoff.receipt.remarks,
    }
}

/// Tries a failed handoff again.
pub(in crate::console) async fn replay(
    State(state): State<ConsoleState>,
    Path(id): Path<String>,
    Posted { who, fields }: Posted,
) -> Result<Response, Trouble> {
    let chosen = fields.get("connection");
    let targets = state.runtime.targets().targets;
    let target = targets.iter().find(|target| target.connection.as_str() == chosen);
    let repair = Repair {
        platform: target.map(|target| target.connector.clone()),
        connection: target.map(|target| target.connection.clone()),
        ..Repair::default()
    };
    let id = HandoffId::new(id);
    let refused = match state.runtime.replay(&id, &repair).await {
        Ok(again) => {
            return Ok(answer::go(&format!("{}?done=replay", link::handoff(again.id.as_str()))));
        }
        Err(ReplayError::Unknown(_)) => return Err(no_such_handoff()),
        Err(refused) => refused,
    };
    let handoff = state.runtime.store().handoff(&id).await?.ok_or_else(no_such_handoff)?;
    let notice = Notice::bad(format!("Nothing was done: {refused}."));
    Ok(answer::page_with(StatusCode::CONFLICT, &page(&state, &who, handoff, Some(notice))))
}

fn choices(state: &ConsoleState, handoff: &Handoff) -> Vec<Choice> {
    if !matches!(handoff.state, HandoffState::Failed { .. }) || handoff.replayed_as.is_some() {
        return Vec::new();
    }
    let mut targets = state.runtime.targets().targets;
    targets.sort_by_key(|target| target.connection != handoff.connection);
    let choice = |target: Target| Choice { connection: target.connection.to_string(), name: target.name };
    targets.into_iter().map(choice).collect()
}

fn kin(handoff: &Handoff) -> Vec<(&'static str, String, String)> {
    let one = |what, id: &HandoffId| (what, id.to_string(), link::handoff(id.as_str()));
    let before = handoff.replay_of.as_ref().map(|id| one("Tries again", id));
    let after = handoff.replayed_as.as_ref().map(|id| one("Tried again as", id));
    before.into_iter().chain(after).collect()
}

impl Ticket {
    fn new(ticket: &TicketRef) -> Self {
        let is_web = |url: &&String| url.starts_with("https://") || url.starts_with("http://");
        Self {
            name: ticket.label.clone().unwrap_or_else(|| ticket.chat.clone()),
            link: ticket.url.as_ref().filter(is_web).cloned(),
        }
    }
}

fn standing(state: &HandoffState) -> String {
    let time = |at: &Timestamp| Moment::from(*at).text;
    match state {
        HandoffState::Requested => "The platform was not asked yet.".to_owned(),
        HandoffState::Waiting { until, why } => format!("The next attempt begins at {}: {why}.", time(until)),
        HandoffState::Transferring { since, deadline, .. } => {
            format!(
                "The platform is being asked since {}, until {} at the latest.",
                time(since),
                time(deadline)
            )
        }
        HandoffState::InDoubt { since, cause, look_at, dead_letter, .. } => {
            let decide = if *dead_letter { " Look on the platform yourself and decide." } else { "" };
            format!(
                "The platform's answer was lost at {}: {cause}. It is looked up before it is asked again, next at {}.{decide}",
                time(since),
                time(look_at)
            )
        }
        HandoffState::Accepted { at, .. } => format!("The platform has the chat since {}.", time(at)),
        HandoffState::Carrying { at, .. } => {
            format!(
                "The platform has the chat since {}; words are carried between it and the person.",
                time(at)
            )
        }
        HandoffState::Closed { reason, at, .. } => {
            format!("The team closed the chat at {}: {reason}.", time(at))
        }
        HandoffState::Failed { at, nobody_there: true, .. } => {
            format!(
                "No live agent was there at {}, so the platform was not asked to take the chat.",
                time(at)
            )
        }
        HandoffState::Failed { reason, at, .. } => format!("It failed for good at {}: {reason}.", time(at)),
    }
}

fn facts(handoff: &Handoff) -> Vec<(&'static str, String)> {
    let receipt = &handoff.receipt;
    let mut facts = vec![
        ("Key", handoff.id.to_string()),
        ("Connection", handoff.connection.to_string()),
        ("Connector", handoff.connector.to_string()),
        ("Way out", words::route(handoff.route).to_owned()),
        ("Action", handoff.node.to_string()),
        ("Fired", Moment::from(handoff.fired_at).text),
        ("Attempts until", Moment::from(handoff.give_up_at).text),
        ("Attempts that counted", handoff.attempts.to_string()),
    ];
    if let Some(at) = receipt.accepted_at {
        facts.push(("Accepted", Moment::from(at).text));
    }
    facts.push(("Messages in the transcript", receipt.transcript_messages.to_string()));
    if let Some(hash) = &receipt.transcript_sha256 {
        facts.push(("SHA-256 of the transcript", hash.clone()));
    }
    if !receipt.redacted.is_empty() {
        facts.push(("Removed before it left", removed(&receipt.redacted)));
    }
    facts.extend([
        ("Typed meanwhile, sent after it", receipt.tail_messages.to_string()),
        ("Carried to the platform since", receipt.carried_out.to_string()),
        ("Carried to the person since", receipt.carried_in.to_string()),
        ("Events dropped unread since", receipt.dropped.to_string()),
    ]);
    if !receipt.redacted_since.is_empty() {
        facts.push(("Removed from what was carried since", removed(&receipt.redacted_since)));
    }
    facts
}

fn removed(removed: &Removed) -> String {
    removed.iter().map(|(rule, times)| format!("{rule}: {times}")).collect::<Vec<_>>().join(", ")
}
