//! The states of the little world, and what must hold in each.

use std::{
    hash::{Hash, Hasher},
    sync::LazyLock,
    time::Duration,
};

use handoff_core::{
    assistant::{Compiled, compile, read},
    handoff::{Handoff, HandoffState, Target, Targets, Transition},
    session::{Control, Conversation, Handled, Happening, SessionState, Setting, settle, turn},
    store::{Changes, EffectKind},
};
use handoff_model::{
    AssistantId, Author, ChannelId, ConnectionId, ConnectorId, Content, Message, Person, Plan, Route,
    Timestamp,
};

use crate::flaws::Flaw;

/// Length of a tick. The platform settles in two of them, and attempts go on for four.
pub(crate) const TICK: Duration = Duration::from_secs(15);
const SETTLE_MS: u64 = 30_000;
/// Ticks after which nothing that was sent can have an effect any more.
pub(crate) const SETTLED: u8 = 2;
const BEGAN: Timestamp = Timestamp(1_790_000_000_000);
const WISH: &str = "a human please";
const ASSISTANT: &str = r#"{"format":1,"id":"a","name":"A","triggers":[
 {"id":"human","on":{"event":"message_received","phrases":["a human please"],"approximate":false},"actions":[
   {"id":"away","action":"external_handoff","platform":"fake","budget_seconds":60,
    "texts":{"asked":"asked","accepted":"accepted","queued":"queued","delayed":"delayed","failed":"failed","closed":"closed"},
    "when_handoff_fails":[{"id":"sorry","action":"send_message","texts":["sorry"]}]}]},
 {"id":"other","on":{"event":"fallback"},"actions":[{"id":"echo","action":"send_message","texts":["echo"]}]}]}"#;

static COMPILED: LazyLock<Compiled> = LazyLock::new(|| compile(read(ASSISTANT).unwrap()).unwrap());
static TARGETS: LazyLock<Targets> = LazyLock::new(|| Targets {
    plan: Some(Plan::Free),
    targets: vec![Target {
        connection: ConnectionId::new("fake"),
        connector: ConnectorId::new("fake"),
        name: "Fake".to_owned(),
        routes: vec![Route::Bridge],
        settle_ms: SETTLE_MS,
        speaks_after_transfer: true,
    }],
    ..Targets::default()
});

/// How much may happen.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    /// Ticks of the clock.
    pub(crate) ticks: u8,
    /// Words of the person after the wish.
    pub(crate) words: u8,
    /// Messages that come a second time.
    pub(crate) repeats: u8,
    /// Requests and answers that get lost.
    pub(crate) losses: u8,
    /// Nodes that die or stand still.
    pub(crate) failures: u8,
    /// Refusals of the platform, for good or for a while.
    pub(crate) refusals: u8,
    /// Whether the platform knows a call that is repeated.
    pub(crate) knows_repeats: bool,
}

impl Bounds {
    pub(crate) fn small() -> Self {
        Self { ticks: 4, words: 1, repeats: 1, losses: 1, failures: 1, refusals: 1, knows_repeats: false }
    }

    /// A platform that knows repeated calls.
    pub(crate) fn that_knows_repeats() -> Self {
        Self { repeats: 0, losses: 0, failures: 0, knows_repeats: true, ..Self::small() }
    }

    pub(crate) fn large() -> Self {
        Self { ticks: 5, words: 2, failures: 2, ..Self::small() }
    }
}

/// What the connector asks the platform for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Request {
    /// Make a conversation with the history.
    Create,
    /// Give control of it to live agents.
    Pass,
}

/// How the platform answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Answer {
    Done,
    Refused,
    SlowDown,
}

/// Something under way between a node and the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Packet {
    Request { request: Request, node: usize, attempt: u32, sent: u8 },
    Answer { request: Request, node: usize, attempt: u32, answer: Answer },
}

/// What a node does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Node {
    Idle,
    /// Waits for the answer to a request of this attempt.
    Asking {
        request: Request,
        attempt: u32,
    },
    /// Has read how things are on the platform, and has not said so yet.
    Looked {
        began: u8,
        created: u8,
        passed: u8,
    },
    Dead,
}

/// The live-agent platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Platform {
    /// It knows a call that is repeated, so that repeating one doubles nothing, even while the first is under way.
    pub(crate) knows_repeats: bool,
    /// Conversations made for this chat.
    pub(crate) created: u8,
    /// How often control was given to live agents.
    pub(crate) passed: u8,
    /// Live agents have ended the chat.
    pub(crate) closed: bool,
}

/// Where the chat stands, in the largest steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Before,
    Undecided,
    Taken,
    Over,
    Failed,
}

/// Everything, at one moment.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) tick: u8,
    pub(crate) conversation: Conversation,
    pub(crate) handoff: Option<Handoff>,
    pub(crate) messages: Vec<Message>,
    /// Places of the words that were given to the platform after it took the chat.
    pub(crate) forwards: Vec<u64>,
    /// The tail that a flaw keeps back.
    pub(crate) kept_back: Vec<u64>,
    pub(crate) platform: Platform,
    /// Sorted, so that the order in which things were sent makes no difference.
    pub(crate) packets: Vec<Packet>,
    pub(crate) nodes: [Node; 2],
    /// The node that works on the handoff.
    pub(crate) holder: Option<usize>,
    /// Bit for each word: sent so far.
    pub(crate) said: u8,
    pub(crate) repeats: u8,
    pub(crate) losses: u8,
    pub(crate) failures: u8,
    pub(crate) refusals: u8,
    pub(crate) doubts: u8,
    pub(crate) late: u8,
    /// An operator gave the handoff up.
    pub(crate) decided: bool,
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.essence() == other.essence()
    }
}

impl Eq for State {}

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.essence().hash(hasher);
    }
}

impl State {
    pub(crate) fn new(bounds: &Bounds) -> Self {
        let conversation =
            Conversation::new(ChannelId::new("web"), "ann".to_owned(), Person::default(), BEGAN);
        Self {
            tick: 0,
            conversation,
            handoff: None,
            messages: Vec::new(),
            forwards: Vec::new(),
            kept_back: Vec::new(),
            platform: Platform { knows_repeats: bounds.knows_repeats, ..Platform::default() },
            packets: Vec::new(),
            nodes: [Node::Idle; 2],
            holder: None,
            said: 0,
            repeats: 0,
            losses: 0,
            failures: 0,
            refusals: 0,
            doubts: 0,
            late: 0,
            decided: false,
        }
    }

    /// What makes two states different. Texts for operators and times that nothing depends on do not.
    fn essence(&self) -> impl Hash + Eq {
        let handoff = self.handoff.as_ref().map(|handoff| {
            let times = match &handoff.state {
                HandoffState::Waiting { until, .. } => (until.0, 0),
                HandoffState::InDoubt { look_at, looks, .. } => (look_at.0, (*looks).min(3)),
                _ => (0, 0),
            };
            let checkpoint = handoff.checkpoint.is_some();
            (
                handoff.state.name(),
                times,
                handoff.settles_at.0,
                handoff.attempts,
                checkpoint,
                handoff.transcript_until,
                handoff.told_delayed,
                handoff.give_up_at.0,
            )
        });
        let messages: Vec<_> =
            self.messages.iter().map(|message| (message.seq, message.content.text.clone())).collect();
        let session = self.conversation.session.as_ref().map(|session| session.state.name());
        let places = (self.forwards.clone(), self.kept_back.clone(), self.conversation.last_seq);
        let counts = (self.said, self.repeats, self.losses, self.failures, self.refusals);
        let network = (self.packets.clone(), self.nodes, self.holder, self.platform);
        (self.tick, handoff, messages, session, self.conversation.control.name(), places, counts, network)
    }

    pub(crate) fn now(&self) -> Timestamp {
        BEGAN.after(TICK * u32::from(self.tick))
    }

    /// The time of a tick.
    pub(crate) fn at(tick: u8) -> Timestamp {
        BEGAN.after(TICK * u32::from(tick))
    }

    pub(crate) fn stage(&self) -> Stage {
        match self.handoff.as_ref().map(|handoff| &handoff.state) {
            None => Stage::Before,
            Some(HandoffState::Closed { .. }) => Stage::Over,
            Some(HandoffState::Failed { .. }) => Stage::Failed,
            Some(state) if state.is_accepted() => Stage::Taken,
            Some(_) => Stage::Undecided,
        }
    }

    /// The person writes their `n`-th message; the first one is the wish.
    pub(crate) fn says(&mut self, n: u8, flaw: Flaw) {
        let text = if n == 0 { WISH.to_owned() } else { format!("words {n}") };
        let handoff = self.handoff.clone();
        let happening = Happening::Said {
            content: Content::text(text),
            external_id: None,
            platform_session: None,
            held_by_live_agent: false,
        };
        let handled = self
            .with_setting(|setting, conversation| turn(setting, conversation, handoff.as_ref(), happening));
        self.apply(handled, Flaw::None);
        if flaw == Flaw::AnswersMeanwhile && n > 0 && self.stage() == Stage::Undecided {
            self.speaks(Author::Assistant, "echo");
        }
    }

    /// Something is said that no rule of production says.
    pub(crate) fn speaks(&mut self, author: Author, text: &str) {
        let mut said = self.messages[0].clone();
        (said.author, said.content, said.seq) = (author, Content::text(text), self.conversation.take_seq());
        self.messages.push(said);
    }

    /// What follows from a transition is done.
    pub(crate) fn settles(&mut self, transition: Transition, flaw: Flaw) {
        let fired = transition.handoff.fired_seq;
        let forgets = flaw == Flaw::ForgetsWords && !transition.handoff.state.is_accepted();
        let later: Vec<_> =
            self.messages.iter().filter(|message| message.seq > fired && !forgets).cloned().collect();
        let handled = self.with_setting(|setting, conversation| {
            settle(setting, conversation, transition, &later, Vec::new())
        });
        self.apply(handled, flaw);
    }

    fn with_setting(&self, make: impl FnOnce(&Setting<'_>, Conversation) -> Handled) -> Handled {
        let id = AssistantId::new("a");
        let event = format!("event {}", self.conversation.last_seq);
        let setting = Setting {
            running: Some(&COMPILED),
            published: Some((&id, 1, &COMPILED)),
            home: None,
            targets: &TARGETS,
            last_handoff: None,
            seal: &|plain| plain.to_vec(),
            now: self.now(),
            seen: self.now(),
            event: &event,
        };
        make(&setting, self.conversation.clone())
    }

    fn apply(&mut self, handled: Handled, flaw: Flaw) {
        let Changes { conversation, handoffs, messages, effects, .. } = handled.changes;
        if let Some(conversation) = conversation {
            self.conversation = conversation;
        }
        for mut handoff in handoffs {
            // It grows with every attempt, and nothing depends on it.
            handoff.receipt = Default::default();
            self.handoff = Some(handoff);
        }
        self.messages.extend(messages.into_iter().map(|(_, message)| message));
        let forwards =
            effects.iter().filter(|effect| effect.kind == EffectKind::Forward).map(|effect| effect.seq);
        if flaw == Flaw::TailLast {
            self.kept_back.extend(forwards);
        } else {
            self.forwards.extend(forwards);
            self.forwards.append(&mut self.kept_back);
        }
    }

    fn written(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(|message| message.author == Author::Person)
    }

    /// Answers of the assistant to words that are not the wish.
    fn echoes(&self) -> usize {
        self.messages
            .iter()
            .filter(|message| message.author == Author::Assistant && message.content.text == "echo")
            .count()
    }

    fn told(&self, text: &str) -> usize {
        self.messages
            .iter()
            .filter(|message| message.author == Author::Notice && message.content.text == text)
            .count()
    }

    /// Exactly one of assistant, transfer and platform holds the chat, and all records agree on it.
    pub(crate) fn one_holder(&self) -> bool {
        let active =
            self.conversation.session.as_ref().is_some_and(|session| session.state == SessionState::Active);
        match (self.stage(), &self.conversation.control) {
            (Stage::Before | Stage::Failed, control) => {
                matches!(control, Control::Free) || (matches!(control, Control::Session) && active)
            }
            (Stage::Undecided, control) => matches!(control, Control::Handoff { .. }) && !active,
            (Stage::Taken, control) => matches!(control, Control::Platform { .. }) && !active,
            // The next message starts a session of its own.
            (Stage::Over, control) => matches!(control, Control::Free | Control::Session),
        }
    }

    /// Every word of the person went one way, in order.
    pub(crate) fn nothing_lost(&self) -> bool {
        let Some(handoff) = &self.handoff else { return true };
        let in_order = self.forwards.windows(2).all(|two| two[0] < two[1]);
        let accepted = handoff.state.is_accepted();
        let until = handoff.transcript_until.unwrap_or(0);
        let carried = |message: &Message| message.seq <= until || self.forwards.contains(&message.seq);
        let whole = !accepted || self.stage() == Stage::Over || self.written().all(carried);
        let given_back = self.stage() != Stage::Failed || self.echoes() + 1 == self.written().count();
        in_order && given_back && (whole || !self.kept_back.is_empty())
    }

    /// One conversation, passed on once, and each message answered once.
    pub(crate) fn nothing_doubled(&self) -> bool {
        let once = |message: &Message| {
            self.written().filter(|other| other.content.text == message.content.text).count() == 1
        };
        self.platform.created <= 1 && self.platform.passed <= 1 && self.written().all(once)
    }

    /// The person is told of an acceptance that took place, and of a failure that did.
    pub(crate) fn the_truth(&self) -> bool {
        let (accepted, failed) = (self.told("accepted") + self.told("queued"), self.told("failed"));
        let taken = matches!(self.stage(), Stage::Taken | Stage::Over);
        accepted == usize::from(taken)
            && (accepted == 0 || self.platform.passed > 0)
            && failed == usize::from(self.stage() == Stage::Failed)
            && (failed == 0 || self.platform.passed == 0)
            && self.told("asked") == usize::from(self.handoff.is_some())
    }

    /// From the action on the assistant says nothing, unless the handoff failed or the platform ended the chat.
    pub(crate) fn mute(&self) -> bool {
        let asked = self.messages.iter().position(|message| message.content.text == "asked");
        let quiet = matches!(self.stage(), Stage::Undecided | Stage::Taken);
        let spoke =
            |from: usize| self.messages[from..].iter().any(|message| message.author == Author::Assistant);
        !(quiet && asked.is_some_and(spoke))
    }

    /// An undecided handoff always has something that moves it on: a step of somebody, or a time at which one is due.
    pub(crate) fn survives(&self, bounds: &Bounds, flaw: Flaw) -> bool {
        let mut moves = Vec::new();
        crate::moves::possible(self, bounds, flaw, &mut moves);
        let due = match self.handoff.as_ref().map(|handoff| &handoff.state) {
            Some(HandoffState::Waiting { until, .. }) => *until > self.now(),
            Some(HandoffState::InDoubt { look_at, .. }) => *look_at > self.now(),
            _ => false,
        };
        self.stage() != Stage::Undecided || due || moves.iter().any(|one| one.moves_on())
    }
}
