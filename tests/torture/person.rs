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

use crate::{books::Book, routes::Route, stage::Door};

/// Latest arrival of a person, in milliseconds.
const ARRIVES: u64 = 1_500;
/// Longest pause between two words, in milliseconds.
const THINKS: u64 = 250;

/// A whole chat until the transfer is decided and some words more.
pub(crate) async fn live(door: Door, name: String, seed: u64) -> Result<Book> {
    let mut random = StdRng::seed_from_u64(seed);
    pause(random.random_range(0..ARRIVES)).await;
    let mut book = match door.route.is_the_platforms() {
        true => Book::new(name),
        false => on_webchat(&door, name).await?,
    };
    types(&door, &mut book, "before").await?;
    pause(random.random_range(0..THINKS)).await;
    says(&door, &mut book, WISH).await?;
    for n in 0..random.random_range(1..4) {
        types(&door, &mut book, &format!("during{n}")).await?;
        pause(random.random_range(0..THINKS)).await;
    }
    if !door.route.is_the_platforms() {
        until_told(&mut book).await?;
        for n in 0..2 {
            types(&door, &mut book, &format!("after{n}")).await?;
        }
    }
    Ok(book)
}

async fn pause(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

async fn on_webchat(door: &Door, name: String) -> Result<Book> {
    let end = Instant::now() + PATIENCE;
    loop {
        match Visitor::open_at(&door.base).await {
            Ok(visitor) => {
                let conversation = Some(visitor.conversation.clone());
                return Ok(Book { conversation, visitor: Some(visitor), ..Book::new(name) });
            }
            Err(error) if Instant::now() > end => bail!("{name}: the chat does not open: {error:#}"),
            Err(_) => tokio::time::sleep(PACE).await,
        }
    }
}

/// Types a word that nobody else types, and that nobody types twice.
pub(crate) async fn types(door: &Door, book: &mut Book, word: &str) -> Result<()> {
    let text = format!("{}{word}.", book.mark());
    says(door, book, &text).await?;
    book.said.push(text);
    Ok(())
}

/// Says it until it is accepted, as a browser does that kept it.
pub(crate) async fn says(door: &Door, book: &mut Book, text: &str) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    loop {
        match says_once(door, book, text).await {
            Ok(()) => break,
            Err(error) if Instant::now() > end => bail!("{}: not accepted: {error:#}", book.name),
            Err(_) => tokio::time::sleep(PACE).await,
        }
    }
    book.sent += 1;
    Ok(())
}

async fn says_once(door: &Door, book: &mut Book, text: &str) -> Result<()> {
    if let Some(visitor) = &mut book.visitor {
        return visitor.says_as(text, &format!("{}-{}", book.name, book.sent)).await.map(drop);
    }
    let web = Web::new(&door.base);
    if door.route == Route::Line {
        let body = json!({ "person": book.name, "text": text });
        return web.post("/_sim/person/message", &body).await.map(drop);
    }
    let body = match &book.chat {
        Some(chat) => json!({ "conversation": chat, "text": text }),
        None => json!({ "name": book.name, "text": text }),
    };
    let said = web.post("/_sim/user_message", &body).await?;
    book.chat = said["conversation"].as_str().map(str::to_owned);
    Ok(())
}

/// Waits until the person is told what became of the transfer, or that it takes longer.
async fn until_told(book: &mut Book) -> Result<()> {
    let Some(visitor) = &mut book.visitor else { return Ok(()) };
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
