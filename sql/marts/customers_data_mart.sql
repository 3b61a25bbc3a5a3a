-- mart: customers_data_mart
-- about: What each customer spent in each month; returns are taken off.
-- state: sales_date_month, customer_id
-- key: sales_date_month, customer_id
-- scope: sales_date_month, customer_id
-- index: customer_id
-- merge:
-- Why the month first: what a day changes then lies together, and months that are over are not touched.
SELECT
    CAST(date_trunc('month', sales_date) AS DATE) AS sales_date_month,
    customer_id,
    SUM(total_cost) AS total_sales,
    COUNT(*) AS landed_rows
FROM sales
WHERE customer_id IS NOT NULL
GROUP BY CAST(date_trunc('month', sales_date) AS DATE), customer_id
-- finish:
-- Why left join: with orphans = "keep" an unknown customer has spend before having a name.
SELECT
    m.customer_id,
    NULLIF(concat_ws(' ', c.first_name, c.last_name), '') AS full_name,
    c.address,
    c.phone_number,
    m.sales_date_month,
    CAST(m.total_sales AS DECIMAL(16, 2)) AS total_sales
FROM merged AS m
LEFT JOIN customer AS c ON c.customer_id = m.customer_id
