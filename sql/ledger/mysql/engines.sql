-- Tables of ours that cannot take part in a transaction.
SELECT table_name, engine FROM information_schema.tables
WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' AND engine <> 'InnoDB'
  AND table_name IN ('product_staging_table', 'customer', 'store', 'product', 'sales_team')
ORDER BY table_name;
