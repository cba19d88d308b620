//! After the storm: chats come to their end, and each person's three books are compared.

use anyhow::{Context, Result};
use handoff_tests::{
    assistants::{ACCEPTED, CLOSED, FAILED, QUEUED, answer_to},
    books::{Tally, Word, given, given_back, parted, passed_on},
    chat::Chat,
};

use crate::{books::Book, person::types, routes::Route, stage::Stage};

/// What everybody types whose chat was taken, when the storm is over.
const LATE: &str = "late";

/// Lets live agents speak and close, and counts what is wrong in the end.
pub(crate) async fn end(stage: &Stage, books: &mut [Book], tally: &mut Tally) -> Result<()> {
    stage.decide(books).await?;
    for book in books.iter_mut().filter(|book| book.is_taken()) {
        types(&stage.door(), book, LATE).await?;
    }
    agents_speak(stage, books, tally).await;
    for book in books.iter_mut() {
        if let Err(error) = book.see_all().await {
            stuck(tally, &book.name, &error);
        }
    }
    if stage.route == Route::Native {
        // Whoever was not mute yet would speak now.
        stage.desk.platform().until_told().await?;
    }
    let chats = stage.chats().await?;
    for book in books.iter() {
        let mut own = Tally::default();
        compare(stage, book, &chats, &mut own).await?;
        if !own.is_clean() {
            asked_about(stage, book, &chats, &mut own).await?;
        }
        tally.add(own);
    }
    tally.sealed_leaks += leaks(stage)?;
    Ok(())
}

pub(crate) fn stuck(tally: &mut Tally, name: &str, error: &anyhow::Error) {
    tally.stuck += 1;
    tally.finds(name, &format!("came to no end: {error:#}"));
}

/// Everybody's live agent writes and closes; on our own channels the person sees both.
async fn agents_speak(stage: &Stage, books: &mut [Book], tally: &mut Tally) {
    if stage.route == Route::Ticket {
        // What the assistant has again is seen first, so that the rest must be on the tickets.
        for book in books.iter_mut().filter(|book| book.is_taken()) {
            let last = book.said.last().map(|word| answer_to(word)).unwrap_or_default();
            if let Err(error) = book.until_shown(&last).await {
                stuck(tally, &book.name, &error);
            }
        }
    }
    let chats = match stage.until_carried(books).await {
        Ok(chats) => chats,
        Err(error) => return stuck(tally, "somebody", &error),
    };
    let hear = matches!(stage.route, Route::Zendesk | Route::OpenChannel);
    for words in [true, false] {
        for book in books.iter().filter(|book| book.is_taken()) {
            let [chat] = book.own(&chats)[..] else { continue };
            let done = match words {
                true => stage.agent_speaks(chat, &book.agent_words()).await,
                false => stage.agent_closes(chat).await,
            };
            done.unwrap_or_else(|error| stuck(tally, &book.name, &error));
        }
        for book in books.iter_mut().filter(|book| hear && book.is_taken() && book.own(&chats).len() == 1) {
            let text = if words { book.agent_words() } else { CLOSED.to_owned() };
            book.until_shown(&text).await.unwrap_or_else(|error| stuck(tally, &book.name, &error));
        }
    }
}

/// Compares what this person saw, what the server holds and what live agents see.
async fn compare(stage: &Stage, book: &Book, chats: &[Chat], tally: &mut Tally) -> Result<()> {
    let Some(handoff) = &book.handoff else {
        tally.stuck += 1;
        tally.finds(&book.name, "is undecided");
        return Ok(());
    };
    tally.handoffs += 1;
    tally.by_hand += u64::from(book.by_hand);
    let taken = book.is_taken();
    *(if taken { &mut tally.accepted } else { &mut tally.failed }) += 1;
    let own: Vec<Chat> = book.own(chats).into_iter().cloned().collect();
    let shown = stage.shown_to(book).await?;
    announced(stage.route, book, &shown, tally);
    if !stage.route.is_the_platforms() {
        history(stage, book, tally).await?;
    }
    match (taken, stage.route) {
        (true, Route::Ticket) => parted(&book.name, &book.said, &shown, &own, tally),
        (true, _) => given(&book.name, &Word::once(&book.said), &own, tally),
        // The chat is on the platform in any case; the bot has it again.
        (false, Route::Line | Route::Native) => {}
        // Whoever gave it up by hand has seen to what little is there.
        (false, _) => {
            let said = Word::once(&book.said);
            given_back(&book.name, &said, &shown, if book.by_hand { &[] } else { &own }, tally);
        }
    }
    if taken && stage.route == Route::Line {
        own.iter().for_each(|chat| passed_on(&book.name, chat, tally));
    }
    if !tally.is_clean() {
        tally.finds(&book.name, &format!("has the handoff {handoff:#}"));
    }
    Ok(())
}

/// The truth was told, once, and nothing else. On the platform's own chat we may not be able to say it any more.
fn announced(route: Route, book: &Book, shown: &[String], tally: &mut Tally) {
    let times = |text: &str| shown.iter().filter(|line| *line == text).count();
    let told = (times(ACCEPTED) + times(QUEUED), times(FAILED));
    let taken = book.is_taken();
    let truth = if taken { (1, 0) } else { (0, 1) };
    let right_words = !taken || times(route.accepted_text()) == told.0;
    let is_true = match route.is_the_platforms() {
        true => told.0 <= truth.0 && told.1 <= truth.1,
        false => told == truth,
    };
    if !is_true || !right_words {
        tally.wrongly_announced += 1;
        let what = format!("was told of (acceptance, failure) {told:?}, and true is {truth:?}: {shown:#?}");
        tally.finds(&book.name, &what);
    }
    let mute = taken && route != Route::Ticket;
    if mute && book.said.last().is_some_and(|word| times(&answer_to(word)) > 0) {
        tally.wrongly_announced += 1;
        tally.finds(&book.name, "was answered by the assistant when live agents had the chat");
    }
    let heard = times(&book.agent_words());
    if taken && route != Route::Ticket && heard != 1 {
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
fn leaks(stage: &Stage) -> Result<u64> {
    let mut found = stage.server.files_with(" hears the team")?;
    // After a ticket the assistant has the chat again, and keeps it.
    if stage.route != Route::Ticket {
        found.extend(stage.server.files_with(&format!("-{LATE}."))?);
    }
    Ok(found.len() as u64)
}

/// Adds what the platform was asked about this person, and with their words in it, to the story.
async fn asked_about(stage: &Stage, book: &Book, chats: &[Chat], tally: &mut Tally) -> Result<()> {
    let chats: Vec<String> = book.own(chats).iter().map(|chat| format!("/{}", chat.id)).collect();
    for request in stage.desk.platform().requests().await? {
        let text = request.to_string();
        if text.contains(&book.mark()) || chats.iter().any(|chat| text.contains(chat)) {
            tally.finds(&book.name, &format!("asked: {}", text.chars().take(1_500).collect::<String>()));
        }
    }
    for delivery in stage.desk.platform().deliveries().await? {
        let text = delivery.to_string();
        if text.contains(&book.mark()) || book.chat.as_ref().is_some_and(|chat| text.contains(chat)) {
            tally.finds(&book.name, &format!("told: {}", text.chars().take(1_500).collect::<String>()));
        }
    }
    if let Some(id) = &book.conversation {
        tally.finds(&book.name, &format!("is kept as {}", stage.server.conversation(id).await?));
    }
    Ok(())
}
