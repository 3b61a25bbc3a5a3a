-- Money and rows by customer, from the customer mart: held against the sales mart by verify.
-- reads: customer_data_mart.
SELECT customer_id, COUNT(*) AS landed, CAST(SUM(total_cost) AS DECIMAL(38, 2)) AS money
FROM customer_data_mart
GROUP BY customer_id
