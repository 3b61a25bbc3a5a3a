-- What of a table hangs on its rows beside its own key: indexes, triggers, and other tables' foreign keys. Where there is none, to
-- replace a row is to overwrite it; else other rows could go with it, or entries of indexes that do not change would be written anew.
SELECT (SELECT count(*) FROM pragma_index_list(?1) WHERE origin <> 'pk')
     + (SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE)
     + (SELECT count(*) FROM sqlite_schema AS t, pragma_foreign_key_list(t.name) AS f
        WHERE t.type = 'table' AND f."table" = ?1 COLLATE NOCASE) AS ties;
