//! The portal's memory, and the small steps that everything else is made of.
//!
//! Nothing here waits or sends. What is to be sent and what is to happen later is
//! left in [`State::posts`] and [`State::timers`] for the portal to take away.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::bucket::Bucket;
use super::connectors::Connector;
use super::line::Line;
use super::model::{Binding, Bot, Chat, Command, File, Holder, Kind, Message, Session, User};
use super::settings::{Options, Settings};
use super::tokens::Tokens;

/// The line that exists from the start.
pub(super) const FIRST_LINE: i64 = 22;

/// The portal's first operators.
const OPERATORS: [(i64, &str, &str); 2] = [(27, "Klaus", "Weber"), (103, "Maria", "Silva")];

/// Where the portal is and by which secrets it is known.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    /// `http://host:port`, without a slash at the end.
    pub(super) base: String,
    pub(super) domain: String,
    pub(super) member_id: String,
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) application_token: String,
    pub(super) webhook_user: i64,
    pub(super) webhook_secret: String,
}

/// The last id given to each kind of thing.
#[derive(Debug, Clone)]
pub(super) struct Ids {
    pub(super) user: i64,
    pub(super) bot: i64,
    pub(super) line: i64,
    pub(super) chat: i64,
    pub(super) session: i64,
    pub(super) message: i64,
    pub(super) file: i64,
    pub(super) command: i64,
    pub(super) event: i64,
    pub(super) binding: i64,
}

/// A request to the application's or a bot's handler.
#[derive(Debug, Clone)]
pub(super) struct Post {
    pub(super) event: String,
    pub(super) url: String,
    pub(super) body: String,
}

/// What happens by itself after a while, unless something else happened before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timer {
    /// The bot has had the session for long enough.
    BotTime { session: i64 },
    /// An operator presses Answer.
    Accept { session: i64, round: u64, operator: i64 },
    /// An operator has let the offer pass.
    OfferOver { session: i64, round: u64 },
}

/// The whole portal.
pub(super) struct State {
    pub(super) settings: Settings,
    pub(super) identity: Identity,
    pub(super) ids: Ids,
    pub(super) random: StdRng,
    /// Simulated milliseconds since the Unix epoch, set before every step.
    pub(super) now_ms: i64,
    pub(super) users: BTreeMap<i64, User>,
    pub(super) persons: BTreeMap<String, i64>,
    pub(super) lines: BTreeMap<i64, Line>,
    pub(super) chats: BTreeMap<i64, Chat>,
    pub(super) sessions: BTreeMap<i64, Session>,
    pub(super) bots: BTreeMap<i64, Bot>,
    pub(super) commands: BTreeMap<i64, Command>,
    pub(super) files: BTreeMap<i64, File>,
    /// One-time download tokens and the files they open.
    pub(super) downloads: BTreeMap<String, i64>,
    pub(super) bindings: Vec<Binding>,
    pub(super) connectors: BTreeMap<String, Connector>,
    /// So many of the next messages through connectors are refused one by one.
    pub(super) refuses: u32,
    pub(super) tokens: Tokens,
    pub(super) bucket: Bucket,
    /// Methods blocked for having run too long, and until when.
    pub(super) blocked: BTreeMap<String, i64>,
    /// Methods whose next calls have their effect and are answered 500.
    pub(super) fail_after: BTreeMap<String, u32>,
    pub(super) posts: Vec<Post>,
    pub(super) timers: Vec<(Duration, Timer)>,
}

impl State {
    /// A fresh portal: one administrator, two operators, one line.
    pub(super) fn new(options: &Options, base: &str, now_ms: i64) -> Self {
        let mut state = Self {
            settings: options.settings.clone(),
            identity: Identity::new(options, base),
            ids: Ids::default(),
            random: StdRng::seed_from_u64(options.common.seed),
            now_ms,
            users: BTreeMap::new(),
            persons: BTreeMap::new(),
            lines: BTreeMap::new(),
            chats: BTreeMap::new(),
            sessions: BTreeMap::new(),
            bots: BTreeMap::new(),
            commands: BTreeMap::new(),
            files: BTreeMap::new(),
            downloads: BTreeMap::new(),
            bindings: Vec::new(),
            connectors: BTreeMap::new(),
            refuses: 0,
            tokens: Tokens::new(options, now_ms),
            bucket: Bucket::default(),
            blocked: BTreeMap::new(),
            fail_after: BTreeMap::new(),
            posts: Vec::new(),
            timers: Vec::new(),
        };
        state.add_staff(options.webhook_user, "Olga", "Admin", Kind::Administrator);
        for (id, first_name, last_name) in OPERATORS {
            state.add_staff(id, first_name, last_name, Kind::Employee);
        }
        let line = Line::new(FIRST_LINE, "Support", OPERATORS.map(|(id, _, _)| id).to_vec());
        state.lines.insert(FIRST_LINE, line.with_options(options));
        state
    }

    /// Adds or replaces an employee, online and never pressing Answer by themselves.
    pub(super) fn add_staff(&mut self, id: i64, first_name: &str, last_name: &str, kind: Kind) {
        let (first_name, last_name) = (first_name.to_owned(), last_name.to_owned());
        self.users.insert(id, User { id, first_name, last_name, kind, online: true, accepts_after: None });
    }

    /// Whether the answer of this call is to be replaced by 500, counted down.
    pub(super) fn loses_answer(&mut self, method: &str) -> bool {
        let left = self.fail_after.get_mut(&method.to_lowercase()).filter(|left| **left > 0);
        left.map(|left| *left -= 1).is_some()
    }

    /// A chat's open session.
    pub(super) fn open_session(&self, chat: i64) -> Option<&Session> {
        let newest = self.chats.get(&chat)?.sessions.last()?;
        self.sessions.get(newest).filter(|session| session.is_open())
    }

    /// The bot or operator who holds the chat now, `Closed` when there is no open session.
    pub(super) fn holder(&self, chat: i64) -> Holder {
        self.open_session(chat).map_or(Holder::Closed, |session| session.holder)
    }

    /// A user's name, for people to read.
    pub(super) fn name_of(&self, user: i64) -> String {
        self.users.get(&user).map_or_else(|| format!("User {user}"), User::name)
    }

    /// Adds a message to a chat and tells the bots that are members. Returns its id.
    pub(super) fn add_message(&mut self, chat: i64, draft: Draft) -> i64 {
        self.ids.message += 1;
        let id = self.ids.message;
        let at_ms = self.now_ms;
        let Some(entry) = self.chats.get_mut(&chat) else { return 0 };
        let session = entry.sessions.last().copied().unwrap_or(0);
        let Draft { author, text, system, reaches_customer, hidden_from_bots, files, keyboard, mid } = draft;
        let (delivered, outside_ids) = (false, Vec::new());
        let message = Message {
            id,
            session,
            author,
            text,
            system,
            reaches_customer,
            files,
            keyboard,
            at_ms,
            mid,
            delivered,
            outside_ids,
        };
        entry.messages.push(message.clone());
        self.tell_connector(chat, &message, "ONIMCONNECTORMESSAGEADD");
        if !system && !hidden_from_bots {
            self.tell_bots(chat, id);
        }
        id
    }

    /// Adds a line that only the staff sees.
    pub(super) fn add_note(&mut self, chat: i64, text: &str) {
        self.add_message(chat, Draft::system(text, false));
    }

    /// Lets something happen later.
    pub(super) fn after(&mut self, seconds: f64, timer: Timer) {
        self.timers.push((Duration::from_secs_f64(seconds.max(0.0)), timer));
    }
}

/// A message that is about to be written.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    pub(super) author: i64,
    pub(super) text: String,
    pub(super) system: bool,
    pub(super) reaches_customer: bool,
    /// Whether the platform keeps it from the bots, because it was a wish to the platform.
    pub(super) hidden_from_bots: bool,
    pub(super) files: Vec<i64>,
    pub(super) keyboard: Option<serde_json::Value>,
    /// The id that a connector gave it.
    pub(super) mid: Option<String>,
}

impl Draft {
    /// What a person or a bot says to everybody in the chat.
    pub(super) fn says(author: i64, text: &str) -> Self {
        Self { author, text: text.to_owned(), reaches_customer: true, ..Self::default() }
    }

    /// What the platform says.
    pub(super) fn system(text: &str, reaches_customer: bool) -> Self {
        Self { text: text.to_owned(), system: true, reaches_customer, ..Self::default() }
    }
}

impl Identity {
    fn new(options: &Options, base: &str) -> Self {
        Self {
            base: base.to_owned(),
            domain: base.split_once("://").map_or(base, |(_, host)| host).to_owned(),
            member_id: format!(
                "{:032x}",
                0xbac1_cd5c_8940_947a_75e0_d71b_u128 + u128::from(options.common.seed)
            ),
            client_id: options.client_id.clone(),
            client_secret: options.client_secret.clone(),
            application_token: options.application_token.clone(),
            webhook_user: options.webhook_user,
            webhook_secret: options.webhook_secret.clone(),
        }
    }
}

impl Default for Ids {
    fn default() -> Self {
        Self {
            user: 598,
            bot: 455,
            line: FIRST_LINE,
            chat: 1774,
            session: 342,
            message: 86_300,
            file: 500,
            command: 41,
            event: 1000,
            binding: 1300,
        }
    }
}
