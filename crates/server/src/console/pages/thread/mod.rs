//! `/console/inbox/{id}`: what was said in a conversation until it left.

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    response::Response,
};
use handoff_core::{
    handoff::Handoff,
    session::{Control, Conversation},
};
use handoff_model::{Attachment, Author, ConversationId, Message, Source, Timestamp};
use serde::Deserialize;

use crate::console::{
    ConsoleState,
    access::SignedIn,
    answer::{self, Trouble},
    link,
    shell::Shell,
    words::{self, Badge, Moment},
};
use banner::Banner;

mod banner;

/// Messages on a page.
const MOST: u64 = 200;

/// Which part of a long thread.
#[derive(Debug, Default, Deserialize)]
pub(in crate::console) struct Part {
    #[serde(default)]
    before: Option<u64>,
}

#[derive(Template)]
#[template(path = "console/thread.html")]
struct ThreadPage {
    shell: Shell,
    name: String,
    channel: String,
    external_id: String,
    held: Badge,
    entries: Vec<Entry>,
    earlier: Option<String>,
    latest: Option<String>,
}

enum Entry {
    Said(Line),
    Banner(Banner),
}

struct Line {
    side: &'static str,
    author: String,
    text: String,
    quick_replies: Vec<String>,
    files: Vec<String>,
    at: Moment,
    mark: Option<Badge>,
}

/// A conversation's thread.
pub(in crate::console) async fn show(
    State(state): State<ConsoleState>,
    who: SignedIn,
    Path(id): Path<String>,
    Query(part): Query<Part>,
) -> Result<Response, Trouble> {
    let id = ConversationId::new(id);
    let store = state.runtime.store();
    let found = store.conversation(&id).await?;
    let conversation = found.ok_or_else(|| Trouble::not_found("There is no such conversation."))?;
    let handoff = match &conversation.last_handoff {
        Some(handoff) => store.handoff(handoff).await?,
        None => None,
    };
    let until = part.before.map_or(conversation.last_seq, |before| before.saturating_sub(1));
    let messages = window(&state, &id, until).await?;
    let page =
        ThreadPage::new(Shell::new(&state, &who, "inbox"), conversation, messages, handoff.as_ref(), part);
    Ok(answer::page(&page))
}

/// The last messages up to a place. Carried words take places without leaving messages, so the search
/// goes back in growing steps.
async fn window(state: &ConsoleState, id: &ConversationId, until: u64) -> Result<Vec<Message>, Trouble> {
    let (mut until, mut width) = (until, MOST);
    loop {
        let after = until.saturating_sub(width);
        let mut messages = state.runtime.store().messages(id, after, until).await?;
        if !messages.is_empty() || after == 0 {
            let surplus = messages.len().saturating_sub(usize::try_from(MOST).unwrap_or(usize::MAX));
            messages.drain(..surplus);
            return Ok(messages);
        }
        (until, width) = (after, width.saturating_mul(2));
    }
}

impl ThreadPage {
    fn new(
        shell: Shell,
        conversation: Conversation,
        messages: Vec<Message>,
        handoff: Option<&Handoff>,
        part: Part,
    ) -> Self {
        let here = link::thread(conversation.id.as_str());
        let first = messages.first().map_or(0, |message| message.seq);
        let name = words::person(&conversation.person);
        let messages = from_before(messages, &conversation, handoff);
        Self {
            shell,
            entries: entries(&messages, handoff, part.before.is_none(), &name),
            name,
            channel: conversation.channel.to_string(),
            external_id: conversation.external_id,
            held: words::held_by(conversation.control.name()),
            earlier: (first > 1).then(|| format!("{here}?before={first}")),
            latest: part.before.map(|_| here),
        }
    }
}

/// While the platform holds the chat nothing later than its acceptance is shown, whatever the store gives.
fn from_before(
    mut messages: Vec<Message>,
    conversation: &Conversation,
    handoff: Option<&Handoff>,
) -> Vec<Message> {
    if let (Control::Platform { id }, Some(handoff)) = (&conversation.control, handoff)
        && let Some(accepted) = handoff.receipt.accepted_at.filter(|_| handoff.id == *id)
    {
        messages.retain(|message| message.author == Author::Notice || message.at <= accepted);
    }
    messages
}

/// The messages with the banner at its place among them.
fn entries(messages: &[Message], handoff: Option<&Handoff>, latest: bool, name: &str) -> Vec<Entry> {
    let mut entries: Vec<_> = messages.iter().map(|message| Entry::Said(Line::new(message, name))).collect();
    if let Some(handoff) = handoff {
        let (banner, since) = Banner::new(handoff);
        let place = messages.iter().position(|message| follows(message, since));
        match place {
            Some(0) if !latest => {}
            Some(place) => entries.insert(place, Entry::Banner(banner)),
            None if latest => entries.push(Entry::Banner(banner)),
            None => {}
        }
    }
    entries
}

/// Whether a message belongs after the banner. The texts of the handoff itself stand before it.
fn follows(message: &Message, since: Timestamp) -> bool {
    message.author != Author::Notice && message.at > since
}

impl Line {
    fn new(message: &Message, person: &str) -> Self {
        let (side, author) = match message.author {
            Author::Person => ("person", person.to_owned()),
            Author::Assistant => ("assistant", "Assistant".to_owned()),
            Author::Notice => ("notice", "About the handoff".to_owned()),
        };
        Self {
            side,
            author,
            text: message.content.text.clone(),
            quick_replies: message.content.quick_replies.clone(),
            files: message.content.attachments.iter().map(file).collect(),
            at: message.at.into(),
            mark: (message.author != Author::Person).then(|| words::delivery(message.delivery)),
        }
    }
}

/// A file in words. Its address is not a link here: a stranger may have chosen it.
fn file(file: &Attachment) -> String {
    let place = match &file.source {
        Source::Url(address) => address.as_str(),
        Source::Platform(_) => "kept by the channel",
        Source::Blob(_) => "kept on this server for a while",
    };
    format!("{} ({}), {place}", file.name, file.media_type)
}
