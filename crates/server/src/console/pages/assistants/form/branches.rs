//! If/Else: its conditions. What happens under each is in the tree.

use handoff_core::assistant::Branch;

use crate::console::fields::Fields;

/// Conditions in their order.
pub(in crate::console::pages::assistants) struct BranchesForm {
    pub(in crate::console::pages::assistants) conditions: Vec<Condition>,
    /// A condition to add; empty when there is none.
    pub(in crate::console::pages::assistants) another: String,
}

/// One condition.
pub(in crate::console::pages::assistants) struct Condition {
    pub(in crate::console::pages::assistants) text: String,
    /// It is to go, with everything under it.
    pub(in crate::console::pages::assistants) remove: bool,
    pub(in crate::console::pages::assistants) problem: Option<String>,
}

impl BranchesForm {
    pub(super) fn stored(branches: &[Branch]) -> Self {
        let conditions = branches.iter().map(|branch| Condition {
            text: branch.condition.clone(),
            remove: false,
            problem: None,
        });
        Self { conditions: conditions.collect(), another: String::new() }
    }

    pub(super) fn typed(fields: &Fields) -> Self {
        let removed: Vec<_> = fields.all("remove").collect();
        let conditions = fields.all("condition").enumerate().map(|(number, text)| Condition {
            text: text.trim().to_owned(),
            remove: removed.contains(&number.to_string().as_str()),
            problem: None,
        });
        Self { conditions: conditions.collect(), another: fields.get("another").trim().to_owned() }
    }

    pub(super) fn write(&mut self, branches: &mut Vec<Branch>) -> bool {
        if self.conditions.len() != branches.len() {
            // A form of another state of this node: the revision tells, and nothing is written.
            return false;
        }
        let mut fits = true;
        for (condition, branch) in self.conditions.iter_mut().zip(branches.iter_mut()) {
            if condition.text.is_empty() && !condition.remove {
                condition.problem = Some("Write a condition, or tick “Remove”.".to_owned());
                fits = false;
            }
            branch.condition.clone_from(&condition.text);
        }
        let mut kept = self.conditions.iter().map(|condition| !condition.remove);
        branches.retain(|_| kept.next().unwrap_or(true));
        if !self.another.is_empty() {
            branches.push(Branch { condition: self.another.clone(), actions: Vec::new() });
        }
        fits
    }
}
