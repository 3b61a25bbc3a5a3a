-- Coupons of an issue from a customer on. 0 asks for all of them, 1 for redeemed ones, 2 for the others.
SELECT
    c.code, c.customer_id, c.issue_id,
    i.sales_month, i.rule, i.valid_from, i.valid_until,
    i.percent_millionths, i.max_discount_cents, i.amount_cents, i.min_basket_cents,
    r.reference, r.redeemed_date, r.basket_cents, r.discount_cents, r.store_id
FROM tillmart_coupon AS c
JOIN tillmart_coupon_issue AS i ON i.id = c.issue_id
LEFT JOIN tillmart_coupon_redemption AS r ON r.code = c.code
WHERE
    c.issue_id = ? AND c.customer_id >= ?
    AND (? = 0 OR (? = 1 AND r.code IS NOT NULL) OR (? = 2 AND r.code IS NULL))
ORDER BY c.customer_id
LIMIT ?;
