//! What a page says of something that was done, or was not.

/// A line at the top: what was done, or why not.
pub(in crate::console) struct Notice {
    pub(in crate::console) tone: &'static str,
    pub(in crate::console) text: String,
}

impl Notice {
    /// Something was done.
    pub(in crate::console) fn good(text: impl Into<String>) -> Self {
        Self { tone: "good", text: text.into() }
    }

    /// Something was not done.
    pub(in crate::console) fn bad(text: impl Into<String>) -> Self {
        Self { tone: "bad", text: text.into() }
    }
}
