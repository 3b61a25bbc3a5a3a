-- Source files of batches that were claimed from one day to another, the newest first. The batches are found first: they are few.
SELECT file.*
FROM tillmart_batch AS batch
CROSS JOIN product_staging_table AS file ON file.batch_id = batch.id
WHERE batch.feed = ?1 AND batch.claim_date BETWEEN ?2 AND ?3
ORDER BY file.id DESC;
