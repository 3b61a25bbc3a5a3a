-- Products that were sold on the day after their expiry date, the longest expired first, and how many there are.
-- reads: product_day, product, period (its row `day`).
-- A name may stand in the product table more than once: it has expired when every row of it has.
WITH expiry AS (
    SELECT name, MAX(COALESCE(expiry_date, DATE '9999-12-31')) AS expiry_date
    FROM product
    GROUP BY name
)
SELECT
    d.product_name,
    e.expiry_date,
    d.sales,
    d.return_rows,
    d.gross,
    d.returned,
    d.units_sold,
    d.units_returned,
    COUNT(*) OVER () AS in_all
FROM product_day AS d
INNER JOIN expiry AS e ON e.name = d.product_name
INNER JOIN period AS p ON p.period = 'day' AND e.expiry_date < p.first_day
WHERE d.sales > 0
ORDER BY e.expiry_date, d.product_name
LIMIT 20
