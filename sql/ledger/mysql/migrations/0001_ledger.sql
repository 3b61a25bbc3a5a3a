-- The ledger: runs, batches, source files, and the lease that keeps runs apart.
-- MySQL commits at every DDL statement, so each statement here may be done again: a migration that was killed is
-- finished by the next. Statements end with `;` at the end of a line.
-- Times are RFC 3339 in UTC with nine fraction digits, so that they sort as text; beside them stand times for people.
-- Keys of an object store are compared byte by byte, and MySQL's collations ignore blanks at the end: they are looked
-- up by the hash of their bytes.
-- What must never happen (two open batches of a feed, the same bytes landed twice) is refused by an index here,
-- whatever the program above believes: a generated column is NULL, and so never equal, where the rule does not apply.

-- Who may write a feed's ledger now. The token only rises: a write that names an older one is refused.
-- A lease that was given back keeps its token and has no holder.
CREATE TABLE IF NOT EXISTS tillmart_lease (
    feed       VARCHAR(191) NOT NULL,
    token      BIGINT NOT NULL,
    holder     TEXT,
    held_until VARCHAR(40),
    PRIMARY KEY (feed),
    CONSTRAINT tillmart_lease_holder CHECK ((holder IS NULL) = (held_until IS NULL))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Every run that ever held a lease, for the auditor.
CREATE TABLE IF NOT EXISTS tillmart_run (
    feed         VARCHAR(191) NOT NULL,
    token        BIGINT NOT NULL,
    holder       TEXT NOT NULL,
    started_date VARCHAR(40) NOT NULL,
    PRIMARY KEY (feed, token)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS tillmart_batch (
    id            BIGINT NOT NULL AUTO_INCREMENT,
    feed          VARCHAR(191) NOT NULL,
    token         BIGINT NOT NULL,                -- the run that claimed it
    kind          VARCHAR(16) NOT NULL,
    kind_json     LONGTEXT NOT NULL,
    state         VARCHAR(16) NOT NULL,
    claim_date    DATE NOT NULL,
    manifest      TEXT,                           -- key below the storage root
    versions_json LONGTEXT,                       -- Delta version by table
    created_date  VARCHAR(40) NOT NULL,
    updated_date  VARCHAR(40) NOT NULL,
    open_feed     VARCHAR(191) GENERATED ALWAYS AS (CASE WHEN state <> 'finished' THEN feed END) STORED,
    PRIMARY KEY (id),
    UNIQUE KEY tillmart_batch_unfinished (open_feed),   -- batches of a feed are strictly serial
    KEY tillmart_batch_feed (feed, id),
    CONSTRAINT tillmart_batch_run FOREIGN KEY (feed, token) REFERENCES tillmart_run (feed, token),
    -- Named, so that a later step can take one away and put another in its place.
    CONSTRAINT tillmart_batch_kind CHECK (kind IN ('load', 'replay', 'revoke', 'complete', 'fill')),
    CONSTRAINT tillmart_batch_state CHECK (state IN ('claimed', 'landed', 'committed', 'published', 'finished')),
    CONSTRAINT tillmart_batch_manifest CHECK (state = 'claimed' OR manifest IS NOT NULL),
    CONSTRAINT tillmart_batch_versions CHECK (state IN ('claimed', 'landed') OR versions_json IS NOT NULL)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One row a delivery, with the columns that such pipelines already have. A table that is there is taken over: its rows
-- stay as they are, have no feed, and no statement of ours sees them.
CREATE TABLE IF NOT EXISTS product_staging_table (
    id            BIGINT NOT NULL AUTO_INCREMENT,
    file_name     VARCHAR(1024),
    file_location VARCHAR(2048),                  -- where it lies now, below the storage root
    created_date  DATETIME(6),
    updated_date  DATETIME(6),
    status        VARCHAR(1),
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

ALTER TABLE product_staging_table
    MODIFY COLUMN file_name VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    MODIFY COLUMN file_location VARCHAR(2048) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- All of it or nothing: a second attempt finds the first column there already, or MySQL 8 the first constraint, and is
-- then done.
-- once: 1060 3822
ALTER TABLE product_staging_table
    ADD COLUMN feed                 VARCHAR(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    ADD COLUMN batch_id             BIGINT,
    ADD COLUMN delivered_location   VARCHAR(2048) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,   -- where it lay when it was claimed
    ADD COLUMN kept                 BOOLEAN NOT NULL DEFAULT FALSE,   -- done with, and still where it was delivered
    ADD COLUMN path                 VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,   -- below the incoming area
    ADD COLUMN path_hash            BINARY(32),   -- BLAKE3 of the path's bytes
    ADD COLUMN size                 BIGINT,
    ADD COLUMN etag                 TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    ADD COLUMN modified             VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    ADD COLUMN created_moment       VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    ADD COLUMN updated_moment       VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    ADD COLUMN outcome              VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    ADD COLUMN reason               VARCHAR(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    ADD COLUMN message              LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    ADD COLUMN fault_line           BIGINT,
    ADD COLUMN duplicate_of         BIGINT,
    ADD COLUMN revoked_by           BIGINT,
    ADD COLUMN digest               VARCHAR(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    ADD COLUMN rows_read            BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN rows_landed          BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN rows_anonymous       BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN rows_rejected        BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN rows_replayed        BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN rejected_json        LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    ADD COLUMN rows_unknown_product BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN money                DECIMAL(38, 2) NOT NULL DEFAULT 0,
    ADD COLUMN header               LONGBLOB,
    ADD COLUMN landed_digest        VARCHAR(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
        GENERATED ALWAYS AS (CASE WHEN outcome = 'landed' THEN digest END) STORED,
    ADD UNIQUE KEY product_staging_table_digest (feed, landed_digest),   -- the same bytes land once, until they are taken back
    ADD UNIQUE KEY product_staging_table_batch (batch_id, path_hash),
    ADD KEY product_staging_table_path (feed, path_hash),
    ADD KEY product_staging_table_size (feed, size),
    ADD KEY product_staging_table_kept (feed, kept),
    ADD CONSTRAINT product_staging_table_batch_id FOREIGN KEY (batch_id) REFERENCES tillmart_batch (id),
    ADD CONSTRAINT product_staging_table_outcome
        CHECK (outcome IN ('pending', 'landed', 'duplicate', 'rejected', 'revoked')),
    ADD CONSTRAINT product_staging_table_counts
        CHECK (size >= 0 AND LEAST(rows_read, rows_landed, rows_anonymous, rows_rejected, rows_unknown_product) >= 0),
    ADD CONSTRAINT product_staging_table_replayed CHECK (rows_replayed BETWEEN 0 AND rows_rejected),
    ADD CONSTRAINT product_staging_table_landed CHECK (outcome <> 'landed' OR digest IS NOT NULL),
    ADD CONSTRAINT product_staging_table_duplicate CHECK ((outcome = 'duplicate') = (duplicate_of IS NOT NULL)),
    ADD CONSTRAINT product_staging_table_rejected CHECK ((outcome = 'rejected') = (reason IS NOT NULL)),
    ADD CONSTRAINT product_staging_table_revoked CHECK ((outcome = 'revoked') = (revoked_by IS NOT NULL));
