//! What an API key allows.

use std::{fmt, str::FromStr};

use handoff_model::ChannelId;

/// One thing that an API key allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Chatting over this API channel.
    Channel(ChannelId),
    /// Reading and changing everything else.
    Admin,
}

/// A text that names no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown scope {0:?}; scopes are `admin` and `channel:<id>`")]
pub struct UnknownScope(String);

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None if text == "admin" => Ok(Self::Admin),
            Some(("channel", id)) if !id.is_empty() => Ok(Self::Channel(ChannelId::new(id))),
            _ => Err(UnknownScope(text.to_owned())),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Channel(id) => write!(f, "channel:{id}"),
            Self::Admin => f.write_str("admin"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_written_as_it_is_read_and_anything_else_is_refused() {
        for text in ["admin", "channel:web", "channel:a:b"] {
            let read: Result<Scope, _> = text.parse();
            assert_eq!(read.map(|scope| scope.to_string()).as_deref(), Ok(text));
        }
        for text in ["", "Admin", "channel", "channel:", "admin:web", "conversation:x"] {
            assert_eq!(text.parse::<Scope>(), Err(UnknownScope(text.to_owned())));
        }
    }
}
