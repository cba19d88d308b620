//! Measures commits per second: `cargo run --release -p handoff-store --example throughput -- [folder] [seconds]`.
//!
//! Sixteen tasks commit at once, each for conversations of its own: one event to remember, the
//! conversation, the person's message and the reply.

use std::{
    env,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use handoff_core::{
    session::{Conversation, Session, SessionState},
    store::{Changes, Dedupe, Store},
};
use handoff_model::{
    AssistantId, Author, ChannelId, Content, Delivery, Message, Person, SessionId, Timestamp,
};
use handoff_store::Sqlite;
use serde_json::{Map, json};

const TASKS: u64 = 16;
/// Conversations of each task, written to in turn.
const CONVERSATIONS: u64 = 50;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let folder = arguments.next().map_or_else(env::temp_dir, PathBuf::from);
    let seconds = arguments.next().map_or(Ok(10), |text| text.parse())?;
    let folder = tempfile::tempdir_in(folder)?;
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(&folder.path().join("handoff.db"))?);
    let (stop, commits) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let begun = Instant::now();
    let tasks = (0..TASKS).map(|task| {
        let (store, stop, commits) = (Arc::clone(&store), Arc::clone(&stop), Arc::clone(&commits));
        tokio::spawn(async move {
            let mut slowest = Duration::ZERO;
            let mut chats = (0..CONVERSATIONS).map(|n| chat(task, n)).collect::<Vec<_>>();
            let mut turn = 0;
            while !stop.load(Ordering::Relaxed) {
                let chat = turn % chats.len();
                let begun = Instant::now();
                store.commit(change(&mut chats[chat], turn)).await?;
                slowest = slowest.max(begun.elapsed());
                commits.fetch_add(1, Ordering::Relaxed);
                turn += 1;
            }
            Ok::<_, handoff_core::store::StoreError>(slowest)
        })
    });
    let tasks = tasks.collect::<Vec<_>>();
    let mut before = 0;
    for _ in 0..seconds {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = commits.load(Ordering::Relaxed);
        say(format_args!("{} commits in this second", now - before));
        before = now;
    }
    stop.store(true, Ordering::Relaxed);
    let mut slowest = Duration::ZERO;
    for task in tasks {
        slowest = slowest.max(task.await??);
    }
    let total = commits.load(Ordering::Relaxed);
    let rate = total as f64 / begun.elapsed().as_secs_f64();
    say(format_args!("{total} commits, {rate:.0} in a second, the slowest took {slowest:?}"));
    let begun = Instant::now();
    for n in 0..20_000 {
        store.conversation(&chat(n % TASKS, n % CONVERSATIONS).id).await?;
    }
    say(format_args!("reading a conversation takes {:?}", begun.elapsed() / 20_000));
    Ok(())
}

/// A conversation of about 700 bytes.
fn chat(task: u64, number: u64) -> Conversation {
    let person = Person {
        name: Some("Ann Example".into()),
        email: Some("ann@example.org".into()),
        ..Person::default()
    };
    let mut chat = Conversation::new(ChannelId::new("web"), format!("{task}-{number}"), person, Timestamp(1));
    let mut variables = Map::new();
    for name in ["order", "city", "product"] {
        variables.insert(name.into(), json!("something the person said, word for word"));
    }
    chat.session = Some(Session {
        id: SessionId::nth(&chat.id, 1),
        assistant: AssistantId::new("support"),
        assistant_version: 3,
        began: Timestamp(1),
        first_seq: 1,
        state: SessionState::Active,
        level: None,
        variables,
        asked: None,
    });
    chat
}

fn change(chat: &mut Conversation, turn: usize) -> Changes {
    let at = Timestamp(1_700_000_000_000 + turn as i64);
    chat.updated = at;
    let from = chat.last_seq;
    let said = [
        (Author::Person, "Where is my order? I have been waiting for it since Monday."),
        (
            Author::Assistant,
            "Your order left our warehouse yesterday and should be with you tomorrow. Is there anything else?",
        ),
    ];
    let messages = said.map(|(author, text)| {
        let content = Content::text(text);
        let delivery = if author == Author::Person { Delivery::Delivered } else { Delivery::Pending };
        (chat.id.clone(), Message { seq: chat.take_seq(), author, content, at, delivery, external_id: None })
    });
    let dedupe = Dedupe {
        scope: chat.channel.to_string(),
        key: format!("{}-{turn}", chat.id),
        at,
        from,
        until: chat.last_seq,
    };
    let changes = Changes {
        dedupe: vec![dedupe],
        conversation: Some(chat.clone()),
        messages: messages.into(),
        ..Changes::default()
    };
    chat.version += 1;
    changes
}

#[expect(clippy::print_stdout, reason = "an example says what it found")]
fn say(line: std::fmt::Arguments<'_>) {
    println!("{line}");
}
