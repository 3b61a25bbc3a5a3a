-- The customer months with the highest spend, for the demo.
-- reads: customers_data_mart.
SELECT customer_id, full_name, phone_number, sales_date_month, total_sales
FROM customers_data_mart
ORDER BY total_sales DESC, customer_id, sales_date_month
LIMIT 5
