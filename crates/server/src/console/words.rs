//! Words for what the store keeps in short names.

use handoff_model::{Delivery, Person, Route, Timestamp};

/// A point in time, for people and for machines.
pub(super) struct Moment {
    pub(super) text: String,
    pub(super) iso: String,
}

impl From<Timestamp> for Moment {
    fn from(time: Timestamp) -> Self {
        let text = time.to_string();
        Self { iso: text.replace(" UTC", "Z").replace(' ', "T"), text }
    }
}

/// A word with the tone in which it is shown: `good`, `busy`, `bad` or `calm`.
pub(super) struct Badge {
    pub(super) text: &'static str,
    pub(super) tone: &'static str,
}

/// Who answers the next message.
pub(super) fn held_by(word: &str) -> Badge {
    match word {
        "session" => Badge { text: "Held by the assistant", tone: "calm" },
        "handoff" => Badge { text: "Transfer under way", tone: "busy" },
        "platform" => Badge { text: "Held by the platform", tone: "good" },
        "taken" => Badge { text: "Taken by the platform", tone: "good" },
        _ => Badge { text: "Held by nobody", tone: "calm" },
    }
}

/// Every state of a handoff by its stored name, in the order of its life.
pub(super) const HANDOFF_STATES: [&str; 8] = handoff_core::handoff::HandoffState::NAMES;

/// Where a handoff stands.
pub(super) fn handoff_state(name: &str) -> Badge {
    match name {
        "requested" => Badge { text: "Requested", tone: "busy" },
        "waiting" => Badge { text: "Waiting", tone: "busy" },
        "transferring" => Badge { text: "Transferring", tone: "busy" },
        "in_doubt" => Badge { text: "In doubt", tone: "bad" },
        "accepted" => Badge { text: "Accepted", tone: "good" },
        "carrying" => Badge { text: "Accepted, chat open", tone: "good" },
        "closed" => Badge { text: "Closed by the team", tone: "calm" },
        "failed" => Badge { text: "Failed", tone: "bad" },
        _ => Badge { text: "Unknown", tone: "calm" },
    }
}

/// How a chat leaves.
pub(super) fn route(route: Route) -> &'static str {
    match route {
        Route::Native => "Native: the chat already was on the platform",
        Route::Bridge => "Bridge: words are carried between our channel and the platform",
        Route::Ticket => "Ticket: the transcript as a ticket",
    }
}

/// Whether what was said reached the person.
pub(super) fn delivery(delivery: Delivery) -> Badge {
    match delivery {
        Delivery::Pending => Badge { text: "On its way", tone: "busy" },
        Delivery::Delivered => Badge { text: "Delivered", tone: "good" },
        Delivery::Undelivered => Badge { text: "Not delivered", tone: "bad" },
        Delivery::Unknown => Badge { text: "Delivery unknown", tone: "bad" },
    }
}

/// What to call a person.
pub(super) fn person(person: &Person) -> String {
    let known = [person.name.as_deref(), person.email.as_deref(), person.phone.as_deref()];
    let known = known.into_iter().flatten().find(|name| !name.trim().is_empty());
    known.map_or_else(unnamed, str::to_owned)
}

/// What to call somebody of whom no name is known.
pub(super) fn unnamed() -> String {
    "Unnamed person".to_owned()
}

/// The beginning of a text, in one line.
pub(super) fn brief(text: &str, longest: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= longest {
        return line;
    }
    let mut short: String = line.chars().take(longest.saturating_sub(1)).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_readable_by_both() {
        let moment = Moment::from(Timestamp(0));
        assert_eq!(
            (moment.text.as_str(), moment.iso.as_str()),
            ("1970-01-01 00:00:00 UTC", "1970-01-01T00:00:00Z")
        );
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(brief("ä\n ö  ü", 10), "ä ö ü");
        assert_eq!(brief("äöüäöü", 4), "äöü…");
    }
}
