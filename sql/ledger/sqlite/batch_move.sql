-- Moves a batch one state on; what becomes known in the new state is written with it, nothing is ever cleared.
UPDATE tillmart_batch
SET state = ?2,
    manifest = coalesce(?3, manifest),
    versions_json = coalesce(?4, versions_json),
    updated_date = ?5
WHERE id = ?1;
