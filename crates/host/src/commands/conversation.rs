//! `handoff conversation`: what was said, up to the handoff.

use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;
use handoff_core::{
    session::{Control, Conversation},
    store::{Conversations, Page},
};
use handoff_model::{Author, ConversationId, Message};
use serde_json::json;

use super::{say, say_json};
use crate::{
    compose::{self, Role},
    config::Config,
};

/// What to do with conversations.
#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Lists conversations, latest first.
    List {
        /// How many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// Goes on after this cursor.
        #[arg(long)]
        after: Option<String>,
    },
    /// Shows a conversation.
    Show {
        /// Its id.
        id: String,
    },
}

pub(crate) async fn run(config: &Config, verb: &Verb, json: bool) -> anyhow::Result<ExitCode> {
    let store = compose::open_store(config, Role::Command)?;
    match verb {
        Verb::List { limit, after } => {
            let rows = store.conversations(Page { after: after.clone(), limit: *limit }).await?;
            if json {
                say_json(&rows)?;
            } else if rows.is_empty() {
                say("no conversations");
            } else {
                for row in rows {
                    say(format!(
                        "{}  {:<12}  {:<9}  {}  {}",
                        row.id, row.channel, row.held_by, row.updated, row.person
                    ));
                }
            }
        }
        Verb::Show { id } => {
            let id = ConversationId::new(id);
            let found = store.conversation(&id).await?;
            let conversation = found.with_context(|| format!("there is no conversation {id:?}"))?;
            let messages = store.messages(&id, 0, conversation.last_seq).await?;
            if json {
                say_json(&json!({ "conversation": conversation, "messages": messages }))?;
            } else {
                messages.iter().for_each(show);
                say(banner(&*store, &conversation).await?);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(message: &Message) {
    let author = match message.author {
        Author::Person => "person",
        Author::Assistant => "assistant",
        Author::Notice => "notice",
    };
    say(format!("{:>5}  {}  {author:<9}  {}", message.seq, message.at, message.content.text));
}

async fn banner(
    store: &dyn handoff_core::store::Store,
    conversation: &Conversation,
) -> anyhow::Result<String> {
    let last = match &conversation.last_handoff {
        Some(id) => store.handoff(id).await?,
        None => None,
    };
    Ok(match (&conversation.control, last) {
        (Control::Platform { .. }, Some(handoff)) => format!(
            "Transferred to {} at {}; what follows is not visible here.",
            handoff.platform,
            handoff.receipt.accepted_at.unwrap_or_default()
        ),
        (Control::Handoff { .. }, Some(handoff)) => {
            format!("A transfer to {} is under way ({}).", handoff.platform, handoff.state.name())
        }
        (Control::Taken, _) => "The platform took this chat; what follows is not visible here.".to_owned(),
        (Control::Session, _) => "The assistant holds this chat.".to_owned(),
        _ => "Nobody holds this chat; the next message starts a session.".to_owned(),
    })
}
