-- The dimension tables, with the names and columns that such pipelines already have: tables that are there stay as
-- they are, and every value is checked when it is read.

CREATE TABLE IF NOT EXISTS customer (
    customer_id           BIGINT NOT NULL,
    first_name            VARCHAR(191),
    last_name             VARCHAR(191),
    address               TEXT,
    pincode               VARCHAR(64),
    phone_number          VARCHAR(64),
    customer_joining_date DATE,
    PRIMARY KEY (customer_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS store (
    id                 INT NOT NULL,
    address            TEXT,
    store_pincode      VARCHAR(64),
    store_manager_name VARCHAR(191),
    store_opening_date DATE,
    reviews            TEXT,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS product (
    id            BIGINT NOT NULL,
    name          VARCHAR(700) NOT NULL,
    current_price DECIMAL(14, 4),
    old_price     DECIMAL(14, 4),
    created_date  VARCHAR(64),
    updated_date  VARCHAR(64),
    expiry_date   DATE,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS sales_team (
    id           BIGINT NOT NULL,
    first_name   VARCHAR(191),
    last_name    VARCHAR(191),
    manager_id   BIGINT,
    is_manager   VARCHAR(64),
    address      TEXT,
    pincode      VARCHAR(64),
    joining_date DATE,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
