//! What is played on the disk, and what has to be true of the rows afterwards.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use handoff_core::{
    session::Conversation,
    store::{
        Changes, Conversations as _, EffectKind, Handoffs as _, NewEffect, Outbox as _, Result, StoreError,
        Transactions as _,
    },
};
use handoff_model::{ConnectionId, ConversationId, Delivery, HandoffId, Timestamp};
use handoff_store::Sqlite;

use crate::{
    disk::Disk,
    suite::samples::{conversation, effect, event, handoff, message, with_messages},
};

pub(crate) const NOW: Timestamp = Timestamp(50_000);
const NAMES: [&str; 2] = ["ann", "bob"];
/// The turn in which a chat leaves.
const LEAVES: u64 = 2;

/// The next number of a sequence (splitmix64).
pub(crate) fn drawn(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// One thing to do. Each is one commit, or one call.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// The person's next message with its answer, which waits to be delivered. The second of them hands the chat over.
    Turn(&'static str),
    /// Everything that is due is delivered.
    Deliver,
    /// Chats are written to at the same time.
    Together,
    /// The log is written back.
    Tidy,
    /// The server ends and starts.
    Restart,
}

const SCRIPT: [Step; 9] = [
    Step::Turn("ann"),
    Step::Together,
    Step::Deliver,
    Step::Tidy,
    Step::Together,
    Step::Restart,
    Step::Turn("bob"),
    Step::Tidy,
    Step::Deliver,
];

/// What was said to be done, and what was tried: whatever is found lies between the two.
#[derive(Debug, Clone, Default)]
pub(crate) struct Book {
    /// Turns of each chat that were answered with *done*.
    done: BTreeMap<&'static str, u64>,
    /// Turns of each chat that were begun.
    tried: BTreeMap<&'static str, u64>,
    /// Deliveries that were answered with *done*, by chat and place.
    delivered: Vec<(&'static str, u64)>,
}

impl Book {
    /// Compares the rows with the book.
    pub(crate) async fn check(&self, case: &str, store: &Sqlite) {
        for name in NAMES {
            self.check_chat(case, store, name).await;
        }
    }

    async fn check_chat(&self, case: &str, store: &Sqlite, name: &'static str) {
        let chat = conversation(name);
        let version = version(store, &chat.id).await.unwrap();
        let (done, tried) =
            (self.done.get(name).copied().unwrap_or(0), self.tried.get(name).copied().unwrap_or(0));
        assert!((done..=tried).contains(&version), "{case}: {name} has {version} turns of {done} to {tried}");
        let said = store.messages(&chat.id, 0, u64::MAX).await.unwrap();
        let expected: Vec<_> = (1..=version * 2).map(|seq| words(name, seq)).collect();
        let texts: Vec<_> = said.iter().map(|message| message.content.clone()).collect();
        let wanted: Vec<_> =
            expected.iter().map(|text| handoff_model::Content::text(text.as_str())).collect();
        assert_eq!(texts, wanted, "{case}: what {name} said");
        // A reply waits to be delivered until it is, in the same commit.
        let waiting = store.waiting(&chat.id, EffectKind::Deliver).await.unwrap();
        let waits: Vec<_> = waiting.iter().map(|row| row.seq).collect();
        let replies = said.iter().filter(|message| message.seq.is_multiple_of(2));
        let pending: Vec<_> = replies
            .filter(|message| message.delivery == Delivery::Pending)
            .map(|message| message.seq)
            .collect();
        assert_eq!(waits, pending, "{case}: what waits for {name}");
        let again = self.delivered.iter().find(|(to, seq)| *to == name && waits.contains(seq));
        assert_eq!(again, None, "{case}: it was delivered");
        // The handoff, its chat and its effect came with one turn.
        let id = HandoffId::derive(&chat.id, "e2", 0);
        let left = version >= LEAVES;
        assert_eq!(store.handoff(&id).await.unwrap().is_some(), left, "{case}: the handoff of {name}");
        let by_chat = store.handoff_by_chat(&ConnectionId::new("desk"), name).await.unwrap();
        assert_eq!(by_chat.is_some(), left, "{case}: the platform's chat of {name}");
        let moving = store.waiting(&chat.id, EffectKind::Handoff).await.unwrap().len();
        assert_eq!(moving, usize::from(left), "{case}: what moves the handoff of {name} on");
    }
}

fn words(name: &str, seq: u64) -> String {
    format!("{name} {seq} {}", "word ".repeat(30 * seq as usize))
}

async fn version(store: &Sqlite, id: &ConversationId) -> Result<u64> {
    Ok(store.conversation(id).await?.map_or(0, |conversation| conversation.version))
}

/// Plays the script, as a server would: after an error it reads and tries again.
pub(crate) struct Player {
    case: String,
    path: PathBuf,
    /// Errors after which the disk is mended.
    patience: u32,
    errors: u32,
    pub(crate) store: Option<Sqlite>,
    pub(crate) book: Book,
    /// The book as it was when so many steps had been answered.
    pub(crate) books: Vec<Book>,
}

impl Player {
    pub(crate) fn new(case: &str, path: &Path, patience: u32) -> Self {
        Self {
            case: case.to_owned(),
            path: path.to_owned(),
            patience,
            errors: 0,
            store: None,
            book: Book::default(),
            books: Vec::new(),
        }
    }

    /// The disk failed: after a while somebody mends it, and then everything has to work again by itself.
    fn failed(&mut self, what: &str, disk: &Disk) {
        self.errors += 1;
        if self.errors == self.patience {
            disk.mend();
        }
        assert!(self.errors <= self.patience, "{}: it does not go on: {what}", self.case);
    }

    fn open(&mut self, disk: &Disk) {
        drop(self.store.take());
        while self.store.is_none() {
            match Sqlite::open(&self.path) {
                Ok(store) => self.store = Some(store),
                Err(error) => self.failed(&error.to_string(), disk),
            }
        }
    }

    fn store(&self) -> &Sqlite {
        self.store.as_ref().unwrap()
    }

    /// Whatever was done so far is so when the power goes from here on.
    fn note(&mut self, disk: &Disk) {
        self.books.push(self.book.clone());
        disk.answered(self.books.len() - 1);
    }
}

/// Plays all of it, and compares the rows with the book in the end.
pub(crate) async fn play(player: &mut Player, disk: &Disk) {
    player.note(disk);
    player.open(disk);
    for step in SCRIPT {
        match step {
            Step::Turn(name) => turns(player, disk, &[name]).await,
            Step::Together => turns(player, disk, &NAMES).await,
            Step::Deliver => deliver(player, disk).await,
            Step::Tidy => {
                while let Err(error) = player.store().tidy().await {
                    player.failed(&error.to_string(), disk);
                }
            }
            Step::Restart => player.open(disk),
        }
    }
    disk.mend();
    let case = player.case.clone();
    player.book.check(&case, player.store()).await;
    for name in NAMES {
        assert_eq!(player.book.done.get(name), player.book.tried.get(name), "{case}: {name} was answered");
    }
}

/// One turn of each of these chats, at the same time, until each was answered.
async fn turns(player: &mut Player, disk: &Disk, names: &[&'static str]) {
    let mut missing = names.to_vec();
    // A cut from here on may find the turns that are tried now.
    for name in names {
        *player.book.tried.entry(name).or_default() += 1;
    }
    player.note(disk);
    while !missing.is_empty() {
        let store = player.store();
        let results =
            futures::future::join_all(missing.iter().map(|name| turn(store, name, &player.book))).await;
        let (mut left, mut error) = (Vec::new(), None);
        for (name, result) in missing.into_iter().zip(results) {
            match result {
                Ok(()) => {
                    *player.book.done.entry(name).or_default() += 1;
                }
                Err(StoreError::Unavailable(why)) => {
                    error = Some(why);
                    left.push(name);
                }
                Err(other) => panic!("{}: {other}", player.case),
            }
        }
        player.note(disk);
        if let Some(why) = error {
            player.failed(&why, disk);
        }
        missing = left;
    }
}

/// Makes the turn, unless an earlier try that was answered with an error has made it after all.
async fn turn(store: &Sqlite, name: &'static str, book: &Book) -> Result<()> {
    let number = book.tried.get(name).copied().unwrap_or(0);
    let found = store.conversation(&conversation(name).id).await?;
    let chat = found.unwrap_or_else(|| conversation(name));
    if chat.version == number {
        return Ok(());
    }
    store.commit(changes(name, &chat, number)).await
}

fn changes(name: &str, chat: &Conversation, number: u64) -> Changes {
    let said: Vec<_> = (number * 2 - 1..=number * 2).map(|seq| message(seq, &words(name, seq))).collect();
    let deliver = NewEffect { kind: EffectKind::Deliver, seq: number * 2, ..effect(&chat.id, name, 1) };
    let mut changes = Changes {
        dedupe: vec![event(&format!("{name} {number}"), number * 2 - 2, number * 2)],
        effects: vec![deliver],
        ..with_messages(chat, &said)
    };
    if number == LEAVES {
        let leaving = handoff(&chat.id, "e2");
        let move_on = NewEffect {
            kind: EffectKind::Handoff,
            handoff: Some(leaving.id.clone()),
            ..effect(&chat.id, &leaving.lane(), 1_000_000)
        };
        changes.effects.push(move_on);
        changes.chats.push((ConnectionId::new("desk"), name.to_owned(), leaving.id.clone()));
        changes.handoffs.push(leaving);
    }
    changes
}

/// Delivers whatever is due, one commit for each.
async fn deliver(player: &mut Player, disk: &Disk) {
    loop {
        // Held for no time at all, so that a claim whose answer was lost is made again.
        let held_until = Timestamp(2);
        let claimed = match player.store().claim(Timestamp(3), held_until, 9).await {
            Ok(claimed) if claimed.is_empty() => return,
            Ok(claimed) => claimed,
            Err(error) => {
                player.failed(&error.to_string(), disk);
                continue;
            }
        };
        for row in claimed {
            let name = NAMES.into_iter().find(|name| conversation(name).id == row.conversation).unwrap();
            let deliveries = vec![(row.conversation.clone(), row.seq, Delivery::Delivered)];
            let changes = Changes { done: vec![row.id], deliveries, ..Changes::default() };
            match player.store().commit(changes).await {
                Ok(()) => player.book.delivered.push((name, row.seq)),
                Err(error) => player.failed(&error.to_string(), disk),
            }
            player.note(disk);
        }
    }
}
