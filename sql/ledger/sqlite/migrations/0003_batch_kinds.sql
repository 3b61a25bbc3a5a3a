-- A batch may also complete landed rows, and fill marts that were added later. SQLite cannot change a CHECK, so the table is
-- made anew. Keys that point at it are checked at the end, when its rows are back.
PRAGMA defer_foreign_keys = ON;

CREATE TEMP TABLE batch_before AS SELECT * FROM tillmart_batch;
DROP TABLE tillmart_batch;

CREATE TABLE tillmart_batch (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    feed          TEXT NOT NULL,
    token         INTEGER NOT NULL,               -- the run that claimed it
    kind          TEXT NOT NULL CHECK (kind IN ('load', 'replay', 'revoke', 'complete', 'fill')),
    kind_json     TEXT NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('claimed', 'landed', 'committed', 'published', 'finished')),
    claim_date    TEXT NOT NULL,
    manifest      TEXT,                           -- key below the storage root
    versions_json TEXT,                           -- Delta version by table
    created_date  TEXT NOT NULL,
    updated_date  TEXT NOT NULL,
    FOREIGN KEY (feed, token) REFERENCES tillmart_run (feed, token),
    CHECK (state = 'claimed' OR manifest IS NOT NULL),
    CHECK (state IN ('claimed', 'landed') OR versions_json IS NOT NULL)
) STRICT;

INSERT INTO tillmart_batch (id, feed, token, kind, kind_json, state, claim_date, manifest, versions_json, created_date,
                            updated_date)
SELECT id, feed, token, kind, kind_json, state, claim_date, manifest, versions_json, created_date, updated_date
FROM batch_before
ORDER BY id;
DROP TABLE batch_before;

-- Batches of a feed are strictly serial.
CREATE UNIQUE INDEX tillmart_batch_unfinished ON tillmart_batch (feed) WHERE state <> 'finished';
CREATE INDEX tillmart_batch_feed ON tillmart_batch (feed);
