-- mart: sales_team_data_mart
-- about: What each sales person sold in each store and month, and what the incentive plan pays for it.
-- state: store_id, sales_month, sales_person_id, sales_date
-- key: store_id, sales_person_id, sales_month
-- scope: store_id, sales_month
-- The state is kept by day: reports and a day's restatement read it, and a month is the sum of its days.
-- merge:
SELECT
    store_id,
    sales_month,
    sales_person_id,
    sales_date,
    SUM(total_cost) AS total_sales,
    COUNT(*) AS landed_rows
FROM sales
GROUP BY store_id, sales_month, sales_person_id, sales_date
-- finish:
-- Why full join: a manager may be paid for a store without having sold there.
WITH months AS (
    SELECT store_id, sales_month, sales_person_id, SUM(total_sales) AS total_sales
    FROM merged
    GROUP BY store_id, sales_month, sales_person_id
),
paid AS (
    SELECT store_id, sales_month, sales_person_id, SUM(paid) AS incentive
    FROM payments
    GROUP BY store_id, sales_month, sales_person_id
),
team AS (
    SELECT
        COALESCE(m.store_id, w.store_id) AS store_id,
        COALESCE(m.sales_person_id, w.sales_person_id) AS sales_person_id,
        COALESCE(m.sales_month, w.sales_month) AS sales_month,
        COALESCE(m.total_sales, 0) AS total_sales,
        COALESCE(w.incentive, 0) AS incentive
    FROM months AS m
    FULL JOIN paid AS w
        ON w.store_id = m.store_id AND w.sales_month = m.sales_month AND w.sales_person_id = m.sales_person_id
)
SELECT
    t.store_id,
    t.sales_person_id,
    NULLIF(concat_ws(' ', p.first_name, p.last_name), '') AS full_name,
    t.sales_month,
    CAST(t.total_sales AS DECIMAL(16, 2)) AS total_sales,
    CAST(t.incentive AS DECIMAL(16, 2)) AS incentive
FROM team AS t
LEFT JOIN sales_team AS p ON p.id = t.sales_person_id
