-- Figures of customers at the end of a month, from the rows of the customer mart.
-- By day first, so that a day counts once, and a purchase that was brought back the same day not at all; both steps can spill.
WITH days AS (
    SELECT s.customer_id, s.sales_date, SUM(s.total_cost) AS net
    FROM customer_data_mart AS s
    CROSS JOIN period AS p
    WHERE s.sales_date >= p.since AND s.sales_date <= p.last_day
    GROUP BY s.customer_id, s.sales_date
),

told AS (
    SELECT
        d.customer_id,
        d.net,
        CASE WHEN d.net > 0 THEN d.sales_date END AS purchase,
        d.sales_date >= p.first_day AS in_month,
        d.sales_date >= p.before_from AND d.sales_date < p.first_day AS before_month,
        d.sales_date >= p.window_from AS in_window
    FROM days AS d
    CROSS JOIN period AS p
)

SELECT
    customer_id,
    CAST(COALESCE(SUM(CASE WHEN in_month THEN net END), 0) AS DECIMAL(18, 2)) AS spend,
    CAST(COALESCE(SUM(CASE WHEN before_month THEN net END), 0) AS DECIMAL(18, 2)) AS before_spend,
    MIN(purchase) AS first_purchase,
    MAX(purchase) AS last_purchase,
    COUNT(CASE WHEN in_window THEN purchase END) AS window_days,
    CAST(COALESCE(SUM(CASE WHEN in_window THEN net END), 0) AS DECIMAL(18, 2)) AS window_spend,
    CAST(SUM(net) AS DECIMAL(18, 2)) AS lifetime_spend,
    COUNT(CASE WHEN in_month THEN 1 END) AS month_days
FROM told
GROUP BY customer_id
