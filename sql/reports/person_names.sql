-- Names of the sales team; empty where none is known.
-- reads: sales_team.
SELECT id, concat_ws(' ', first_name, last_name) AS full_name
FROM sales_team
