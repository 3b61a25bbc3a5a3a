-- Moves a batch one state on; what becomes known in the new state is written with it, nothing is ever cleared.
UPDATE tillmart_batch
SET state = ?,
    manifest = COALESCE(?, manifest),
    versions_json = COALESCE(?, versions_json),
    updated_date = ?
WHERE id = ?;
