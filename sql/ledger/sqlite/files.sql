-- Source files of a feed, the newest first; every filter that is NULL lets all pass.
SELECT * FROM product_staging_table
WHERE feed = ?1
  AND (?2 IS NULL OR batch_id = ?2)
  AND (?3 IS NULL OR outcome = ?3)
ORDER BY id DESC
LIMIT coalesce(?4, -1);
