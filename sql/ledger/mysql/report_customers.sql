-- Customers with something left to pay in a month: how many spent how much in it, by tier and by whether they had bought before.
-- Values: where tiers begin, in cents, eight times; the month's first day, twice.
-- Why the state of customer spend: its sums are those that are published, and a pass over it is short.
-- Why the months before, one by one: a key begins with its month, and in each of them one look finds the customer.
SELECT c.tier, c.returning_customers, COUNT(*) AS customers, CAST(SUM(c.cents) AS SIGNED) AS cents
FROM (
    SELECT
        (m.total_sales * 100 >= ?) + (m.total_sales * 100 >= ?) + (m.total_sales * 100 >= ?) + (m.total_sales * 100 >= ?)
        + (m.total_sales * 100 >= ?) + (m.total_sales * 100 >= ?) + (m.total_sales * 100 >= ?)
        + (m.total_sales * 100 >= ?) AS tier,
        EXISTS (
            SELECT 1
            FROM (
                SELECT DISTINCT s.sales_date_month FROM tillmart_state_customers_data_mart AS s
                WHERE s.sales_date_month < ?
            ) AS b
            STRAIGHT_JOIN tillmart_state_customers_data_mart AS e
            ON e.sales_date_month = b.sales_date_month AND e.customer_id = m.customer_id
            WHERE e.total_sales > 0
        ) AS returning_customers,
        CAST(m.total_sales * 100 AS SIGNED) AS cents
    FROM tillmart_state_customers_data_mart AS m
    WHERE m.sales_date_month = ? AND m.total_sales > 0
) AS c
GROUP BY c.tier, c.returning_customers
ORDER BY c.tier, c.returning_customers;
