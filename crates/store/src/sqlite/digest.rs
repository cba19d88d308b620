//! By what a row that the disk has changed is known.
//!
//! A row carries a few bytes of a hash over its table, all of its columns, and the conversation that it belongs to.
//! Whoever reads a row asks `intact!` of it and gives out nothing when the answer is no. Whoever changes a row changes
//! only one that is intact, since a fresh digest over damaged words would make them pass for good.

use rusqlite::{Connection, Row, functions::FunctionFlags, types::ValueRef};
use sha2::{Digest, Sha256};

use super::failure::Failure;

/// Bytes of the hash that are kept: enough against accidents. Against whoever can write the file nothing here helps.
const KEPT: usize = 8;

/// SQL that says whether a row is as it was written. Rows that lie under their conversation's number need its id.
macro_rules! intact {
    (conversations) => {
        "(digest IS digest_of('conversations', id, version, channel, external_id, person_name, held_by, last_text,
            updated, body))"
    };
    (messages of $id:literal) => {
        concat!(
            "(digest IS digest_of('messages', ",
            $id,
            ", seq, author, content, at, delivery, external_id))"
        )
    };
    (sealed of $id:literal) => {
        concat!("(digest IS digest_of('sealed', ", $id, ", seq, sealed))")
    };
    (handoffs) => {
        "(digest IS digest_of('handoffs', id, version, conversation, connection, connector, platform, state, fired_at,
            body))"
    };
    (chats) => {
        "(digest IS digest_of('chats', connection, chat, handoff))"
    };
    (withheld) => {
        "(digest IS digest_of('withheld', handoff, sealed))"
    };
    (effects) => {
        "(digest IS digest_of('effects', kind, lane, head, conversation, handoff, seq, sealed, attempts, maybe_done,
            added, due, held_until))"
    };
    (parked) => {
        "(digest IS digest_of('parked', connection, sealed, at))"
    };
    (versions) => {
        "(digest IS digest_of('versions', assistant, version, definition, at))"
    };
}
pub(super) use intact;

/// Every table that has digests, with SQL that names its damaged rows.
const DAMAGED: [&str; 9] = [
    concat!("SELECT 'conversations', id FROM conversations WHERE NOT ", intact!(conversations)),
    concat!(
        "SELECT 'messages', 'place ' || seq || ' of conversation ' || ifnull(id, 'without a row') FROM
            (SELECT m.*, c.id FROM messages m LEFT JOIN conversations c ON c.number = m.conversation) WHERE NOT ",
        intact!(messages of "id")
    ),
    concat!(
        "SELECT 'sealed', 'place ' || seq || ' of conversation ' || ifnull(id, 'without a row') FROM
            (SELECT s.*, c.id FROM sealed s LEFT JOIN conversations c ON c.number = s.conversation) WHERE NOT ",
        intact!(sealed of "id")
    ),
    concat!("SELECT 'handoffs', id FROM handoffs WHERE NOT ", intact!(handoffs)),
    concat!("SELECT 'chats', chat || ' of ' || connection FROM chats WHERE NOT ", intact!(chats)),
    concat!("SELECT 'withheld', 'of handoff ' || handoff FROM withheld WHERE NOT ", intact!(withheld)),
    concat!("SELECT 'effects', 'number ' || id FROM effects WHERE NOT ", intact!(effects)),
    concat!("SELECT 'parked', 'number ' || id FROM parked WHERE NOT ", intact!(parked)),
    concat!(
        "SELECT 'versions', 'version ' || version || ' of ' || assistant FROM versions WHERE NOT ",
        intact!(versions)
    ),
];

/// Of functions that say the same of the same, in UTF-8.
pub(super) const PLAIN: FunctionFlags = FunctionFlags::SQLITE_UTF8.union(FunctionFlags::SQLITE_DETERMINISTIC);

/// Makes `digest_of` known to a connection: its first argument names the table, the others are what the row says.
pub(super) fn teach(db: &Connection) -> rusqlite::Result<()> {
    db.create_scalar_function("digest_of", -1, PLAIN, |arguments| {
        let mut hash = Sha256::new();
        for place in 0..arguments.len() {
            add(&mut hash, arguments.get_raw(place));
        }
        Ok(hash.finalize()[..KEPT].to_vec())
    })
}

/// Adds a value with its kind and length, so that no two lists of values look alike.
fn add(hash: &mut Sha256, value: ValueRef<'_>) {
    let mut put = |kind: u8, bytes: &[u8]| {
        hash.update([kind]);
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    match value {
        ValueRef::Null => put(0, &[]),
        ValueRef::Integer(number) => put(1, &number.to_le_bytes()),
        ValueRef::Real(number) => put(2, &number.to_le_bytes()),
        ValueRef::Text(text) => put(3, text),
        ValueRef::Blob(bytes) => put(4, bytes),
    }
}

/// Refuses a row whose answer to `intact!`, in this column, is no.
pub(super) fn check(
    row: &Row<'_>,
    column: usize,
    name: impl FnOnce() -> String,
) -> std::result::Result<(), Failure> {
    if row.get(column)? { Ok(()) } else { Err(Failure::damaged(name())) }
}

/// Whether to pass over a row of a list, whose answer to `intact!` is in this column. One damaged row must not
/// keep the others of the list back.
pub(super) fn pass_over(
    row: &Row<'_>,
    column: usize,
    name: impl FnOnce() -> String,
) -> rusqlite::Result<bool> {
    let damaged = !row.get::<_, bool>(column)?;
    if damaged {
        tracing::error!("A list leaves out {}: it is damaged. Run handoff doctor", name());
    }
    Ok(damaged)
}

/// The names of damaged rows, at most so many.
pub(super) fn damaged(db: &Connection, most: usize) -> rusqlite::Result<Vec<String>> {
    let mut found = Vec::new();
    for sql in DAMAGED {
        let mut statement = db.prepare(sql)?;
        let rows = statement.query_map([], |row| {
            let (table, name): (String, String) = (row.get(0)?, row.get(1)?);
            Ok(format!("a row of {table} ({name}) is not as it was written"))
        })?;
        for name in rows.take(most - found.len()) {
            found.push(name?);
        }
    }
    Ok(found)
}
