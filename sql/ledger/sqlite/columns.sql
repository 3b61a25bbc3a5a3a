-- The columns of a table with their declared types, virtual ones too (hidden = 2); pk is the place in the primary key, 0 for none.
SELECT name, upper(type) AS type, pk, hidden FROM pragma_table_xinfo(?1) WHERE hidden <> 1 ORDER BY cid;
