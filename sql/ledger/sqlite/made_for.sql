-- How the indexes and triggers of a table were made, indexes first.
SELECT sql FROM sqlite_schema
WHERE type IN ('index', 'trigger') AND tbl_name = ?1 COLLATE NOCASE AND sql IS NOT NULL
ORDER BY type, rowid;
