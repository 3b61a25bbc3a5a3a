-- What each store sold on each day, with its baskets as the number of sales. A sale without a transaction id is one of its own.
-- reads: store_day (published rows of store_day_data_mart), basket_day (those of basket_day_data_mart).
SELECT
    s.sales_date,
    s.store_id,
    s.sales - COALESCE(b.basket_rows, 0) + COALESCE(b.baskets, 0) AS sales,
    s.return_rows,
    s.gross,
    s.returned,
    s.net,
    s.units_sold,
    s.units_returned,
    s.anonymous_sales - COALESCE(b.anonymous_basket_rows, 0) + COALESCE(b.anonymous_baskets, 0) AS anonymous_sales,
    s.anonymous_net
FROM store_day AS s
LEFT JOIN basket_day AS b ON b.sales_date = s.sales_date AND b.store_id = s.store_id
