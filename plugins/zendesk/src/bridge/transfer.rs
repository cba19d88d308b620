//! The recipe: user, conversation, control to ourselves, transcript, control to the live agents.
//!
//! Control goes to ourselves first: a message that arrives while the live agents have control makes
//! the ticket, and after that the fields passed along with control count no longer. At the end
//! control is offered to us, because only the active and the pending integration hear what happens.

use handoff_sdk::{
    ConnectorError, Result,
    model::{
        TicketRef,
        connector::{Transfer, Transferred},
    },
};
use serde_json::json;

use super::{
    control, conversation,
    history::History,
    mark::{Mark, Step},
    post, user,
};
use crate::{
    address,
    client::{Client, lost},
    lines::{self, Line},
};

/// A recipe under way.
pub(super) struct Run<'a> {
    pub(super) client: Client<'a>,
    pub(super) transfer: &'a Transfer,
    pub(super) lines: Vec<Line>,
    pub(super) mark: Mark,
    /// Where an earlier attempt stood.
    pub(super) from: Step,
}

/// Gives the chat to live agents, going on from the checkpoint.
pub(crate) async fn transfer(client: Client<'_>, transfer: &Transfer) -> Result<Transferred> {
    let mut run = Run::begin(client, transfer)?;
    if run.mark.step < Step::User {
        run.make_user().await?;
    }
    if run.mark.step < Step::Conversation {
        run.make_conversation().await?;
    }
    if run.mark.step < Step::Posting {
        control::take(&run.client, &transfer.key, &run.mark.conversation).await?;
        run.reach(Step::Posting).await?;
    }
    if run.mark.step < Step::Passing {
        run.post_transcript().await?;
        run.reach(Step::Passing).await?;
    }
    if run.mark.step < Step::Passed {
        run.pass().await?;
        run.reach(Step::Passed).await.map_err(in_doubt)?;
    }
    if run.mark.step < Step::Offered {
        run.offer().await.map_err(in_doubt)?;
        run.reach(Step::Offered).await.map_err(in_doubt)?;
    }
    Ok(held(&run.client, &run.mark))
}

/// What the host is told once the live agents have the chat.
pub(super) fn held(client: &Client<'_>, mark: &Mark) -> Transferred {
    // No call of this API gives the ticket's number.
    let url = address::workspace(&client.settings.base_url);
    let ticket = TicketRef { chat: mark.conversation.clone(), label: None, url };
    Transferred { ticket, queued: false, remarks: mark.remarks.clone() }
}

/// Once control may be with the live agents, no failure may read as if nothing had happened: another
/// target would be tried, and two teams would have the chat.
pub(crate) fn in_doubt(error: ConnectorError) -> ConnectorError {
    match error {
        ConnectorError::Superseded | ConnectorError::Lost { .. } => error,
        other => lost(format!("the live agents may have the chat already; then: {other}")),
    }
}

impl<'a> Run<'a> {
    fn begin(client: Client<'a>, transfer: &'a Transfer) -> Result<Self> {
        let mark = match &transfer.checkpoint {
            None => Mark::default(),
            // Looking finds out what was done, and leaves a checkpoint that can be read.
            given => Mark::read(given.as_ref()).ok_or_else(|| lost("the checkpoint cannot be read"))?,
        };
        let lines = lines::of_transcript(&transfer.transcript);
        Ok(Self { client, transfer, lines, from: mark.step, mark })
    }

    /// Notes that a step is done.
    pub(super) async fn reach(&mut self, step: Step) -> Result<()> {
        self.mark.step = step;
        self.client.cx.checkpoint(&json!(self.mark)).await
    }

    async fn make_user(&mut self) -> Result<()> {
        let found = user::get_or_create(&self.client, &self.transfer.person).await?;
        self.mark.user = found.id;
        found.remarks.into_iter().for_each(|remark| self.mark.remark(remark));
        self.reach(Step::User).await
    }

    async fn make_conversation(&mut self) -> Result<()> {
        let found = conversation::create(&self.client, &self.transfer.key, &self.mark.user).await?;
        self.mark.conversation = found.id;
        found.remark.into_iter().for_each(|remark| self.mark.remark(remark));
        self.reach(Step::Conversation).await
    }

    async fn post_transcript(&mut self) -> Result<()> {
        let history = match self.from {
            Step::Posting => {
                History::load(&self.client, &self.transfer.key, &self.mark.conversation, &self.lines).await?
            }
            _ => History::default(),
        };
        for line in self.lines.iter().skip(self.mark.posted) {
            let id = match history.id(line) {
                Some(id) => id.to_owned(),
                None => {
                    let key = &self.transfer.key;
                    let posted =
                        post::line(&self.client, key, &self.mark.conversation, &self.mark.user, line).await?;
                    posted
                        .replaced
                        .into_iter()
                        .for_each(|what| self.mark.remark(format!("not shown to live agents: {what}")));
                    posted.id
                }
            };
            if self.mark.first.is_empty() {
                self.mark.first = id;
            }
            self.mark.posted += 1;
            self.client.cx.checkpoint(&json!(self.mark)).await?;
        }
        Ok(())
    }

    /// Passes control to the live agents. The checkpoint already says that it may have been passed.
    async fn pass(&mut self) -> Result<()> {
        let again = self.from == Step::Passing;
        let fields = super::fields::of(self.transfer, &self.mark.first, &self.client.settings.brand);
        fields.remarks.into_iter().for_each(|remark| self.mark.remark(remark));
        let passed = control::give(&self.client, &self.mark.conversation, fields.metadata, again).await;
        match passed {
            Ok(remark) => {
                remark.into_iter().for_each(|remark| self.mark.remark(remark));
                Ok(())
            }
            // An earlier call may have passed it, whatever becomes of this one.
            Err(error) if again && !matches!(error, ConnectorError::Refused { .. }) => Err(in_doubt(error)),
            Err(error @ (ConnectorError::Lost { .. } | ConnectorError::Refused { .. })) => Err(error),
            Err(error) => {
                // Nothing was done: the next attempt may say so as well.
                self.reach(Step::Posting).await?;
                Err(error)
            }
        }
    }

    async fn offer(&mut self) -> Result<()> {
        let remark = control::ask_to_hear(&self.client, &self.transfer.key, &self.mark.conversation).await?;
        remark.into_iter().for_each(|remark| self.mark.remark(remark));
        Ok(())
    }
}
