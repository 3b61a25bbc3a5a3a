-- What a monthly report told of a store, so that the next one can tell what has changed since. A version is never edited; figures
-- that changed are a new version. Money is whole cents, moments are as in the ledger.
CREATE TABLE tillmart_report_month (
    sales_month     TEXT NOT NULL,             -- YYYY-MM
    store_id        INTEGER NOT NULL,
    version         INTEGER NOT NULL CHECK (version > 0),
    made_date       TEXT NOT NULL,
    batch_id        INTEGER,                   -- sales were published up to this batch
    sales           INTEGER NOT NULL,
    units           INTEGER NOT NULL,
    gross_cents     INTEGER NOT NULL,
    returned_cents  INTEGER NOT NULL,
    incentive_cents INTEGER NOT NULL,
    PRIMARY KEY (sales_month, store_id, version)
) STRICT, WITHOUT ROWID;
