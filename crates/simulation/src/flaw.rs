//! Rules broken on purpose, so that it is known that the simulation notices.

use std::{fmt, str::FromStr};

/// A rule that is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// The store forgets the keys of events.
    ForgetsKeys,
    /// Effects are stored after the commit that they belong to, and not with it.
    SplitsCommits,
    /// Now and then an effect is not stored.
    DropsEffects,
    /// What nobody finds at once counts as not there.
    AbsentAtOnce,
    /// A transfer counts as accepted when it is asked for.
    AcceptsEarly,
    /// What is carried is not encrypted.
    Unsealed,
    /// A backup that is put back counts as what is so now: nothing is in doubt.
    TrustsBackups,
}

impl Flaw {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::ForgetsKeys,
        Self::SplitsCommits,
        Self::DropsEffects,
        Self::AbsentAtOnce,
        Self::AcceptsEarly,
        Self::Unsealed,
        Self::TrustsBackups,
    ];
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ForgetsKeys => "forgets-keys",
            Self::SplitsCommits => "splits-commits",
            Self::DropsEffects => "drops-effects",
            Self::AbsentAtOnce => "absent-at-once",
            Self::AcceptsEarly => "accepts-early",
            Self::Unsealed => "unsealed",
            Self::TrustsBackups => "trusts-backups",
        })
    }
}

impl FromStr for Flaw {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|flaw| flaw.to_string() == name);
        known.ok_or_else(|| {
            format!("there is no flaw {name}; there are {}", Self::ALL.map(|f| f.to_string()).join(", "))
        })
    }
}
