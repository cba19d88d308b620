//! The chat as the text of an internal comment.

use handoff_sdk::{
    model::{
        Attachment, Content, Source,
        connector::{Speaker, TranscriptMessage, Transfer},
    },
    text::truncate_utf16,
};

use crate::time;

/// Longest name of a speaker.
const NAME_UNITS: usize = 80;
/// Longest name of a file.
const FILE_UNITS: usize = 128;

/// The whole chat, one paragraph for each message, with who is chatting on top.
pub(super) fn whole(transfer: &Transfer, assistant: &str) -> String {
    let said = transfer.transcript.iter().map(|message| paragraph(message, assistant));
    let head = std::iter::once(person(transfer)).filter(|head| !head.is_empty());
    let mut paragraphs: Vec<_> = head.chain(said).collect();
    if transfer.transcript.is_empty() {
        paragraphs.push("The chat has no messages.".to_owned());
    }
    paragraphs.join("\n\n")
}

/// What a message shows, in lines.
pub(super) fn words(content: &Content) -> String {
    let mut lines = Vec::new();
    if !content.text.trim().is_empty() {
        lines.push(harmless(content.text.trim_end()));
    }
    let choices: Vec<_> = content.quick_replies.iter().map(|choice| format!("[{choice}]")).collect();
    if !choices.is_empty() {
        lines.push(harmless(&choices.join(" ")));
    }
    lines.extend(content.attachments.iter().map(file));
    lines.join("\n")
}

/// Takes the effect from texts that Zendesk would fill in: `{{…}}` stands for a placeholder.
fn harmless(text: &str) -> String {
    text.replace("{{", "{ {").replace("{%", "{ %")
}

fn person(transfer: &Transfer) -> String {
    let person = &transfer.person;
    let line = |name: &str, value: &Option<String>| {
        let value = value.as_deref().map(str::trim).filter(|value| !value.is_empty())?;
        Some(format!("{name}: {}", harmless(value)))
    };
    let lines = [line("Name", &person.name), line("E-mail", &person.email), line("Phone", &person.phone)];
    lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

fn paragraph(message: &TranscriptMessage, assistant: &str) -> String {
    let name = match message.speaker {
        Speaker::Assistant if !assistant.is_empty() => assistant,
        _ => &message.name,
    };
    let name = harmless(truncate_utf16(name.trim(), NAME_UNITS));
    format!("{name} ({}):\n{}", time::written(message.at), words(&message.content))
}

fn file(attachment: &Attachment) -> String {
    let name = truncate_utf16(&attachment.name, FILE_UNITS);
    let address = match &attachment.source {
        Source::Url(address) => address.as_str(),
        Source::Blob(_) => "attached",
        Source::Platform(_) => "this file stays with the chat's own server",
    };
    harmless(&format!("[File: {name}, {}; {address}]", attachment.media_type))
}
