-- mart: sales_person_day_data_mart
-- about: What each sales person sold in each store on each day: sales and returns, money, units, and sales without a customer.
-- state: sales_date, store_id, sales_person_id
-- key: sales_date, store_id, sales_person_id
-- scope: sales_date, store_id, sales_person_id
-- A return is a row with a negative quantity, and counts for who took it back. gross + returned = net.
-- merge:
SELECT
    sales_date,
    store_id,
    sales_person_id,
    SUM(total_cost) AS net,
    SUM(CASE WHEN quantity < 0 THEN total_cost ELSE 0.00 END) AS returned,
    SUM(quantity) AS units,
    SUM(CASE WHEN quantity < 0 THEN quantity ELSE 0 END) AS units_returned,
    COUNT(*) FILTER (WHERE quantity < 0) AS return_rows,
    COUNT(*) FILTER (WHERE customer_id IS NULL AND quantity >= 0) AS anonymous_sales,
    SUM(CASE WHEN customer_id IS NULL THEN total_cost ELSE 0.00 END) AS anonymous_net,
    COUNT(*) AS landed_rows
FROM sales
GROUP BY sales_date, store_id, sales_person_id
-- finish:
SELECT
    m.sales_date,
    m.store_id,
    m.sales_person_id,
    NULLIF(concat_ws(' ', p.first_name, p.last_name), '') AS full_name,
    m.landed_rows - m.return_rows AS sales,
    m.return_rows,
    CAST(m.net - m.returned AS DECIMAL(16, 2)) AS gross,
    CAST(m.returned AS DECIMAL(16, 2)) AS returned,
    CAST(m.net AS DECIMAL(16, 2)) AS net,
    m.units - m.units_returned AS units_sold,
    m.units_returned,
    m.anonymous_sales,
    CAST(m.anonymous_net AS DECIMAL(16, 2)) AS anonymous_net
FROM merged AS m
LEFT JOIN sales_team AS p ON p.id = m.sales_person_id
