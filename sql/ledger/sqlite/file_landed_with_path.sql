-- The version of a path whose rows are in the marts: a revoked one has another outcome.
SELECT * FROM product_staging_table
WHERE feed = ?1 AND path = ?2 AND outcome = 'landed'
ORDER BY id DESC
LIMIT 1;
