//! Panels in which nothing can be refused; validation says the rest.

use handoff_core::assistant::On;
use handoff_model::NodeId;

use crate::console::fields::Fields;

/// Message Received: phrases, one a line.
pub(in crate::console::pages::assistants) struct PhrasesForm {
    pub(in crate::console::pages::assistants) phrases: String,
    pub(in crate::console::pages::assistants) excluded: String,
    pub(in crate::console::pages::assistants) approximate: bool,
}

impl PhrasesForm {
    pub(super) fn stored(phrases: &[String], excluded: &[String], approximate: bool) -> Self {
        Self { phrases: phrases.join("\n"), excluded: excluded.join("\n"), approximate }
    }

    pub(super) fn typed(fields: &Fields) -> Self {
        Self {
            phrases: fields.lines("phrases").join("\n"),
            excluded: fields.lines("excluded").join("\n"),
            approximate: fields.ticked("approximate"),
        }
    }

    pub(super) fn event(&self) -> On {
        let lines = |text: &str| text.lines().map(str::to_owned).collect();
        On::MessageReceived {
            phrases: lines(&self.phrases),
            excluded: lines(&self.excluded),
            approximate: self.approximate,
        }
    }
}

/// Send Message: texts, one of which is said, and quick replies, one a line.
pub(in crate::console::pages::assistants) struct MessageForm {
    /// The last one is empty: room for one more.
    pub(in crate::console::pages::assistants) texts: Vec<String>,
    pub(in crate::console::pages::assistants) quick_replies: String,
}

impl MessageForm {
    pub(super) fn stored(texts: &[String], quick_replies: &[String]) -> Self {
        let texts = texts.iter().cloned().chain([String::new()]).collect();
        Self { texts, quick_replies: quick_replies.join("\n") }
    }

    pub(super) fn typed(fields: &Fields) -> Self {
        let texts: Vec<_> =
            fields.all("text").filter(|text| !text.trim().is_empty()).map(str::to_owned).collect();
        Self::stored(&texts, &fields.lines("quick_replies"))
    }

    pub(super) fn texts(&self) -> Vec<String> {
        self.texts.iter().filter(|text| !text.trim().is_empty()).cloned().collect()
    }

    pub(super) fn replies(&self) -> Vec<String> {
        self.quick_replies.lines().map(str::to_owned).collect()
    }
}

/// Set Chat Variable.
pub(in crate::console::pages::assistants) struct VariableForm {
    pub(in crate::console::pages::assistants) name: String,
    pub(in crate::console::pages::assistants) value: String,
}

impl VariableForm {
    pub(super) fn typed(fields: &Fields) -> Self {
        Self { name: fields.get("name").trim().to_owned(), value: fields.get("value").trim().to_owned() }
    }
}

/// Jump.
pub(in crate::console::pages::assistants) struct JumpForm {
    pub(in crate::console::pages::assistants) to: String,
}

impl JumpForm {
    pub(super) fn typed(fields: &Fields) -> Self {
        Self { to: fields.get("to").to_owned() }
    }

    pub(super) fn to(&self) -> NodeId {
        NodeId::new(self.to.clone())
    }
}
