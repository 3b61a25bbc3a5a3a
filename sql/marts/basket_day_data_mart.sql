-- mart: basket_day_data_mart
-- about: How many baskets each store sold on each day, where the contract names the transaction id that a basket is known by.
-- state: sales_date, store_id, transaction_id
-- key: sales_date, store_id
-- scope: sales_date, store_id
-- A basket is what a store sold on a day under one transaction id; one of returns alone is none. The state holds a row for each, as
-- only then a basket that comes in two files, or is taken back by half, is one basket.
-- merge:
SELECT
    sales_date,
    store_id,
    transaction_id,
    COUNT(*) FILTER (WHERE quantity < 0) AS return_rows,
    COUNT(*) FILTER (WHERE customer_id IS NULL AND quantity >= 0) AS anonymous_rows,
    COUNT(*) AS landed_rows
FROM sales
WHERE transaction_id IS NOT NULL
GROUP BY sales_date, store_id, transaction_id
-- finish:
-- Anonymous is a basket none of whose sales has a customer. The rows are told, too: what a store sold beside them has no id.
SELECT
    sales_date,
    store_id,
    COUNT(*) FILTER (WHERE landed_rows > return_rows) AS baskets,
    SUM(landed_rows - return_rows) AS basket_rows,
    COUNT(*) FILTER (WHERE landed_rows > return_rows AND anonymous_rows = landed_rows - return_rows) AS anonymous_baskets,
    SUM(anonymous_rows) AS anonymous_basket_rows
FROM merged
GROUP BY sales_date, store_id
