-- Each time the data was put back from a backup: when that was, and when the backup was made.
CREATE TABLE restored (
    at      INTEGER NOT NULL,
    made_at INTEGER NOT NULL
) STRICT;
