-- The engine of a table that cannot take part in a transaction; no row for one that can.
SELECT engine FROM information_schema.tables
WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' AND engine <> 'InnoDB' AND table_name = ?;
