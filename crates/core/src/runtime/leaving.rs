//! What leaves for the platform: transcript, person and options, without what the author keeps here.

use std::{collections::HashMap, sync::Arc};

use handoff_model::{
    Author, Delivery, Message, Person,
    connector::{OptionKind, Speaker, TranscriptMessage, Transfer},
};
use parking_lot::Mutex;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Runtime;
use crate::{
    handoff::{Handoff, Hashed, Redaction, Rule, redaction::Removed},
    session::Conversation,
    store::StoreError,
};

/// Sets of rules that are kept compiled.
const MOST_KEPT: usize = 256;

/// Compiled rules, by what their author wrote.
#[derive(Default)]
pub(super) struct Redactions(Mutex<HashMap<Vec<Rule>, Arc<Redaction>>>);

impl Redactions {
    fn get(&self, rules: &[Rule]) -> Result<Arc<Redaction>, Vec<String>> {
        let mut kept = self.0.lock();
        if let Some(known) = kept.get(rules) {
            return Ok(known.clone());
        }
        let compiled = Arc::new(Redaction::new(rules)?);
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.insert(rules.to_vec(), compiled.clone());
        Ok(compiled)
    }
}

/// What is asked of the platform, and how much of it stayed here.
pub(super) struct Leaving {
    pub(super) transfer: Transfer,
    pub(super) redacted: Removed,
}

impl Runtime {
    /// The rules of a handoff. Without them nothing may leave.
    pub(super) fn redaction(&self, handoff: &Handoff) -> Result<Arc<Redaction>, StoreError> {
        self.0.redactions.get(&handoff.redact).map_err(|problems| {
            let problems = problems.join("; ");
            StoreError::Broken(format!("the rules of handoff {} do not compile: {problems}", handoff.id))
        })
    }

    /// What is asked of the platform; the same for every attempt, but for the checkpoint.
    pub(super) async fn leaving(
        &self,
        handoff: &Handoff,
        conversation: &Conversation,
    ) -> Result<Leaving, StoreError> {
        let session = conversation.session.as_ref().filter(|session| session.id == handoff.session);
        let after = session.map_or(0, |session| session.first_seq.saturating_sub(1));
        let until = handoff.transcript_until.unwrap_or(conversation.last_seq);
        let messages = self.0.parts.store.messages(&conversation.id, after, until).await?;
        let (redaction, mut redacted) = (self.redaction(handoff)?, Removed::new());
        let person = redaction.person(conversation.person.clone(), &mut redacted);
        let names =
            Names { person: person_name(&person), assistant: self.assistant_name(conversation).await };
        let line = |message| line(message, &names, &redaction, &mut redacted);
        let transcript = messages.into_iter().map(line).collect();
        let options = redaction.options(&handoff.options, self.routes(handoff), &mut redacted);
        let transfer = Transfer {
            key: handoff.id.clone(),
            route: handoff.route,
            chat: handoff.chat.clone(),
            platform_session: handoff.platform_session.clone(),
            person,
            transcript,
            options,
            checkpoint: handoff.checkpoint.clone(),
        };
        Ok(Leaving { transfer, redacted })
    }

    /// Which options say where a chat goes, rather than what is said of it.
    fn routes(&self, handoff: &Handoff) -> impl Fn(&str) -> bool + use<> {
        let manifest = self.manifest(&handoff.connection);
        move |name| {
            let options = manifest.iter().flat_map(|manifest| &manifest.capabilities.options);
            options.into_iter().any(|option| option.name == name && option.kind == OptionKind::Choice)
        }
    }

    async fn assistant_name(&self, conversation: &Conversation) -> String {
        let Some(session) = &conversation.session else { return "Assistant".to_owned() };
        match self.0.library.version(&session.assistant, session.assistant_version).await {
            Ok(Some(compiled)) => compiled.definition.name.clone(),
            _ => "Assistant".to_owned(),
        }
    }
}

struct Names {
    person: String,
    assistant: String,
}

fn person_name(person: &Person) -> String {
    person.name.clone().unwrap_or_else(|| "Customer".to_owned())
}

fn line(message: Message, names: &Names, redaction: &Redaction, redacted: &mut Removed) -> TranscriptMessage {
    let Message { seq, author, content, at, delivery, .. } = message;
    let (speaker, name) = match author {
        Author::Person => (Speaker::Person, names.person.clone()),
        Author::Assistant | Author::Notice => (Speaker::Assistant, names.assistant.clone()),
    };
    let mut content = redaction.content(content, redacted);
    if delivery == Delivery::Undelivered {
        content.text.push_str(" (not delivered)");
    }
    TranscriptMessage { seq, speaker, name, content, at }
}

/// SHA-256 of each message of a transcript.
pub(super) fn each(transcript: &[TranscriptMessage]) -> Vec<Hashed> {
    transcript.iter().map(|message| Hashed { seq: message.seq, sha256: hash(message) }).collect()
}

/// SHA-256 of what leaves, as JSON.
pub(super) fn hash(left: &(impl Serialize + ?Sized)) -> String {
    let bytes = serde_json::to_vec(left).unwrap_or_default();
    Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
