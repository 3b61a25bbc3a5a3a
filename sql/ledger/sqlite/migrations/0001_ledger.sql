-- The ledger: runs, batches, source files, and the lease that keeps runs apart.
-- Times are RFC 3339 in UTC with nine fraction digits, so that they sort as text. Money is decimal text, never REAL.
-- What must never happen (two open batches of a feed, the same bytes landed twice) is refused by an index here,
-- whatever the program above believes.

-- Who may write a feed's ledger now. The token only rises: a write that names an older one is refused.
-- A lease that was given back keeps its token and has no holder.
CREATE TABLE tillmart_lease (
    feed   TEXT PRIMARY KEY NOT NULL,
    token  INTEGER NOT NULL,
    holder TEXT,
    until  TEXT,
    CHECK ((holder IS NULL) = (until IS NULL))
) STRICT;

-- Every run that ever held a lease, for the auditor.
CREATE TABLE tillmart_run (
    feed         TEXT NOT NULL,
    token        INTEGER NOT NULL,
    holder       TEXT NOT NULL,
    started_date TEXT NOT NULL,
    PRIMARY KEY (feed, token)
) STRICT, WITHOUT ROWID;

CREATE TABLE tillmart_batch (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    feed          TEXT NOT NULL,
    token         INTEGER NOT NULL,               -- the run that claimed it
    kind          TEXT NOT NULL CHECK (kind IN ('load', 'replay', 'revoke')),
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

-- Batches of a feed are strictly serial.
CREATE UNIQUE INDEX tillmart_batch_unfinished ON tillmart_batch (feed) WHERE state <> 'finished';
CREATE INDEX tillmart_batch_feed ON tillmart_batch (feed);

-- One row a delivery. The first six columns are those that such pipelines already have.
CREATE TABLE product_staging_table (
    id                   INTEGER PRIMARY KEY AUTOINCREMENT,
    file_name            TEXT NOT NULL,
    file_location        TEXT NOT NULL,           -- where it lies now, below the storage root
    created_date         TEXT NOT NULL,
    updated_date         TEXT NOT NULL,
    status               TEXT NOT NULL CHECK (status IN ('A', 'I')),
    feed                 TEXT NOT NULL,
    batch_id             INTEGER NOT NULL REFERENCES tillmart_batch (id),
    delivered_location   TEXT NOT NULL,           -- where it lay when it was claimed
    path                 TEXT NOT NULL,           -- below the incoming area
    size                 INTEGER NOT NULL CHECK (size >= 0),
    etag                 TEXT,
    modified             TEXT NOT NULL,
    outcome              TEXT NOT NULL CHECK (outcome IN ('pending', 'landed', 'duplicate', 'rejected', 'revoked')),
    reason               TEXT,
    message              TEXT,
    fault_line           INTEGER,
    duplicate_of         INTEGER REFERENCES product_staging_table (id),
    revoked_by           INTEGER REFERENCES tillmart_batch (id),
    digest               TEXT,
    rows_read            INTEGER NOT NULL DEFAULT 0 CHECK (rows_read >= 0),
    rows_landed          INTEGER NOT NULL DEFAULT 0 CHECK (rows_landed >= 0),
    rows_anonymous       INTEGER NOT NULL DEFAULT 0 CHECK (rows_anonymous >= 0),
    rows_rejected        INTEGER NOT NULL DEFAULT 0 CHECK (rows_rejected >= 0),
    rows_replayed        INTEGER NOT NULL DEFAULT 0 CHECK (rows_replayed BETWEEN 0 AND rows_rejected),
    rejected_json        TEXT NOT NULL DEFAULT '{}',
    rows_unknown_product INTEGER NOT NULL DEFAULT 0 CHECK (rows_unknown_product >= 0),
    money                TEXT NOT NULL DEFAULT '0.00',
    header               BLOB,
    UNIQUE (batch_id, path),
    CHECK (outcome <> 'landed' OR digest IS NOT NULL),
    CHECK ((outcome = 'duplicate') = (duplicate_of IS NOT NULL)),
    CHECK ((outcome = 'rejected') = (reason IS NOT NULL)),
    CHECK ((outcome = 'revoked') = (revoked_by IS NOT NULL))
) STRICT;

-- The same bytes land once, until they are taken back.
CREATE UNIQUE INDEX product_staging_table_digest ON product_staging_table (feed, digest) WHERE outcome = 'landed';
CREATE INDEX product_staging_table_path ON product_staging_table (feed, path) WHERE outcome = 'landed';
CREATE INDEX product_staging_table_size ON product_staging_table (feed, size) WHERE outcome = 'landed';
CREATE INDEX product_staging_table_kept ON product_staging_table (feed)
    WHERE status = 'I' AND file_location = delivered_location;
CREATE INDEX product_staging_table_feed ON product_staging_table (feed);
