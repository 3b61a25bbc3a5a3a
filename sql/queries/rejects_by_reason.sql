-- How many rejects are open, by reason.
-- reads: sales_rejects.
SELECT code, COUNT(*) AS open_rejects
FROM sales_rejects
WHERE replayed_batch_id IS NULL
GROUP BY code
ORDER BY open_rejects DESC, code
