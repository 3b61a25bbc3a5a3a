-- Writes a new batch. The index tillmart_batch_unfinished refuses a second open batch of the feed.
INSERT INTO tillmart_batch (feed, token, kind, kind_json, state, claim_date, created_date, updated_date)
VALUES (?1, ?2, ?3, ?4, 'claimed', ?5, ?6, ?6);
