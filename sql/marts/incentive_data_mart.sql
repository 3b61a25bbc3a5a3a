-- mart: incentive_data_mart
-- about: How each incentive came about: a line for each seller of a store and month, and for each manager's share.
-- of: sales_team_data_mart
-- key: sales_month, store_id, sales_person_id, seller_id, level
-- A line keeps the plan and the managers that it was computed with: what was paid is explained by them, whatever the settings
-- and the sales team are today.
-- finish:
SELECT
    store_id,
    sales_month,
    sales_person_id,
    seller_id,
    level,
    why,
    place,
    ranked,
    sharers,
    basis,
    rate,
    payment,
    share,
    paid,
    managers,
    plan
FROM payments
