-- Up to which batch each mart holds everything that landed. A mart whose file was away while batches landed stands behind the sales
-- mart, and is filled anew before it is fed again.
CREATE TABLE tillmart_mart (
    feed     TEXT NOT NULL,
    mart     TEXT NOT NULL,
    batch_id INTEGER NOT NULL,
    PRIMARY KEY (feed, mart)
) STRICT, WITHOUT ROWID;
