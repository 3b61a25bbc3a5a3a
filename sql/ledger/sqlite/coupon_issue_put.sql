-- A new issue.
INSERT INTO tillmart_coupon_issue (
    sales_month, rule, issued_date, batch_id, secret_name, valid_from, valid_until,
    percent_millionths, max_discount_cents, amount_cents, min_basket_cents,
    coupons, held_out, cost_bound_cents, budget_coupons, budget_cents
)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16);
