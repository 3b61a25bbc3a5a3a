-- mart: store_day_data_mart
-- about: What each store sold on each day: sales and returns, money, units, and sales without a customer.
-- state: sales_date, store_id
-- key: sales_date, store_id
-- scope: sales_date, store_id
-- A return is a row with a negative quantity. What was returned is negative, so that gross + returned = net.
-- The day leads the key: reports read days, whatever the history.
-- merge:
SELECT
    sales_date,
    store_id,
    SUM(total_cost) AS net,
    SUM(CASE WHEN quantity < 0 THEN total_cost ELSE 0.00 END) AS returned,
    SUM(quantity) AS units,
    SUM(CASE WHEN quantity < 0 THEN quantity ELSE 0 END) AS units_returned,
    COUNT(*) FILTER (WHERE quantity < 0) AS return_rows,
    COUNT(*) FILTER (WHERE customer_id IS NULL AND quantity >= 0) AS anonymous_sales,
    SUM(CASE WHEN customer_id IS NULL THEN total_cost ELSE 0.00 END) AS anonymous_net,
    COUNT(*) AS landed_rows
FROM sales
GROUP BY sales_date, store_id
-- finish:
SELECT
    sales_date,
    store_id,
    landed_rows - return_rows AS sales,
    return_rows,
    CAST(net - returned AS DECIMAL(16, 2)) AS gross,
    CAST(returned AS DECIMAL(16, 2)) AS returned,
    CAST(net AS DECIMAL(16, 2)) AS net,
    units - units_returned AS units_sold,
    units_returned,
    anonymous_sales,
    CAST(anonymous_net AS DECIMAL(16, 2)) AS anonymous_net
FROM merged
