-- Times are milliseconds since 1970. What is called `sealed` is encrypted before it comes here.

-- Rows are long, so they lie in a table of their own number; messages refer to that number, which
-- keeps the messages of young conversations, the ones that grow, close together.
CREATE TABLE conversations (
    number      INTEGER PRIMARY KEY,
    id          TEXT    NOT NULL UNIQUE,
    version     INTEGER NOT NULL,
    channel     TEXT    NOT NULL,
    external_id TEXT    NOT NULL,
    person_name TEXT    NOT NULL,
    held_by     TEXT    NOT NULL,
    last_text   TEXT    NOT NULL,
    updated     INTEGER NOT NULL,
    body        TEXT    NOT NULL
) STRICT;
CREATE INDEX conversations_latest ON conversations (updated, id);

CREATE TABLE messages (
    conversation INTEGER NOT NULL REFERENCES conversations (number),
    seq          INTEGER NOT NULL,
    author       TEXT    NOT NULL,
    content      TEXT    NOT NULL,
    at           INTEGER NOT NULL,
    delivery     TEXT    NOT NULL,
    external_id  TEXT,
    PRIMARY KEY (conversation, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX messages_undelivered ON messages (conversation, seq)
    WHERE delivery <> 'delivered' AND author <> 'person';

CREATE TABLE sealed (
    conversation INTEGER NOT NULL REFERENCES conversations (number),
    seq          INTEGER NOT NULL,
    sealed       BLOB    NOT NULL,
    PRIMARY KEY (conversation, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE dedupe (
    scope      TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    from_seq   INTEGER NOT NULL,
    until_seq  INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX dedupe_oldest ON dedupe (at);

CREATE TABLE handoffs (
    number       INTEGER PRIMARY KEY,
    id           TEXT    NOT NULL UNIQUE,
    version      INTEGER NOT NULL,
    conversation TEXT    NOT NULL REFERENCES conversations (id),
    connection   TEXT    NOT NULL,
    connector    TEXT    NOT NULL,
    platform     TEXT    NOT NULL,
    state        TEXT    NOT NULL,
    fired_at     INTEGER NOT NULL,
    body         TEXT    NOT NULL
) STRICT;
CREATE INDEX handoffs_latest ON handoffs (fired_at, id);
CREATE INDEX handoffs_by_state ON handoffs (state, fired_at, id);

CREATE TABLE chats (
    connection TEXT NOT NULL,
    chat       TEXT NOT NULL,
    handoff    TEXT NOT NULL REFERENCES handoffs (id),
    PRIMARY KEY (connection, chat)
) STRICT, WITHOUT ROWID;

CREATE TABLE withheld (
    number  INTEGER PRIMARY KEY,
    handoff TEXT NOT NULL REFERENCES handoffs (id),
    sealed  BLOB NOT NULL
) STRICT;
CREATE INDEX withheld_of ON withheld (handoff);

-- `head` marks the first row of each lane. Only heads can be claimed, so the index over them is
-- all that a claim reads, however many rows wait behind them.
CREATE TABLE effects (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    kind         TEXT    NOT NULL,
    lane         TEXT    NOT NULL,
    head         INTEGER NOT NULL,
    conversation TEXT    NOT NULL REFERENCES conversations (id),
    handoff      TEXT,
    seq          INTEGER NOT NULL,
    sealed       BLOB    NOT NULL,
    attempts     INTEGER NOT NULL DEFAULT 0,
    maybe_done   INTEGER NOT NULL DEFAULT 0,
    added        INTEGER NOT NULL,
    due          INTEGER NOT NULL,
    held_until   INTEGER,
    ready        INTEGER NOT NULL GENERATED ALWAYS AS (max(due, ifnull(held_until + 1, due))) VIRTUAL
) STRICT;
CREATE INDEX effects_ready ON effects (ready) WHERE head = 1;
CREATE INDEX effects_lane ON effects (lane);
CREATE INDEX effects_conversation ON effects (conversation, kind);

CREATE TABLE parked (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    connection TEXT    NOT NULL,
    sealed     BLOB    NOT NULL,
    at         INTEGER NOT NULL
) STRICT;
CREATE INDEX parked_of ON parked (connection);

CREATE TABLE assistants (
    id                 TEXT    PRIMARY KEY,
    name               TEXT    NOT NULL,
    draft              TEXT    NOT NULL,
    revision           INTEGER NOT NULL,
    published          INTEGER,
    published_revision INTEGER,
    saved_at           INTEGER NOT NULL
) STRICT;

CREATE TABLE versions (
    assistant  TEXT    NOT NULL REFERENCES assistants (id),
    version    INTEGER NOT NULL,
    definition TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (assistant, version)
) STRICT;

CREATE TABLE users (
    name          TEXT    PRIMARY KEY,
    password_hash TEXT    NOT NULL,
    at            INTEGER NOT NULL
) STRICT;

CREATE TABLE console_sessions (
    token_hash TEXT    PRIMARY KEY,
    user       TEXT    NOT NULL REFERENCES users (name),
    csrf       TEXT    NOT NULL,
    until      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE failures (
    key TEXT    NOT NULL,
    at  INTEGER NOT NULL
) STRICT;
CREATE INDEX failures_of ON failures (key, at);
CREATE INDEX failures_oldest ON failures (at);

CREATE TABLE kept (
    connection TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    value      TEXT    NOT NULL,
    PRIMARY KEY (connection, key)
) STRICT;

-- Written to find out whether anything can be written.
CREATE TABLE pulse (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    beats INTEGER NOT NULL
) STRICT;
INSERT INTO pulse (id, beats) VALUES (1, 0);
