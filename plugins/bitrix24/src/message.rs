//! The bot speaks.

use handoff_sdk::{
    ConnectorError, Result,
    model::{
        Content, Source,
        connector::{Send, Sent},
    },
    text::{split_utf16, utf16_len},
};
use serde_json::{Value, json};
use std::time::Duration;

use crate::{
    answer::Failure,
    bbcode, bot,
    chat::{self, Unseen},
    client::{Client, chat_number},
    history::{self, Said},
    wire,
};

/// Longest text in UTF-16 units. Bitrix24 cuts at 20 000 characters without a word.
pub(crate) const LONGEST: usize = 19_000;

/// How often the rest of a message is tried once its beginning has been sent.
const TRIES: u32 = 5;

/// Wait between such tries when the portal does not say how long.
const PAUSE_MS: u64 = 500;

/// A message as Bitrix24 takes it.
#[derive(Debug, PartialEq)]
struct Composed {
    /// Texts in BB code, each short enough.
    pieces: Vec<String>,
    /// Goes with the last piece.
    keyboard: Option<Value>,
    /// What could not be sent, in a sentence.
    replaced: Option<String>,
}

/// Pauses between looks for a call whose answer was lost, in seconds: together as long as a request may last on
/// Bitrix24. Only what is not there after the last of them is said again.
const LOOKS: [u64; 6] = [1, 2, 4, 8, 15, 30];

/// Sends a message to the person. After an attempt whose answer was lost, only what can be seen to be
/// missing is sent.
pub(crate) async fn send(client: &Client<'_>, message: &Send) -> Result<Sent> {
    let chat = chat_number(&message.chat)?;
    let Composed { pieces, keyboard, replaced } = compose(&message.content);
    if pieces.is_empty() {
        return Err(ConnectorError::Refused { detail: "the message is empty".to_owned() });
    }
    let bot = bot::number(client).await?;
    let said = match message.maybe_sent {
        false => Some(Vec::new()),
        true => settled(client, bot, chat, &pieces).await?,
    };
    let Some(said) = said else { return Ok(Sent { unknown: true, replaced, ..Sent::default() }) };
    let mut sent = Sent { replaced, ..Sent::default() };
    let last = pieces.len() - 1;
    for (number, piece) in pieces.iter().enumerate() {
        match seen(&said, bot, piece) {
            Seen::Arrived(id) => sent.external_ids.push(id.to_string()),
            Seen::Doubtful => sent.unknown = true,
            Seen::Missing => {
                let keyboard = keyboard.as_ref().filter(|_| number == last);
                let piece = Piece { bot, chat, text: piece, keyboard };
                match deliver(client, &piece, number == 0).await {
                    Ok(id) => sent.external_ids.push(id.to_string()),
                    Err(ConnectorError::Refused { detail }) if number > 0 => {
                        sent.replaced = Some(format!("the rest of the message was refused: {detail}"));
                        break;
                    }
                    Err(error) => return Err(error),
                }
            }
        }
    }
    Ok(sent)
}

/// What was said already, once it is complete or nothing of the lost call can arrive any more.
async fn settled(client: &Client<'_>, bot: u64, chat: u64, pieces: &[String]) -> Result<Option<Vec<Said>>> {
    let mut said = already_said(client, bot, chat).await?;
    for pause in LOOKS {
        let complete =
            |said: &Vec<Said>| pieces.iter().all(|piece| !matches!(seen(said, bot, piece), Seen::Missing));
        if said.as_ref().is_none_or(complete) {
            break;
        }
        client.cx.sleep(Duration::from_secs(pause)).await;
        said = already_said(client, bot, chat).await?;
    }
    Ok(said)
}

/// What was said in the present session; none when that may not be read.
async fn already_said(client: &Client<'_>, bot: u64, chat: u64) -> Result<Option<Vec<Said>>> {
    let session = match chat::look(client, bot, chat).await {
        Ok(seen) => seen.session,
        Err(Unseen::Hidden) => None,
        Err(Unseen::Failed(error)) => return Err(error),
    };
    let Some(session) = session else { return Ok(None) };
    match history::of_session(client, &session).await {
        Ok(said) => Ok(Some(said)),
        Err(Failure::Said { .. }) => Ok(None),
        Err(Failure::Failed(error)) => Err(error),
    }
}

/// A part of a message, and where it goes.
struct Piece<'a> {
    bot: u64,
    chat: u64,
    text: &'a str,
    keyboard: Option<&'a Value>,
}

/// Sends one piece. Of a message whose beginning was sent nobody may say that nothing was done: its
/// rest is tried again here, and an end without success counts as a lost answer.
async fn deliver(client: &Client<'_>, piece: &Piece<'_>, first: bool) -> Result<u64> {
    for _ in 0..TRIES {
        let wait_ms = match once(client, piece).await {
            Err(ConnectorError::RateLimited { after_ms, .. }) if !first => after_ms,
            Err(ConnectorError::Unavailable { .. }) if !first => PAUSE_MS,
            answered => return answered,
        };
        client.cx.sleep(Duration::from_millis(wait_ms)).await;
    }
    Err(ConnectorError::Lost { detail: "only the beginning of a long message was sent".to_owned() })
}

async fn once(client: &Client<'_>, piece: &Piece<'_>) -> Result<u64> {
    let Piece { bot, chat, text, keyboard } = *piece;
    match bot::say(client, bot, chat, text, keyboard).await {
        Ok(id) => wire::id(&id)
            .ok_or_else(|| ConnectorError::Lost { detail: "the answer names no message".to_owned() }),
        Err(failure) if failure.is("ACCESS_DENIED") || failure.is("ACCESS_ERROR") => {
            Err(ConnectorError::Refused { detail: "the bot is no longer in the chat".to_owned() })
        }
        Err(failure) => Err(failure.into()),
    }
}

/// Whether an earlier attempt arrived.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Arrived(u64),
    /// The same words are there, but before somebody else spoke: they may belong to an earlier turn.
    Doubtful,
    Missing,
}

fn seen(said: &[Said], bot: u64, piece: &str) -> Seen {
    let words = history::words(piece);
    let turn = said.iter().rev().find(|line| line.by.is_some_and(|by| by != bot)).map_or(0, |line| line.id);
    match said.iter().rev().find(|line| line.by == Some(bot) && line.words == words) {
        Some(line) if line.id > turn => Seen::Arrived(line.id),
        Some(_) => Seen::Doubtful,
        None => Seen::Missing,
    }
}

/// Buttons are not shown on every channel behind an open channel, so that choices are written out as
/// well; and not by number, because Bitrix24 takes `0` and `1` for answers to itself.
fn compose(content: &Content) -> Composed {
    let mut text = content.text.trim_end().to_owned();
    let mut left_out = Vec::new();
    for file in &content.attachments {
        let name = file.name.replace(['[', ']'], "");
        match &file.source {
            Source::Url(url) => text.push_str(&format!("\n[{name}]({url})")),
            Source::Platform(_) | Source::Blob(_) => left_out.push(name),
        }
    }
    for choice in &content.quick_replies {
        text.push_str(&format!("\n\u{2022} {choice}"));
    }
    for name in &left_out {
        text.push_str(&format!("\n({name})"));
    }
    let replaced = (!left_out.is_empty()).then(|| {
        format!("files could not be sent, their names stand in their place: {}", left_out.join(", "))
    });
    Composed { pieces: pieces(text.trim(), LONGEST), keyboard: keyboard(&content.quick_replies), replaced }
}

/// BB code in pieces of at most [`LONGEST`]. Markup makes a text longer, so a piece that has become
/// too long is cut again.
fn pieces(markdown: &str, units: usize) -> Vec<String> {
    let cut = split_utf16(markdown, units).into_iter().flat_map(|piece| {
        let bb = bbcode::from_markdown(piece);
        if utf16_len(&bb) <= LONGEST { vec![bb] } else { pieces(piece, units / 2) }
    });
    cut.filter(|piece| !piece.trim().is_empty()).collect()
}

/// A pressed button sends its words as if the person had typed them.
fn keyboard(choices: &[String]) -> Option<Value> {
    let button = |choice: &String| {
        json!({
            "TEXT": choice, "ACTION": "SEND", "ACTION_VALUE": choice,
            "DISPLAY": "LINE", "BG_COLOR_TOKEN": "primary",
        })
    };
    (!choices.is_empty()).then(|| choices.iter().map(button).collect())
}

#[cfg(test)]
mod tests {
    use handoff_sdk::model::Attachment;

    use super::*;

    fn file(name: &str, source: Source) -> Attachment {
        Attachment { name: name.to_owned(), media_type: "image/png".to_owned(), source }
    }

    #[test]
    fn choices_are_buttons_and_words() {
        let content =
            Content { quick_replies: vec!["Yes".into(), "[No]".into()], ..Content::text("**Sure**?") };
        let composed = compose(&content);
        assert_eq!(composed.pieces, ["[b]Sure[/b]?\n\u{2022} Yes\n\u{2022} [\u{200b}No]"]);
        let keyboard = composed.keyboard.unwrap();
        assert_eq!(keyboard[1]["ACTION_VALUE"], "[No]");
        assert_eq!(keyboard.as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn files_become_links_or_are_named_and_reported() {
        let attachments = vec![
            file("a [1].png", Source::Url("https://a.eu/a.png".into())),
            file("b.png", Source::Blob("x".into())),
        ];
        let composed = compose(&Content { attachments, ..Content::default() });
        assert_eq!(composed.pieces, ["[url=https://a.eu/a.png]a 1.png[/url]\n(b.png)"]);
        assert!(composed.replaced.is_some_and(|replaced| replaced.contains("b.png")));
    }

    #[test]
    fn a_long_text_is_sent_whole_in_pieces_that_fit() {
        let brackets = "[x] ".repeat(12_000);
        for text in ["word ".repeat(9_000), "\u{1F600}".repeat(20_000), brackets, "y".repeat(38_001)] {
            let pieces = compose(&Content::text(&text)).pieces;
            assert!(pieces.len() > 1 && pieces.iter().all(|piece| utf16_len(piece) <= LONGEST));
            assert_eq!(history::words(&pieces.concat()), history::words(&text));
        }
    }

    #[test]
    fn an_empty_message_has_no_pieces() {
        for text in ["", " \n "] {
            assert_eq!(compose(&Content::text(text)).pieces, [""; 0]);
        }
    }

    #[test]
    fn a_text_counts_as_arrived_only_after_the_last_word_of_somebody_else() {
        let line = |id, by, words: &str| Said { id, by, words: words.into(), ours: vec![] };
        let said = [line(1, Some(599), "hi"), line(2, Some(456), "Sorry?"), line(3, Some(599), "hm")];
        assert_eq!(seen(&said, 456, "Sorry?"), Seen::Doubtful);
        assert_eq!(seen(&said, 456, "Bye"), Seen::Missing);
        assert_eq!(seen(&said[..2], 456, "Sor[b]ry[/b] ?"), Seen::Arrived(2));
        assert_eq!(seen(&said, 456, "hm"), Seen::Missing);
    }
}
