-- Writes a new batch. The key tillmart_batch_unfinished refuses a second open batch of the feed.
INSERT INTO tillmart_batch (feed, token, kind, kind_json, state, claim_date, created_date, updated_date)
VALUES (?, ?, ?, ?, 'claimed', ?, ?, ?);
