-- Open rejected rows as they came. A row without raw text stands for a whole file, which the ledger tells of.
-- reads: sales_rejects.
SELECT source_file_id, batch_id, code, raw
FROM sales_rejects
WHERE replayed_batch_id IS NULL AND raw IS NOT NULL
