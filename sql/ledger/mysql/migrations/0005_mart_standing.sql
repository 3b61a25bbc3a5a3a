-- Up to which batch each mart holds everything that landed. A mart whose file was away while batches landed stands behind the sales
-- mart, and is filled anew before it is fed again. The statement may be done again.
CREATE TABLE IF NOT EXISTS tillmart_mart (
    feed     VARCHAR(191) NOT NULL,
    mart     VARCHAR(191) NOT NULL,
    batch_id BIGINT NOT NULL,
    PRIMARY KEY (feed, mart)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
