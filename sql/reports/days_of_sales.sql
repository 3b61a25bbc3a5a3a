-- The days on which there are sales.
-- reads: sales (rows of sales_data_mart).
SELECT DISTINCT sales_date
FROM sales
