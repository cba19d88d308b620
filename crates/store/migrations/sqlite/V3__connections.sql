-- Connections that administrators made; `settings` is null where only secrets are kept for one of the configuration file.
CREATE TABLE connections (
    id        TEXT    PRIMARY KEY,
    connector TEXT    NOT NULL,
    assistant TEXT,
    settings  TEXT    NOT NULL,
    sealed    BLOB    NOT NULL,
    revision  INTEGER NOT NULL,
    at        INTEGER NOT NULL
) STRICT;
CREATE INDEX handoffs_of_connection ON handoffs (connection, state);
