//! The three books, and where they disagree.

use anyhow::{Context, Result};
use handoff_tests::{
    assistants::{ACCEPTED, FAILED, QUEUED, answer_to},
    books::{Tally, given, given_back, passed_on},
    visitor::Visitor,
};
use serde_json::Value;

use crate::stage::{Route, Stage, is_taken};

/// What one person did and saw.
pub(crate) struct Book {
    pub(crate) name: String,
    /// The server's name for the conversation; none on the platform's own chat.
    pub(crate) conversation: Option<String>,
    /// Words that were accepted, in order. Each is typed once by one person.
    pub(crate) said: Vec<String>,
    pub(crate) visitor: Option<Visitor>,
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
        (true, _) => given(&book.name, &book.said, &chats, tally),
        // The chat is on the platform in any case; the bot has it again.
        (false, Route::Line) => {}
        // Whoever gave it up by hand has seen to what little is there.
        (false, _) => {
            let shown = book.visitor.iter().flat_map(Visitor::shown);
            let answers: Vec<String> = shown.map(|line| line.text.clone()).collect();
            given_back(&book.name, &book.said, &answers, if by_hand { &[] } else { &chats }, tally);
        }
    }
    if !tally.is_clean() {
        asked_about(stage, book, tally).await?;
    }
    if taken && stage.route == Route::Line {
        chats.iter().for_each(|chat| passed_on(&book.name, chat, tally));
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
            tally.finds(&book.name, &format!("asked: {}", text.chars().take(1_500).collect::<String>()));
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
        tally
            .finds(&book.name, &format!("was told of (acceptance, failure) {told:?}, and true is {truth:?}"));
    }
    let heard = book.times(&book.agent_words());
    if taken && heard != 1 {
        *(if heard == 0 { &mut tally.lost } else { &mut tally.doubled }) += 1;
        tally.finds(&book.name, &format!("heard the live agent's line {heard} times"));
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
            tally.finds(&book.name, &format!("{word:?} is {times} times in the history"));
        }
    }
    let before = &book.said[0];
    if !texts.contains(&before.as_str()) {
        tally.lost += 1;
        tally.finds(&book.name, &format!("{before:?} is not in the history"));
    }
    Ok(())
}

/// Files of the server in which something from after an acceptance stands.
pub(crate) fn leaks(stage: &Stage) -> Result<u64> {
    if stage.route == Route::Line {
        return Ok(0);
    }
    let after = stage.server.files_with(" hears the team")?;
    Ok(after.len() as u64)
}
