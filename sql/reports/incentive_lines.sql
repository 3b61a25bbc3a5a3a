-- Every line of the month's payments, as it was published. A rate is told in millionths; −1 where there is none.
-- reads: lines (the month's rows of incentive_data_mart).
SELECT
    store_id,
    sales_person_id,
    seller_id,
    level,
    why,
    place,
    ranked,
    sharers,
    basis,
    CAST(COALESCE(rate * 1000000, -1) AS BIGINT) AS rate_millionths,
    payment,
    share,
    paid,
    plan
FROM lines
ORDER BY store_id, level, place, seller_id, sales_person_id
