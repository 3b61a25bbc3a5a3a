-- mart: sales_data_mart
-- about: Every landed sale with who sold it and in which store. No customer name, address or phone.
-- partition by: sales_month, store_id
-- Why left joins: an unknown sales person or store is rejected or kept on purpose, by the setting `orphans`;
-- no join may drop a sale in silence. The list price is the product's on the day of the sale, NULL where nobody knows the product.
-- It stands last: tables that were made before it was there get it, NULL in the rows that had landed.
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
    s.batch_id,
    o.current_price AS list_price
FROM sales AS s
LEFT JOIN sales_team AS p ON p.id = s.sales_person_id
LEFT JOIN store AS t ON t.id = s.store_id
LEFT JOIN product AS o ON o.name = s.product_name
