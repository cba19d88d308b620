//! The three books, and where they disagree.

use std::fmt;

use anyhow::{Context, Result};
use handoff_tests::{
    assistants::{ACCEPTED, FAILED, QUEUED, answer_to},
    chat::Chat,
    visitor::Visitor,
};
use serde_json::Value;

use crate::stage::{Route, Stage, is_taken};

/// How a line says that it may have been there before.
const REPEATED: &str = "(perhaps repeated)";

/// What one person did and saw.
pub(crate) struct Book {
    pub(crate) name: String,
    /// The server's name for the conversation; none on the platform's own chat.
    pub(crate) conversation: Option<String>,
    /// Words that were accepted, in order. Each is typed once by one person.
    pub(crate) said: Vec<String>,
    pub(crate) visitor: Option<Visitor>,
}

/// What was counted.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) handoffs: u64,
    pub(crate) accepted: u64,
    pub(crate) failed: u64,
    pub(crate) storms: u64,
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    pub(crate) wrongly_announced: u64,
    pub(crate) out_of_order: u64,
    pub(crate) stuck: u64,
    pub(crate) sealed_leaks: u64,
    /// Doubts that an operator had to end.
    pub(crate) by_hand: u64,
    /// Repeated first lines, marked as such.
    pub(crate) marked: u64,
    pub(crate) stories: Vec<String>,
}

impl Book {
    pub(crate) fn new(name: String) -> Self {
        Self { name, conversation: None, said: Vec::new(), visitor: None }
    }

    /// What every word of this person begins with.
    pub(crate) fn mark(&self) -> String {
        format!("{}-", self.name)
    }

    pub(crate) fn agent_words(&self) -> String {
        format!("{} hears the team", self.name)
    }

    pub(crate) async fn until_shown(&mut self, text: &str) -> Result<()> {
        match &mut self.visitor {
            Some(visitor) => visitor.until_told(text).await,
            None => Ok(()),
        }
    }

    /// Takes what is there to be shown still.
    pub(crate) async fn see_all(&mut self) -> Result<()> {
        let Some(visitor) = &mut self.visitor else { return Ok(()) };
        let last = self.said.last().map(|word| answer_to(word)).unwrap_or_default();
        if visitor.times(FAILED) > 0 || visitor.times(ACCEPTED) + visitor.times(QUEUED) == 0 {
            visitor.until_told(&last).await?;
        }
        visitor.look(0).await
    }

    fn times(&self, text: &str) -> u64 {
        self.visitor.as_ref().map_or(0, |visitor| visitor.times(text) as u64)
    }
}

impl Tally {
    pub(crate) fn is_clean(&self) -> bool {
        let bad = [
            self.lost,
            self.doubled,
            self.wrongly_announced,
            self.out_of_order,
            self.stuck,
            self.sealed_leaks,
        ];
        bad.iter().all(|count| *count == 0)
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.handoffs += other.handoffs;
        self.accepted += other.accepted;
        self.failed += other.failed;
        self.storms += other.storms;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.wrongly_announced += other.wrongly_announced;
        self.out_of_order += other.out_of_order;
        self.stuck += other.stuck;
        self.sealed_leaks += other.sealed_leaks;
        self.by_hand += other.by_hand;
        self.marked += other.marked;
        self.stories.extend(other.stories);
    }

    fn finds(&mut self, book: &Book, what: &str) {
        self.stories.push(format!("{}: {what}", book.name));
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { handoffs, accepted, failed, storms, .. } = self;
        write!(f, "handoffs={handoffs} accepted={accepted} failed={failed} blows={storms} ")?;
        let Self { lost, doubled, wrongly_announced, out_of_order, stuck, sealed_leaks, .. } = self;
        let Self { by_hand, marked, .. } = self;
        write!(
            f,
            "lost={lost} doubled={doubled} wrongly_announced={wrongly_announced} out_of_order={out_of_order} \
             stuck={stuck} sealed_leaks={sealed_leaks} decided_by_hand={by_hand} marked_repeats={marked}"
        )
    }
}

/// Compares what this person saw, what the server holds and what live agents see.
pub(crate) async fn compare(
    stage: &Stage,
    book: &Book,
    handoff: &Value,
    by_hand: bool,
    tally: &mut Tally,
) -> Result<()> {
    tally.handoffs += 1;
    let taken = is_taken(handoff);
    *(if taken { &mut tally.accepted } else { &mut tally.failed }) += 1;
    let chats = stage.chats_of(book).await?;
    if stage.route != Route::Line {
        announced(stage, book, taken, tally);
        history(stage, book, tally).await?;
    }
    match (taken, stage.route) {
        (true, _) => given(book, &chats, tally),
        // The chat is on the platform in any case; the bot has it again.
        (false, Route::Line) => {}
        // Whoever gave it up has seen to what little is there.
        (false, _) if by_hand => given_back(book, &[], tally),
        (false, _) => given_back(book, &chats, tally),
    }
    if !tally.is_clean() {
        asked_about(stage, book, tally).await?;
    }
    if taken && stage.route == Route::Line && chats.iter().any(|chat| chat.raw["handoff_calls"] != 1) {
        tally.doubled += 1;
        tally.finds(book, "was passed on more than once");
    }
    Ok(())
}

/// Adds what the platform was asked with this person's words in it to the story.
async fn asked_about(stage: &Stage, book: &Book, tally: &mut Tally) -> Result<()> {
    if !tally.stories.last().is_some_and(|story| story.starts_with(&book.name)) {
        return Ok(());
    }
    for request in stage.desk.platform().requests().await? {
        let text = request.to_string();
        if text.contains(&book.mark()) {
            tally.finds(book, &format!("asked: {}", text.chars().take(1_500).collect::<String>()));
        }
    }
    Ok(())
}

/// The truth was told, once, and nothing else.
fn announced(stage: &Stage, book: &Book, taken: bool, tally: &mut Tally) {
    let told = (book.times(ACCEPTED) + book.times(QUEUED), book.times(FAILED));
    let truth = if taken { (1, 0) } else { (0, 1) };
    let right_words = !taken || book.times(stage.accepted_text()) == 1;
    if told != truth || !right_words {
        tally.wrongly_announced += 1;
        tally.finds(book, &format!("was told of (acceptance, failure) {told:?}, and true is {truth:?}"));
    }
    let heard = book.times(&book.agent_words());
    if taken && heard != 1 {
        *(if heard == 0 { &mut tally.lost } else { &mut tally.doubled }) += 1;
        tally.finds(book, &format!("heard the live agent's line {heard} times"));
    }
}

/// Our own history holds what was said until the acceptance, once, and none of what followed.
async fn history(stage: &Stage, book: &Book, tally: &mut Tally) -> Result<()> {
    let id = book.conversation.as_ref().context("no conversation")?;
    let kept = stage.server.conversation(id).await?;
    let texts: Vec<&str> = kept["messages"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|line| line["author"] == "person")
        .filter_map(|line| line["content"]["text"].as_str())
        .collect();
    for word in &book.said {
        let times = texts.iter().filter(|text| *text == word).count();
        if times > 1 {
            tally.doubled += 1;
            tally.finds(book, &format!("{word:?} is {times} times in the history"));
        }
    }
    let before = &book.said[0];
    if !texts.contains(&before.as_str()) {
        tally.lost += 1;
        tally.finds(book, &format!("{before:?} is not in the history"));
    }
    Ok(())
}

/// Live agents see one chat with every word, once and in order.
fn given(book: &Book, chats: &[Chat], tally: &mut Tally) {
    if chats.len() != 1 {
        *(if chats.is_empty() { &mut tally.lost } else { &mut tally.doubled }) += 1;
        return tally.finds(book, &format!("has {} chats", chats.len()));
    }
    let lines: Vec<&str> = chats[0].lines.iter().map(|line| line.text.as_str()).collect();
    tally.marked += lines.iter().filter(|line| line.contains(REPEATED)).count() as u64;
    let whole = lines.into_iter().filter(|line| !line.contains(REPEATED)).collect::<Vec<_>>().join("\n");
    let mut places = Vec::<usize>::new();
    for word in &book.said {
        let found: Vec<usize> = whole.match_indices(word.as_str()).map(|(at, _)| at).collect();
        // The bot repeats what it hears, so on its own words a person's stands once more behind them.
        let echoed = whole.matches(&answer_to(word)).count();
        match found.len().saturating_sub(echoed) {
            0 => {
                tally.lost += 1;
                tally.finds(book, &format!("{word:?} did not arrive: {whole}"));
            }
            1 => places.extend(found.first().copied()),
            more => {
                tally.doubled += 1;
                tally.finds(book, &format!("{word:?} arrived {more} times: {whole}"));
            }
        }
    }
    if !places.is_sorted() {
        tally.out_of_order += 1;
        tally.finds(book, &format!("words arrived out of order: {whole}"));
    }
}

/// The assistant answered every word, once and in order, and no live agent has the chat.
fn given_back(book: &Book, chats: &[Chat], tally: &mut Tally) {
    if chats.iter().any(|chat| !matches!(chat.status.as_str(), "closed" | "solved")) && !chats.is_empty() {
        tally.wrongly_announced += 1;
        tally.finds(book, &format!("failed, and live agents have it: {chats:#?}"));
    }
    let Some(visitor) = &book.visitor else { return };
    let answers: Vec<String> = visitor.shown().map(|line| line.text.clone()).collect();
    let mut places = Vec::<usize>::new();
    for word in &book.said {
        let at: Vec<usize> = answers
            .iter()
            .enumerate()
            .filter(|(_, text)| **text == answer_to(word))
            .map(|(at, _)| at)
            .collect();
        match at.len() {
            0 => {
                tally.lost += 1;
                tally.finds(book, &format!("{word:?} was not answered: {answers:#?}"));
            }
            1 => places.extend(at),
            more => {
                tally.doubled += 1;
                tally.finds(book, &format!("{word:?} was answered {more} times"));
            }
        }
    }
    if !places.is_sorted() {
        tally.out_of_order += 1;
        tally.finds(book, &format!("words were answered out of order: {answers:#?}"));
    }
}

/// Files of the server in which something from after an acceptance stands.
pub(crate) fn leaks(stage: &Stage) -> Result<u64> {
    if stage.route == Route::Line {
        return Ok(0);
    }
    let after = stage.server.files_with(" hears the team")?;
    Ok(after.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chat(lines: &[&str]) -> Chat {
        let lines = lines.iter().map(|text| handoff_tests::chat::Line {
            author: "customer".to_owned(),
            text: (*text).to_owned(),
            files: Vec::new(),
        });
        Chat { id: "1".to_owned(), status: "open".to_owned(), lines: lines.collect(), raw: Value::Null }
    }

    /// What live agents see, and what is found in it: lost, doubled, out of order, marked.
    #[test]
    fn what_is_wrong_in_the_live_agents_book_is_found() {
        let mut book = Book::new("p1".to_owned());
        book.said = ["p1-a.", "p1-b.", "p1-c."].map(str::to_owned).to_vec();
        let whole: &[&str] = &["p1-a. You said: p1-a. p1-b.", "p1-c."];
        let cases: [(&[&[&str]], [u64; 4]); 7] = [
            (&[whole], [0, 0, 0, 0]),
            (&[], [1, 0, 0, 0]),
            (&[whole, whole], [0, 1, 0, 0]),
            (&[&["p1-a.", "p1-c."]], [1, 0, 0, 0]),
            (&[&["p1-a.", "p1-b.", "p1-b.", "p1-c."]], [0, 1, 0, 0]),
            (&[&["p1-a.", "p1-c.", "p1-b."]], [0, 0, 1, 0]),
            (&[&["(perhaps repeated) p1-a.", "p1-a.", "p1-b.", "p1-c."]], [0, 0, 0, 1]),
        ];
        for (chats, expected) in cases {
            let chats: Vec<Chat> = chats.iter().map(|lines| chat(lines)).collect();
            let mut tally = Tally::default();
            given(&book, &chats, &mut tally);
            let found = [tally.lost, tally.doubled, tally.out_of_order, tally.marked];
            assert_eq!(found, expected, "{chats:#?}");
        }
    }
}
