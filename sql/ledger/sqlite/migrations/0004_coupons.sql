-- Coupons: what was issued, to whom, and what was redeemed.
-- What must never happen (a rule issued twice for a month, two coupons of a rule and month for a customer, a code of two
-- coupons, a coupon redeemed twice, more than the budget) is refused by a key or a CHECK here.
-- Money is whole cents. Days are text, YYYY-MM-DD; moments as in the ledger.

-- One row for each rule and month that was issued, with the terms as they were then: the rule may change later.
CREATE TABLE tillmart_coupon_issue (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT,
    sales_month        TEXT NOT NULL,             -- YYYY-MM
    rule               TEXT NOT NULL,
    issued_date        TEXT NOT NULL,
    batch_id           INTEGER,                   -- sales were published up to this batch
    secret_name        TEXT NOT NULL,             -- tells secrets apart, and says nothing of them
    valid_from         TEXT NOT NULL,
    valid_until        TEXT NOT NULL,
    percent_millionths INTEGER,
    max_discount_cents INTEGER,
    amount_cents       INTEGER,
    min_basket_cents   INTEGER NOT NULL CHECK (min_basket_cents >= 0),
    coupons            INTEGER NOT NULL CHECK (coupons > 0),
    held_out           INTEGER NOT NULL CHECK (held_out >= 0),
    cost_bound_cents   INTEGER NOT NULL CHECK (cost_bound_cents > 0),
    budget_coupons     INTEGER,
    budget_cents       INTEGER,
    UNIQUE (sales_month, rule),
    CHECK (valid_from <= valid_until),
    CHECK ((percent_millionths IS NULL) = (max_discount_cents IS NULL)),
    CHECK ((percent_millionths IS NULL) <> (amount_cents IS NULL)),
    CHECK (budget_coupons IS NULL OR coupons <= budget_coupons),
    CHECK (budget_cents IS NULL OR cost_bound_cents <= budget_cents)
) STRICT;

CREATE TABLE tillmart_coupon (
    issue_id    INTEGER NOT NULL REFERENCES tillmart_coupon_issue (id),
    customer_id INTEGER NOT NULL,
    code        TEXT NOT NULL UNIQUE CHECK (length(code) = 12),
    PRIMARY KEY (issue_id, customer_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE tillmart_coupon_redemption (
    code           TEXT PRIMARY KEY NOT NULL REFERENCES tillmart_coupon (code),
    issue_id       INTEGER NOT NULL REFERENCES tillmart_coupon_issue (id),
    reference      TEXT NOT NULL,                 -- the till's name for it
    redeemed_date  TEXT NOT NULL,
    basket_cents   INTEGER,
    discount_cents INTEGER,
    store_id       INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX tillmart_coupon_redemption_issue ON tillmart_coupon_redemption (issue_id);
