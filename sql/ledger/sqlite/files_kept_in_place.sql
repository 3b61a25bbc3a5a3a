-- Finished files that were never moved: listing the incoming area finds them again, and they are no new deliveries.
SELECT path, size, etag, modified FROM product_staging_table
WHERE feed = ?1 AND status = 'I' AND file_location = delivered_location
ORDER BY id;
