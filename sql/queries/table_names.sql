-- Every table, mart and dimension by name: the answer to SHOW TABLES.
-- reads: names, made from the marts and the database's own list.
SELECT name, lives_in, about
FROM names
