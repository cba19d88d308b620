//! What the kit needs to know of a connector's platform: how to reach it, and what it holds afterwards.

use std::{collections::BTreeMap, sync::Arc};

use futures::future::BoxFuture;
use handoff_model::{
    Content, HandoffKey, Person, Route, Timestamp,
    connector::{Receive, Speaker, TranscriptMessage, Transfer},
};
use serde_json::{Value, json};

/// Values that the host keeps for a connection, by key.
pub type Kept = BTreeMap<String, Value>;

/// One connector with the platform that it is tried against.
pub trait Scenario: Send + Sync + 'static {
    /// Settings of a connection whose platform answers at `base`, such as `http://127.0.0.1:4001`.
    fn settings(&self, base: &str) -> Value;

    /// Every secret of the manifest that is set, by name. The kit looks for these values wherever they must
    /// not be, so let them be at least 8 characters long and unlike anything else.
    fn secrets(&self) -> BTreeMap<String, String>;

    /// A platform as it is before anybody used it. Each case gets one of its own.
    fn platform(&self) -> BoxFuture<'_, Arc<dyn Platform>>;

    /// Whether the connector needs to be installed (verb `install`) before anything else.
    fn installs(&self) -> bool {
        false
    }

    /// Fields for which the connector gives live choices (verb `options`).
    fn fields(&self) -> Vec<String> {
        Vec::new()
    }

    /// Settings that an earlier version of the connector took, as connections out there still have them.
    fn earlier_settings(&self, _base: &str) -> Vec<Value> {
        Vec::new()
    }
}

/// A platform, as the kit plays or relays it.
pub trait Platform: Send + Sync + 'static {
    /// Performs a request and answers it.
    fn answer(&self, request: Request) -> BoxFuture<'_, Answer>;

    /// Everything that the platform made for this handoff, however often it was made. `kept` is what the
    /// connector lets the host keep, for connectors whose platform that is.
    fn chats<'a>(&'a self, key: &'a str, kept: &'a Kept) -> BoxFuture<'a, Vec<Chat>>;

    /// A chat that is to leave with this key; made ready on the platform where it begins there.
    fn transfer<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Transfer> {
        Box::pin(async move { bridge(key) })
    }

    /// What the platform posts to our webhook when the account is set up, after `install` and before anything else.
    fn introductions<'a>(&'a self, _base: &'a str) -> BoxFuture<'a, Vec<Receive>> {
        Box::pin(async { Vec::new() })
    }

    /// What the platform posts to our webhook once live agents have answered in this chat, in order, with the
    /// headers that prove where it comes from. `base` is the address at which the connector knows the platform.
    /// None when it posts nothing.
    fn deliveries<'a>(&'a self, _chat: &'a str, _base: &'a str) -> BoxFuture<'a, Vec<Receive>> {
        Box::pin(async { Vec::new() })
    }

    /// A chat that a person has just begun on a channel of the platform's own, where the assistant answers; none
    /// where there is no such channel.
    fn own_chat(&self) -> BoxFuture<'_, Option<String>> {
        Box::pin(async { None })
    }

    /// What the assistant has said in such a chat, in order.
    fn said<'a>(&'a self, _chat: &'a str) -> BoxFuture<'a, Vec<String>> {
        Box::pin(async { Vec::new() })
    }

    /// What the verb `install` has set up, in any words, the same for the same; none when it cannot be seen.
    fn set_up(&self) -> BoxFuture<'_, Option<String>> {
        Box::pin(async { None })
    }

    /// Whether live agents are there; none when the platform does not know.
    fn attended(&self) -> Option<bool> {
        None
    }
}

/// A request of the connector, as it arrives at the platform.
#[derive(Debug, Clone)]
pub struct Request {
    /// Method.
    pub method: String,
    /// Path with its query, such as `/chats?key=h1`.
    pub path: String,
    /// Headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Body.
    pub body: String,
}

impl Request {
    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }
}

/// What the platform answers.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: String,
}

impl Answer {
    /// An answer of JSON.
    pub fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { status, headers, body: body.to_string() }
    }
}

/// What a platform made for a handoff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chat {
    /// The platform's id of it, as the ticket names it.
    pub id: String,
    /// Whether live agents have it.
    pub held: bool,
    /// What was said in it, in order, in the words of the transcript and of what was carried; none where the
    /// platform had the words before the connector did anything.
    pub words: Option<Vec<String>>,
}

/// What was said before the chat leaves in [`bridge`].
pub const SAID: [&str; 4] = [
    "Where is my parcel?",
    "Which number, please?",
    "It is 12, sent to Zo\u{eb} \u{1f600}",
    "I pass you on.",
];

/// A chat of four messages that leaves by the bridge.
pub fn bridge(key: &str) -> Transfer {
    let message = |(n, text): (usize, &&str)| TranscriptMessage {
        seq: n as u64 + 1,
        speaker: if n % 2 == 0 { Speaker::Person } else { Speaker::Assistant },
        name: if n % 2 == 0 { "Ann" } else { "Helper" }.to_owned(),
        content: Content::text(*text),
        at: Timestamp(1_790_000_000_000 + n as i64),
    };
    Transfer {
        key: HandoffKey::new(key),
        route: Route::Bridge,
        chat: None,
        platform_session: None,
        person: person(key),
        transcript: SAID.iter().enumerate().map(message).collect(),
        options: json!({}),
        checkpoint: None,
    }
}

/// Who chats in the handoff `key`: another person for each.
pub fn person(key: &str) -> Person {
    let (name, email) = (Some("Ann".to_owned()), Some("ann@example.org".to_owned()));
    Person { id: format!("ann-{key}"), name, email, ..Person::default() }
}
