-- Rejected rows by source file, open and replayed: held against the ledger by verify.
-- A row without raw text stands for a whole file and is no row.
-- reads: sales_rejects.
SELECT
    source_file_id,
    SUM(CASE WHEN replayed_batch_id IS NULL THEN 1 ELSE 0 END) AS open_rows,
    SUM(CASE WHEN replayed_batch_id IS NULL THEN 0 ELSE 1 END) AS replayed_rows
FROM sales_rejects
WHERE raw IS NOT NULL
GROUP BY source_file_id
