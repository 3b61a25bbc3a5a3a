-- Every reject, open and closed, newest file first, in the order of their lines.
-- reads: sales_rejects.
SELECT source_file_id, file, line, byte_offset, column_name, code, message, raw, batch_id, replayed_batch_id
FROM sales_rejects
ORDER BY source_file_id DESC, line, byte_offset
