-- What one store sold of each product on a day, in the columns of product_day_data_mart.
-- reads: sales (the landed rows of the store's day).
SELECT
    product_name,
    COUNT(*) FILTER (WHERE quantity >= 0) AS sales,
    COUNT(*) FILTER (WHERE quantity < 0) AS return_rows,
    SUM(CASE WHEN quantity >= 0 THEN total_cost ELSE 0.00 END) AS gross,
    SUM(CASE WHEN quantity < 0 THEN total_cost ELSE 0.00 END) AS returned,
    SUM(CASE WHEN quantity >= 0 THEN quantity ELSE 0 END) AS units_sold,
    SUM(CASE WHEN quantity < 0 THEN quantity ELSE 0 END) AS units_returned
FROM sales
GROUP BY product_name
