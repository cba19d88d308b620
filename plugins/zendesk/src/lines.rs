//! Messages of ours as lines of a conversation: split, made harmless, with what cannot be posted
//! written out.

use handoff_sdk::{
    model::{
        Attachment, Content, Source,
        connector::{Speaker, TranscriptMessage},
    },
    text::{split_utf16, truncate_utf16},
};
use serde_json::{Value, json};

/// Zendesk takes 4096 characters and does not say how it counts; UTF-16 units are the larger count.
const TEXT_UNITS: usize = 4000;
/// Longest alternative text of a file.
const ALT_UNITS: usize = 128;
/// Longest address of a file.
const ADDRESS_LIMIT: usize = 2048;
/// What an empty chat is given, so that the live agents' ticket is made at once.
const NOTHING_SAID: &str = "The chat has no messages so far.";

/// One message to post.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub(crate) speaker: Speaker,
    pub(crate) name: String,
    /// Place of our message; 0 is no message of the chat.
    pub(crate) seq: u64,
    pub(crate) part: u64,
    /// In Zendesk's shape.
    pub(crate) content: Value,
    /// Says what could not be posted and stands written out in this line.
    pub(crate) replaced: Option<String>,
    /// A file that only we have: it is uploaded first, and its address put into `content`.
    pub(crate) upload: Option<Upload>,
}

/// A file that the server keeps.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Upload {
    pub(crate) blob: String,
    pub(crate) name: String,
}

/// The lines of a transcript, at least one.
pub(crate) fn of_transcript(transcript: &[TranscriptMessage]) -> Vec<Line> {
    let spoken = transcript.iter().flat_map(|message| {
        let TranscriptMessage { seq, speaker, name, content, .. } = message;
        of_message(*seq, *speaker, name, content)
    });
    let mut lines: Vec<_> = spoken.collect();
    if lines.is_empty() {
        lines = of_message(0, Speaker::Assistant, "", &Content::text(NOTHING_SAID));
    }
    lines
}

/// The lines of one message; none when it shows nothing.
pub(crate) fn of_message(seq: u64, speaker: Speaker, name: &str, content: &Content) -> Vec<Line> {
    let line = |content, replaced| Line {
        speaker,
        name: name.to_owned(),
        seq,
        part: 0,
        content,
        replaced,
        upload: None,
    };
    let text = with_choices(content);
    let mut lines: Vec<_> = pieces(&text).map(|piece| line(plain(piece), None)).collect();
    for attachment in &content.attachments {
        lines.push(match (file(attachment), &attachment.source) {
            (Some(content), _) => line(content, None),
            (None, Source::Blob(blob)) => {
                let upload = Upload { blob: blob.clone(), name: attachment.name.clone() };
                Line { upload: Some(upload), ..line(described(attachment), None) }
            }
            (None, _) => {
                line(plain(&not_carried(attachment)), Some(format!("a file ({})", attachment.media_type)))
            }
        });
    }
    for (part, line) in lines.iter_mut().enumerate() {
        line.part = part as u64;
    }
    lines
}

/// What stands in the place of a line that Zendesk refuses.
pub(crate) fn stand_in(line: &Line, words: &str) -> Value {
    let what = if line.content["type"] == "text" { "A message" } else { "A file" };
    plain(&harmless(&format!("[{what} could not be shown here. Zendesk said: {words}]")))
}

/// Takes the effect from texts that Zendesk would read as a command to pass control on.
pub(crate) fn harmless(text: &str) -> String {
    text.replace("%((", "% ((")
}

fn with_choices(content: &Content) -> String {
    let choices: Vec<_> = content.quick_replies.iter().map(|choice| format!("[{choice}]")).collect();
    let texts = [content.text.trim_end(), &choices.join(" ")];
    let texts: Vec<_> = texts.into_iter().filter(|text| !text.trim().is_empty()).collect();
    harmless(&texts.join("\n"))
}

/// Pieces that fit; blank ones are left out, because Zendesk takes no empty message.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    split_utf16(text, TEXT_UNITS).into_iter().filter(|piece| !piece.trim().is_empty())
}

fn plain(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

/// A file by its address; none for files that only we can read.
fn file(attachment: &Attachment) -> Option<Value> {
    let Source::Url(address) = &attachment.source else { return None };
    let usable = address.starts_with("https://") || address.starts_with("http://");
    let mut content = described(attachment);
    content["mediaUrl"] = json!(address);
    (usable && address.len() <= ADDRESS_LIMIT).then_some(content)
}

/// A file without its address.
fn described(attachment: &Attachment) -> Value {
    let kind = if attachment.media_type.starts_with("image/") { "image" } else { "file" };
    let name = truncate_utf16(&attachment.name, ALT_UNITS);
    let mut content = json!({ "type": kind });
    if !name.is_empty() {
        content["altText"] = json!(name);
    }
    content
}

fn not_carried(attachment: &Attachment) -> String {
    let name = truncate_utf16(&attachment.name, ALT_UNITS);
    harmless(&format!(
        "[A file could not be carried here: {name}, {}]",
        truncate_utf16(&attachment.media_type, ALT_UNITS)
    ))
}

#[cfg(test)]
mod tests {
    use handoff_sdk::{model::Timestamp, text::utf16_len};

    use super::*;

    fn texts(content: &Content) -> Vec<String> {
        let lines = of_message(1, Speaker::Person, "Ann", content);
        lines.iter().map(|line| line.content["text"].as_str().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn a_long_text_is_split_into_numbered_parts_that_fit() {
        let text = "\u{1F600}".repeat(4097);
        let lines = of_message(7, Speaker::Assistant, "Bot", &Content::text(&text));
        assert_eq!(
            lines.iter().map(|line| (line.seq, line.part)).collect::<Vec<_>>(),
            [(7, 0), (7, 1), (7, 2)]
        );
        assert_eq!(texts(&Content::text(&text)).concat(), text);
        assert!(texts(&Content::text(&text)).iter().all(|text| utf16_len(text) <= 4096));
    }

    #[test]
    fn a_command_to_the_switchboard_loses_its_effect() {
        for text in ["%((switchboard:passControl))%", "a %(( switchboard:passControl:x))% b", "%%((("] {
            assert!(!texts(&Content::text(text)).concat().contains("%(("), "{text}");
        }
    }

    #[test]
    fn choices_are_written_out() {
        let content = Content { quick_replies: vec!["Yes".into(), "No".into()], ..Content::text("Sure?\n") };
        assert_eq!(texts(&content), ["Sure?\n[Yes] [No]"]);
    }

    #[test]
    fn an_empty_transcript_says_so_in_one_line() {
        let silent = TranscriptMessage {
            seq: 4,
            speaker: Speaker::Person,
            name: String::new(),
            content: Content::text(" \n "),
            at: Timestamp(0),
        };
        for transcript in [vec![], vec![silent]] {
            let lines = of_transcript(&transcript);
            assert_eq!(lines.len(), 1);
            assert_eq!((lines[0].seq, lines[0].content["text"].as_str()), (0, Some(NOTHING_SAID)));
        }
    }

    #[test]
    fn a_file_goes_by_its_address_or_is_named_in_a_line() {
        let attachment = |source| Attachment { name: "a.png".into(), media_type: "image/png".into(), source };
        let content = Content {
            attachments: vec![
                attachment(Source::Url("https://files.example/a.png".into())),
                attachment(Source::Blob("b1".into())),
                attachment(Source::Platform("x".into())),
            ],
            ..Content::default()
        };
        let lines = of_message(2, Speaker::Person, "Ann", &content);
        assert_eq!(lines[0].content["mediaUrl"], "https://files.example/a.png");
        assert_eq!(lines[0].replaced, None);
        assert_eq!(lines[1].upload.as_ref().map(|upload| upload.blob.as_str()), Some("b1"));
        assert!(lines[2].content["text"].as_str().unwrap().contains("a.png"));
        assert!(lines[2].replaced.is_some());
    }
}
