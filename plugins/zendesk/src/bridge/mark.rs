//! How far a transfer has come: the checkpoint.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The last thing that is known to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// Nothing yet.
    #[default]
    Begun,
    /// The user is there.
    User,
    /// The conversation is there.
    Conversation,
    /// Control is ours; lines are being posted.
    Posting,
    /// All lines are posted, and control may have been passed to the live agents.
    Passing,
    /// The live agents have control.
    Passed,
    /// Control is offered to us, so that we hear what happens. Nothing is left to do.
    Offered,
}

/// The checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Mark {
    pub(crate) step: Step,
    /// Id of the user.
    pub(crate) user: String,
    /// Id of the conversation.
    pub(crate) conversation: String,
    /// How many lines are posted, from the first on.
    pub(crate) posted: usize,
    /// Id of the first line.
    pub(crate) first: String,
    /// For the receipt.
    pub(crate) remarks: Vec<String>,
}

impl Mark {
    /// Reads what an earlier attempt left; none when there is nothing that we could have left.
    pub(crate) fn read(checkpoint: Option<&Value>) -> Option<Self> {
        let checkpoint = checkpoint.filter(|checkpoint| checkpoint["step"].is_string())?;
        let mark: Self = serde_json::from_value(checkpoint.clone()).ok()?;
        let whole = (mark.step < Step::User || !mark.user.is_empty())
            && (mark.step < Step::Conversation || !mark.conversation.is_empty());
        whole.then_some(mark)
    }

    /// Adds a remark once.
    pub(crate) fn remark(&mut self, remark: impl Into<String>) {
        let remark = remark.into();
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_checkpoint_is_read_back_as_it_was_written() {
        let mark = Mark {
            step: Step::Posting,
            user: "u".into(),
            conversation: "c".into(),
            posted: 3,
            ..Mark::default()
        };
        assert_eq!(Mark::read(Some(&json!(mark))), Some(mark));
    }

    #[test]
    fn what_we_could_not_have_left_is_no_checkpoint() {
        for other in
            [json!(null), json!([]), json!({ "step": "flying" }), json!({ "step": "passed", "user": "u" })]
        {
            assert_eq!(Mark::read(Some(&other)), None, "{other}");
        }
    }
}
