-- mart: sales_team_data_mart
-- about: What each sales person sold in each store and month, and the incentive of the best.
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
-- Rank within store and month; nobody is paid on a total of zero or less.
-- ties = 'all': everybody of a paid rank is paid in full. ties = 'split': they share one payment to the cent,
-- odd cents going to the lowest ids, so that the shares add up.
WITH months AS (
    SELECT store_id, sales_month, sales_person_id, CAST(SUM(total_sales) AS DECIMAL(16, 2)) AS total_sales
    FROM merged
    GROUP BY store_id, sales_month, sales_person_id
),
ranked AS (
    SELECT
        m.*,
        RANK() OVER (PARTITION BY store_id, sales_month ORDER BY total_sales DESC) AS place,
        ROW_NUMBER() OVER (PARTITION BY store_id, sales_month, total_sales ORDER BY sales_person_id) AS sharer,
        COUNT(*) OVER (PARTITION BY store_id, sales_month, total_sales) AS sharers
    FROM months AS m
),
paid AS (
    SELECT r.*, i.ties, CAST(cents(r.total_sales * i.rate) * 100 AS BIGINT) AS payment_cents
    FROM ranked AS r CROSS JOIN incentive AS i
    WHERE r.total_sales > 0 AND r.place <= i.top
)
SELECT
    r.store_id,
    r.sales_person_id,
    NULLIF(concat_ws(' ', p.first_name, p.last_name), '') AS full_name,
    r.sales_month,
    r.total_sales,
    CAST(CASE
        WHEN w.payment_cents IS NULL THEN 0
        WHEN w.ties = 'all' THEN w.payment_cents
        WHEN w.sharer <= w.payment_cents % w.sharers THEN w.payment_cents / w.sharers + 1
        ELSE w.payment_cents / w.sharers
    END * CAST(0.01 AS DECIMAL(3, 2)) AS DECIMAL(16, 2)) AS incentive
FROM ranked AS r
LEFT JOIN paid AS w
    ON w.store_id = r.store_id AND w.sales_month = r.sales_month AND w.sales_person_id = r.sales_person_id
LEFT JOIN sales_team AS p ON p.id = r.sales_person_id
