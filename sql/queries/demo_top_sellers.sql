-- The best paid months of sales persons, for the demo.
-- reads: sales_team_data_mart.
SELECT store_id, sales_person_id, full_name, sales_month, total_sales, incentive
FROM sales_team_data_mart
ORDER BY incentive DESC, store_id, sales_month, sales_person_id
LIMIT 5
