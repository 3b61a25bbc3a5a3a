-- Customers with something left to pay in a month: how many spent how much in it, by tier and by whether they had bought before.
-- ?1: the month's first day; ?2 to ?9: where tiers begin, in cents.
-- Why the state of customer spend: its sums, in cents, are those that are published, and a pass over it is short.
-- Why the months before, latest first: a key begins with its month, and who comes back was mostly here a month ago.
WITH RECURSIVE before (sales_date_month) AS MATERIALIZED (
    SELECT MAX(s.sales_date_month) FROM tillmart_state_customers_data_mart AS s WHERE s.sales_date_month < ?1
    UNION ALL
    SELECT (
        SELECT MAX(s.sales_date_month) FROM tillmart_state_customers_data_mart AS s
        WHERE s.sales_date_month < b.sales_date_month
    )
    FROM before AS b
    WHERE b.sales_date_month IS NOT NULL
)
SELECT
    (m.total_sales >= ?2) + (m.total_sales >= ?3) + (m.total_sales >= ?4) + (m.total_sales >= ?5)
    + (m.total_sales >= ?6) + (m.total_sales >= ?7) + (m.total_sales >= ?8) + (m.total_sales >= ?9) AS tier,
    EXISTS (
        SELECT 1
        FROM before AS b
        CROSS JOIN tillmart_state_customers_data_mart AS e
        WHERE e.sales_date_month = b.sales_date_month AND e.customer_id = m.customer_id AND e.total_sales > 0
    ) AS returning_customers,
    COUNT(*) AS customers,
    SUM(m.total_sales) AS cents
FROM tillmart_state_customers_data_mart AS m
WHERE m.sales_date_month = ?1 AND m.total_sales > 0
GROUP BY 1, 2
ORDER BY 1, 2;
