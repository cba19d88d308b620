//! Makes the ticket, once.

use std::time::Duration;

use handoff_sdk::{
    ConnectorError, Result,
    model::{
        TicketRef,
        connector::{Transfer, Transferred},
    },
};
use serde_json::{Value, json};

use super::{body, find::looked_up, leave_out::leave_out, mark::Mark};
use crate::{
    client::{lost, refused},
    support::{Answer, Support},
    wire::text,
};

/// Zendesk remembers a key for two hours; a little less is counted on.
const REMEMBERED: Duration = Duration::from_secs(110 * 60);
/// Bodies that are tried, each with less in it.
const MOST_BODIES: usize = 12;
/// Longest list of remarks about things left out.
const WORDS: usize = 300;

/// Makes the ticket, going on from the checkpoint.
///
/// # Errors
/// Lost whenever an earlier request may have made it; any other error only when none has.
pub(crate) async fn transfer(support: Support<'_>, transfer: &Transfer) -> Result<Transferred> {
    let mark = match &transfer.checkpoint {
        None => Mark::default(),
        given => Mark::read(given.as_ref()).ok_or_else(|| lost("the checkpoint cannot be read"))?,
    };
    let mut run = Run { support, transfer, mark };
    for _ in 0..MOST_BODIES {
        if run.mark.spoilt {
            return Err(lost("Zendesk knows the handoff's key for another body"));
        }
        if let Some(there) = run.look_first().await? {
            return Ok(there);
        }
        if run.mark.body.is_empty() {
            run.make().await?;
        }
        let answer = run.send().await?;
        if answer.is_success() {
            return made(&run.support, &answer.body["ticket"], run.mark.remarks);
        }
        run.revise(&answer).await?;
    }
    Err(refused("Zendesk refused the ticket in every form"))
}

/// What the host is told once the ticket is there.
pub(super) fn made(support: &Support<'_>, ticket: &Value, remarks: Vec<String>) -> Result<Transferred> {
    let id = text(ticket, "id");
    if id.is_empty() {
        return Err(lost("Zendesk's answer names no ticket"));
    }
    let url = Some(format!("{}/agent/tickets/{id}", support.settings.support_url));
    let ticket = TicketRef { label: Some(format!("#{id}")), chat: id, url };
    Ok(Transferred { ticket, queued: false, remarks })
}

struct Run<'a> {
    support: Support<'a>,
    transfer: &'a Transfer,
    mark: Mark,
}

impl Run<'_> {
    /// Once Zendesk may have forgotten the key, repeating could make a second ticket.
    async fn look_first(&mut self) -> Result<Option<Transferred>> {
        let now = self.support.cx.now();
        if !self.mark.sent || now < self.mark.since.after(REMEMBERED) {
            return Ok(None);
        }
        let there = looked_up(&self.support, self.transfer, &self.mark.remarks).await.map_err(in_doubt)?;
        if there.is_none() {
            self.mark.since = now;
            self.keep().await?;
        }
        Ok(there)
    }

    async fn make(&mut self) -> Result<()> {
        let made = body::make(&self.support, self.transfer).await?;
        made.remarks.into_iter().for_each(|remark| self.mark.remark(remark));
        self.mark.body = body::bytes(&made.ticket);
        Ok(())
    }

    /// Sends the bytes as they are kept. That they may have been sent is kept before.
    async fn send(&mut self) -> Result<Answer> {
        let again = self.mark.sent;
        if !again {
            self.mark.sent = true;
            self.mark.since = self.support.cx.now();
            self.keep().await?;
        }
        let key = self.mark.key(&self.transfer.key);
        match self.support.create(&key, &self.mark.body).await {
            Ok(answer) if matches!(answer.status, 401 | 403) => self.not_done(again, answer.refusal()).await,
            Ok(answer) => Ok(answer),
            Err(error @ (ConnectorError::Lost { .. } | ConnectorError::Superseded)) => Err(error),
            Err(error) => self.not_done(again, error).await,
        }
    }

    /// This request did nothing. An earlier one under the same key may have.
    async fn not_done(&mut self, again: bool, error: ConnectorError) -> Result<Answer> {
        if again {
            return Err(in_doubt(error));
        }
        self.mark.sent = false;
        self.keep().await?;
        Err(error)
    }

    /// Zendesk refused the body: the next one goes without what it complained of, under the next key.
    async fn revise(&mut self, answer: &Answer) -> Result<()> {
        if answer.code() == "IdempotentRequestError" {
            self.mark.spoilt = true;
            self.keep().await?;
            return Err(lost(format!("the key was used for another body: {}", answer.words())));
        }
        let mut ticket = match serde_json::from_str::<Value>(&self.mark.body) {
            Ok(mut body) if matches!(answer.status, 400 | 422) => body["ticket"].take(),
            _ => return Err(answer.refusal()),
        };
        if is_about_upload(answer, &ticket) {
            // A file can be attached for an hour only.
            self.mark.revise(String::new());
            return self.keep().await;
        }
        let Some(taken) = leave_out(&mut ticket, answer) else { return Err(answer.refusal()) };
        let words: String = answer.words().chars().take(WORDS).collect();
        self.mark.remark(format!("left out of the ticket: {}; Zendesk said: {words}", taken.join(", ")));
        self.mark.revise(body::bytes(&ticket));
        self.keep().await
    }

    async fn keep(&self) -> Result<()> {
        self.support.cx.checkpoint(&json!(self.mark)).await
    }
}

fn is_about_upload(answer: &Answer, ticket: &Value) -> bool {
    let words = answer.words().to_ascii_lowercase();
    ticket["comment"]["uploads"].is_array() && (words.contains("attachment") || words.contains("token"))
}

/// A ticket may be there already, whatever became of this request.
fn in_doubt(error: ConnectorError) -> ConnectorError {
    match error {
        ConnectorError::Superseded | ConnectorError::Lost { .. } => error,
        other => lost(format!("an earlier request may have made the ticket; then: {other}")),
    }
}
