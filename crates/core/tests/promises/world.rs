//! One person, one conversation, one platform; time is a number.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use handoff_core::{
    assistant::{Compiled, compile, read},
    handoff::{Event, Handoff, HandoffState, Target, Targets, step},
    session::{Control, Conversation, FromTeam, Handled, Happening, Setting, settle, turn},
    store::{Changes, EffectKind},
};
use handoff_model::{
    AssistantId, Author, ChannelId, ConnectionId, ConnectorId, Content, HandoffId, Message, Person, Plan,
    Route, TicketRef, Timestamp,
    connector::{ConnectorError, Found, Transferred},
};
use serde_json::{Value, json};

const ASSISTANT: &str = r#"{"format":1,"id":"a","name":"A","triggers":[
 {"id":"human","on":{"event":"message_received","phrases":["a human please"],"approximate":false},"actions":[
   {"id":"away","action":"external_handoff","platform":"fake","budget_seconds":60,
    "texts":{"asked":"asked","accepted":"accepted","queued":"queued","delayed":"delayed","failed":"failed","closed":"closed"},
    "when_handoff_fails":[{"id":"sorry","action":"send_message","texts":["sorry"]}]}]},
 {"id":"who","on":{"event":"message_received","phrases":["who am i"],"approximate":false},"actions":[
   {"id":"you","action":"send_message","texts":["{ _channel } { _lang } { _chatbot['id'] } { _chatbot['name'] } { _customer['id'] }"]}]},
 {"id":"other","on":{"event":"fallback"},"actions":[{"id":"echo","action":"send_message","texts":["echo { _user_input }"]}]}]}"#;

/// Something that happens.
#[derive(Debug, Clone)]
pub(crate) enum Happens {
    PersonOpens,
    PersonWrites(u8),
    AsksForHuman,
    AttemptBegins,
    PlatformAccepts,
    PlatformAcceptsQueued,
    PlatformRefuses,
    AnswerLost,
    RateLimited,
    ServerRestarts,
    FoundThere,
    FoundHalf,
    FoundNothing,
    FindFails,
    TeamWrites,
    TeamCloses,
    TimePasses(u16),
}

pub(crate) struct World {
    assistant: Arc<Compiled>,
    home: Option<ConnectionId>,
    targets: Targets,
    now: Timestamp,
    /// When it was looked up who has the chat; otherwise just now.
    seen: Option<Timestamp>,
    events: u64,
    /// Commits that changed the conversation's row.
    commits: u64,
    conversation: Conversation,
    messages: Vec<Message>,
    handoffs: BTreeMap<HandoffId, Handoff>,
    /// Handoff, place and text of everything given to the carry queue.
    forwards: Vec<(HandoffId, u64, String)>,
    withheld: Vec<FromTeam>,
    shown: Vec<String>,
    /// What the person wrote, with the handoff that had been accepted by then.
    wrote: Vec<(String, Option<HandoffId>)>,
    team: u32,
}

impl World {
    pub(crate) fn bridge() -> Self {
        Self::new(None)
    }

    pub(crate) fn native() -> Self {
        Self::new(Some(ConnectionId::new("fake")))
    }

    fn new(home: Option<ConnectionId>) -> Self {
        let target = Target {
            connection: ConnectionId::new("fake"),
            connector: ConnectorId::new("fake"),
            name: "Fake".to_owned(),
            routes: vec![Route::Bridge, Route::Native],
            settle_ms: 30_000,
            speaks_after_transfer: true,
        };
        let now = Timestamp(1_790_000_000_000);
        let person = Person { id: "ann".to_owned(), ..Person::default() };
        let conversation = Conversation::new(ChannelId::new("web"), "ann".to_owned(), person, now);
        Self {
            assistant: Arc::new(compile(read(ASSISTANT).unwrap()).unwrap()),
            home,
            targets: Targets { plan: Some(Plan::Free), targets: vec![target], ..Targets::default() },
            now,
            seen: None,
            events: 0,
            commits: 0,
            conversation,
            messages: Vec::new(),
            handoffs: BTreeMap::new(),
            forwards: Vec::new(),
            withheld: Vec::new(),
            shown: Vec::new(),
            wrote: Vec::new(),
            team: 0,
        }
    }

    pub(crate) fn happens(&mut self, event: &Happens) {
        self.events += 1;
        let lost = || ConnectorError::Lost { detail: "gone".to_owned() };
        let limited = || ConnectorError::RateLimited { after_ms: 500, detail: "slow down".to_owned() };
        match event {
            Happens::PersonOpens => self.turn(Happening::Opened { platform_session: self.session() }),
            Happens::PersonWrites(n) => self.write(&format!("words {n}")),
            Happens::AsksForHuman => self.write("a human please"),
            Happens::AttemptBegins => self.move_on(Event::Begin { until: self.conversation.last_seq }),
            Happens::PlatformAccepts => self.answer(Ok(taken(false))),
            Happens::PlatformAcceptsQueued => self.answer(Ok(taken(true))),
            Happens::PlatformRefuses => self.answer(Err(ConnectorError::Refused { detail: "no".to_owned() })),
            Happens::AnswerLost => self.answer(Err(lost())),
            Happens::RateLimited => self.answer(Err(limited())),
            Happens::ServerRestarts => self.move_on(Event::NodeLost),
            Happens::FoundThere => self.looked(Ok(Found::There(taken(false)))),
            Happens::FoundHalf => {
                let checkpoint = json!({ "step": 1 });
                self.looked(Ok(Found::Partly { checkpoint, safe_now: false, held: false, unseen: false }));
            }
            Happens::FoundNothing => self.looked(Ok(Found::Absent { safe_now: false })),
            Happens::FindFails => self.looked(Err(limited())),
            Happens::TeamWrites => {
                self.team += 1;
                let content = Content::text(format!("team {}", self.team));
                self.news(FromTeam::Message { name: Some("Maria".to_owned()), content });
            }
            Happens::TeamCloses => self.news(FromTeam::Closed { reason: "closed".to_owned() }),
            Happens::TimePasses(seconds) => {
                self.now = self.now.after(Duration::from_secs(u64::from(*seconds)))
            }
        }
    }

    /// The chat is opened in a session of the platform.
    pub(crate) fn opens_in(&mut self, session: Option<&str>) {
        self.turn(Happening::Opened { platform_session: session.map(str::to_owned) });
    }

    /// The same, by what was looked up at a time.
    pub(crate) fn opens_as_seen(&mut self, session: &str, seen: Timestamp) {
        self.seen = Some(seen);
        self.opens_in(Some(session));
        self.seen = None;
    }

    /// Commits that changed the conversation's row: whoever read it before begins anew.
    pub(crate) fn commits_to_conversation(&self) -> u64 {
        self.commits
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// The person writes this.
    pub(crate) fn writes(&mut self, text: &str) {
        self.write(text);
    }

    fn session(&self) -> Option<String> {
        self.home.as_ref().map(|_| "7".to_owned())
    }

    fn write(&mut self, text: &str) {
        let carried = match &self.conversation.control {
            Control::Platform { id } => Some(id.clone()),
            _ => None,
        };
        self.wrote.push((text.to_owned(), carried));
        self.turn(Happening::Said {
            content: Content::text(text),
            external_id: None,
            platform_session: self.session(),
            held_by_live_agent: false,
        });
    }

    /// News of the bridge, once the platform knows of the chat.
    fn news(&mut self, news: FromTeam) {
        let began = self.current().is_some_and(|handoff| handoff.transcript_until.is_some());
        if began && self.home.is_none() {
            self.turn(Happening::FromTeam(news));
        }
    }

    fn current(&self) -> Option<Handoff> {
        self.conversation.last_handoff.as_ref().and_then(|id| self.handoffs.get(id)).cloned()
    }

    fn answer(&mut self, answer: Result<Transferred, ConnectorError>) {
        let Some(handoff) = self.current() else { return };
        if let HandoffState::Transferring { attempt, .. } = handoff.state {
            self.move_on(Event::Answered { attempt, answer });
        }
    }

    fn looked(&mut self, found: Result<Found, ConnectorError>) {
        self.move_on(Event::Looked { began: self.now, found });
    }

    fn move_on(&mut self, event: Event) {
        let Some(handoff) = self.current() else { return };
        if matches!(&handoff.state, HandoffState::Waiting { until, .. } if *until > self.now) {
            return;
        }
        let Ok(transition) = step(&handoff, event, self.now, self.events) else { return };
        let later: Vec<_> =
            self.messages.iter().filter(|message| message.seq > handoff.fired_seq).cloned().collect();
        let withheld = self.withheld.clone();
        let handled = self.with_setting(|setting, conversation| {
            settle(setting, conversation, transition, &later, withheld)
        });
        self.apply(handled);
    }

    fn turn(&mut self, happening: Happening) {
        let handoff = self.current();
        let handled = self
            .with_setting(|setting, conversation| turn(setting, conversation, handoff.as_ref(), happening));
        self.apply(handled);
    }

    fn with_setting(&self, make: impl FnOnce(&Setting<'_>, Conversation) -> Handled) -> Handled {
        let id = AssistantId::new("a");
        let event = format!("event {}", self.events);
        let setting = Setting {
            running: Some(&self.assistant),
            published: Some((&id, 1, &self.assistant)),
            home: self.home.as_ref(),
            targets: &self.targets,
            last_handoff: None,
            seal: &|plain| plain.to_vec(),
            now: self.now,
            seen: self.seen.unwrap_or(self.now),
            event: &event,
        };
        make(&setting, self.conversation.clone())
    }

    fn apply(&mut self, handled: Handled) {
        let Changes { conversation, handoffs, messages, withheld, drop_withheld, effects, .. } =
            handled.changes;
        assert!(
            withheld.is_empty() || conversation.is_some(),
            "P2: whoever decides meanwhile has to find out that the team wrote"
        );
        if let Some(conversation) = conversation {
            assert!(conversation.last_seq >= self.conversation.last_seq, "places only grow");
            self.commits += 1;
            self.conversation = conversation;
        }
        for handoff in handoffs {
            self.handoffs.insert(handoff.id.clone(), handoff);
        }
        self.messages.extend(messages.into_iter().map(|(_, message)| message));
        if drop_withheld.is_some() {
            self.withheld.clear();
        }
        self.withheld.extend(withheld.iter().map(|row| serde_json::from_slice(&row.sealed).unwrap()));
        for effect in effects {
            match effect.kind {
                EffectKind::Forward => {
                    let content: Content = serde_json::from_slice(&effect.sealed).unwrap();
                    self.forwards.push((effect.handoff.unwrap(), effect.seq, content.text));
                }
                EffectKind::Fetch => {
                    if let FromTeam::Message { content, .. } = serde_json::from_slice(&effect.sealed).unwrap()
                    {
                        self.shown.push(content.text);
                    }
                }
                _ => {}
            }
        }
    }

    /// What must hold after every event.
    pub(crate) fn check(&self) {
        self.one_holder();
        self.nothing_lost();
        self.the_truth();
        self.sealed();
    }

    fn one_holder(&self) {
        let undecided: Vec<_> =
            self.handoffs.values().filter(|handoff| handoff.state.is_undecided()).collect();
        match &self.conversation.control {
            Control::Handoff { id } => {
                assert!(undecided.len() == 1 && undecided[0].id == *id, "P1: {undecided:?}")
            }
            Control::Platform { id } => {
                assert!(undecided.is_empty(), "P1: two holders");
                assert!(self.handoffs[id].state.is_accepted(), "P1: a platform that never accepted");
            }
            _ => assert!(undecided.is_empty(), "P1: an undecided handoff holds nothing"),
        }
    }

    fn nothing_lost(&self) {
        for (id, handoff) in self.handoffs.iter().filter(|(_, handoff)| handoff.state.is_accepted()) {
            let places: Vec<u64> =
                self.forwards.iter().filter(|(of, ..)| of == id).map(|(_, seq, _)| *seq).collect();
            assert!(
                places.windows(2).all(|two| two[0] < two[1]),
                "P2, P3: carried in order, and once: {places:?}"
            );
            if handoff.route == Route::Native {
                assert!(places.is_empty(), "P2: on the native route the platform has the words already");
                continue;
            }
            let until = handoff.transcript_until.unwrap();
            let tail = self.messages.iter().filter(|message| {
                message.author == Author::Person
                    && message.seq > until
                    && message.at <= handoff.receipt.accepted_at.unwrap()
            });
            let before =
                |message: &&Message| message.seq < places.last().copied().unwrap_or(0).max(until + 1) + 1;
            for message in tail.filter(before) {
                let later_session =
                    self.conversation.session.as_ref().is_some_and(|session| {
                        message.seq >= session.first_seq && session.id != handoff.session
                    });
                assert!(later_session || places.contains(&message.seq), "P2: {message:?} was not carried");
            }
            let carried: Vec<_> =
                self.wrote.iter().filter(|(_, by)| by.as_ref() == Some(id)).map(|(text, _)| text).collect();
            let sent: Vec<_> =
                self.forwards.iter().filter(|(of, ..)| of == id).map(|(.., text)| text).collect();
            assert!(sent.ends_with(&carried), "P2: {carried:?} must end {sent:?}");
        }
    }

    fn the_truth(&self) {
        let told = |word: &str| self.messages.iter().filter(|message| message.content.text == word).count();
        let accepted = self.handoffs.values().filter(|handoff| handoff.state.is_accepted()).count();
        assert_eq!(
            told("accepted") + told("queued"),
            accepted,
            "P4: told once for each acceptance, and never before"
        );
        let failed = self
            .handoffs
            .values()
            .filter(|handoff| matches!(handoff.state, HandoffState::Failed { .. }))
            .count();
        assert_eq!(told("failed"), failed, "P4");
        assert_eq!(
            told("asked"),
            self.handoffs.len(),
            "P1: the person was told that a transfer is undecided"
        );
        // P6: between "asked" and its end no word of the assistant.
        let mut mute = false;
        for message in &self.messages {
            match message.content.text.as_str() {
                "asked" => mute = true,
                "failed" => mute = false,
                "accepted" | "queued" => mute = true,
                _ => {}
            }
            let new_session =
                self.conversation.session.as_ref().is_some_and(|session| message.seq >= session.first_seq);
            let resumed = new_session
                && self.handoffs.values().any(|handoff| matches!(handoff.state, HandoffState::Closed { .. }));
            assert!(
                !(mute && message.author == Author::Assistant) || resumed || self.closed_before(message),
                "P6: {message:?}"
            );
        }
    }

    fn closed_before(&self, message: &Message) -> bool {
        self.handoffs.values().any(|handoff| match &handoff.state {
            HandoffState::Closed { at, .. } => *at <= message.at,
            _ => false,
        })
    }

    fn sealed(&self) {
        let team = self.messages.iter().any(|message| message.content.text.starts_with("team"));
        assert!(!team, "P5: words of the team are never in the history");
        for (id, handoff) in &self.handoffs {
            let carried = self.wrote.iter().filter(|(_, by)| by.as_ref() == Some(id)).count();
            let kept = self.forwards.iter().filter(|(of, ..)| of == id).count();
            assert!(handoff.route == Route::Native || kept >= carried, "P5, P2");
        }
    }

    pub(crate) fn holder(&self) -> &'static str {
        match self.conversation.control {
            Control::Free | Control::Handoff { .. } => "nobody",
            Control::Session => "assistant",
            Control::Platform { .. } | Control::Taken => "platform",
        }
    }

    pub(crate) fn state(&self) -> &'static str {
        self.current().unwrap().state.name()
    }

    pub(crate) fn checkpoint(&self) -> Option<Value> {
        self.current().unwrap().checkpoint
    }

    pub(crate) fn notices(&self) -> Vec<String> {
        self.said_by(Author::Notice)
    }

    pub(crate) fn assistant_said(&self) -> Vec<String> {
        self.said_by(Author::Assistant)
    }

    pub(crate) fn history(&self) -> Vec<String> {
        self.messages.iter().map(|message| message.content.text.clone()).collect()
    }

    /// What the person wrote, in the transcript of the first attempt.
    pub(crate) fn transcript(&self) -> Vec<String> {
        let until = self.current().unwrap().transcript_until.unwrap();
        let theirs =
            self.messages.iter().filter(|message| message.author == Author::Person && message.seq <= until);
        theirs.map(|message| message.content.text.clone()).collect()
    }

    pub(crate) fn forwarded(&self) -> Vec<String> {
        self.forwards.iter().map(|(.., text)| text.clone()).collect()
    }

    pub(crate) fn shown_from_team(&self) -> Vec<String> {
        self.shown.iter().filter(|text| text.starts_with("team")).cloned().collect()
    }

    fn said_by(&self, author: Author) -> Vec<String> {
        let theirs = self.messages.iter().filter(|message| message.author == author);
        theirs.map(|message| message.content.text.clone()).collect()
    }
}

fn taken(queued: bool) -> Transferred {
    Transferred {
        ticket: TicketRef { chat: "chat".to_owned(), label: None, url: None },
        queued,
        remarks: Vec::new(),
    }
}
