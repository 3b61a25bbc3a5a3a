-- Money and rows by customer, from the sales mart: held against the customer mart by verify.
-- reads: sales_data_mart.
SELECT customer_id, COUNT(*) AS landed, CAST(SUM(total_cost) AS DECIMAL(38, 2)) AS money
FROM sales_data_mart
WHERE customer_id IS NOT NULL
GROUP BY customer_id
