-- What the check decided of one source file of a batch.
UPDATE product_staging_table
SET outcome = ?,
    reason = ?,
    message = ?,
    fault_line = ?,
    duplicate_of = ?,
    digest = ?,
    rows_read = ?,
    rows_landed = ?,
    rows_anonymous = ?,
    rows_rejected = ?,
    rejected_json = ?,
    rows_unknown_product = ?,
    money = ?,
    header = ?,
    updated_date = ?,
    updated_moment = ?
WHERE id = ?;
