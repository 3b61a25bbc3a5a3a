-- A new coupon. When another one has its code, nothing is written.
INSERT INTO tillmart_coupon (issue_id, customer_id, code)
VALUES (?1, ?2, ?3)
ON CONFLICT (code) DO NOTHING;
