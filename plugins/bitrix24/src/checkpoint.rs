//! Where a transfer goes, and how far it has come.

use handoff_sdk::{
    ConnectorError, Result,
    model::{
        TicketRef,
        connector::{Transfer, Transferred},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{chat::Standing, settings::Settings, wire};

/// To whom a session is passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub(crate) enum Target {
    /// The queue of the open channel it is in. Asking twice is harmless: what no bot holds is refused.
    Queue,
    /// The queue of another open channel. Asking twice starts that queue anew.
    Line(u64),
    /// One person first, then the queue. Asking twice offers the session again.
    Person(u64),
}

impl Target {
    /// What the author chose beside the platform, then what the operator set.
    ///
    /// # Errors
    /// [`ConnectorError::Refused`] when a choice is not a number.
    pub(crate) fn chosen(options: &Value, settings: &Settings) -> Result<Self> {
        let person = choice(options, "user")?.map(Self::Person);
        let line = choice(options, "line")?.or(settings.line).map(Self::Line);
        Ok(person.or(line).unwrap_or(Self::Queue))
    }

    /// The same target, for a session that already is in this open channel.
    pub(crate) fn within(self, line: Option<u64>) -> Self {
        match self {
            Self::Line(wanted) if Some(wanted) == line => Self::Queue,
            target => target,
        }
    }

    /// The parameters of `imopenlines.bot.session.transfer`; none where its sister method passes on.
    pub(crate) fn parameters(self, chat: u64) -> Option<Value> {
        match self {
            Self::Queue => None,
            Self::Line(line) => Some(json!({ "CHAT_ID": chat, "QUEUE_ID": line })),
            Self::Person(user) => Some(json!({ "CHAT_ID": chat, "USER_ID": user, "LEAVE": "Y" })),
        }
    }
}

/// A number that the author chose.
///
/// # Errors
/// [`ConnectorError::Refused`] when it is none.
pub(crate) fn choice(options: &Value, name: &str) -> Result<Option<u64>> {
    match &options[name] {
        Value::Null => Ok(None),
        Value::String(text) if text.trim().is_empty() => Ok(None),
        given => wire::id(given).map(Some).ok_or_else(|| ConnectorError::Refused {
            detail: format!("the option {name} must be the number of a Bitrix24 {name}"),
        }),
    }
}

/// How far a transfer has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    /// The session that is passed on.
    pub(crate) session: Option<String>,
    /// To whom.
    pub(crate) target: Target,
    /// The operators' summary was said, or at least begun: it is not said twice.
    #[serde(default)]
    pub(crate) noted: bool,
    /// The newest message before the portal was asked for the first time.
    pub(crate) last_message: u64,
    /// The portal has said yes, or the session was found passed on.
    pub(crate) asked: bool,
    /// A live agent had accepted the session when we looked.
    pub(crate) held: bool,
    /// For the receipt.
    pub(crate) remarks: Vec<String>,
}

impl Checkpoint {
    /// Where a first attempt begins.
    pub(crate) fn begin(seen: &Standing, target: Target) -> Self {
        Self {
            session: seen.session.clone(),
            target: target.within(seen.line),
            noted: false,
            last_message: seen.last_message,
            asked: false,
            held: seen.owner.is_some(),
            remarks: Vec::new(),
        }
    }

    /// What an earlier attempt left.
    pub(crate) fn of(transfer: &Transfer) -> Option<Self> {
        serde_json::from_value(transfer.checkpoint.clone()?).ok()
    }

    /// Falls back to the target that can be asked for again without harm.
    pub(crate) fn fall_back(&mut self, remark: &str) {
        self.target = Target::Queue;
        self.remarks.push(remark.to_owned());
    }

    /// Marks the session as passed on.
    pub(crate) fn done(mut self, held: bool) -> Self {
        self.asked = true;
        self.held = held;
        self
    }

    /// What the host is told.
    pub(crate) fn transferred(self, chat: u64) -> Transferred {
        let ticket = TicketRef { chat: chat.to_string(), label: self.session, url: None };
        Transferred { ticket, queued: !self.held, remarks: self.remarks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::portal;

    #[test]
    fn the_author_goes_before_the_operator_and_a_person_before_a_line() {
        let plain = portal().settings;
        let with_line = Settings { line: Some(30), ..plain.clone() };
        let cases = [
            (json!({}), &plain, Some(Target::Queue)),
            (json!(null), &plain, Some(Target::Queue)),
            (json!({ "tags": ["vip"], "line": "" }), &plain, Some(Target::Queue)),
            (json!({}), &with_line, Some(Target::Line(30))),
            (json!({ "line": "31" }), &with_line, Some(Target::Line(31))),
            (json!({ "line": 31, "user": 27 }), &with_line, Some(Target::Person(27))),
            (json!({ "line": "sales" }), &plain, None),
            (json!({ "user": -1 }), &plain, None),
        ];
        for (options, settings, expected) in cases {
            assert_eq!(Target::chosen(&options, settings).ok(), expected, "{options}");
        }
    }

    #[test]
    fn a_session_that_is_in_the_line_already_goes_to_its_queue() {
        assert_eq!(Target::Line(22).within(Some(22)), Target::Queue);
        assert_eq!(Target::Line(22).within(Some(23)), Target::Line(22));
        assert_eq!(Target::Line(22).within(None), Target::Line(22));
    }

    #[test]
    fn a_checkpoint_is_read_back_as_it_was_written() {
        for target in [Target::Queue, Target::Line(3), Target::Person(4)] {
            let point = Checkpoint {
                session: Some("343".into()),
                target,
                noted: true,
                last_message: 9,
                asked: true,
                held: false,
                remarks: vec!["x".into()],
            };
            assert_eq!(serde_json::from_value::<Checkpoint>(json!(point)).unwrap(), point);
        }
    }
}
