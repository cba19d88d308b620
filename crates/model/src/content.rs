//! What a message says.

use serde::{Deserialize, Serialize};

/// What one message says: text, choices to pick from, files.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Content {
    /// Plain text with Markdown links; empty when only files are sent.
    pub text: String,
    /// Answers offered to the person, at most 13.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub quick_replies: Vec<String>,
    /// Files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
}

impl Content {
    /// A message of text alone.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.text.trim().is_empty() && self.attachments.is_empty()
    }
}

/// A file that goes with a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// File name, for people.
    pub name: String,
    /// Media type, such as `image/png`.
    pub media_type: String,
    /// Where the bytes are.
    pub source: Source,
}

/// Where the bytes of an attachment are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Anybody can fetch them from this address.
    Url(String),
    /// Only the connection's connector can fetch them, from this address, by its `fetch` verb.
    Platform(String),
    /// The server keeps them under this name.
    Blob(String),
}
