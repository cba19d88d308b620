//! What live agents are shown of the time before they came, as messages in the customer's name.
//!
//! Bitrix24 keeps neither the time nor the author of what a connector sends, so both stand in the text.
//! The first message is one short line: it is the only one that may have to be repeated.

use handoff_sdk::{
    model::{
        Content, Source, Timestamp,
        connector::{Speaker, TranscriptMessage, Transfer},
    },
    text::{split_utf16, utf16_len},
};

use crate::bbcode;

/// Longest text in UTF-16 units; Bitrix24 cuts at 20 000 characters.
pub(crate) const LONGEST: usize = 19_000;

/// Longest part of one message of the history, so that markup still fits beside it.
const LONGEST_PART: usize = 9_000;

/// One message to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Piece {
    pub(crate) text: String,
    /// Name and address.
    pub(crate) files: Vec<(String, String)>,
}

/// The first line.
const FIRST: &str =
    "[b]This chat comes from an assistant.[/b] What was said before follows with its own times and names.";

/// The hand-over in order; and what could not be taken along, in sentences.
pub(crate) fn pieces(transfer: &Transfer) -> (Vec<Piece>, Vec<String>) {
    let mut all = vec![Piece { text: FIRST.to_owned(), ..Piece::default() }];
    let mut remarks = Vec::new();
    for message in &transfer.transcript {
        let (content, left_out) = plain(&message.content, message.speaker);
        if !left_out.is_empty() {
            remarks.push(format!(
                "files of message {} could not be taken along: {}",
                message.seq,
                left_out.join(", ")
            ));
        }
        for part in content.0 {
            add(&mut all, &format!("{} {part}", heading(message)));
        }
        if let Some(last) = all.last_mut() {
            last.files.extend(content.1);
        }
    }
    (all, remarks)
}

/// Adds a line to the last piece after the first, or begins another.
fn add(all: &mut Vec<Piece>, line: &str) {
    let fits = |piece: &Piece| utf16_len(&piece.text) + utf16_len(line) < LONGEST;
    match all.last_mut() {
        Some(last) if fits(last) && last.text != FIRST => {
            last.text.push('\n');
            last.text.push_str(line);
        }
        _ => all.push(Piece { text: line.to_owned(), ..Piece::default() }),
    }
}

fn heading(message: &TranscriptMessage) -> String {
    format!("[b]{}[/b] ({}):", bbcode::guarded(&message.name), clock(message.at))
}

/// Words of one message, each part short enough; its files that have an address; names of the others.
type Plain = ((Vec<String>, Vec<(String, String)>), Vec<String>);

fn plain(content: &Content, speaker: Speaker) -> Plain {
    let mut text = content.text.trim_end().to_owned();
    let (mut files, mut left_out) = (Vec::new(), Vec::new());
    for file in &content.attachments {
        text.push_str(&format!("\n({})", file.name.replace(['[', ']'], "")));
        match &file.source {
            Source::Url(url) => files.push((file.name.clone(), url.clone())),
            Source::Platform(_) | Source::Blob(_) => left_out.push(file.name.clone()),
        }
    }
    for choice in &content.quick_replies {
        text.push_str(&format!("\n\u{2022} {choice}"));
    }
    let written = |part: &str| match speaker {
        Speaker::Person => bbcode::guarded(part),
        Speaker::Assistant => bbcode::from_markdown(part),
    };
    let parts = split_utf16(text.trim(), LONGEST_PART).into_iter().map(written);
    ((parts.filter(|part| !part.is_empty()).collect(), files), left_out)
}

/// The person's words as they are sent afterwards.
pub(crate) fn words(content: &Content) -> (Vec<Piece>, Option<String>) {
    let ((parts, files), left_out) = plain(content, Speaker::Person);
    let mut pieces: Vec<Piece> =
        parts.into_iter().map(|text| Piece { text: unlike_a_vote(text), ..Piece::default() }).collect();
    if let Some(last) = pieces.last_mut() {
        last.files = files;
    }
    let replaced = (!left_out.is_empty()).then(|| {
        format!("files could not be sent, their names stand in their place: {}", left_out.join(", "))
    });
    (pieces, replaced)
}

/// Bitrix24 takes a lone `0` or `1` for an answer to itself.
fn unlike_a_vote(mut text: String) -> String {
    if matches!(text.as_str(), "0" | "1") {
        text.push(bbcode::GUARD);
    }
    text
}

/// `2026-09-16 12:30 UTC`.
fn clock(at: Timestamp) -> String {
    let minutes = at.0.div_euclid(60_000);
    let (days, minute) = (minutes.div_euclid(1_440), minutes.rem_euclid(1_440));
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", minute / 60, minute % 60)
}

/// The date so many days after 1970-01-01 in the Gregorian calendar, counted in years that begin in March.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use handoff_sdk::model::{Attachment, HandoffKey, Person, Route};
    use serde_json::json;

    use super::*;

    fn transfer(messages: Vec<(Speaker, Content)>) -> Transfer {
        let message = |(n, (speaker, content)): (usize, (Speaker, Content))| TranscriptMessage {
            seq: n as u64 + 1,
            speaker,
            name: if speaker == Speaker::Person { "Ann [x]".into() } else { "Ada".into() },
            content,
            at: Timestamp(1_789_551_000_000),
        };
        Transfer {
            key: HandoffKey::new("h1"),
            route: Route::Bridge,
            chat: None,
            platform_session: None,
            person: Person::default(),
            transcript: messages.into_iter().enumerate().map(message).collect(),
            options: json!({}),
            checkpoint: None,
        }
    }

    #[test]
    fn a_history_is_one_message_after_a_short_first_line() {
        let (pieces, remarks) = pieces(&transfer(vec![
            (Speaker::Person, Content::text("[b]hi[/b]")),
            (Speaker::Assistant, Content::text("**Hello**")),
        ]));
        let texts: Vec<_> = pieces.iter().map(|piece| piece.text.as_str()).collect();
        let history = "[b]Ann [\u{200b}x][/b] (2026-09-16 09:30 UTC): [\u{200b}b]hi[\u{200b}/b]\n\
                       [b]Ada[/b] (2026-09-16 09:30 UTC): [b]Hello[/b]";
        assert_eq!(texts, [FIRST, history]);
        assert!(remarks.is_empty());
    }

    #[test]
    fn a_long_history_is_cut_and_nothing_is_left_out() {
        let long = "word ".repeat(9_000);
        let (pieces, _) = pieces(&transfer(vec![(Speaker::Person, Content::text(&long)); 3]));
        assert!(pieces.len() > 3 && pieces.iter().all(|piece| utf16_len(&piece.text) <= LONGEST));
        let count: usize = pieces.iter().map(|piece| piece.text.matches("word").count()).sum();
        assert_eq!(count, 27_000);
    }

    #[test]
    fn files_with_an_address_go_along_and_others_are_named() {
        let file =
            |name: &str, source| Attachment { name: name.into(), media_type: "image/png".into(), source };
        let attachments = vec![
            file("a.png", Source::Url("https://x.eu/a.png".into())),
            file("b.png", Source::Blob("blob".into())),
        ];
        let (pieces, replaced) = words(&Content { attachments, ..Content::default() });
        assert_eq!(pieces[0].files, [("a.png".to_owned(), "https://x.eu/a.png".to_owned())]);
        assert!(replaced.is_some_and(|why| why.contains("b.png") && !why.contains("a.png")));
    }

    #[test]
    fn a_lone_digit_is_no_vote() {
        for (said, sent) in [("1", "1\u{200b}"), ("0", "0\u{200b}"), ("10", "10"), ("1 ", "1\u{200b}")] {
            assert_eq!(words(&Content::text(said)).0[0].text, sent);
        }
    }
}
