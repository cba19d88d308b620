//! What an earlier transfer left behind.
//!
//! The steps are taken one after the other, each after a checkpoint. So at most the call after the
//! checkpoint can still be under way; when its effect shows, nothing is, and going on is safe at once.

use handoff_sdk::{
    Result,
    model::connector::{Found, Transfer},
};
use serde_json::json;

use super::{
    conversation,
    history::History,
    mark::{Mark, Step},
    transfer::held,
    user,
};
use crate::{client::Client, lines, wire::Conversation};

/// Looks for the handoff's conversation and how far it has come.
pub(crate) async fn find(client: Client<'_>, transfer: &Transfer) -> Result<Found> {
    let mark = Mark::read(transfer.checkpoint.as_ref());
    let left = mark.clone().unwrap_or_default();
    // Until the first checkpoint only the user is made, and that is harmless to repeat.
    let nothing = Found::Absent { safe_now: transfer.checkpoint.is_none() };
    let user = match left.user.as_str() {
        "" => user::find(&client, &transfer.person).await?,
        id => Some(id.to_owned()),
    };
    let Some(user) = user else { return Ok(nothing) };
    let all = conversation::list(&client, &user).await?;
    let ours = conversation::with_key(&all, &transfer.key);
    let id = match (left.conversation.as_str(), ours.first()) {
        ("", Some(first)) => first.id.clone(),
        ("", None) => return Ok(nothing),
        (known, _) => known.to_owned(),
    };
    let Some(now) = conversation::get(&client, &id).await? else { return Ok(gone(&client, left)) };
    let mut look =
        Look { client, transfer, known: mark.is_some(), left: Mark { user, conversation: id, ..left }, now };
    if ours.len() > 1 {
        look.left.remark(format!(
            "there is more than one conversation; to be closed: {}",
            others(&ours, &look.left)
        ));
    }
    look.conclude().await
}

/// A conversation that somebody deleted.
fn gone(client: &Client<'_>, left: Mark) -> Found {
    match left.step {
        Step::Passed | Step::Offered => Found::There(held(client, &left)),
        Step::Passing => Found::Unknown {
            detail: "the conversation was deleted while control was being passed".to_owned(),
        },
        _ => Found::Absent { safe_now: false },
    }
}

fn others(ours: &[&Conversation], left: &Mark) -> String {
    let ids = ours.iter().map(|conversation| conversation.id.as_str()).filter(|id| *id != left.conversation);
    ids.collect::<Vec<_>>().join(", ")
}

/// A conversation that is there.
struct Look<'a> {
    client: Client<'a>,
    transfer: &'a Transfer,
    /// Whether the checkpoint says where the earlier attempt stood.
    known: bool,
    left: Mark,
    now: Conversation,
}

impl Look<'_> {
    async fn conclude(self) -> Result<Found> {
        let Look { client, left, now, .. } = &self;
        let lines = lines::of_transcript(&self.transfer.transcript);
        let history = History::load(client, &self.transfer.key, &left.conversation, &lines).await?;
        let posted = history.beginning(&lines);
        let settings = client.settings;
        let held_there = now.is_held_by(&settings.target);
        let passed = held_there || history.touched || left.step >= Step::Passed;
        // Live agents have it with lines of which we know nothing: our data is from before them. Ours say the same.
        let is_older = !self.known && passed && posted == 0 && history.first().is_some();
        let whole = posted == lines.len() || is_older;
        let there = if is_older { history.first() } else { lines.first().and_then(|line| history.id(line)) };
        let first = there.unwrap_or(&left.first).to_owned();
        let mark = |step| Mark { step, posted, first: first.clone(), ..left.clone() };

        if left.step == Step::Offered || (passed && whole && self.needs_no_offer(held_there)) {
            return Ok(Found::There(held(client, &mark(Step::Offered))));
        }
        let (step, safe_now) = match (whole, passed) {
            (true, true) => (Step::Passed, true),
            (true, false) => self.before_passing(posted),
            (false, _) => self.before_all_is_posted(posted),
        };
        Ok(Found::Partly { checkpoint: json!(mark(step)), safe_now, held: passed, unseen: false })
    }

    /// Once control has left the live agents again, there is nothing more to hear.
    fn needs_no_offer(&self, held_there: bool) -> bool {
        !held_there || self.now.is_offered_to(&self.client.settings.integration_name)
    }

    /// Passing by name is harmless to repeat; the last line is not.
    fn before_passing(&self, posted: usize) -> (Step, bool) {
        match self.left.step {
            Step::Passing => (Step::Passing, true),
            Step::Posting => (Step::Posting, true),
            _ if self.known => (Step::Posting, posted > self.left.posted),
            // Without a checkpoint control may be on its way already.
            _ => (Step::Passing, false),
        }
    }

    fn before_all_is_posted(&self, posted: usize) -> (Step, bool) {
        let ours = self.now.is_held_by(&self.client.settings.integration_name);
        match self.left.step {
            Step::User if posted == 0 => (Step::Conversation, true),
            Step::Conversation if posted == 0 && !ours => (Step::Conversation, false),
            Step::Conversation if posted == 0 => (Step::Posting, true),
            Step::Posting => (Step::Posting, posted > self.left.posted),
            _ if posted == 0 && !ours => (Step::Conversation, false),
            _ => (Step::Posting, false),
        }
    }
}
