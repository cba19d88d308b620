//! What the person is told about a handoff, outcome by outcome.

use handoff_model::Route;
use serde::{Deserialize, Serialize};

/// What became of a handoff, as far as the person is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The action fired; nobody has been asked yet.
    Asked,
    /// The team has the chat. Not that a person is there.
    Accepted,
    /// The team has the chat, and it waits in a queue.
    Queued,
    /// It takes longer than it should, and nobody knows yet how it ends.
    Delayed,
    /// One way failed, and the next one is tried.
    FallenBack,
    /// No live agent is there, and the platform was not asked to take the chat; the assistant goes on.
    NobodyThere,
    /// The chat could not be given to the team; the assistant goes on.
    Failed,
    /// The team closed the chat.
    Closed,
}

impl Outcome {
    /// Every outcome, in the order in which they may come.
    pub const ALL: [Self; 8] = [
        Self::Asked,
        Self::Accepted,
        Self::Queued,
        Self::Delayed,
        Self::FallenBack,
        Self::NobodyThere,
        Self::Failed,
        Self::Closed,
    ];

    /// The outcome in one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Accepted => "accepted",
            Self::Queued => "queued",
            Self::Delayed => "delayed",
            Self::FallenBack => "fallen_back",
            Self::NobodyThere => "nobody_there",
            Self::Failed => "failed",
            Self::Closed => "closed",
        }
    }

    fn default_text(self, route: Route) -> &'static str {
        match self {
            Self::Asked if route == Route::Ticket => "I am writing this down for our team.",
            Self::Accepted | Self::Queued if route == Route::Ticket => {
                "Our team has your request and will get back to you. You can go on chatting with me."
            }
            Self::Asked => "I am asking our team to take over this chat.",
            Self::Accepted => "Our team has your chat now.",
            Self::Queued => "Our team has your chat now. You are in the queue.",
            Self::Delayed => {
                "Passing your chat on is taking longer than it should. You can keep writing; nothing you write is lost."
            }
            Self::FallenBack => "That way is closed just now. I am trying another one to reach our team.",
            Self::NobodyThere => "Nobody of our team is there just now.",
            Self::Failed => "I could not reach our team just now.",
            Self::Closed => "Our team has closed this chat.",
        }
    }
}

/// An author's choice for one outcome: words of their own, or declared silence (`false`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Words {
    /// These words.
    Say(String),
    /// `false`: nothing is said.
    Silent(Silence),
}

/// The JSON value `false`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "bool", into = "bool")]
pub struct Silence;

impl TryFrom<bool> for Silence {
    type Error = &'static str;

    fn try_from(value: bool) -> Result<Self, Self::Error> {
        if value { Err("write a text, or false for silence") } else { Ok(Self) }
    }
}

impl From<Silence> for bool {
    fn from(_: Silence) -> Self {
        false
    }
}

/// What the person is told, by outcome; what is left out is said in default words.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Texts {
    /// Said when the action fires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<Words>,
    /// Said once the platform has taken the chat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Words>,
    /// Said instead of *accepted* when the platform says that the chat waits in a queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queued: Option<Words>,
    /// Said once when the time is up and nobody knows how it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delayed: Option<Words>,
    /// Said when one way failed and the next one is tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallen_back: Option<Words>,
    /// Said when no live agent is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nobody_there: Option<Words>,
    /// Said when it failed for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<Words>,
    /// Said when the platform closed a chat that was carried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed: Option<Words>,
}

impl Texts {
    /// What its author chose for an outcome; none: the default words.
    pub fn chosen(&self, outcome: Outcome) -> Option<&Words> {
        match outcome {
            Outcome::Asked => &self.asked,
            Outcome::Accepted => &self.accepted,
            Outcome::Queued => &self.queued,
            Outcome::Delayed => &self.delayed,
            Outcome::FallenBack => &self.fallen_back,
            Outcome::NobodyThere => &self.nobody_there,
            Outcome::Failed => &self.failed,
            Outcome::Closed => &self.closed,
        }
        .as_ref()
    }

    /// Chooses for an outcome; none: the default words.
    pub fn choose(&mut self, outcome: Outcome, words: Option<Words>) {
        let place = match outcome {
            Outcome::Asked => &mut self.asked,
            Outcome::Accepted => &mut self.accepted,
            Outcome::Queued => &mut self.queued,
            Outcome::Delayed => &mut self.delayed,
            Outcome::FallenBack => &mut self.fallen_back,
            Outcome::NobodyThere => &mut self.nobody_there,
            Outcome::Failed => &mut self.failed,
            Outcome::Closed => &mut self.closed,
        };
        *place = words;
    }

    /// What to say for an outcome of a handoff by this route; none when silence was declared.
    pub fn say(&self, outcome: Outcome, route: Route) -> Option<&str> {
        match self.chosen(outcome) {
            Some(Words::Say(text)) => Some(text),
            Some(Words::Silent(_)) => None,
            None => Some(outcome.default_text(route)),
        }
    }

    /// Every text an author wrote, with the name of its outcome.
    pub fn written(&self) -> impl Iterator<Item = (&'static str, &str)> {
        Outcome::ALL.into_iter().filter_map(|outcome| match self.chosen(outcome) {
            Some(Words::Say(text)) => Some((outcome.name(), text.as_str())),
            _ => None,
        })
    }
}
