-- What was sold on each day of each period of a report.
-- reads: store_day (published rows of store_day_data_mart in which the periods lie), period (period, first_day, last_day).
SELECT
    p.period,
    s.sales_date,
    SUM(s.sales) AS sales,
    SUM(s.return_rows) AS return_rows,
    SUM(s.gross) AS gross,
    SUM(s.returned) AS returned,
    SUM(s.units_sold) AS units_sold,
    SUM(s.units_returned) AS units_returned,
    SUM(s.anonymous_sales) AS anonymous_sales
FROM store_day AS s
INNER JOIN period AS p ON s.sales_date BETWEEN p.first_day AND p.last_day
GROUP BY p.period, s.sales_date
ORDER BY p.period, s.sales_date
