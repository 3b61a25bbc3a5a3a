-- Open rejects, newest file first, in the order of their lines.
-- reads: sales_rejects. A closed reject names the batch that landed it.
SELECT source_file_id, file, line, byte_offset, column_name, code, message, raw, batch_id, replayed_batch_id
FROM sales_rejects
WHERE replayed_batch_id IS NULL
ORDER BY source_file_id DESC, line, byte_offset
