-- The sales persons of the month by store and place.
-- reads: team (the month's rows of sales_team_data_mart).
SELECT
    store_id,
    RANK() OVER (PARTITION BY store_id ORDER BY total_sales DESC) AS place,
    sales_person_id,
    full_name,
    total_sales,
    incentive
FROM team
ORDER BY store_id, place, sales_person_id
