-- One source file is done with: inactive, at its new place (the old one where the archive keeps originals).
UPDATE product_staging_table
SET status = 'I', file_location = ?, kept = ?, updated_date = ?, updated_moment = ?
WHERE id = ?;
