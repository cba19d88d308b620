//! Carries words between the person and the platform, once a bridge stands.

use std::time::Duration;

use handoff_model::{
    Attachment, Content, Source,
    connector::{Advice, ConnectorError, Fetch, Fetched, Forward, Sent, Withdraw, Withdrawn},
};
use serde_json::json;

use super::{Counter, Runtime, deliver::LOOKING, leaving::hash, shown::SealedItem};
use crate::{
    handoff::{Handoff, Hashed, Receipt, redaction::Removed},
    session::FromTeam,
    store::{Changes, EffectRow, Reschedule, StoreError},
};

/// Longest time for one attempt.
const CARRYING: Duration = Duration::from_secs(30);
/// Longest time for a file.
const FETCHING: Duration = Duration::from_secs(90);
/// After this long without success, words are given up and both ends are told, and what a failed handoff left stays.
const GIVE_UP: Duration = Duration::from_secs(24 * 60 * 60);
/// A file that cannot be had after so many attempts is replaced by a line.
const MOST_FETCHES: u32 = 6;
/// How often a commit is tried when others change the same rows.
const TRIES: usize = 50;

/// What is noted of words that were carried.
#[derive(Default)]
struct Carried {
    removed: Removed,
    /// Their hash, if they were typed before the acceptance.
    tail: Option<Hashed>,
}

impl Runtime {
    /// The person's words to the platform.
    pub(super) async fn forward(&self, row: EffectRow) -> Result<(), StoreError> {
        let Some(handoff) = self.handoff_of_row(&row).await? else { return self.drop_row(&row).await };
        let content = match self.words_of(&row).await? {
            Ok(content) => content,
            Err(cause) => {
                tracing::error!(handoff.id = %handoff.id, %cause, "Words could not be decrypted; both ends are told");
                return self.replace(&row, &handoff, "it could not be read any more").await;
            }
        };
        match self.forward_content(&row, &handoff, content).await {
            Ok((sent, carried)) => self.forwarded(&row, &handoff, sent.replaced, carried).await,
            Err(error) if error.advice() == Advice::GiveUp => {
                tracing::warn!(handoff.id = %handoff.id, %error, "The platform refused a message; both ends are told");
                self.replace(&row, &handoff, &error.to_string()).await
            }
            Err(error) => self.forward_later(&row, &handoff, error).await,
        }
    }

    /// What is to be carried. Words that were typed before the acceptance are in the history too, and a copy of
    /// the data may have them only there.
    async fn words_of(&self, row: &EffectRow) -> Result<Result<Content, String>, StoreError> {
        if !row.sealed.is_empty() {
            return Ok(self.unseal(&row.sealed));
        }
        let before = row.seq.saturating_sub(1);
        let found = self.0.parts.store.messages(&row.conversation, before, row.seq).await?;
        Ok(found.into_iter().next().map(|message| message.content).ok_or_else(|| "it is gone".to_owned()))
    }

    async fn forward_content(
        &self,
        row: &EffectRow,
        handoff: &Handoff,
        content: Content,
    ) -> Result<(Sent, Carried), ConnectorError> {
        let unavailable = |error: StoreError| ConnectorError::Unavailable { detail: error.to_string() };
        let conversation = self.0.parts.store.conversation(&row.conversation).await.map_err(unavailable)?;
        let person = conversation.map(|conversation| conversation.person).unwrap_or_default();
        let (redaction, mut removed) = (self.redaction(handoff).map_err(unavailable)?, Removed::new());
        let Some(ticket) = handoff.state.ticket().cloned() else {
            return Err(ConnectorError::Unavailable { detail: "the handoff is not accepted".to_owned() });
        };
        let maybe_sent = row.maybe_done || row.seq <= handoff.perhaps_carried_until;
        let words = Forward {
            handoff: handoff.id.clone(),
            ticket,
            checkpoint: handoff.checkpoint.clone(),
            // The transfer told of the person; what stays here of them was counted there.
            person: redaction.person(person, &mut Removed::new()),
            seq: row.seq,
            content: redaction.content(content, &mut removed),
            maybe_sent,
        };
        let deadline = if maybe_sent { LOOKING } else { CARRYING };
        let was_tail = self.was_tail(row).await.map_err(unavailable)?;
        let tail = was_tail.then(|| Hashed { seq: row.seq, sha256: hash(&words.content) });
        let sent = self.ask(row, handoff, "forward", json!(words), deadline, None).await?;
        Ok((sent, Carried { removed, tail }))
    }

    /// Whether the words were typed before the acceptance. Of later ones not even a hash is kept: it could be guessed.
    async fn was_tail(&self, row: &EffectRow) -> Result<bool, StoreError> {
        let before = row.seq.saturating_sub(1);
        Ok(!self.0.parts.store.messages(&row.conversation, before, row.seq).await?.is_empty())
    }

    async fn forward_later(
        &self,
        row: &EffectRow,
        handoff: &Handoff,
        error: ConnectorError,
    ) -> Result<(), StoreError> {
        let now = self.0.parts.clock.now();
        tracing::warn!(handoff.id = %handoff.id, %error, "A message waits to be carried");
        if now.since(row.added) > GIVE_UP {
            return self.replace(row, handoff, "the platform could not be reached for a day").await;
        }
        let due = match error.advice() {
            Advice::RetryAfter(ms) => now.after(Duration::from_millis(ms)),
            _ => self.back_off(row.attempts),
        };
        let maybe_done = row.maybe_done || error.advice() == Advice::LookFirst;
        self.put_off(Reschedule {
            id: row.id,
            due,
            attempts: row.attempts + 1,
            maybe_done,
            held_until: row.held_until,
        })
        .await
    }

    /// What the platform refuses for good is replaced by a line to both ends, and does not block the rest.
    async fn replace(&self, row: &EffectRow, handoff: &Handoff, why: &str) -> Result<(), StoreError> {
        let line = Content::text(format!("[A message of the customer could not be delivered here: {why}]"));
        if let Err(error) = self.forward_content(row, handoff, line).await
            && error.advice() != Advice::GiveUp
            && self.0.parts.clock.now().since(row.added) <= GIVE_UP
        {
            let due = self.back_off(row.attempts);
            let later = Reschedule {
                id: row.id,
                due,
                attempts: row.attempts + 1,
                maybe_done: true,
                held_until: row.held_until,
            };
            return self.put_off(later).await;
        }
        self.forwarded(row, handoff, Some(why.to_owned()), Carried::default()).await
    }

    async fn forwarded(
        &self,
        row: &EffectRow,
        handoff: &Handoff,
        replaced: Option<String>,
        carried: Carried,
    ) -> Result<(), StoreError> {
        let line = replaced.map(|why| FromTeam::Notice {
            text: format!("One of your messages could not be passed on as you wrote it: {why}"),
        });
        let count = |receipt: &mut Receipt| {
            receipt.carried_out += 1;
            receipt.tail.extend(carried.tail.clone());
            for (rule, times) in &carried.removed {
                *receipt.redacted_since.entry(rule.clone()).or_default() += times;
            }
        };
        self.counted(row, handoff, line, count).await?;
        self.0.counters.add(Counter::CarriedOut);
        Ok(())
    }

    /// What the team wrote, with its files, to the person.
    pub(super) async fn fetch(&self, row: EffectRow) -> Result<(), StoreError> {
        let Some(handoff) = self.handoff_of_row(&row).await? else { return self.drop_row(&row).await };
        let news = match self.unseal::<FromTeam>(&row.sealed) {
            Ok(FromTeam::Message { name, content }) => match self.with_files(&row, &handoff, content).await {
                Ok(content) => FromTeam::Message { name, content },
                Err(later) => return self.put_off(later).await,
            },
            Ok(notice @ FromTeam::Notice { .. }) => {
                return self.counted(&row, &handoff, Some(notice), |_| {}).await;
            }
            Ok(FromTeam::Closed { .. }) => return self.drop_row(&row).await,
            Err(cause) => {
                tracing::error!(handoff.id = %handoff.id, %cause, "A message of the team could not be decrypted");
                unreadable()
            }
        };
        self.counted(&row, &handoff, Some(news), |receipt| receipt.carried_in += 1).await?;
        self.0.counters.add(Counter::CarriedIn);
        Ok(())
    }

    /// Gets the files that only the platform has; what cannot be had is replaced by a line.
    async fn with_files(
        &self,
        row: &EffectRow,
        handoff: &Handoff,
        content: Content,
    ) -> Result<Content, Reschedule> {
        let Content { mut text, quick_replies, attachments } = content;
        let mut kept = Vec::with_capacity(attachments.len());
        for file in attachments {
            let Source::Platform(address) = &file.source else {
                kept.push(file);
                continue;
            };
            let fetch = json!(Fetch { address: address.clone() });
            match self.ask::<Fetched>(row, handoff, "fetch", fetch, FETCHING, None).await {
                Ok(Fetched { blob, media_type }) => {
                    kept.push(Attachment { name: file.name, media_type, source: Source::Blob(blob) });
                }
                Err(error) if error.advice() != Advice::GiveUp && row.attempts + 1 < MOST_FETCHES => {
                    let (due, attempts) = (self.back_off(row.attempts), row.attempts + 1);
                    return Err(Reschedule {
                        id: row.id,
                        due,
                        attempts,
                        maybe_done: false,
                        held_until: row.held_until,
                    });
                }
                Err(error) => {
                    tracing::warn!(handoff.id = %handoff.id, %error, "A file of the team could not be fetched");
                    text.push_str(&format!("\n[The file {} could not be passed on]", file.name));
                }
            }
        }
        Ok(Content { text: text.trim_start().to_owned(), quick_replies, attachments: kept })
    }

    /// Ends an effect of the carry queue: shows a message if there is one, counts it in the receipt.
    async fn counted(
        &self,
        row: &EffectRow,
        handoff: &Handoff,
        show: Option<FromTeam>,
        count: impl Fn(&mut Receipt),
    ) -> Result<(), StoreError> {
        for _ in 0..TRIES {
            let store = &self.0.parts.store;
            let Some(mut handoff) = store.handoff(&handoff.id).await? else {
                return self.drop_row(row).await;
            };
            count(&mut handoff.receipt);
            let mut changes = Changes {
                handoffs: vec![handoff],
                done: vec![row.id],
                held: vec![(row.id, row.held_until)],
                ..Changes::default()
            };
            if let Some(news) = show.clone()
                && let Some(mut conversation) = store.conversation(&row.conversation).await?
                && let Some(item) = SealedItem::new(news, self.0.parts.clock.now())
            {
                let seq = conversation.take_seq();
                let sealed = self.0.parts.seal.seal(&serde_json::to_vec(&item).unwrap_or_default());
                changes.sealed.push((conversation.id.clone(), seq, sealed));
                changes.conversation = Some(conversation);
            }
            match self.commit(changes).await {
                Err(StoreError::Conflict) => {}
                other => return other,
            }
        }
        self.put_off(Reschedule {
            id: row.id,
            due: self.back_off(row.attempts),
            attempts: row.attempts,
            maybe_done: row.maybe_done || row.seq > 0,
            held_until: row.held_until,
        })
        .await
    }

    /// Takes back what a refused handoff left behind, and notes in the receipt what came of it.
    pub(super) async fn withdraw(&self, row: EffectRow) -> Result<(), StoreError> {
        let Some(handoff) = self.handoff_of_row(&row).await? else { return self.drop_row(&row).await };
        let Some(conversation) = self.0.parts.store.conversation(&handoff.conversation).await? else {
            return self.drop_row(&row).await;
        };
        let withdraw = json!(Withdraw { transfer: self.leaving(&handoff, &conversation).await?.transfer });
        let now = self.0.parts.clock.now();
        let remarks = match self.ask::<Withdrawn>(&row, &handoff, "withdraw", withdraw, CARRYING, None).await
        {
            Ok(Withdrawn { remarks }) => remarks,
            Err(error) if error.advice() != Advice::GiveUp && now.since(row.added) <= GIVE_UP => {
                let (due, attempts) = (self.back_off(row.attempts + 2), row.attempts + 1);
                return self
                    .put_off(Reschedule {
                        id: row.id,
                        due,
                        attempts,
                        maybe_done: true,
                        held_until: row.held_until,
                    })
                    .await;
            }
            Err(error) => vec![format!("what was left on the platform could not be taken back: {error}")],
        };
        let note = |receipt: &mut Receipt| {
            remarks.iter().for_each(|remark| receipt.remark(remark));
            receipt.withdrawn.clone_from(&remarks);
        };
        self.counted(&row, &handoff, None, note).await
    }
}

/// What stands for a message of the team that cannot be decrypted any more.
pub(super) fn unreadable() -> FromTeam {
    FromTeam::Notice { text: "A message could not be shown here. Please ask for it again.".to_owned() }
}
