//! What surrounds the content of every page: navigation, who is signed in, the workspace's plan.

use handoff_model::Plan;

use super::{ConsoleState, access::SignedIn, assets};

/// What the base template needs.
pub(super) struct Shell {
    pub(super) here: &'static str,
    pub(super) user: String,
    pub(super) csrf: String,
    pub(super) plan: String,
    pub(super) style: &'static str,
    pub(super) script: &'static str,
}

impl Shell {
    /// The surroundings of a page of the section `here`.
    pub(super) fn new(state: &ConsoleState, who: &SignedIn, here: &'static str) -> Self {
        Self {
            here,
            user: who.user.clone(),
            csrf: who.csrf.clone(),
            plan: state.runtime.targets().plan.unwrap_or(Plan::Free).to_string(),
            style: assets::style_address(),
            script: assets::script_address(),
        }
    }

    /// Marks the link of the section that is open, for people who hear the page.
    pub(super) fn current(&self, section: &str) -> &'static str {
        if self.here == section { "page" } else { "false" }
    }
}
