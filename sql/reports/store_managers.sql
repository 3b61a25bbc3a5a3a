-- The stores and their managers.
-- reads: store.
SELECT id AS store_id, store_manager_name
FROM store
ORDER BY id
