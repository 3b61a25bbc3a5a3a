-- A source file, with the exact times in the place of those for people.
SELECT id, batch_id, file_location, created_moment AS created_date, updated_moment AS updated_date, status, path, size,
       etag, modified, outcome, reason, message, fault_line, duplicate_of, revoked_by, digest, rows_read, rows_landed,
       rows_anonymous, rows_rejected, rows_replayed, rejected_json, rows_unknown_product, money, header
FROM product_staging_table
