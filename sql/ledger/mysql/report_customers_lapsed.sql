-- Customers with something left to pay in one month (the first value) and nothing in another (the second), and what they had spent.
SELECT COUNT(*) AS customers, CAST(COALESCE(SUM(b.total_sales), 0) * 100 AS SIGNED) AS cents
FROM tillmart_state_customers_data_mart AS b
WHERE
    b.sales_date_month = ? AND b.total_sales > 0
    AND NOT EXISTS (
        SELECT 1 FROM tillmart_state_customers_data_mart AS m
        WHERE m.customer_id = b.customer_id AND m.sales_date_month = ? AND m.total_sales > 0
    );
