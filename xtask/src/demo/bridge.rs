//! A chat in the webchat leaves for Zendesk: words during the transfer and after it, a live agent
//! who writes and sends a file, the end, and a new session.

use anyhow::{Context, Result};
use handoff_tests::{
    assistants::{ACCEPTED, ASKED, CLOSED, HELLO, MOMENT, WISH, answer_to},
    chat::Chat,
    server::state,
    visitor::Visitor,
};
use serde_json::{Value, json};

use super::{report::Report, theatre::Theatre};

const BEFORE: &str = "My parcel canary-before-7261 has not arrived";
const DURING: [&str; 2] = ["Are you there? canary-during-7262", "It is urgent, canary-during-7263"];
const AFTER: &str = "Thank you, canary-after-7264";
const REPLY: &str = "I am Maria, canary-reply-7265";
const FILE: &str = "label of the parcel, canary-file-7266";

/// Plays the chat.
pub(super) async fn play(theatre: &mut Theatre, report: &mut Report) -> Result<()> {
    let Theatre { zendesk, server, .. } = theatre;
    let mut person = Visitor::open(server).await?;
    person.says(BEFORE).await?;
    person.until_told(&answer_to(BEFORE)).await?;

    // The transfer stands still in the middle of the history.
    zendesk.fault(json!({ "path": "/messages", "method": "POST", "skip": 2, "kind": "hold" })).await?;
    person.says(WISH).await?;
    zendesk.until_held().await?;
    during(theatre, &mut person, report).await?;
    theatre.zendesk.release().await?;

    person.until_told(ACCEPTED).await?;
    let chat = after(theatre, &mut person, report).await?;
    closing(theatre, &mut person, &chat, report).await?;
    conclude(theatre, &mut person, report).await
}

async fn during(theatre: &Theatre, person: &mut Visitor, report: &mut Report) -> Result<()> {
    let mut holders = Vec::new();
    for words in DURING {
        holders.push(person.says(words).await?);
    }
    person.until_told(ASKED).await?;
    let handoff = theatre.server.handoff_of(&person.conversation).await?;
    let nobody = holders.iter().all(|holder| holder == "handoff");
    report.see("P1", nobody, format!("bridge: during the transfer nobody answers ({})", holders.join(", ")));
    report.see("P1", state(&handoff) == "transferring", "bridge: the operator sees it as transferring");
    let untold = person.times(ACCEPTED) == 0;
    report.see("P4", untold, "bridge: nothing is told as a fact while the platform has not answered");
    Ok(())
}

async fn after(theatre: &Theatre, person: &mut Visitor, report: &mut Report) -> Result<Chat> {
    let zendesk = &theatre.zendesk;
    let holder = person.says(AFTER).await?;
    report.see("P1", holder == "platform", format!("bridge: after acceptance the {holder} answers"));
    let chats = zendesk.until_chats("carried the words", |chats| one_with(chats, AFTER).is_some()).await?;
    let chat = one_with(&chats, AFTER).context("no chat")?.clone();
    let expected = expected(person);
    let complete = chat.said() == expected;
    report.see(
        "P2",
        complete,
        format!("bridge: the live agent sees all {} messages in order", expected.len()),
    );
    report.see("P3", chats.len() == 1, format!("bridge: {} conversation on Zendesk", chats.len()));

    zendesk.replies(&chat.id, REPLY).await?;
    let reply = person.until_shown(REPLY).await?;
    report.see("P2", reply.author == "live_agent", "bridge: the live agent's words arrive under their name");
    zendesk.attaches(&chat.id, "label.txt", "text/plain", FILE.as_bytes()).await?;
    person.until("a file", |thread| thread.iter().any(|line| !line.files.is_empty())).await?;
    let file = person.thread.iter().find_map(|line| line.files.first()).cloned().context("no file")?;
    let fetched = person.fetches(&file.1).await?;
    report.see(
        "P2",
        fetched.text() == FILE,
        format!("bridge: the live agent's file {:?} arrives whole", file.0),
    );
    Ok(chat)
}

async fn closing(theatre: &Theatre, person: &mut Visitor, chat: &Chat, report: &mut Report) -> Result<()> {
    sealed(theatre, person, report).await?;
    theatre.zendesk.closes(&chat.id).await?;
    person.until_told(CLOSED).await?;
    let accepted = person.thread.iter().position(|line| line.text == ACCEPTED).unwrap_or(0);
    let fired = person.thread.iter().position(|line| line.text == WISH).unwrap_or(0);
    let own = [MOMENT, ASKED, ACCEPTED, CLOSED];
    let strays: Vec<_> = person.thread[fired..]
        .iter()
        .filter(|line| matches!(line.author.as_str(), "assistant" | "notice"))
        .filter(|line| !own.contains(&line.text.as_str()))
        .collect();
    report.see(
        "P6",
        strays.is_empty(),
        format!("bridge: from the action on only its own texts ({strays:?})"),
    );
    let early = person.thread[..accepted].iter().any(|line| line.author == "live_agent");
    report.see("P4", !early, "bridge: no live agent before acceptance was told");
    Ok(())
}

/// Nothing of what followed the acceptance can be read at rest, in the log or in the Inbox.
async fn sealed(theatre: &Theatre, person: &Visitor, report: &mut Report) -> Result<()> {
    let server = &theatre.server;
    for canary in ["canary-after-7264", "canary-reply-7265", "canary-file-7266"] {
        let files = server.files_with(canary)?;
        report.see("P5", files.is_empty(), format!("bridge: {canary} in no file and no log line {files:?}"));
    }
    person.acknowledges().await?;
    let shown = server.conversation(&person.conversation).await?.to_string();
    for canary in ["canary-before-7261", "canary-during-7262"] {
        report.see("P5", shown.contains(canary), format!("bridge: {canary} is in the Inbox"));
    }
    report.see("P5", !shown.contains("canary-after-7264"), "bridge: the Inbox ends at acceptance");
    Ok(())
}

async fn conclude(theatre: &Theatre, person: &mut Visitor, report: &mut Report) -> Result<()> {
    let times = person.times(ACCEPTED);
    report.see("P4", times == 1, format!("bridge: acceptance was told {times} time(s)"));
    let handoff = theatre.server.until_state(&person.conversation, "closed").await?;
    let key = handoff["id"].as_str().context("no id")?;
    let made = theatre.zendesk.conversations_of(key).await?.len();
    report.see("P3", made == 1, format!("bridge: the handoff's key marks {made} conversation"));
    let chats = theatre.zendesk.chats().await?;
    report.handoff(summary("zendesk", &handoff, &chats, made));
    let holder = person.says("Hello again").await?;
    person.until("a new session", |thread| count(thread, HELLO) == 2).await?;
    report.see("P1", holder == "session", "bridge: once closed, the next message starts a new session");
    Ok(())
}

/// Everything said before acceptance, and the person's words after it.
fn expected(person: &Visitor) -> Vec<&str> {
    person.thread.iter().map(|line| line.text.as_str()).filter(|text| *text != ACCEPTED).collect()
}

fn one_with<'a>(chats: &'a [Chat], text: &str) -> Option<&'a Chat> {
    chats.iter().find(|chat| chat.count(text) > 0)
}

fn count(thread: &[handoff_tests::visitor::Line], text: &str) -> usize {
    thread.iter().filter(|line| line.text == text).count()
}

/// A handoff for the report.
pub(super) fn summary(platform: &str, handoff: &Value, chats: &[Chat], made: usize) -> Value {
    let receipt = &handoff["receipt"];
    let ticket = receipt["ticket"]["chat"].as_str().unwrap_or_default();
    let chat = chats.iter().find(|chat| chat.id == ticket);
    json!({
        "platform": platform, "route": handoff["route"], "state": state(handoff),
        "messages_before": receipt["transcript_messages"],
        "messages_live_agent_sees": chat.map(|chat| chat.said()),
        "tail": receipt["tail_messages"],
        "carried": { "to_platform": receipt["carried_out"], "to_person": receipt["carried_in"] },
        "tickets_made": made, "told": receipt["told"], "remarks": receipt["remarks"],
    })
}
