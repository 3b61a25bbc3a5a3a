-- mart: customer_data_mart
-- about: Every landed sale of a known or kept customer, with how to reach them. Anonymous sales have no customer.
-- bucket: customer_bucket of customer_id
SELECT
    s.customer_id,
    c.first_name,
    c.last_name,
    c.address,
    c.pincode,
    c.phone_number,
    s.sales_date,
    s.total_cost,
    s.source_file_id,
    s.batch_id
FROM sales AS s
LEFT JOIN customer AS c ON c.customer_id = s.customer_id
WHERE s.customer_id IS NOT NULL
