-- What the check decided of one source file of a batch.
UPDATE product_staging_table
SET outcome = ?2,
    reason = ?3,
    message = ?4,
    fault_line = ?5,
    duplicate_of = ?6,
    digest = ?7,
    rows_read = ?8,
    rows_landed = ?9,
    rows_anonymous = ?10,
    rows_rejected = ?11,
    rejected_json = ?12,
    rows_unknown_product = ?13,
    money = ?14,
    header = ?15,
    updated_date = ?16
WHERE id = ?1;
