//! Checks the promises after every commit, as far as the rows and the platform's book can tell.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::{
    audit::{Circumstances, prove},
    handoff::{Handoff, HandoffState},
    session::{Control, Conversation},
    store::{Changes, Conversations, EffectKind},
};
use handoff_model::{Author, ConversationId, HandoffId};
use handoff_store::Memory;
use handoff_tests::assistants::{ACCEPTED, FAILED, QUEUED};
use parking_lot::Mutex;

use crate::{desk::Desk, person::AFTER, plan::Route, story::Story};

/// What live agents write; each line has it, and nothing else does.
pub(crate) const TEAM: &str = "hears the team";

/// Looks at every commit.
pub(crate) struct Auditor {
    desk: Desk,
    story: Story,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    handoffs: BTreeMap<HandoffId, Handoff>,
    /// Place of the last word of a person that was given to the carry queue.
    carried: BTreeMap<HandoffId, u64>,
    /// How often an acceptance was told.
    told: BTreeMap<HandoffId, u32>,
    /// How often a backup was put back.
    life: u64,
    /// Handoffs that there were before one was.
    before: BTreeSet<HandoffId>,
}

impl Auditor {
    pub(crate) fn new(desk: Desk, story: Story) -> Self {
        Self { desk, story, seen: Mutex::default() }
    }

    /// Takes note of a commit that took place.
    pub(crate) async fn committed(&self, memory: &Memory, changes: &Changes) {
        for handoff in &changes.handoffs {
            let (id, state, why) = (&handoff.id, handoff.state.name(), reason(&handoff.state));
            self.story.tell(format_args!("handoff {id} is {state}{why}"));
            let before = self.seen.lock().handoffs.insert(id.clone(), handoff.clone());
            self.one_way(before.as_ref(), handoff);
            self.all_goes(memory, before.as_ref(), handoff).await;
        }
        for (id, message) in &changes.messages {
            self.story.tell(format_args!("{id} {:?} {:?}", message.author, message.content.text));
        }
        self.carried_in_order(changes);
        self.sealed(changes);
        let touched = changes.conversation.iter().map(|conversation| &conversation.id);
        let touched = touched.chain(changes.handoffs.iter().map(|handoff| &handoff.conversation)).next();
        if let Some(id) = touched
            && let Ok(Some(conversation)) = memory.conversation(id).await
        {
            self.one_holder(&conversation);
            self.mute(&conversation, changes);
            self.truth(&conversation, changes);
            self.rows(memory, &conversation);
        }
    }

    /// A backup was put back: what came after it has not been, as far as we know.
    pub(crate) fn put_back(&self, memory: &Memory) {
        let life = self.life() + 1;
        let before = std::mem::take(&mut *self.seen.lock());
        let before = before.before.into_iter().chain(before.handoffs.into_keys()).collect();
        let handoffs = memory.all_handoffs().into_iter().map(|handoff| (handoff.id.clone(), handoff));
        *self.seen.lock() = Seen { handoffs: handoffs.collect(), life, before, ..Seen::default() };
    }

    /// How often a backup was put back.
    pub(crate) fn life(&self) -> u64 {
        self.seen.lock().life
    }

    /// Whether this handoff was there before a backup was put back, also when that backup does not have it.
    pub(crate) fn fired_before(&self, handoff: &HandoffId) -> bool {
        self.seen.lock().before.contains(handoff)
    }

    /// What the auditor of the server would find. It must find nothing where nothing is wrong, at any instant.
    fn rows(&self, memory: &Memory, conversation: &Conversation) {
        let Some(case) = memory.case(&conversation.id) else { return };
        let now = self.story.now();
        let sends_replies = Some(self.desk.route == Route::Line);
        for finding in
            prove(&case, &Circumstances { now, served: true, restores: memory.restores(), sends_replies })
        {
            self.story.violates(finding.promise.name(), format_args!("on the rows: {}", finding.what));
        }
    }

    /// P1: what is decided stays decided, but that a bridge may be closed.
    fn one_way(&self, before: Option<&Handoff>, after: &Handoff) {
        let Some(before) = before.filter(|before| !before.state.is_undecided()) else { return };
        let closes = matches!(
            (&before.state, &after.state),
            (HandoffState::Carrying { .. }, HandoffState::Closed { .. } | HandoffState::Carrying { .. })
        );
        if !closes && before.state.name() != after.state.name() {
            let (was, is) = (before.state.name(), after.state.name());
            self.story.violates("P1", format_args!("handoff {} was {was} and is {is}", after.id));
        }
    }

    /// P2: when the first attempt begins, whatever was accepted until then goes with it. What a backup has, and the platform
    /// got after it, is therefore on the platform.
    async fn all_goes(&self, memory: &Memory, before: Option<&Handoff>, after: &Handoff) {
        let begins = before.is_some_and(|before| before.transcript_until.is_none())
            && matches!(after.state, HandoffState::Transferring { .. });
        let Ok(Some(conversation)) = memory.conversation(&after.conversation).await else { return };
        let (until, last) = (after.transcript_until.unwrap_or(0), conversation.last_seq);
        if begins && until != last {
            let id = &after.id;
            self.story.violates("P2", format_args!("handoff {id} begins with {until} of {last} places"));
        }
    }

    /// P1: exactly one of assistant, transfer and platform holds the chat.
    fn one_holder(&self, conversation: &Conversation) {
        let seen = self.seen.lock();
        let ours =
            |handoff: &&Handoff| handoff.conversation == conversation.id && handoff.state.is_undecided();
        let undecided: Vec<_> = seen.handoffs.values().filter(ours).map(|handoff| &handoff.id).collect();
        let right = match &conversation.control {
            Control::Handoff { id } => undecided == [id],
            Control::Platform { id } => {
                undecided.is_empty()
                    && seen.handoffs.get(id).is_some_and(|handoff| handoff.state.is_accepted())
            }
            Control::Free | Control::Session | Control::Taken => undecided.is_empty(),
        };
        if !right {
            let (id, control) = (&conversation.id, &conversation.control);
            self.story.violates("P1", format_args!("{id}: held by {control:?}, undecided {undecided:?}"));
        }
    }

    /// P2, P3: the person's words go into the carry queue in order, and each once.
    fn carried_in_order(&self, changes: &Changes) {
        for effect in changes.effects.iter().filter(|effect| effect.kind == EffectKind::Forward) {
            let Some(handoff) = effect.handoff.clone() else { continue };
            let before = self.seen.lock().carried.insert(handoff.clone(), effect.seq).unwrap_or(0);
            if effect.seq <= before {
                let seq = effect.seq;
                self.story
                    .violates("P3", format_args!("handoff {handoff}: place {seq} is carried after {before}"));
            }
        }
    }

    /// P6: the assistant speaks only where it holds the chat, and in the turn in which it gives it away.
    fn mute(&self, conversation: &Conversation, changes: &Changes) {
        let fires = changes.handoffs.iter().any(|handoff| handoff.version == 0);
        let holds = fires || conversation.control == Control::Session;
        for (id, message) in
            changes.messages.iter().filter(|(_, message)| message.author == Author::Assistant)
        {
            if !holds && *id == conversation.id {
                let (text, control) = (&message.content.text, conversation.control.name());
                self.story
                    .violates("P6", format_args!("the assistant says {text:?} while it is {control}'s"));
            }
        }
    }

    /// P4: an acceptance is told once and when live agents have the chat; a failure when it is final.
    fn truth(&self, conversation: &Conversation, changes: &Changes) {
        for (_, message) in &changes.messages {
            let text = message.content.text.as_str();
            if text == ACCEPTED || text == QUEUED {
                self.accepted(conversation, changes, text);
            }
            let failed = |handoff: &&Handoff| matches!(handoff.state, HandoffState::Failed { .. });
            if text == FAILED && !changes.handoffs.iter().any(|handoff| failed(&handoff)) {
                self.story
                    .violates("P4", format_args!("{}: a failure is told that is none", conversation.id));
            }
        }
    }

    fn accepted(&self, conversation: &Conversation, changes: &Changes, text: &str) {
        let Some(handoff) = changes.handoffs.iter().find(|handoff| handoff.state.is_accepted()) else {
            self.story.violates("P4", format_args!("{}: {text:?} without an acceptance", conversation.id));
            return;
        };
        let times = {
            let mut seen = self.seen.lock();
            let times = seen.told.entry(handoff.id.clone()).or_default();
            *times += 1;
            *times
        };
        if times > 1 {
            self.story.violates("P4", format_args!("handoff {}: the acceptance is told again", handoff.id));
        }
        let mark = format!("{}-", conversation.external_id);
        // After a restore the person's words may be missing there, and the handoff is known by its key alone.
        let chats = match self.life() {
            0 => self.desk.chats_with(&mark),
            _ => self.desk.chats_of(&mark, handoff.id.as_str()),
        };
        if chats.is_ok_and(|chats| chats.is_empty()) {
            self.story
                .violates("P4", format_args!("{text:?} is said and no live agent has the chat of {mark}"));
        }
    }

    /// P5: what is said after the acceptance is in no row in plain words.
    fn sealed(&self, changes: &Changes) {
        let carries = changes.effects.iter().map(|effect| effect.sealed.as_slice());
        let shows = changes.sealed.iter().map(|(_, _, sealed)| sealed.as_slice());
        let withholds = changes.withheld.iter().map(|withheld| withheld.sealed.as_slice());
        for bytes in carries.chain(shows).chain(withholds) {
            self.nothing_of_the_chat(bytes);
        }
        let team = changes.messages.iter().any(|(_, message)| message.content.text.contains(TEAM));
        if team {
            self.story.violates("P5", "what a live agent wrote is in the history");
        }
    }

    fn nothing_of_the_chat(&self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        if text.contains(TEAM) || text.contains(AFTER) {
            self.story.violates("P5", format_args!("a row is to be read: {text}"));
        }
    }

    /// The same for everything that is kept.
    pub(crate) fn nothing_readable(&self, memory: &Memory) -> u64 {
        let texts = memory.texts();
        let readable = |bytes: &&Vec<u8>| String::from_utf8_lossy(bytes).contains(TEAM);
        texts.iter().filter(readable).count() as u64
    }

    /// The handoffs of a conversation, as they were committed last.
    pub(crate) fn handoffs_of(&self, conversation: &ConversationId) -> Vec<Handoff> {
        let seen = self.seen.lock();
        seen.handoffs.values().filter(|handoff| handoff.conversation == *conversation).cloned().collect()
    }

    /// Every handoff, as it was committed last.
    pub(crate) fn handoffs(&self) -> Vec<Handoff> {
        self.seen.lock().handoffs.values().cloned().collect()
    }
}

/// Why a handoff stands where it does.
fn reason(state: &HandoffState) -> String {
    match state {
        HandoffState::Waiting { why, .. } => format!(": {why}"),
        HandoffState::InDoubt { cause, .. } => format!(": {cause}"),
        HandoffState::Failed { reason, .. } => format!(": {reason}"),
        _ => String::new(),
    }
}
