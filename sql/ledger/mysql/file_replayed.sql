-- Rows of a file's rejects that were landed later. rows_read, rows_landed and the rejects by reason stay as the check
-- of the file's own batch counted them; the rows now in the marts are rows_landed + rows_replayed, with this money.
UPDATE product_staging_table
SET rows_replayed = rows_replayed + ?,
    rows_anonymous = rows_anonymous + ?,
    rows_unknown_product = rows_unknown_product + ?,
    money = ?
WHERE id = ?;
