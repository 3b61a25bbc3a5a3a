-- mart: off_list_day_data_mart
-- about: Sales whose price was not the list price of their day, by day, store and sales person: how many, and the money between.
-- state: sales_date, store_id, sales_person_id
-- key: sales_date, store_id, sales_person_id
-- scope: sales_date, store_id, sales_person_id
-- A discount or a mistake: nobody is rejected for it. A return is paid back at the price of its own sale, which tells nothing of the
-- list price on its day, so returns are left out; so are products that have no list price on the day.
-- merge:
SELECT
    sales_date,
    store_id,
    sales_person_id,
    SUM((price - list_price) * quantity) AS difference,
    COUNT(*) FILTER (WHERE price < list_price) AS below_sales,
    SUM(CASE WHEN price < list_price THEN (price - list_price) * quantity ELSE 0.0000 END) AS below,
    COUNT(*) AS landed_rows
FROM sales
WHERE quantity >= 0 AND price <> list_price
GROUP BY sales_date, store_id, sales_person_id
-- finish:
SELECT
    sales_date,
    store_id,
    sales_person_id,
    below_sales,
    landed_rows - below_sales AS above_sales,
    CAST(below AS DECIMAL(18, 4)) AS below,
    CAST(difference - below AS DECIMAL(18, 4)) AS above
FROM merged
