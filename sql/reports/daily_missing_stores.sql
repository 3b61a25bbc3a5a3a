-- Stores of which nothing of the day has landed, though they sold on most of the same weekdays of the weeks before.
-- reads: store_day, period (its row `day`), weekday_before (day).
WITH usual AS (
    SELECT s.store_id, COUNT(*) AS weekdays_sold, SUM(s.net) AS net
    FROM store_day AS s
    INNER JOIN weekday_before AS w ON w.day = s.sales_date
    GROUP BY s.store_id
),
today AS (
    SELECT s.store_id
    FROM store_day AS s
    INNER JOIN period AS p ON p.period = 'day' AND s.sales_date = p.first_day
),
latest AS (
    SELECT s.store_id, MAX(s.sales_date) AS last_sold
    FROM store_day AS s
    INNER JOIN period AS p ON p.period = 'day' AND s.sales_date < p.first_day
    GROUP BY s.store_id
)
SELECT
    u.store_id,
    u.weekdays_sold,
    cents(u.net / u.weekdays_sold) AS usual_net,
    l.last_sold
FROM usual AS u
LEFT JOIN latest AS l ON l.store_id = u.store_id
LEFT JOIN today AS t ON t.store_id = u.store_id
WHERE u.weekdays_sold >= 3 AND t.store_id IS NULL
ORDER BY usual_net DESC, u.store_id
