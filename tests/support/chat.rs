//! A chat as live agents see it, whichever platform it is on.

use serde_json::Value;

/// A chat on a platform.
#[derive(Debug, Clone)]
pub struct Chat {
    /// The platform's id of it.
    pub id: String,
    /// What the platform says of it, such as `open` or `closed`.
    pub status: String,
    /// What the live agent reads, in order.
    pub lines: Vec<Line>,
    /// Everything.
    pub raw: Value,
}

/// A line of a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// `customer`, `assistant`, `live_agent` or `system`.
    pub author: String,
    /// Text.
    pub text: String,
    /// Names of files.
    pub files: Vec<String>,
}

impl Chat {
    /// Reads the member `live_agent` of what a simulator shows.
    pub fn list(inspected: &Value) -> Vec<Self> {
        let chats = inspected["live_agent"]["chats"].as_array().cloned().unwrap_or_default();
        chats.into_iter().map(Self::read).collect()
    }

    fn read(raw: Value) -> Self {
        let lines = raw["messages"].as_array().into_iter().flatten().map(Line::read).collect();
        let id = raw["id"].as_str().map_or_else(|| raw["id"].to_string(), str::to_owned);
        Self { id, status: text(&raw["status"]), lines, raw }
    }

    /// The texts of what was said; what the platform says by itself is left out.
    pub fn said(&self) -> Vec<&str> {
        self.lines.iter().filter(|line| line.author != "system").map(|line| line.text.as_str()).collect()
    }

    /// How often somebody said exactly this.
    pub fn count(&self, wanted: &str) -> usize {
        self.lines.iter().filter(|line| line.text == wanted).count()
    }
}

impl Line {
    fn read(raw: &Value) -> Self {
        let files = raw["files"].as_array().into_iter().flatten().map(|file| text(&file["name"])).collect();
        Self { author: text(&raw["author"]), text: text(&raw["text"]), files }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
