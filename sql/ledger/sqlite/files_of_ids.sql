-- The source files of a JSON array of ids, the newest first.
SELECT file.*
FROM product_staging_table AS file
WHERE file.id IN (SELECT value FROM json_each(?2)) AND file.feed = ?1
ORDER BY file.id DESC;
