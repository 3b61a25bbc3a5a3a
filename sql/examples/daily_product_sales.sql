-- mart: daily_product_sales
-- about: What each store sold of each product, by day. An example of a mart of your own: change it, or delete the file.
-- state: store_id, sales_date, product_name
-- key: store_id, sales_date, product_name
-- scope: store_id, sales_date
-- merge:
SELECT
    store_id,
    sales_date,
    product_name,
    SUM(quantity) AS units,
    SUM(total_cost) AS total_sales,
    COUNT(*) AS landed_rows
FROM sales
GROUP BY store_id, sales_date, product_name
-- finish:
SELECT
    store_id,
    sales_date,
    product_name,
    units,
    CAST(total_sales AS DECIMAL(16, 2)) AS total_sales,
    landed_rows AS sales
FROM merged
