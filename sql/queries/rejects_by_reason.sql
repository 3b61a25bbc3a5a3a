-- How many rejected rows are open, by reason. A row without raw text stands for a whole file and is no row.
-- reads: sales_rejects.
SELECT code, COUNT(*) AS open_rejects
FROM sales_rejects
WHERE replayed_batch_id IS NULL AND raw IS NOT NULL
GROUP BY code
ORDER BY open_rejects DESC, code
