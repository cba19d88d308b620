//! A person who chats, asks for a human, and keeps typing whatever happens.

use std::time::Duration;

use anyhow::{Result, bail};
use handoff_core::runtime::Said;
use handoff_model::{ChannelId, Content, ConversationId};
use handoff_tests::assistants::{ACCEPTED, DELAYED, FAILED, QUEUED, WISH};
use serde_json::json;

use crate::{
    agent::Written,
    cluster::{Cluster, Node, WEB},
    desk::Desk,
    network::Network,
    plan::Route,
};

/// What is typed once the person knows what became of the transfer.
pub(crate) const AFTER: &str = "-after";
/// How long anybody waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Latest arrival of a person, in pauses between two words.
const ARRIVES: u64 = 3;
/// Attempts before a person counts as stuck.
const ATTEMPTS: u32 = 3_000;

/// Between which restores something was said: how many there had been when it was typed, and when it was accepted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lives {
    pub(crate) typed: u64,
    pub(crate) accepted: u64,
}

/// What one person did and saw.
#[derive(Debug, Clone)]
pub(crate) struct Book {
    pub(crate) name: String,
    /// Words that were accepted, in order. Each is typed once by one person.
    pub(crate) said: Vec<String>,
    /// When each of them was said.
    pub(crate) lives: Vec<Lives>,
    /// What was shown, in order.
    pub(crate) shown: Vec<String>,
    /// What the live agent wrote.
    pub(crate) written: Vec<Written>,
    cursor: u64,
    sent: u64,
    /// Number of the request that asks for a human.
    wish: u64,
}

impl Book {
    /// What every word of this person begins with.
    pub(crate) fn mark(&self) -> String {
        format!("{}-", self.name)
    }

    pub(crate) fn times(&self, text: &str) -> usize {
        self.shown.iter().filter(|shown| *shown == text).count()
    }

    pub(crate) fn conversation(&self) -> ConversationId {
        ConversationId::derive(&ChannelId::new(WEB), &self.name)
    }
}

/// Where persons come in.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) cluster: Cluster,
    pub(crate) desk: Desk,
    pub(crate) network: Network,
}

/// A whole chat until the transfer is decided and some words more.
pub(crate) async fn live(door: Door, name: String, thinks: u64) -> Result<Book> {
    let (shown, said, lives, written) = Default::default();
    let book = Book { name, said, lives, shown, written, cursor: 0, sent: 0, wish: 0 };
    let mut person = Person { book, door };
    person.pause(ARRIVES * thinks).await;
    person.types("before").await?;
    person.pause(thinks).await;
    person.book.wish = person.book.sent;
    person.says(WISH).await?;
    for n in 0..person.door.network.dice.within(1..4) {
        person.asks_again_perhaps().await?;
        person.types(&format!("during{n}")).await?;
        person.pause(thinks).await;
    }
    if person.door.desk.route != Route::Line {
        person.until_told().await?;
        for n in 0..2 {
            person.asks_again_perhaps().await?;
            person.types(&format!("after{n}")).await?;
            person.pause(thinks).await;
        }
    }
    Ok(person.book)
}

/// What the person's program does when a restore forgot that it had asked for a human.
pub(crate) async fn asks_again(door: &Door, book: &mut Book) -> Result<()> {
    let mut person = Person { book: book.clone(), door: door.clone() };
    person.asks_again().await?;
    *book = person.book;
    Ok(())
}

struct Person {
    book: Book,
    door: Door,
}

impl Person {
    async fn pause(&self, longest: u64) {
        tokio::time::sleep(self.door.network.dice.ms(0..longest)).await;
    }

    /// Types a word that nobody else types, and that nobody types twice.
    async fn types(&mut self, word: &str) -> Result<()> {
        let text = format!("{}{word}.", self.book.mark());
        let typed = self.door.cluster.life();
        self.says(&text).await?;
        self.book.said.push(text);
        self.book.lives.push(Lives { typed, accepted: self.door.cluster.life() });
        Ok(())
    }

    /// The person's program asks again for what the server forgot in a restore, under the key of then: mostly before
    /// anything else is said.
    async fn asks_again_perhaps(&mut self) -> Result<()> {
        let forgot = self.door.cluster.forgot(&self.book.conversation());
        if forgot && self.door.network.dice.per_mille(700) { self.asks_again().await } else { Ok(()) }
    }

    async fn asks_again(&mut self) -> Result<()> {
        let wish = self.book.wish;
        while self.door.cluster.forgot(&self.book.conversation()) {
            self.types(&format!("again{}", self.book.said.len())).await?;
            self.door.network.story.tell(format_args!("{} asks again", self.book.name));
            self.says_as(wish, WISH).await?;
        }
        Ok(())
    }

    /// Says it until it is accepted, as a browser does that kept it.
    async fn says(&mut self, text: &str) -> Result<()> {
        self.door.network.story.tell(format_args!("{} types {text:?}", self.book.name));
        if self.door.desk.route == Route::Line {
            let message = json!({ "person": self.book.name, "text": text });
            return self.door.desk.control("person/message", message).await.map(drop);
        }
        self.says_as(self.book.sent, text).await?;
        self.book.sent += 1;
        Ok(())
    }

    async fn says_as(&mut self, number: u64, text: &str) -> Result<()> {
        for _ in 0..ATTEMPTS {
            if self.sends(number, text).await {
                return Ok(());
            }
            self.pause(2_000).await;
            look(&self.door, &mut self.book).await;
        }
        bail!("{}: {text:?} is not accepted", self.book.name)
    }

    async fn sends(&self, number: u64, text: &str) -> bool {
        let (network, book) = (&self.door.network, &self.book);
        let said =
            Said { person: None, content: Content::text(text), key: Some(format!("{}/{number}", book.name)) };
        // A request may be lost, may come twice, and its answer may be lost.
        let (lost, twice, unheard) = (network.is_bad(), network.is_bad(), network.is_bad());
        if lost {
            network.story.fault(format_args!("{}'s request is lost", book.name));
            return false;
        }
        let Some(node) = self.door.cluster.running() else { return false };
        tokio::time::sleep(network.way()).await;
        if twice {
            network.story.fault(format_args!("{}'s request comes twice", book.name));
            drop(say(&node, &book.name, said.clone()));
        }
        let answered = tokio::time::timeout(PATIENCE, say(&node, &book.name, said)).await;
        if unheard {
            network.story.fault(format_args!("the answer to {} is lost", book.name));
        }
        matches!(answered, Ok(Ok(true))) && !unheard
    }

    /// Waits until the person is told what became of the transfer, or that it takes longer.
    async fn until_told(&mut self) -> Result<()> {
        for _ in 0..ATTEMPTS {
            look(&self.door, &mut self.book).await;
            self.asks_again_perhaps().await?;
            if self.book.shown.iter().any(|text| [ACCEPTED, QUEUED, FAILED, DELAYED].contains(&text.as_str()))
            {
                return Ok(());
            }
            self.pause(2_000).await;
        }
        bail!("{}: never told: {:?}", self.book.name, self.book.shown)
    }
}

/// The turn goes on to its end, whoever waits for it.
fn say(node: &Node, name: &str, said: Said) -> tokio::task::JoinHandle<bool> {
    let (node, name) = (node.clone(), name.to_owned());
    tokio::spawn(async move {
        node.power.gate().await;
        let turned = node.runtime.say(&ChannelId::new(WEB), &name, said).await;
        node.power.gate().await;
        turned.is_ok()
    })
}

/// The person looks at what there is to be seen, and says so.
pub(crate) async fn look(door: &Door, book: &mut Book) {
    let Some(node) = door.cluster.running() else { return };
    let (name, after) = (book.name.clone(), book.cursor);
    let looking = tokio::spawn(async move {
        node.power.gate().await;
        let shown = node.runtime.shown(&ChannelId::new(WEB), &name, after, 100).await.ok()?;
        node.power.gate().await;
        Some((node, shown))
    });
    if let Ok(Ok(Some((node, shown)))) = tokio::time::timeout(PATIENCE, looking).await
        && let Some(last) = shown.last().map(|item| item.seq)
        && !door.network.is_bad()
    {
        for item in &shown {
            door.network.story.tell(format_args!("{} sees {:?}", book.name, item.content.text));
        }
        book.shown.extend(shown.into_iter().map(|item| item.content.text));
        book.cursor = last;
        let name = book.name.clone();
        let acknowledging =
            tokio::spawn(async move { node.runtime.acknowledge(&ChannelId::new(WEB), &name, last).await });
        let _ = tokio::time::timeout(PATIENCE, acknowledging).await;
    }
}
