-- Source files of a new batch, active and undecided, where they were delivered; the rows follow.
INSERT INTO product_staging_table
    (file_name, file_location, delivered_location, created_date, updated_date, created_moment, updated_moment, status,
     feed, batch_id, path, path_hash, size, etag, modified, outcome, rejected_json)
VALUES
