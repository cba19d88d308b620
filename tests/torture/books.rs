//! What one person did and saw, and what became of it.

use anyhow::Result;
use handoff_tests::{
    assistants::{ACCEPTED, FAILED, QUEUED, answer_to},
    chat::Chat,
    visitor::Visitor,
};
use serde_json::Value;

use crate::stage::is_taken;

/// A person's book.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(crate) name: String,
    /// The server's name for the conversation; found out later for the platform's own chats.
    pub(crate) conversation: Option<String>,
    /// The platform's name for it, where the person has to know that.
    pub(crate) chat: Option<String>,
    /// Words that were accepted, in order. Each is typed once by one person.
    pub(crate) said: Vec<String>,
    /// How often anything was said.
    pub(crate) sent: u32,
    /// The person on our webchat; none on the platform's own chat.
    pub(crate) visitor: Option<Visitor>,
    /// The handoff, once it is decided.
    pub(crate) handoff: Option<Value>,
    /// Whether the wish was said once more, because the platform gave up telling it.
    pub(crate) asked_again: bool,
    /// Whether an operator had to decide it.
    pub(crate) by_hand: bool,
}

impl Book {
    pub(crate) fn new(name: String) -> Self {
        Self { name, ..Self::default() }
    }

    /// What every word of this person begins with.
    pub(crate) fn mark(&self) -> String {
        format!("{}-", self.name)
    }

    pub(crate) fn agent_words(&self) -> String {
        format!("{} hears the team", self.name)
    }

    /// Whether live agents have the chat, or had it.
    pub(crate) fn is_taken(&self) -> bool {
        self.handoff.as_ref().is_some_and(is_taken)
    }

    /// Those of these chats in which this person's words stand.
    pub(crate) fn own<'a>(&self, chats: &'a [Chat]) -> Vec<&'a Chat> {
        let ours = |chat: &&Chat| chat.lines.iter().any(|line| line.text.contains(&self.mark()));
        chats.iter().filter(ours).collect()
    }

    /// Whether nothing is on its way to the live agents any more: the last word stands in a chat, or, where the chat
    /// came back to the assistant, those that it did not answer do.
    pub(crate) fn is_carried(&self, chats: &[Chat]) -> bool {
        let arrived = |word: &String| {
            self.own(chats).iter().any(|chat| chat.lines.iter().any(|line| line.text.contains(word)))
        };
        let answered = |word: &String| self.visitor.iter().any(|visitor| visitor.times(&answer_to(word)) > 0);
        !self.is_taken() || self.said.iter().rev().all(|word| arrived(word) || answered(word))
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
}
