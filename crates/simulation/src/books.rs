//! The end of a run: every handoff is decided, every word has arrived, and three books agree.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use handoff_core::{
    handoff::{Handoff, HandoffState},
    runtime::Decision,
    store::{Conversations, EffectKind, Outbox, RESTORED_GAP},
};
use handoff_model::{ChannelId, ConversationId};
use handoff_tests::{
    assistants::{ACCEPTED, CLOSED, FAILED, QUEUED, answer_to},
    books::{Tally, Word, given, given_back, passed_on},
    chat::Chat,
};

use crate::{
    agent::Written,
    auditor::TEAM,
    person::{Book, Door, asks_again, look},
    plan::Route,
    rows::Disk,
};

/// Pause between two looks.
const PACE: Duration = Duration::from_secs(2);
/// Looks before something counts as stuck: an hour and a half.
const LOOKS: u32 = 2_700;
/// Looks before an operator ends a doubt that its platform cannot end: twenty minutes.
const HESITATION: u32 = 600;

/// Sees a person's chat through to its end and compares.
pub(crate) async fn close(door: &Door, disk: &Disk, mut book: Book, tally: &mut Tally) -> Result<()> {
    if door.desk.route != Route::Line {
        asks_again(door, &mut book).await?;
    }
    let (handoff, by_hand) = decided(door, disk, &book).await?;
    tally.handoffs += 1;
    tally.by_hand += u64::from(by_hand);
    let taken = handoff.state.is_accepted();
    *(if taken { &mut tally.accepted } else { &mut tally.failed }) += 1;
    let said = what_became_of(door, disk, &book, &handoff).await?;
    if taken {
        let chat = until_carried(door, &book, &handoff, &said).await?;
        agent_speaks_and_closes(door, &mut book, &chat).await?;
    }
    see_all(door, disk, &mut book, taken, &said).await?;
    let mut chats = door.desk.chats_of(&book.mark(), handoff.id.as_str())?;
    if taken && door.desk.route == Route::Zendesk {
        leave_out_late(&mut chats, tally);
    }
    if door.desk.route != Route::Line {
        announced(door, &book, taken, by_hand, tally);
        history(door, disk, &book, tally).await?;
    }
    match (taken, door.desk.route) {
        (true, _) => {
            let marked = tally.marked;
            given(&book.name, &said, &chats, tally);
            // One repeated line, and one for each time that a restore forgot it.
            if tally.marked - marked > 1 + door.cluster.life() {
                tally.doubled += 1;
                tally.finds(&book.name, "has more repeated lines than may be");
            }
        }
        // The chat is on the platform in any case; the bot has it again, and answers there. What it had said before the wish
        // may have been given up, because a transfer does not wait for it.
        (false, Route::Line) => {
            if let Some(answers) = until_answered(door, &book, &handoff, &said).await? {
                given_back(&book.name, said.get(1..).unwrap_or_default(), &answers, &[], tally);
            }
        }
        // Whoever gave it up by hand has seen to what little is there.
        (false, _) => {
            given_back(&book.name, &said, &book.shown, if by_hand { &[] } else { &chats }, tally);
        }
    }
    let made = door.desk.conversations_of(handoff.id.as_str())?;
    if taken && door.desk.route == Route::Zendesk && made != 1 {
        tally.doubled += 1;
        tally.finds(&book.name, &format!("has {made} conversations on the platform"));
    }
    if taken && door.desk.route == Route::Line {
        chats.iter().for_each(|chat| passed_on(&book.name, chat, tally));
    }
    Ok(())
}

/// What a restore may have lost or forgotten of the person's words. What is in the history has to arrive, and what was
/// accepted after the last restore; but not what the assistant answered in a life of the data that knew nothing of the
/// handoff, while the platform has its transcript from another. What was typed before a restore and accepted after it was
/// perhaps carried, or answered, before it, under another place.
async fn what_became_of(door: &Door, disk: &Disk, book: &Book, handoff: &Handoff) -> Result<Vec<Word>> {
    let (mut said, life, taken) = (Word::once(&book.said), door.cluster.life(), handoff.state.is_accepted());
    if life == 0 {
        return Ok(said);
    }
    let kept = disk.memory.messages(&book.conversation(), 0, u64::MAX).await?;
    let had_before = taken && handoff.is_from_backup() && disk.auditor.fired_before(&handoff.id);
    let answered = |word: &str| kept.iter().any(|message| message.content.text == answer_to(word));
    for (word, lives) in said.iter_mut().zip(&book.lives) {
        let place = kept.iter().find(|message| message.content.text == word.text).map(|message| message.seq);
        word.may_be_missing = match place {
            Some(seq) => {
                let elsewhere = seq > RESTORED_GAP || disk.memory.restores() < life;
                had_before && elsewhere && seq <= handoff.fired_seq && answered(&word.text)
            }
            None => lives.accepted < life,
        };
        word.may_be_repeated = (if taken { lives.accepted } else { life }) - lives.typed;
    }
    Ok(said)
}

/// The person's handoff, once it is decided; and whether an operator had to do it.
async fn decided(door: &Door, disk: &Disk, book: &Book) -> Result<(Handoff, bool)> {
    let mut by_hand = false;
    for n in 0..LOOKS {
        let latest = latest(door, disk, book)?;
        if let Some(handoff) = &latest
            && (handoff.state.is_accepted() || matches!(handoff.state, HandoffState::Failed { .. }))
        {
            return Ok((handoff.clone(), by_hand));
        }
        if let Some(handoff) = latest.filter(|handoff| n > HESITATION && handoff.told_delayed && !by_hand)
            && let Some(node) = door.cluster.running()
        {
            let reason = "its platform cannot tell".to_owned();
            let give_up = Decision::GiveUp { by: "operator".to_owned(), reason };
            by_hand = node.runtime.decide_handoff(&handoff.id, &give_up).await.is_ok();
        }
        tokio::time::sleep(PACE).await;
    }
    bail!("{}: undecided: {:#?}", book.name, latest(door, disk, book)?.map(|handoff| handoff.state))
}

fn latest(door: &Door, disk: &Disk, book: &Book) -> Result<Option<Handoff>> {
    let mut handoffs = disk.auditor.handoffs_of(&conversation(door, book)?);
    handoffs.sort_by_key(|handoff| handoff.fired_at);
    Ok(handoffs.pop())
}

/// The server's name for the person's conversation.
fn conversation(door: &Door, book: &Book) -> Result<ConversationId> {
    if door.desk.route != Route::Line {
        return Ok(book.conversation());
    }
    let chats = door.desk.look("inspect")?["chats"].clone();
    let all = chats.as_object().map(|chats| chats.values().cloned().collect::<Vec<_>>());
    let all = all.or_else(|| chats.as_array().cloned()).unwrap_or_default();
    let ours = all.into_iter().find(|chat| chat["person"] == book.name.as_str());
    let id = ours.map(|chat| chat["id"].to_string()).context("the person has no chat")?;
    Ok(ConversationId::derive(&ChannelId::new(door.desk.id()), id.trim_matches('"')))
}

/// Waits until live agents see every word that has to arrive.
async fn until_carried(door: &Door, book: &Book, handoff: &Handoff, said: &[Word]) -> Result<Chat> {
    let missing = |chat: &Chat| {
        let stands = |word: &&Word| chat.lines.iter().any(|line| line.text.contains(&word.text));
        said.iter().filter(|word| !word.may_be_missing).find(|word| !stands(word)).cloned()
    };
    let mut last = None;
    for _ in 0..LOOKS {
        let chats = door.desk.chats_of(&book.mark(), handoff.id.as_str())?;
        if let Some(chat) = chats.iter().find(|chat| missing(chat).is_none()) {
            return Ok(chat.clone());
        }
        last = chats.iter().find_map(missing).or(last);
        tokio::time::sleep(PACE).await;
    }
    bail!("{}: {:?} did not arrive", book.name, last.map_or_else(String::new, |word| word.text))
}

/// A lost call that passes control, and takes effect when the live agent has closed the ticket already, makes another
/// ticket of the same conversation, with its history and nothing else in it: nothing there ties the call to a ticket.
fn leave_out_late(chats: &mut Vec<Chat>, tally: &mut Tally) {
    let [first, second] = chats.as_slice() else { return };
    let is_over = matches!(first.status.as_str(), "closed" | "solved");
    if first.id == second.id && is_over && first.lines == second.lines {
        tally.given_late += 1;
        chats.pop();
    }
}

/// Waits until the bot has answered the last word in its own chat; gives all that stands there. Nothing where the portal
/// passed the chat on by itself, because no answer came for too long: the bot cannot speak there any more.
async fn until_answered(
    door: &Door,
    book: &Book,
    handoff: &Handoff,
    said: &[Word],
) -> Result<Option<Vec<String>>> {
    let last = said.last().map(|word| answer_to(&word.text)).unwrap_or_default();
    for _ in 0..LOOKS {
        let chats = door.desk.chats_of(&book.mark(), handoff.id.as_str())?;
        let count = |chat: &Chat, field: &str| chat.raw[field].as_u64().unwrap_or_default();
        if chats.iter().any(|chat| count(chat, "auto_handoffs") > 0 && count(chat, "handoff_calls") == 0) {
            return Ok(None);
        }
        let stands: Vec<String> =
            chats.into_iter().flat_map(|chat| chat.lines).map(|line| line.text).collect();
        if stands.contains(&last) {
            return Ok(Some(stands));
        }
        tokio::time::sleep(PACE).await;
    }
    bail!("{}: the bot never answered with {last:?}", book.name)
}

/// The live agent writes and closes; on our own channel the person sees both.
async fn agent_speaks_and_closes(door: &Door, book: &mut Book, chat: &Chat) -> Result<()> {
    let words = format!("{} {TEAM} at the end.", book.name);
    door.desk.agent_writes(&chat.id, &words).await?;
    book.written.push(Written { text: words.clone(), life: door.cluster.life(), of_nobody: false });
    until_shown(door, book, &words).await?;
    door.desk.agent_closes(&chat.id).await?;
    until_shown(door, book, CLOSED).await
}

async fn until_shown(door: &Door, book: &mut Book, text: &str) -> Result<()> {
    if door.desk.route == Route::Line {
        return Ok(());
    }
    for _ in 0..LOOKS {
        look(door, book).await;
        if book.times(text) > 0 {
            return Ok(());
        }
        tokio::time::sleep(PACE).await;
    }
    bail!("{}: {text:?} was never shown: {:#?}", book.name, book.shown)
}

/// Takes what is there to be shown still.
async fn see_all(door: &Door, disk: &Disk, book: &mut Book, taken: bool, said: &[Word]) -> Result<()> {
    if !taken && let Some(last) = said.iter().rfind(|word| !word.may_be_missing) {
        until_shown(door, book, &answer_to(&last.text)).await?;
    }
    // What a failed handoff left is taken back when the platform lets us.
    for _ in 0..LOOKS {
        let left = disk.memory.waiting(&conversation(door, book)?, EffectKind::Withdraw).await?;
        if left.is_empty() {
            break;
        }
        tokio::time::sleep(PACE).await;
    }
    // A platform may try again much later to tell us something, and what is shown too often comes then.
    for _ in 0..LOOKS {
        if !door.desk.tells_us_more()? {
            break;
        }
        tokio::time::sleep(PACE).await;
    }
    tokio::time::sleep(PACE * 10).await;
    if door.desk.route != Route::Line {
        look(door, book).await;
    }
    Ok(())
}

/// The truth was told, once, and nothing else.
fn announced(door: &Door, book: &Book, taken: bool, by_hand: bool, tally: &mut Tally) {
    let (told, life) = ((book.times(ACCEPTED) + book.times(QUEUED), book.times(FAILED)), door.cluster.life());
    let truth = if taken { (1, 0) } else { (0, 1) };
    let right = if door.desk.route == Route::Zendesk { ACCEPTED } else { QUEUED };
    // A restore forgets what was told, so that it is told again. A failure that is overcome was one; an acceptance stays.
    let again = |times: usize| (1..=1 + life).contains(&(times as u64));
    let true_again = if taken {
        again(told.0) && told.1 as u64 <= life && fails_before_it_is_accepted(book)
    } else {
        (told.0 == 0 || by_hand) && again(told.1)
    };
    let is_true = if life == 0 { told == truth } else { true_again };
    if !is_true || (taken && book.times(right) != told.0) {
        tally.wrongly_announced += 1;
        let shown = &book.shown;
        tally.finds(
            &book.name,
            &format!("was told of (acceptance, failure) {told:?}, true is {truth:?}: {shown:?}"),
        );
    }
    for line in book.written.iter().filter(|_| taken) {
        let (heard, since) = (book.times(&line.text), life - line.life);
        // What arrived at the server before a restore is forgotten with it, and is told again when the platform repeats it.
        // Nobody can be shown what comes while the server knows nothing of the handoff.
        // What a platform gave up to tell us nobody can show.
        let lost = heard == 0 && since == 0 && !line.of_nobody && !door.desk.gave_up_telling_us(&line.text);
        let doubled = heard as u64 > 1 + since;
        tally.lost += u64::from(lost);
        tally.doubled += u64::from(doubled);
        if lost || doubled {
            let text = &line.text;
            tally.finds(
                &book.name,
                &format!("was shown the live agent's {text:?} {heard} times: {:?}", book.shown),
            );
        }
    }
}

/// Whoever was told of an acceptance is told of no failure any more.
fn fails_before_it_is_accepted(book: &Book) -> bool {
    let accepted = book.shown.iter().position(|text| text == ACCEPTED || text == QUEUED);
    let failed = book.shown.iter().rposition(|text| text == FAILED);
    failed.is_none_or(|failed| accepted.is_some_and(|accepted| failed < accepted))
}

/// Our own history holds what was said until the acceptance, once.
async fn history(door: &Door, disk: &Disk, book: &Book, tally: &mut Tally) -> Result<()> {
    let kept = disk.memory.messages(&book.conversation(), 0, u64::MAX).await?;
    let count = |word: &String| kept.iter().filter(|message| message.content.text == **word).count();
    for word in book.said.iter().filter(|word| count(word) > 1) {
        tally.doubled += 1;
        tally.finds(&book.name, &format!("{word:?} is {} times in the history", count(word)));
    }
    if count(&book.said[0]) == 0 && book.lives[0].typed == door.cluster.life() {
        tally.lost += 1;
        tally.finds(&book.name, &format!("{:?} is not in the history", book.said[0]));
    }
    Ok(())
}
