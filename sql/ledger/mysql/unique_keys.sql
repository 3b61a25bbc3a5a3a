-- The columns of a table's unique keys, key by key in order; the primary one is called PRIMARY. A part of a column
-- (sub_part) is no promise for the whole.
SELECT index_name, column_name, sub_part
FROM information_schema.statistics
WHERE table_schema = DATABASE() AND table_name = ? AND non_unique = 0
ORDER BY index_name, seq_in_index;
