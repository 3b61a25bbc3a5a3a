-- Coupons: what was issued, to whom, and what was redeemed.
-- What must never happen (a rule issued twice for a month, two coupons of a rule and month for a customer, a code of two
-- coupons, a coupon redeemed twice, more than the budget) is refused by a key or a CHECK here.
-- Money is whole cents. Days are text, YYYY-MM-DD; moments as in the ledger. Each statement may be done again.

-- Whoever issues for a month locks its row first: two that issue at once come one after the other.
CREATE TABLE IF NOT EXISTS tillmart_coupon_month (
    sales_month VARCHAR(7) NOT NULL,
    PRIMARY KEY (sales_month)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One row for each rule and month that was issued, with the terms as they were then: the rule may change later.
CREATE TABLE IF NOT EXISTS tillmart_coupon_issue (
    id                 BIGINT NOT NULL AUTO_INCREMENT,
    sales_month        VARCHAR(7) NOT NULL,       -- YYYY-MM
    rule               VARCHAR(64) NOT NULL,
    issued_date        VARCHAR(40) NOT NULL,
    batch_id           BIGINT,                    -- sales were published up to this batch
    secret_name        VARCHAR(64) NOT NULL,      -- tells secrets apart, and says nothing of them
    valid_from         VARCHAR(10) NOT NULL,
    valid_until        VARCHAR(10) NOT NULL,
    percent_millionths BIGINT,
    max_discount_cents BIGINT,
    amount_cents       BIGINT,
    min_basket_cents   BIGINT NOT NULL,
    coupons            BIGINT NOT NULL,
    held_out           BIGINT NOT NULL,
    cost_bound_cents   BIGINT NOT NULL,
    budget_coupons     BIGINT,
    budget_cents       BIGINT,
    PRIMARY KEY (id),
    UNIQUE KEY tillmart_coupon_issue_once (sales_month, rule),
    CONSTRAINT tillmart_coupon_issue_counts
        CHECK (min_basket_cents >= 0 AND coupons > 0 AND held_out >= 0 AND cost_bound_cents > 0),
    CONSTRAINT tillmart_coupon_issue_days CHECK (valid_from <= valid_until),
    CONSTRAINT tillmart_coupon_issue_percent CHECK ((percent_millionths IS NULL) = (max_discount_cents IS NULL)),
    CONSTRAINT tillmart_coupon_issue_value CHECK ((percent_millionths IS NULL) <> (amount_cents IS NULL)),
    CONSTRAINT tillmart_coupon_issue_number CHECK (budget_coupons IS NULL OR coupons <= budget_coupons),
    CONSTRAINT tillmart_coupon_issue_budget CHECK (budget_cents IS NULL OR cost_bound_cents <= budget_cents)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS tillmart_coupon (
    issue_id    BIGINT NOT NULL,
    customer_id BIGINT NOT NULL,
    code        VARCHAR(12) NOT NULL,
    PRIMARY KEY (issue_id, customer_id),
    UNIQUE KEY tillmart_coupon_code (code),
    CONSTRAINT tillmart_coupon_issue_id FOREIGN KEY (issue_id) REFERENCES tillmart_coupon_issue (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS tillmart_coupon_redemption (
    code           VARCHAR(12) NOT NULL,
    issue_id       BIGINT NOT NULL,
    reference      TEXT NOT NULL,                 -- the till's name for it
    redeemed_date  VARCHAR(40) NOT NULL,
    basket_cents   BIGINT,
    discount_cents BIGINT,
    store_id       INT,
    PRIMARY KEY (code),
    KEY tillmart_coupon_redemption_issue (issue_id),
    CONSTRAINT tillmart_coupon_redemption_code FOREIGN KEY (code) REFERENCES tillmart_coupon (code),
    CONSTRAINT tillmart_coupon_redemption_of FOREIGN KEY (issue_id) REFERENCES tillmart_coupon_issue (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
