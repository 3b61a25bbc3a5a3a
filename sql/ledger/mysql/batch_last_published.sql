-- The newest batch whose rows are in the relational marts: what `verify` compares against.
SELECT * FROM tillmart_batch
WHERE feed = ? AND state IN ('published', 'finished')
ORDER BY id DESC
LIMIT 1;
