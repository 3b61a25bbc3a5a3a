-- Landed rows and money by source file: held against the ledger by verify.
-- reads: sales_data_mart.
SELECT source_file_id, COUNT(*) AS landed, CAST(SUM(total_cost) AS DECIMAL(38, 2)) AS money
FROM sales_data_mart
GROUP BY source_file_id
