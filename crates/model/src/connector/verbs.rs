//! The request and the answer of each verb.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::event::PlatformEvent;
use crate::{Content, HandoffKey, Person, Route, TicketRef, Timestamp};

/// `check`: what a look at the account found. No finding means that all is well.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Check {
    /// What is missing or wrong.
    pub findings: Vec<Finding>,
}

/// Something about the account that a person has to mend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Whether chats can leave all the same.
    pub only_a_warning: bool,
    /// What is the matter, in the platform's own words.
    pub problem: String,
    /// What to do about it, and where.
    pub remedy: String,
}

/// `install`: sets up what the platform needs to reach us. Idempotent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Install {
    /// Address under which the platform reaches this connection's webhook, without a final slash.
    pub webhook_url: String,
    /// An operator asked for it. Otherwise the server only began to serve the connection: what an account needs
    /// once is left as it is.
    #[serde(default)]
    pub asked: bool,
    /// Whether an assistant of this server is to answer on the platform's own channels. Absent where the server does not
    /// say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<bool>,
}

/// What `install` set up.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Installed {
    /// Lines for the operator.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Secrets that the platform gave, by their names in the manifest. The host keeps them in place of the ones it
    /// has.
    #[serde(default)]
    pub secrets: BTreeMap<String, String>,
}

impl fmt::Debug for Installed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secrets: Vec<_> = self.secrets.keys().collect();
        f.debug_struct("Installed").field("notes", &self.notes).field("secrets", &secrets).finish()
    }
}

/// `authorise`: somebody of the platform's account lets the connection act in their name, at the platform itself.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Authorise {
    /// Where is the browser to go?
    Begin {
        /// Where the platform is to send it back.
        redirect_url: String,
        /// What the platform has to give back with it.
        state: String,
    },
    /// The browser came back with a code.
    Finish {
        /// The address from the beginning.
        redirect_url: String,
        /// The code.
        code: String,
    },
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Authorised {
    /// Where the browser is to go, at the beginning.
    #[serde(default)]
    pub url: String,
    /// Lines for the operator.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// `receive`: a request that somebody, perhaps the platform, sent to the connection's webhook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Receive {
    /// HTTP method.
    pub method: String,
    /// What follows the connection's webhook address, without a leading slash.
    pub path: String,
    /// Query string as it came.
    pub query: String,
    /// Headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body; a body that is not UTF-8 is refused before it gets here.
    pub body: String,
    /// When it arrived.
    pub at: Timestamp,
}

/// What `receive` made of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Received {
    /// Status to answer with once everything is stored.
    pub status: u16,
    /// Body to answer with.
    #[serde(default)]
    pub body: String,
    /// What happened, in the order of the request.
    pub events: Vec<PlatformEvent>,
}

/// `poll`: asks the platform for events since a cursor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Poll {
    /// What the previous poll gave; none at first.
    pub cursor: Option<Value>,
    /// Chats that this connection carries just now, by the key of their handoff, the latest first. A platform that
    /// tells of an event only once is asked about these for what did not arrive.
    #[serde(default)]
    pub open: Vec<HandoffKey>,
}

/// What `poll` found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Polled {
    /// What happened, in order.
    pub events: Vec<PlatformEvent>,
    /// Where to go on; stored only after the events are.
    pub cursor: Option<Value>,
    /// How long to wait before the next poll, in milliseconds.
    pub wait_ms: u64,
}

/// `send`: a message to the person on the platform's own channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Send {
    /// The platform's id of the chat.
    pub chat: String,
    /// Equal for every attempt to send the same message.
    pub key: String,
    /// What to say.
    pub content: Content,
    /// An earlier attempt may have arrived: look before sending, and if that is impossible do not send.
    pub maybe_sent: bool,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Sent {
    /// The platform's ids of what it was sent as; empty when that is not known.
    pub external_ids: Vec<String>,
    /// It may or may not have arrived, and nobody can tell.
    #[serde(default)]
    pub unknown: bool,
    /// What the platform would not take and what stands in its place, in plain words.
    #[serde(default)]
    pub replaced: Option<String>,
}

/// `transfer`: gives the chat to live agents, once for each key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transfer {
    /// The handoff's key.
    pub key: HandoffKey,
    /// How the chat leaves.
    pub route: Route,
    /// The platform's id of the chat; only on the native route.
    pub chat: Option<String>,
    /// The platform's session within the chat; only on the native route, when it has one.
    #[serde(default)]
    pub platform_session: Option<String>,
    /// Who is chatting.
    pub person: Person,
    /// What was said so far, in order.
    pub transcript: Vec<TranscriptMessage>,
    /// What the author chose beside the platform.
    #[serde(default)]
    pub options: Value,
    /// What the last finished step left, when an earlier attempt got that far.
    #[serde(default)]
    pub checkpoint: Option<Value>,
}

/// One message of a transcript.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TranscriptMessage {
    /// Its place in the conversation.
    pub seq: u64,
    /// Who said it.
    pub speaker: Speaker,
    /// Name to show for the speaker.
    pub name: String,
    /// What was said.
    pub content: Content,
    /// When.
    pub at: Timestamp,
}

/// Who said a message of a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// The person.
    Person,
    /// The assistant, or a text of the handoff itself.
    Assistant,
}

/// The platform took the chat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transferred {
    /// The platform's name for it.
    pub ticket: TicketRef,
    /// Whether it waits in a queue rather than with a person, when the platform says so.
    #[serde(default)]
    pub queued: bool,
    /// Remarks for the receipt, such as a text that had to be shortened.
    #[serde(default)]
    pub remarks: Vec<String>,
}

/// `find`: what an earlier transfer with this key left behind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Find {
    /// The transfer as it was asked for.
    pub transfer: Transfer,
}

/// What `find` found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "found", rename_all = "snake_case")]
pub enum Found {
    /// The platform holds the chat.
    There(Transferred),
    /// Part of the recipe is done; a transfer with this checkpoint goes on from there.
    Partly {
        /// Where to go on.
        checkpoint: Value,
        /// Going on cannot double anything even while the lost call is still under way.
        safe_now: bool,
        /// The platform holds the chat already, and what is missing is on our side only: the handoff must not
        /// fail any more.
        #[serde(default)]
        held: bool,
        /// Live agents may have something of the chat that `find` cannot see and `withdraw` cannot take back: the
        /// handoff must not fail by itself, because two would have the chat then. A person decides.
        #[serde(default)]
        unseen: bool,
    },
    /// Nothing is there.
    Absent {
        /// Beginning anew cannot double anything even while the lost call is still under way.
        safe_now: bool,
    },
    /// The platform cannot tell.
    Unknown {
        /// Why.
        detail: String,
    },
}

/// `withdraw`: takes back what an attempt left behind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Withdraw {
    /// The transfer as it was asked for, with its last checkpoint.
    pub transfer: Transfer,
}

/// What `withdraw` did.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Withdrawn {
    /// What was taken back and what had to stay, for the receipt.
    pub remarks: Vec<String>,
}

/// `forward`: the person's later words to the platform, on the bridge route.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Forward {
    /// The handoff's key.
    pub handoff: HandoffKey,
    /// The platform's name for the chat.
    pub ticket: TicketRef,
    /// The transfer's last checkpoint.
    #[serde(default)]
    pub checkpoint: Option<Value>,
    /// Who is chatting.
    pub person: Person,
    /// Place in the conversation; equal for every attempt to forward the same words.
    pub seq: u64,
    /// The words.
    pub content: Content,
    /// An earlier attempt may have arrived: look before sending.
    pub maybe_sent: bool,
}

/// `fetch`: the bytes of an attachment that only the connector can get.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fetch {
    /// Where they are, as an event said.
    pub address: String,
}

/// What `fetch` got.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fetched {
    /// Name of the blob that the host keeps.
    pub blob: String,
    /// Media type, as the platform says.
    pub media_type: String,
}

/// `availability`: whether live agents are there who would get a chat with these options.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AskAvailability {
    /// What the author chose beside the platform.
    #[serde(default)]
    pub options: Value,
}

/// Whether live agents are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// Somebody is there.
    Yes,
    /// Nobody is there.
    No,
    /// The platform does not say.
    Unknown,
}

/// `options`: live choices for a settings or routing field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// Name of the field.
    pub field: String,
}

/// One choice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// What is stored.
    pub value: String,
    /// What is shown.
    pub label: String,
}
