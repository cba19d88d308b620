//! The assistants that tests publish, and what they say.

use serde_json::{Value, json};

/// Says that the person wants live agents.
pub const WISH: &str = "I want to talk to a human please";
/// The assistant's greeting.
pub const HELLO: &str = "Hello, I am Ada.";
/// What precedes a handoff.
pub const MOMENT: &str = "One moment.";
/// Told when a handoff fires.
pub const ASKED: &str = "I am asking the team.";
/// Told when the platform has the chat.
pub const ACCEPTED: &str = "The team has your chat.";
/// Told when the platform has the chat, which waits.
pub const QUEUED: &str = "The team has your chat, you wait in the queue.";
/// Told when it takes too long.
pub const DELAYED: &str = "It takes longer, keep writing.";
/// Told when it failed for good.
pub const FAILED: &str = "The team could not be reached.";
/// Told when the platform closed the chat.
pub const CLOSED: &str = "The team closed the chat.";
/// What the assistant says first when a handoff failed.
pub const BACK: &str = "I am back.";

/// What the assistant answers to anything it has no trigger for.
pub fn answer_to(text: &str) -> String {
    format!("You said: {text}")
}

/// The assistant `support`, which gives chats to a platform when asked for a human.
pub fn support(platform: &str) -> Value {
    assistant("support", "Ada", platform)
}

/// The assistant `line`, the bot of the open channel.
pub fn line() -> Value {
    assistant("line", "Ada", "bitrix24")
}

/// Changes the External Handoff action of one of these assistants.
pub fn with_handoff(mut assistant: Value, change: impl FnOnce(&mut Value)) -> Value {
    change(&mut assistant["triggers"][1]["actions"][1]);
    assistant
}

/// Adds a trigger in front of the fallback.
pub fn with_trigger(mut assistant: Value, trigger: Value) -> Value {
    if let Some(triggers) = assistant["triggers"].as_array_mut() {
        triggers.insert(2, trigger);
    }
    assistant
}

fn assistant(id: &str, name: &str, platform: &str) -> Value {
    json!({
        "format": 1, "id": id, "name": name, "language": "en",
        "triggers": [
            {
                "id": "hello", "on": { "event": "chat_started" },
                "actions": [{ "id": "greet", "action": "send_message", "texts": [HELLO] }],
            },
            {
                "id": "human",
                "on": { "event": "message_received", "phrases": [WISH, "live agent"], "approximate": false },
                "actions": [
                    { "id": "moment", "action": "send_message", "texts": [MOMENT] },
                    {
                        "id": "leave", "action": "external_handoff", "platform": platform,
                        "budget_seconds": 60,
                        "texts": {
                            "asked": ASKED, "accepted": ACCEPTED, "queued": QUEUED, "delayed": DELAYED,
                            "failed": FAILED, "closed": CLOSED,
                        },
                        "when_handoff_fails": [
                            { "id": "back", "action": "send_message", "texts": [BACK] },
                        ],
                    },
                ],
            },
            {
                "id": "else", "on": { "event": "fallback" },
                "actions": [{
                    "id": "answer", "action": "send_message", "texts": ["You said: {_user_input}"],
                }],
            },
        ],
    })
}
