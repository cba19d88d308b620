//! A chat in an open channel of Bitrix24 leaves for its operators: words during the transfer and
//! after it, an operator who answers, the end, and a new session.

use anyhow::Result;
use handoff_tests::{
    assistants::{ASKED, HELLO, MOMENT, WISH, answer_to},
    chat::Chat,
    server::state,
};
use serde_json::json;

use super::{bridge::summary, report::Report, theatre::Theatre};

const PERSON: &str = "anna";
const BEFORE: &str = "My card canary-line-8261 is lost";
const DURING: &str = "Please be quick, canary-line-8262";
const AFTER: &str = "There you are, canary-line-8263";
const REPLY: &str = "I am Klaus, canary-line-8264";

/// Plays the chat.
pub(super) async fn play(theatre: &mut Theatre, report: &mut Report) -> Result<()> {
    let Theatre { bitrix24, server, .. } = &*theatre;
    let chat = bitrix24.says(PERSON, BEFORE).await?;
    bitrix24.until_chat(chat, "an answer", |chat| chat.count(&answer_to(BEFORE)) == 1).await?;
    bitrix24.fault(json!({ "path": "bot.session.operator", "kind": "hold" })).await?;
    bitrix24.says(PERSON, WISH).await?;
    bitrix24.until_held().await?;
    bitrix24.says(PERSON, DURING).await?;
    bitrix24.until_told().await?;
    let conversation = conversation(theatre).await?;
    let handoff = server.handoff_of(&conversation).await?;
    report.see("P1", state(&handoff) == "transferring", "native: during the transfer nobody answers");
    bitrix24.release().await?;
    let handoff = server.until_state(&conversation, "accepted").await?;
    let waits = bitrix24.until_chat(chat, "the queue", |chat| chat.status == "queue").await?;
    report.see("P4", waits.count(ASKED) == 1, "native: the person was told what is being asked");

    bitrix24.accepts(chat).await?;
    bitrix24.replies(chat, REPLY).await?;
    bitrix24.attaches(chat, "form.txt", "a form to fill in").await?;
    bitrix24.says(PERSON, AFTER).await?;
    bitrix24.until_told().await?;
    let seen = bitrix24.chat(chat).await?;
    judge(&seen, report);
    sealed(theatre, &conversation, report).await?;
    report.handoff(summary("bitrix24", &handoff, &[seen], 1));
    closing(theatre, chat, report).await
}

fn judge(seen: &Chat, report: &mut Report) {
    let opening = [BEFORE, HELLO, &answer_to(BEFORE), WISH, MOMENT, ASKED];
    let said = seen.said();
    let whole = opening.iter().all(|text| seen.count(text) == 1);
    report.see("P2", whole, "native: the operator sees everything said before, once");
    let words: Vec<_> =
        said.iter().copied().filter(|text| [BEFORE, WISH, DURING, AFTER].contains(text)).collect();
    report.see("P2", words == [BEFORE, WISH, DURING, AFTER], "native: the person's words are there in order");
    let calls = &seen.raw["handoff_calls"];
    let sessions = seen.raw["sessions"].as_array().map_or(0, Vec::len);
    let once = *calls == json!(1) && sessions == 1;
    report.see("P3", once, format!("native: {sessions} session, passed on {calls} time(s)"));
    let fired = said.iter().position(|text| *text == ASKED).unwrap_or(0);
    let after = seen.lines.iter().filter(|line| line.author != "system").skip(fired + 1);
    let mute = after.filter(|line| line.author == "assistant").count() == 0;
    report.see("P6", mute, "native: the bot says nothing after its last text");
}

async fn sealed(theatre: &Theatre, conversation: &str, report: &mut Report) -> Result<()> {
    for canary in ["canary-line-8263", "canary-line-8264"] {
        let files = theatre.server.files_with(canary)?;
        report.see("P5", files.is_empty(), format!("native: {canary} in no file and no log line {files:?}"));
    }
    let shown = theatre.server.conversation(conversation).await?.to_string();
    let kept = shown.contains("canary-line-8261") && !shown.contains("canary-line-8263");
    report.see("P5", kept, "native: the Inbox ends at acceptance");
    Ok(())
}

async fn closing(theatre: &Theatre, chat: i64, report: &mut Report) -> Result<()> {
    let bitrix24 = &theatre.bitrix24;
    bitrix24.closes(chat).await?;
    bitrix24.says(PERSON, "Hello again").await?;
    let again = |chat: &Chat| chat.count(HELLO) == 2;
    bitrix24.until_chat(chat, "a new session", again).await?;
    report.see("P1", true, "native: once the operator closed the chat, a new session answers");
    Ok(())
}

/// The only conversation on the portal's channel.
async fn conversation(theatre: &Theatre) -> Result<String> {
    let all = theatre.server.conversations().await?;
    let ours = all.iter().find(|row| row["channel"] == "bitrix24");
    let id = ours.and_then(|row| row["id"].as_str());
    id.map(str::to_owned).ok_or_else(|| anyhow::anyhow!("the portal's chat is not in the Inbox"))
}
