-- mart: product_day_data_mart
-- about: What was sold of each product on each day, in all stores together: sales and returns, money and units.
-- state: sales_date, product_name
-- key: sales_date, product_name
-- scope: sales_date, product_name
-- A return is a row with a negative quantity. gross + returned = net.
-- merge:
SELECT
    sales_date,
    product_name,
    SUM(total_cost) AS net,
    SUM(CASE WHEN quantity < 0 THEN total_cost ELSE 0.00 END) AS returned,
    SUM(quantity) AS units,
    SUM(CASE WHEN quantity < 0 THEN quantity ELSE 0 END) AS units_returned,
    COUNT(*) FILTER (WHERE quantity < 0) AS return_rows,
    COUNT(*) AS landed_rows
FROM sales
GROUP BY sales_date, product_name
-- finish:
SELECT
    sales_date,
    product_name,
    landed_rows - return_rows AS sales,
    return_rows,
    CAST(net - returned AS DECIMAL(16, 2)) AS gross,
    CAST(returned AS DECIMAL(16, 2)) AS returned,
    CAST(net AS DECIMAL(16, 2)) AS net,
    units - units_returned AS units_sold,
    units_returned
FROM merged
