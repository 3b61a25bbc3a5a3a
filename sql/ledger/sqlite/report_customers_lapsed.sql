-- Customers with something left to pay in the month ?2 and nothing in the month ?1, and what they had spent, in cents.
SELECT COUNT(*) AS customers, COALESCE(SUM(b.total_sales), 0) AS cents
FROM tillmart_state_customers_data_mart AS b
WHERE
    b.sales_date_month = ?2 AND b.total_sales > 0
    AND NOT EXISTS (
        SELECT 1 FROM tillmart_state_customers_data_mart AS m
        WHERE m.customer_id = b.customer_id AND m.sales_date_month = ?1 AND m.total_sales > 0
    );
