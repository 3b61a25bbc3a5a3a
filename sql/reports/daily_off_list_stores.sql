-- What was sold off the list price on a day, by store and in all, rounded to cents once each.
-- reads: off_list (the day's rows of off_list_day_data_mart).
SELECT
    'store' AS part,
    store_id,
    SUM(below_sales) AS below_sales,
    SUM(above_sales) AS above_sales,
    cents(SUM(below)) AS below,
    cents(SUM(above)) AS above,
    cents(SUM(below + above)) AS difference
FROM off_list
GROUP BY store_id
UNION ALL
SELECT
    'all' AS part,
    NULL AS store_id,
    SUM(below_sales) AS below_sales,
    SUM(above_sales) AS above_sales,
    cents(SUM(below)) AS below,
    cents(SUM(above)) AS above,
    cents(SUM(below + above)) AS difference
FROM off_list
ORDER BY store_id
