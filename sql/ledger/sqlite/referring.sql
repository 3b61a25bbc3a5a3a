-- Tables whose foreign keys refer to a table, joined by commas; NULL if there is none.
SELECT group_concat(DISTINCT t.name) AS tables
FROM sqlite_schema AS t, pragma_foreign_key_list(t.name) AS f
WHERE t.type = 'table' AND f."table" = ?1 COLLATE NOCASE;
