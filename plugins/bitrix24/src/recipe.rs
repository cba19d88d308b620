//! Passing a session on to live agents.
//!
//! One call does it; the rest is care. Before it the chat is looked at, because the call would open
//! a session where none is, and the look is left as a checkpoint, because a later attempt compares
//! with it. After it the bot leaves the chat, which may fail: the assistant is mute anyway.

use handoff_sdk::{
    ConnectorError, Result,
    model::{
        Route,
        connector::{Transfer, Transferred},
    },
    text::truncate_utf16,
    tracing::warn,
};
use serde_json::{Value, json};

use crate::{
    answer::Failure,
    bbcode, bot,
    chat::{self, Standing},
    checkpoint::{Checkpoint, Target},
    client::{Client, chat_number},
    comeback, history,
};

/// Longest summary in UTF-16 units; markup may make it longer.
const LONGEST_SUMMARY: usize = 9_000;

const OPERATOR: &str = "imopenlines.bot.session.operator";
const TRANSFER: &str = "imopenlines.bot.session.transfer";

/// Gives the chat to live agents.
pub(crate) async fn transfer(client: &Client<'_>, transfer: &Transfer) -> Result<Transferred> {
    let chat = chat_of(transfer)?;
    let target = Target::chosen(&transfer.options, &client.portal.settings)?;
    let comes_back = comeback::wanted(&transfer.options)?;
    let bot = bot::number(client).await?;
    let done = match Checkpoint::of(transfer) {
        Some(done) if done.asked => done,
        earlier => {
            let summary = summary(&transfer.options)?;
            pass_on(client, (bot, chat), target, earlier, summary.as_deref()).await?
        }
    };
    comeback::remember(client.cx, chat, done.session.as_deref(), comes_back).await?;
    leave(client, bot, chat).await;
    Ok(done.transferred(chat))
}

/// The chat that is to leave.
///
/// # Errors
/// [`ConnectorError::Refused`] on any route but the native one.
pub(crate) fn chat_of(transfer: &Transfer) -> Result<u64> {
    match (transfer.route, &transfer.chat) {
        (Route::Native, Some(chat)) => chat_number(chat),
        _ => Err(ConnectorError::Refused {
            detail: "this connection takes only chats that are on Bitrix24 already".to_owned(),
        }),
    }
}

/// Looks at the chat, and passes its session on unless that has been done.
async fn pass_on(
    client: &Client<'_>,
    (bot, chat): (u64, u64),
    target: Target,
    earlier: Option<Checkpoint>,
    summary: Option<&str>,
) -> Result<Checkpoint> {
    let seen = chat::look(client, bot, chat).await?;
    let earlier = earlier.filter(|point| point.session == seen.session);
    let again = earlier.is_some();
    let mut point = earlier.unwrap_or_else(|| Checkpoint::begin(&seen, target));
    if seen.session.is_none() && seen.owner.is_none() {
        return Err(ConnectorError::Refused { detail: "the chat has no open session".to_owned() });
    }
    if seen.may_be_ours() && !(again && is_moved(&seen, &point)) {
        point.noted |= summary.is_none();
        let says = !std::mem::replace(&mut point.noted, true);
        client.cx.checkpoint(&json!(point)).await?;
        if let Some(summary) = summary.filter(|_| says) {
            note(client, bot, chat, summary, &mut point).await;
            client.cx.checkpoint(&json!(point)).await?;
        }
        ask(client, chat, &mut point, again).await?;
    } else if !again {
        point.remarks.push(found_passed_on(&seen).to_owned());
    }
    if !again {
        point.remarks.extend(seen.crm.clone());
    }
    let done = point.done(seen.owner.is_some());
    client.cx.checkpoint(&json!(done)).await?;
    Ok(done)
}

/// What the author wants operators to read first, in BB code.
///
/// # Errors
/// [`ConnectorError::Refused`] when it is no text.
fn summary(options: &Value) -> Result<Option<String>> {
    match &options["summary"] {
        Value::Null => Ok(None),
        Value::String(text) => {
            let text = bbcode::from_markdown(truncate_utf16(text.trim(), LONGEST_SUMMARY));
            Ok(Some(text).filter(|text| !text.is_empty()))
        }
        // What an expression gave.
        Value::Number(_) | Value::Bool(_) => Ok(Some(options["summary"].to_string())),
        Value::Array(_) | Value::Object(_) => {
            Err(ConnectorError::Refused { detail: "the option summary must be a text".to_owned() })
        }
    }
}

/// Says the summary where the customer does not see it. A handoff does not fail for want of it, and it is said at most
/// once.
async fn note(client: &Client<'_>, bot: u64, chat: u64, summary: &str, point: &mut Checkpoint) {
    if let Err(failure) = bot::say_to_staff(client, bot, chat, summary).await {
        let error = ConnectorError::from(failure);
        warn!("The operators' summary of chat {chat} may not have arrived: {error}");
        point.remarks.push("the operators' summary may not have arrived".to_owned());
    }
}

/// Whether an earlier call has moved the session to its new open channel.
pub(crate) fn is_moved(seen: &Standing, point: &Checkpoint) -> bool {
    matches!(point.target, Target::Line(line) if seen.line == Some(line))
}

/// What to say of a chat that the bot did not hold any more.
pub(crate) fn found_passed_on(seen: &Standing) -> &'static str {
    if seen.owner.is_some() {
        "a live agent already held the chat"
    } else {
        "the bot was no longer in the chat: Bitrix24 had passed it on by itself, or its session had been closed"
    }
}

/// Asks for live agents. A target that cannot be had falls back to the session's own queue.
async fn ask(client: &Client<'_>, chat: u64, point: &mut Checkpoint, again: bool) -> Result<()> {
    if again && matches!(point.target, Target::Line(_)) && may_be_passed_on(client, point).await? {
        let remark = "whether the chat had reached the other open channel could not be found out; \
                      its present queue was asked";
        fall_back(client, point, remark).await?;
    }
    if let Some(parameters) = point.target.parameters(chat) {
        match client.act_on_session(TRANSFER, &parameters).await {
            Err(failure) if failure.is("OPERATOR_WRONG") => {
                let remark = "Bitrix24 would not pass the chat to the chosen target; its own queue was asked";
                fall_back(client, point, remark).await?;
            }
            answered => return taken(answered),
        }
    }
    taken(client.act_on_session(OPERATOR, &json!({ "CHAT_ID": chat })).await)
}

async fn fall_back(client: &Client<'_>, point: &mut Checkpoint, remark: &str) -> Result<()> {
    point.fall_back(remark);
    client.cx.checkpoint(&json!(point)).await
}

/// `WRONG_CHAT` says that no bot holds the session: people have it, which is what was asked for.
fn taken(answered: Result<(), Failure>) -> Result<()> {
    match answered {
        Err(failure) if failure.is("WRONG_CHAT") => Ok(()),
        answered => Ok(answered?),
    }
}

/// Whether the platform has written a line of its own since the first attempt began, as it does when
/// a session is passed on. Where the history cannot be read, it may have.
async fn may_be_passed_on(client: &Client<'_>, point: &Checkpoint) -> Result<bool> {
    let Some(session) = &point.session else { return Ok(true) };
    match history::of_session(client, session).await {
        Ok(lines) => Ok(lines.iter().any(|line| line.by.is_none() && line.id > point.last_message)),
        Err(Failure::Said { .. }) => Ok(true),
        Err(Failure::Failed(error)) => Err(error),
    }
}

/// Takes the bot out of the chat, so that it no longer hears what is said there.
async fn leave(client: &Client<'_>, bot: u64, chat: u64) {
    if let Err(failure) = bot::leave(client, bot, chat).await {
        let error = ConnectorError::from(failure);
        warn!("The bot could not leave chat {chat} after the transfer: {error}");
    }
}
