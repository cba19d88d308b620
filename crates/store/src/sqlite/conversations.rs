//! Conversations: as the next turn needs them, and as the Inbox lists them.

use futures::future::BoxFuture;
use handoff_core::{
    session::Conversation,
    store::{ConversationSummary, Conversations, Page, Result, Shown, StoreError},
};
use handoff_model::{ChannelId, ConversationId, Message, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    Sqlite,
    digest::{check, intact, pass_over},
    failure::Failure,
    integer, messages, unsigned,
};
use crate::listing::{cursor, place};

impl Conversations for Sqlite {
    fn conversation(&self, id: &ConversationId) -> BoxFuture<'_, Result<Option<Conversation>>> {
        let id = id.clone();
        self.point(move |db| find(db, &id))
    }

    fn messages(&self, id: &ConversationId, after: u64, until: u64) -> BoxFuture<'_, Result<Vec<Message>>> {
        let id = id.clone();
        self.point(move |db| messages::list(db, &id, after, until))
    }

    fn shown(&self, id: &ConversationId, after: u64, limit: usize) -> BoxFuture<'_, Result<Vec<Shown>>> {
        let id = id.clone();
        self.point(move |db| messages::shown(db, &id, after, limit))
    }

    fn acknowledge(&self, id: &ConversationId, until: u64) -> BoxFuture<'_, Result<()>> {
        let id = id.clone();
        self.write(move |db| messages::acknowledge(db, &id, until))
    }

    fn conversations(&self, page: Page) -> BoxFuture<'_, Result<Vec<ConversationSummary>>> {
        self.list(move |db| latest(db, &page))
    }
}

/// Stores a conversation if its version still is the one that was read; gives its number.
pub(super) fn put(
    db: &Connection,
    conversation: &Conversation,
    body: &str,
    said: Option<&str>,
) -> std::result::Result<i64, Failure> {
    let number = if conversation.version == 0 {
        add(db, conversation, body, said)?
    } else {
        replace(db, conversation, body, said)?
    };
    number.ok_or_else(|| StoreError::Conflict.into())
}

fn add(
    db: &Connection,
    conversation: &Conversation,
    body: &str,
    said: Option<&str>,
) -> rusqlite::Result<Option<i64>> {
    let sql = "INSERT INTO conversations
            (id, version, channel, external_id, person_name, held_by, last_text, updated, body, digest)
        VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,
            digest_of('conversations', ?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)) ON CONFLICT DO NOTHING";
    let added = db.prepare_cached(sql)?.execute(params![
        conversation.id.as_str(),
        conversation.channel.as_str(),
        conversation.external_id,
        conversation.person.name.as_deref().unwrap_or_default(),
        conversation.control.name(),
        said.unwrap_or_default(),
        conversation.updated.0,
        body,
    ])?;
    Ok((added > 0).then(|| db.last_insert_rowid()))
}

fn replace(
    db: &Connection,
    conversation: &Conversation,
    body: &str,
    said: Option<&str>,
) -> rusqlite::Result<Option<i64>> {
    let sql = concat!(
        "UPDATE conversations SET version = version + 1, person_name = ?3, held_by = ?4,
            last_text = ifnull(?5, last_text), updated = ?6, body = ?7,
            digest = digest_of('conversations', id, version + 1, channel, external_id, ?3, ?4,
                ifnull(?5, last_text), ?6, ?7)
        WHERE id = ?1 AND version = ?2 AND ",
        intact!(conversations),
        " RETURNING number"
    );
    let fields = params![
        conversation.id.as_str(),
        integer(conversation.version),
        conversation.person.name.as_deref().unwrap_or_default(),
        conversation.control.name(),
        said,
        conversation.updated.0,
        body,
    ];
    db.prepare_cached(sql)?.query_row(fields, |row| row.get(0)).optional()
}

/// Notes the beginning of the last message, for a conversation that itself does not change.
pub(super) fn said(db: &Connection, id: &ConversationId, text: &str) -> std::result::Result<(), Failure> {
    let sql = concat!(
        "UPDATE conversations SET last_text = ?2, digest = digest_of('conversations', id, version, channel,
            external_id, person_name, held_by, ?2, updated, body) WHERE id = ?1 AND ",
        intact!(conversations)
    );
    db.prepare_cached(sql)?.execute(params![id.as_str(), text])?;
    Ok(())
}

/// A conversation by id.
pub(super) fn find(
    db: &Connection,
    id: &ConversationId,
) -> std::result::Result<Option<Conversation>, Failure> {
    let sql = concat!("SELECT version, body, ", intact!(conversations), " FROM conversations WHERE id = ?1");
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([id.as_str()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let name = || format!("a row of conversations ({id})");
    check(row, 2, name)?;
    let mut conversation: Conversation = serde_json::from_str(messages::text(row, 1)?)?;
    if conversation.id != *id {
        return Err(Failure::damaged(name()));
    }
    conversation.version = unsigned(row.get(0)?)?;
    Ok(Some(conversation))
}

fn latest(db: &Connection, page: &Page) -> std::result::Result<Vec<ConversationSummary>, Failure> {
    let sql = concat!(
        "SELECT id, channel, person_name, held_by, last_text, updated, ",
        intact!(conversations),
        " FROM conversations WHERE (updated, id) < (?1, ?2) ORDER BY updated DESC, id DESC"
    );
    let (updated, id) = place(page)?;
    let mut statement = db.prepare_cached(sql)?;
    let (mut rows, mut found) = (statement.query(params![updated, id])?, Vec::new());
    while found.len() < page.limit
        && let Some(row) = rows.next()?
    {
        if !pass_over(row, 6, || format!("a row of conversations ({:?})", row.get_ref(0)))? {
            found.push(summary(row)?);
        }
    }
    Ok(found)
}

fn summary(row: &Row<'_>) -> rusqlite::Result<ConversationSummary> {
    let (id, updated): (String, i64) = (row.get(0)?, row.get(5)?);
    Ok(ConversationSummary {
        cursor: cursor(updated, &id),
        id: ConversationId::new(id),
        channel: ChannelId::new(row.get::<_, String>(1)?),
        person: row.get(2)?,
        held_by: row.get(3)?,
        last_text: row.get(4)?,
        updated: Timestamp(updated),
    })
}
