-- The sales persons of the day in their stores, the best first, and how many there are.
-- reads: person_day (the day's rows of sales_person_day_data_mart).
SELECT
    sales_person_id,
    full_name,
    store_id,
    sales,
    return_rows,
    gross,
    returned,
    units_sold,
    units_returned,
    anonymous_sales,
    COUNT(*) OVER () AS in_all
FROM person_day
ORDER BY gross + returned DESC, store_id, sales_person_id
LIMIT 10
