-- Who sold off the list price on a day, in which store: the largest difference first, and how many they are.
-- reads: off_list (the day's rows of off_list_day_data_mart), person_day (those of sales_person_day_data_mart, which have the names).
WITH sold AS (
    SELECT
        o.sales_person_id,
        p.full_name,
        o.store_id,
        o.below_sales,
        o.above_sales,
        cents(o.below) AS below,
        cents(o.above) AS above,
        cents(o.below + o.above) AS difference,
        abs(o.below + o.above) AS size
    FROM off_list AS o
    LEFT JOIN person_day AS p ON p.store_id = o.store_id AND p.sales_person_id = o.sales_person_id
)
SELECT
    sales_person_id,
    full_name,
    store_id,
    below_sales,
    above_sales,
    below,
    above,
    difference,
    COUNT(*) OVER () AS in_all
FROM sold
ORDER BY size DESC, below_sales + above_sales DESC, store_id, sales_person_id
