-- Which of the sizes in the JSON array ?2 a landed file has: equal size is the cheap sign of a duplicate.
SELECT DISTINCT size FROM product_staging_table
WHERE feed = ?1 AND outcome = 'landed' AND size IN (SELECT value FROM json_each(?2))
ORDER BY size;
