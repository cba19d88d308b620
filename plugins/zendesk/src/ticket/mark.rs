//! How far the making of a ticket has come: the checkpoint.

use handoff_sdk::model::{HandoffKey, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mark {
    /// Grows when Zendesk refused a body for good, and only then.
    pub(super) revision: u32,
    /// The bytes that are sent; empty until they are made.
    pub(super) body: String,
    /// The body was sent under the key of this revision, and the answer is not known.
    pub(super) sent: bool,
    /// When the key of this revision was first used.
    pub(super) since: Timestamp,
    /// Zendesk knows the key for another body.
    pub(super) spoilt: bool,
    /// For the receipt.
    pub(super) remarks: Vec<String>,
}

impl Mark {
    /// Reads what an earlier attempt left; none when there is nothing that we could have left.
    pub(super) fn read(checkpoint: Option<&Value>) -> Option<Self> {
        serde_json::from_value(checkpoint?.clone()).ok()
    }

    /// The key under which Zendesk makes this body's ticket once.
    pub(super) fn key(&self, handoff: &HandoffKey) -> String {
        format!("handoff:{handoff}:{}", self.revision)
    }

    /// Goes on with another body, because Zendesk refused the last one for good.
    pub(super) fn revise(&mut self, body: String) {
        *self = Self {
            revision: self.revision + 1,
            body,
            remarks: std::mem::take(&mut self.remarks),
            ..Self::default()
        };
    }

    /// Adds a remark once.
    pub(super) fn remark(&mut self, remark: impl Into<String>) {
        let remark = remark.into();
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }
}
