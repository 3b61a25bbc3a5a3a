-- Issues of a month (NULL for every month), with what came of them.
SELECT
    i.*,
    (SELECT COUNT(*) FROM tillmart_coupon_redemption AS r WHERE r.issue_id = i.id) AS redeemed,
    (SELECT coalesce(SUM(r.discount_cents), 0) FROM tillmart_coupon_redemption AS r WHERE r.issue_id = i.id) AS given_cents
FROM tillmart_coupon_issue AS i
WHERE ?1 IS NULL OR i.sales_month = ?1
ORDER BY i.id;
