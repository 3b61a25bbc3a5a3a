-- Finished files that were never moved: listing the incoming area finds them again, and they are no new deliveries.
SELECT path, size, etag, modified FROM product_staging_table WHERE feed = ? AND kept ORDER BY id;
