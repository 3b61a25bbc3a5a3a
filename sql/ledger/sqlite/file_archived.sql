-- One source file is done with: inactive, at its new place (the old one where the archive keeps originals).
UPDATE product_staging_table
SET status = 'I', file_location = ?2, updated_date = ?3
WHERE id = ?1;
