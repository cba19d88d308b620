//! What was said in a conversation, and what is still to be shown to the person.

use handoff_core::store::Shown;
use handoff_model::{Author, ConversationId, Delivery, Message, Timestamp};
use rusqlite::{Connection, Row, params};

use super::{
    digest::{check, intact},
    failure::Failure,
    integer, limit, unsigned,
};

/// Adds a message to the conversation that lies under this number.
pub(super) fn add(
    db: &Connection,
    conversation: i64,
    id: &ConversationId,
    message: &Message,
    content: &str,
) -> Result<(), Failure> {
    let sql = "INSERT INTO messages (conversation, seq, author, content, at, delivery, external_id, digest)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, digest_of('messages', ?8, ?2, ?3, ?4, ?5, ?6, ?7))";
    db.prepare_cached(sql)?.execute(params![
        conversation,
        integer(message.seq),
        author(message.author),
        content,
        message.at.0,
        delivery(message.delivery),
        message.external_id,
        id.as_str(),
    ])?;
    Ok(())
}

/// Notes what became of a message.
pub(super) fn deliver(
    db: &Connection,
    conversation: i64,
    id: &ConversationId,
    seq: u64,
    outcome: Delivery,
) -> Result<(), Failure> {
    let sql = concat!(
        "UPDATE messages SET delivery = ?3,
            digest = digest_of('messages', ?4, seq, author, content, at, ?3, external_id)
        WHERE conversation = ?1 AND seq = ?2 AND ",
        intact!(messages of "?4")
    );
    let values = params![conversation, integer(seq), delivery(outcome), id.as_str()];
    db.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

/// Keeps a sealed row until the person has it.
pub(super) fn seal(
    db: &Connection,
    conversation: i64,
    id: &ConversationId,
    seq: u64,
    sealed: &[u8],
) -> Result<(), Failure> {
    let sql = "INSERT INTO sealed (conversation, seq, sealed, digest)
        VALUES (?1, ?2, ?3, digest_of('sealed', ?4, ?2, ?3))";
    db.prepare_cached(sql)?.execute(params![conversation, integer(seq), sealed, id.as_str()])?;
    Ok(())
}

/// The person has everything up to this place.
pub(super) fn acknowledge(db: &Connection, id: &ConversationId, until: u64) -> Result<(), Failure> {
    // By the index over what is undelivered: the history before, however long, is not read.
    let replies = concat!(
        "UPDATE messages INDEXED BY messages_undelivered SET delivery = 'delivered',
            digest = digest_of('messages', ?1, seq, author, content, at, 'delivered', external_id)
        WHERE conversation = (SELECT number FROM conversations WHERE id = ?1) AND seq <= ?2
        AND delivery <> 'delivered' AND author <> 'person' AND ",
        intact!(messages of "?1")
    );
    let sealed = concat!(
        "DELETE FROM sealed
        WHERE conversation = (SELECT number FROM conversations WHERE id = ?1) AND seq <= ?2 AND ",
        intact!(sealed of "?1")
    );
    for sql in [replies, sealed] {
        db.prepare_cached(sql)?.execute(params![id.as_str(), integer(until)])?;
    }
    Ok(())
}

/// Messages with places after `after` up to `until`, in order.
pub(super) fn list(
    db: &Connection,
    id: &ConversationId,
    after: u64,
    until: u64,
) -> Result<Vec<Message>, Failure> {
    let sql = concat!(
        "SELECT seq, author, content, at, delivery, external_id, ",
        intact!(messages of "?1"),
        " FROM messages
        WHERE conversation = (SELECT number FROM conversations WHERE id = ?1) AND seq > ?2 AND seq <= ?3
        ORDER BY seq"
    );
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params![id.as_str(), integer(after), integer(until)])?;
    let mut messages = Vec::new();
    while let Some(row) = rows.next()? {
        check(row, 6, || place("messages", row, id))?;
        messages.push(message(row)?);
    }
    Ok(messages)
}

/// What is to be shown after a place, from the history and from what is sealed, in order.
pub(super) fn shown(
    db: &Connection,
    id: &ConversationId,
    after: u64,
    most: usize,
) -> Result<Vec<Shown>, Failure> {
    // One statement, hence one moment: in two, a row could slip in at a place already passed.
    let sql = concat!(
        "SELECT seq, author, content, at, NULL, ",
        intact!(messages of "?1"),
        " FROM messages
            WHERE conversation = (SELECT number FROM conversations WHERE id = ?1) AND seq > ?2
            AND author <> 'person'
        UNION ALL SELECT seq, NULL, NULL, NULL, sealed, ",
        intact!(sealed of "?1"),
        " FROM sealed
            WHERE conversation = (SELECT number FROM conversations WHERE id = ?1) AND seq > ?2
        ORDER BY seq LIMIT ?3"
    );
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params![id.as_str(), integer(after), limit(most)])?;
    let mut shown = Vec::new();
    while let Some(row) = rows.next()? {
        check(row, 5, || place("what is to be shown", row, id))?;
        let seq = unsigned(row.get(0)?)?;
        shown.push(match row.get(4)? {
            Some(sealed) => Shown::Sealed { seq, sealed },
            None => Shown::Said {
                seq,
                author: author_of(text(row, 1)?)?,
                content: serde_json::from_str(text(row, 2)?)?,
                at: Timestamp(row.get(3)?),
            },
        });
    }
    Ok(shown)
}

/// Names a row by its place, which may itself be what is damaged.
fn place(table: &str, row: &Row<'_>, id: &ConversationId) -> String {
    let seq = row.get::<_, i64>(0).map_or_else(|_| "?".to_owned(), |seq| seq.to_string());
    format!("a row of {table} (place {seq} of conversation {id})")
}

fn message(row: &Row<'_>) -> Result<Message, Failure> {
    Ok(Message {
        seq: unsigned(row.get(0)?)?,
        author: author_of(text(row, 1)?)?,
        content: serde_json::from_str(text(row, 2)?)?,
        at: Timestamp(row.get(3)?),
        delivery: delivery_of(text(row, 4)?)?,
        external_id: row.get(5)?,
    })
}

/// A text column, not copied.
pub(super) fn text<'row>(row: &'row Row<'_>, column: usize) -> Result<&'row str, Failure> {
    Ok(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?)
}

fn author(author: Author) -> &'static str {
    match author {
        Author::Person => "person",
        Author::Assistant => "assistant",
        Author::Notice => "notice",
    }
}

pub(super) fn author_of(name: &str) -> Result<Author, Failure> {
    match name {
        "person" => Ok(Author::Person),
        "assistant" => Ok(Author::Assistant),
        "notice" => Ok(Author::Notice),
        other => Err(Failure::broken(format!("no message is by {other:?}"))),
    }
}

fn delivery(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::Pending => "pending",
        Delivery::Delivered => "delivered",
        Delivery::Undelivered => "undelivered",
        Delivery::Unknown => "unknown",
    }
}

pub(super) fn delivery_of(name: &str) -> Result<Delivery, Failure> {
    match name {
        "pending" => Ok(Delivery::Pending),
        "delivered" => Ok(Delivery::Delivered),
        "undelivered" => Ok(Delivery::Undelivered),
        "unknown" => Ok(Delivery::Unknown),
        other => Err(Failure::broken(format!("no delivery is {other:?}"))),
    }
}
