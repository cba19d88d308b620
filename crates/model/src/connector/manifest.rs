//! What a connector says about itself, readable without running it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Choice;
use crate::{ConnectorId, Plan, Route};

/// A connector's description of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Its id: lower-case letters, digits and `_`, at most 40.
    pub id: ConnectorId,
    /// Its version, as semantic versioning.
    pub version: String,
    /// Name for people, such as `Zendesk`.
    pub name: String,
    /// Major and minor number of the plugin edge it was built for.
    pub abi: [u32; 2],
    /// Number of the JSON model it speaks.
    pub model: u32,
    /// Host features it cannot do without, such as `http.send/1`.
    #[serde(default)]
    pub requires: Vec<String>,
    /// Hosts it wants to call; `*.` stands for any subdomain, `{setting}` for a setting's value.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Secrets it works with.
    #[serde(default)]
    pub secrets: Vec<SecretField>,
    /// Lowest plan that it asks for; the server's own table goes first.
    #[serde(default)]
    pub plan: Option<Plan>,
    /// How many requests a platform takes from one connection, where that is known.
    #[serde(default)]
    pub quota: Option<Quota>,
    /// What it can do.
    pub capabilities: Capabilities,
    /// JSON Schema of its settings.
    pub settings: serde_json::Value,
}

/// How many requests one connection may send: a leaky bucket, and a number at once.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// Requests a second that the platform takes over time.
    pub per_second: f64,
    /// Requests that it takes at once, after a pause, beyond that rate.
    pub burst: u32,
    /// Requests that may be under way at once.
    pub at_once: u32,
}

impl Quota {
    /// Why nothing could be sent under it; none when it makes sense.
    pub fn problem(&self) -> Option<&'static str> {
        if !(self.per_second.is_finite() && self.per_second > 0.0) {
            return Some("per_second must be a number above 0");
        }
        if self.burst == 0 || self.at_once == 0 {
            return Some("burst and at_once must be at least 1");
        }
        None
    }
}

/// A secret that an operator has to provide.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SecretField {
    /// Name by which requests refer to it.
    pub name: String,
    /// Name for people.
    pub title: String,
    /// Where to find it.
    #[serde(default)]
    pub help: String,
    /// What it is for, in a word or two: fields of one group stand together.
    #[serde(default)]
    pub group: String,
    /// Whether the connector works without it.
    #[serde(default)]
    pub optional: bool,
}

/// What a connector can do.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Capabilities {
    /// Set when persons can be talked to over the platform's own channel.
    pub channel: Option<ChannelLimits>,
    /// Routes by which it can take a chat.
    pub routes: Vec<Route>,
    /// Optional secrets without which a route cannot be taken; a connection that lacks one is not offered for it.
    pub route_secrets: BTreeMap<Route, Vec<String>>,
    /// Whether the platform delivers an event again when we answer with a failure.
    pub redelivers: bool,
    /// Longest time for which the platform may still work on a request whose answer was lost, in
    /// milliseconds: *surely not there* counts only after it.
    pub settle_ms: u64,
    /// Whether a text may follow a native transfer.
    pub speaks_after_transfer: bool,
    /// Whether the host is to call `poll` again and again.
    pub polls: bool,
    /// Whether somebody can allow the connection at the platform (`authorise`).
    pub authorises: bool,
    /// Whether it can say if live agents are there.
    pub availability: bool,
    /// What an author can choose beside the platform: the members of an action's `options`.
    pub options: Vec<OptionField>,
}

/// A member of an action's `options`, so that it can be shown as a field and checked before it is used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OptionField {
    /// Name of the member: lower-case letters, digits and `_`, at most 40.
    pub name: String,
    /// Name for people.
    pub title: String,
    /// What it does.
    #[serde(default)]
    pub help: String,
    /// What it holds.
    pub kind: OptionKind,
    /// Routes on which it means something; empty: on every one.
    #[serde(default)]
    pub routes: Vec<Route>,
    /// Whether the verb `options` lists what can be chosen.
    #[serde(default)]
    pub live: bool,
    /// What can be chosen, when that is the same for every account.
    #[serde(default)]
    pub among: Vec<Choice>,
}

impl OptionField {
    /// Whether it means something for a ticket, or else for a chat.
    pub fn fits(&self, ticket: bool) -> bool {
        self.routes.is_empty() || self.routes.iter().any(|route| (*route == Route::Ticket) == ticket)
    }
}

/// What an option holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptionKind {
    /// A line of text.
    Text,
    /// One of a list.
    Choice,
    /// Some words.
    Words,
    /// Values by field; the list is one of fields.
    Fields,
}

impl OptionKind {
    /// Whether a value is of this kind. A number is as good as its digits.
    pub fn holds(self, value: &serde_json::Value) -> bool {
        let word = |value: &serde_json::Value| value.is_string() || value.is_number();
        match self {
            Self::Text | Self::Choice => word(value),
            Self::Words => word(value) || value.as_array().is_some_and(|words| words.iter().all(word)),
            Self::Fields => value.is_object(),
        }
    }
}

/// What the platform's own channel carries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChannelLimits {
    /// Longest text in UTF-16 units.
    pub text_units: usize,
    /// Whether quick replies are shown as buttons; otherwise they are written out.
    pub quick_replies: bool,
}
