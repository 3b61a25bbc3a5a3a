-- The products of the day, the best first, and how many there are.
-- reads: product_day (the day's products).
SELECT
    product_name,
    sales,
    return_rows,
    gross,
    returned,
    units_sold,
    units_returned,
    COUNT(*) OVER () AS in_all
FROM product_day
ORDER BY gross + returned DESC, product_name
LIMIT 10
