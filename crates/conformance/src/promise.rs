//! The seven promises, as a failure names them.

use std::fmt;

/// One of the promises that the server makes to people, and cannot keep without its connectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Promise {
    /// One holder.
    P1,
    /// Nothing lost.
    P2,
    /// Nothing doubled.
    P3,
    /// The truth.
    P4,
    /// Sealed.
    P5,
    /// Mute.
    P6,
    /// Survives.
    P7,
}

impl Promise {
    /// What it says.
    pub fn title(self) -> &'static str {
        match self {
            Self::P1 => "one holder",
            Self::P2 => "nothing lost",
            Self::P3 => "nothing doubled",
            Self::P4 => "the truth",
            Self::P5 => "sealed",
            Self::P6 => "mute",
            Self::P7 => "survives",
        }
    }
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?} {}", self.title())
    }
}
