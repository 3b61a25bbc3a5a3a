-- What a monthly report told of a store, so that the next one can tell what has changed since. A version is never edited; figures
-- that changed are a new version. Money is whole cents, moments are as in the ledger. The statement may be done again.
CREATE TABLE IF NOT EXISTS tillmart_report_month (
    sales_month     VARCHAR(7) NOT NULL,       -- YYYY-MM
    store_id        INT NOT NULL,
    version         BIGINT NOT NULL,
    made_date       VARCHAR(40) NOT NULL,
    batch_id        BIGINT,                    -- sales were published up to this batch
    sales           BIGINT NOT NULL,
    units           BIGINT NOT NULL,
    gross_cents     BIGINT NOT NULL,
    returned_cents  BIGINT NOT NULL,
    incentive_cents BIGINT NOT NULL,
    PRIMARY KEY (sales_month, store_id, version),
    CONSTRAINT tillmart_report_month_version CHECK (version > 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
