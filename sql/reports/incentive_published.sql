-- What the table that payroll reads says of the month.
-- reads: team (the month's rows of sales_team_data_mart).
SELECT store_id, sales_person_id, incentive
FROM team
