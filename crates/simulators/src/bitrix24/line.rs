//! Open channels and their settings.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::api::params::{Params, as_int, as_text};
use super::settings::Options;
use super::state::State;

/// An open channel.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Line {
    pub(super) id: i64,
    /// The settings under their documented names; all values are strings.
    pub(super) fields: BTreeMap<String, String>,
    /// The operators, in the order of their turns.
    pub(super) queue: Vec<i64>,
    /// Whose turn it is next.
    pub(super) turn: usize,
}

impl State {
    /// A new line with these settings, under this id or the next free one.
    pub(super) fn add_line(&mut self, id: Option<i64>, wishes: &Params) -> i64 {
        let id = id.unwrap_or(self.ids.line + 1);
        self.ids.line = self.ids.line.max(id);
        let mut line = Line::new(id, "Open channel", Vec::new());
        line.set(wishes);
        self.lines.insert(id, line);
        id
    }
}

impl Line {
    /// A setting as text, empty if unset.
    pub(super) fn text(&self, field: &str) -> &str {
        self.fields.get(field).map_or("", String::as_str)
    }

    /// Whether a setting is `Y`.
    pub(super) fn is_on(&self, field: &str) -> bool {
        self.text(field) == "Y"
    }

    /// A setting as a number, 0 if it is none.
    pub(super) fn number(&self, field: &str) -> u64 {
        self.text(field).parse().unwrap_or(0)
    }

    /// The bot that greets, if one is chosen and switched on.
    pub(super) fn welcome_bot(&self) -> Option<i64> {
        let chosen = self.number("WELCOME_BOT_ID") as i64;
        (self.is_on("WELCOME_BOT_ENABLE") && chosen > 0).then_some(chosen)
    }

    /// A line with the documented defaults and no bot.
    pub(super) fn new(id: i64, name: &str, queue: Vec<i64>) -> Self {
        let defaults = [
            ("LINE_NAME", name),
            ("ACTIVE", "Y"),
            ("WELCOME_BOT_ENABLE", "N"),
            ("WELCOME_BOT_ID", "0"),
            ("WELCOME_BOT_JOIN", "always"),
            ("WELCOME_BOT_TIME", "600"),
            ("WELCOME_BOT_LEFT", "queue"),
            ("QUEUE_TYPE", "evenly"),
            ("QUEUE_TIME", "60"),
            ("CHECK_AVAILABLE", "N"),
            ("WELCOME_MESSAGE", "N"),
            ("WELCOME_MESSAGE_TEXT", ""),
            ("WORKTIME_ENABLE", "N"),
            ("WORKTIME_FROM", "0"),
            ("WORKTIME_TO", "23.59"),
            ("WORKTIME_TIMEZONE", "Europe/Berlin"),
            ("WORKTIME_DAYOFF", ""),
            ("WORKTIME_HOLIDAYS", ""),
            ("WORKTIME_DAYOFF_RULE", "none"),
            ("WORKTIME_DAYOFF_TEXT", ""),
            ("CRM", "N"),
            ("CRM_CREATE", "none"),
            ("OPERATOR_DATA", "profile"),
        ];
        let fields = defaults.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self { id, fields: fields.into(), queue, turn: 0 }
    }

    /// With what the flags say about the first line.
    pub(super) fn with_options(mut self, options: &Options) -> Self {
        let chosen = [
            ("WELCOME_BOT_LEFT", options.welcome_bot_left.as_str().to_owned()),
            ("WELCOME_BOT_TIME", options.welcome_bot_time.to_string()),
            ("QUEUE_TIME", options.queue_time.to_string()),
        ];
        self.fields.extend(chosen.map(|(name, value)| (name.to_owned(), value)));
        self
    }

    /// Changes the settings that exist; others are ignored.
    pub(super) fn set(&mut self, wishes: &Params) {
        for (name, value) in wishes.iter() {
            if let (Some(field), Some(text)) = (self.fields.get_mut(name), as_text(value)) {
                *field = text;
            }
        }
        if let Some(Value::Array(entries)) = wishes.get("QUEUE") {
            self.queue = entries.iter().filter_map(member).collect();
            self.turn = 0;
        }
    }
}

/// An entry of a queue as it is written: a user id, or a user among entities.
fn member(entry: &Value) -> Option<i64> {
    match entry.get("ENTITY_TYPE").and_then(Value::as_str) {
        Some("user") => entry.get("ENTITY_ID").and_then(as_int),
        Some(_) => None,
        None => as_int(entry),
    }
}
