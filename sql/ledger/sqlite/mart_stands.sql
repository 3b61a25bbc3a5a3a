-- A mart holds everything up to this batch.
INSERT INTO tillmart_mart (feed, mart, batch_id)
VALUES (?1, ?2, ?3)
ON CONFLICT (feed, mart) DO UPDATE SET batch_id = excluded.batch_id;
