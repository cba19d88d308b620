//! Plans of a workspace, lowest first.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What a workspace pays for. A platform asks for a lowest plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    /// No charge.
    Free,
    /// The smallest paid plan.
    Lite,
    /// For teams.
    Pro,
    /// Opens Zendesk by default.
    Total,
    /// Opens Bitrix24 by default.
    Enterprise,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Free => "Free",
            Self::Lite => "Lite",
            Self::Pro => "Pro",
            Self::Total => "Total",
            Self::Enterprise => "Enterprise",
        })
    }
}

/// A word that names no plan.
#[derive(Debug, thiserror::Error)]
#[error("unknown plan {0:?}; the plans are free, lite, pro, total and enterprise")]
pub struct UnknownPlan(String);

impl FromStr for Plan {
    type Err = UnknownPlan;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word.to_ascii_lowercase().as_str() {
            "free" => Ok(Self::Free),
            "lite" => Ok(Self::Lite),
            "pro" => Ok(Self::Pro),
            "total" => Ok(Self::Total),
            "enterprise" => Ok(Self::Enterprise),
            _ => Err(UnknownPlan(word.to_owned())),
        }
    }
}
