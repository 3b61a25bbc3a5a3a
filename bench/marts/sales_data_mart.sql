-- mart: sales_data_mart
-- about: Every landed sale with who sold it and in which store: the columns that every tool of the comparison writes.
-- partition by: sales_month, store_id
-- The built-in mart without `list_price`, which no peer looks up.
SELECT
    s.customer_id,
    s.store_id,
    s.product_name,
    s.sales_date,
    s.sales_person_id,
    s.price,
    s.quantity,
    s.total_cost,
    s.additional_column,
    p.first_name AS sales_person_first_name,
    p.last_name AS sales_person_last_name,
    p.address AS sales_person_address,
    p.pincode AS sales_person_pincode,
    p.manager_id,
    p.is_manager,
    t.store_manager_name,
    s.transaction_id,
    s.sales_month,
    s.source_file_id,
    s.source_line,
    s.batch_id
FROM sales AS s
LEFT JOIN sales_team AS p ON p.id = s.sales_person_id
LEFT JOIN store AS t ON t.id = s.store_id
