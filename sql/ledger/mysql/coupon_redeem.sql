-- Redeems a coupon that nobody has redeemed.
INSERT INTO tillmart_coupon_redemption (code, issue_id, reference, redeemed_date, basket_cents, discount_cents, store_id)
VALUES (?, ?, ?, ?, ?, ?, ?);
