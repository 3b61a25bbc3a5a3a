-- Issues of a month (NULL for every month), with what came of them.
SELECT
    i.*,
    (SELECT COUNT(*) FROM tillmart_coupon_redemption AS r WHERE r.issue_id = i.id) AS redeemed,
    CAST(
        (SELECT COALESCE(SUM(r.discount_cents), 0) FROM tillmart_coupon_redemption AS r WHERE r.issue_id = i.id) AS SIGNED
    ) AS given_cents
FROM tillmart_coupon_issue AS i
WHERE ? IS NULL OR i.sales_month = ?
ORDER BY i.id;
