-- A mart holds everything up to this batch.
INSERT INTO tillmart_mart (feed, mart, batch_id)
VALUES (?, ?, ?)
ON DUPLICATE KEY UPDATE batch_id = VALUES(batch_id);
