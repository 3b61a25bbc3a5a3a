-- One source file of a new batch, active and undecided, where it was delivered.
INSERT INTO product_staging_table
    (file_name, file_location, created_date, updated_date, status, feed, batch_id, delivered_location,
     path, size, etag, modified, outcome)
VALUES (?1, ?2, ?3, ?3, 'A', ?4, ?5, ?2, ?6, ?7, ?8, ?9, 'pending');
