//! Who is chatting.

use serde::{Deserialize, Serialize};

/// The person at the other end of a channel, as far as the channel told us.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Person {
    /// The channel's own name for the person; stable.
    pub id: String,
    /// Name to show.
    pub name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// Language as a BCP 47 tag.
    pub language: Option<String>,
}
