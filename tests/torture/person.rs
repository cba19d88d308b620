//! A person who chats, asks for a human, and keeps typing whatever happens.

use std::time::Duration;

use anyhow::{Result, bail};
use handoff_tests::{
    PACE, PATIENCE,
    assistants::{ACCEPTED, DELAYED, FAILED, QUEUED, WISH},
    visitor::Visitor,
    web::Web,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;
use tokio::time::Instant;

use crate::{
    books::Book,
    stage::{Door, Route},
};

/// Latest arrival of a person, in milliseconds.
const ARRIVES: u64 = 1_500;
/// Longest pause between two words, in milliseconds.
const THINKS: u64 = 250;

/// A whole chat until the transfer is decided and some words more.
pub(crate) async fn live(door: Door, name: String, seed: u64) -> Result<Book> {
    let mut random = StdRng::seed_from_u64(seed);
    pause(random.random_range(0..ARRIVES)).await;
    let mut person = match door.route {
        Route::Line => Person::on_platform(&door, name),
        Route::Zendesk | Route::OpenChannel => Person::on_webchat(&door, name).await?,
    };
    person.types("before").await?;
    pause(random.random_range(0..THINKS)).await;
    person.says(WISH, false).await?;
    for n in 0..random.random_range(1..4) {
        person.types(&format!("during{n}")).await?;
        pause(random.random_range(0..THINKS)).await;
    }
    if let Person::Visitor { .. } = person {
        person.until_told().await?;
        for n in 0..2 {
            person.types(&format!("after{n}")).await?;
        }
    }
    Ok(person.into_book())
}

async fn pause(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

enum Person {
    Visitor { book: Book, visitor: Visitor, sent: u32 },
    Customer { book: Book, web: Web },
}

impl Person {
    async fn on_webchat(door: &Door, name: String) -> Result<Self> {
        let end = Instant::now() + PATIENCE;
        loop {
            match Visitor::open_at(&door.base).await {
                Ok(visitor) => {
                    let mut book = Book::new(name);
                    book.conversation = Some(visitor.conversation.clone());
                    return Ok(Self::Visitor { book, visitor, sent: 0 });
                }
                Err(error) if Instant::now() > end => bail!("{name}: the chat does not open: {error:#}"),
                Err(_) => tokio::time::sleep(PACE).await,
            }
        }
    }

    fn on_platform(door: &Door, name: String) -> Self {
        Self::Customer { book: Book::new(name), web: Web::new(&door.base) }
    }

    /// Types a word that nobody else types, and that nobody types twice.
    async fn types(&mut self, word: &str) -> Result<()> {
        let text = format!("{}{word}.", self.book().mark());
        self.says(&text, true).await
    }

    /// Says it until it is accepted, as a browser does that kept it.
    async fn says(&mut self, text: &str, unique: bool) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        loop {
            let said = match self {
                Self::Visitor { book, visitor, sent } => {
                    visitor.says_as(text, &format!("{}-{sent}", book.name)).await.map(drop)
                }
                Self::Customer { book, web } => {
                    let body = json!({ "person": book.name, "text": text });
                    web.post("/_sim/person/message", &body).await.map(drop)
                }
            };
            match said {
                Ok(()) => break,
                Err(error) if Instant::now() > end => bail!("{}: not accepted: {error:#}", self.book().name),
                Err(_) => tokio::time::sleep(PACE).await,
            }
        }
        if let Self::Visitor { sent, .. } = self {
            *sent += 1;
        }
        if unique {
            self.book_mut().said.push(text.to_owned());
        }
        Ok(())
    }

    /// Waits until the person is told what became of the transfer, or that it takes longer.
    async fn until_told(&mut self) -> Result<()> {
        let Self::Visitor { book, visitor, .. } = self else { return Ok(()) };
        let end = Instant::now() + PATIENCE * 2;
        let known = |visitor: &Visitor| {
            visitor.shown().any(|line| [ACCEPTED, QUEUED, FAILED, DELAYED].contains(&line.text.as_str()))
        };
        while !known(visitor) {
            if Instant::now() > end {
                bail!("{}: never told: {:#?}", book.name, visitor.thread);
            }
            if visitor.look(1_000).await.is_err() {
                tokio::time::sleep(PACE).await;
            }
        }
        Ok(())
    }

    fn book(&self) -> &Book {
        match self {
            Self::Visitor { book, .. } | Self::Customer { book, .. } => book,
        }
    }

    fn book_mut(&mut self) -> &mut Book {
        match self {
            Self::Visitor { book, .. } | Self::Customer { book, .. } => book,
        }
    }

    fn into_book(self) -> Book {
        match self {
            Self::Visitor { mut book, visitor, .. } => {
                book.visitor = Some(visitor);
                book
            }
            Self::Customer { book, .. } => book,
        }
    }
}
