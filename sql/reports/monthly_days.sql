-- What was sold on each day of the month and of the month before.
-- reads: store_day, period (its rows `month` and `before`).
SELECT
    s.sales_date,
    SUM(s.sales) AS sales,
    SUM(s.return_rows) AS return_rows,
    SUM(s.gross) AS gross,
    SUM(s.returned) AS returned,
    SUM(s.units_sold) AS units_sold,
    SUM(s.units_returned) AS units_returned,
    SUM(s.anonymous_sales) AS anonymous_sales
FROM store_day AS s
INNER JOIN period AS p ON p.period IN ('month', 'before') AND s.sales_date BETWEEN p.first_day AND p.last_day
GROUP BY s.sales_date
ORDER BY s.sales_date
