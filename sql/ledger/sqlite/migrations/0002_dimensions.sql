-- The dimension tables, with the names and columns that such pipelines already have: tables that are there stay as
-- they are, and every value is checked when it is read. Dates are YYYY-MM-DD; prices are decimal text, never REAL.

CREATE TABLE IF NOT EXISTS customer (
    customer_id           INTEGER PRIMARY KEY NOT NULL,
    first_name            TEXT,
    last_name             TEXT,
    address               TEXT,
    pincode               TEXT,
    phone_number          TEXT,
    customer_joining_date TEXT
) STRICT;

CREATE TABLE IF NOT EXISTS store (
    id                 INTEGER PRIMARY KEY NOT NULL,
    address            TEXT,
    store_pincode      TEXT,
    store_manager_name TEXT,
    store_opening_date TEXT,
    reviews            TEXT
) STRICT;

CREATE TABLE IF NOT EXISTS product (
    id            INTEGER PRIMARY KEY NOT NULL,
    name          TEXT NOT NULL,
    current_price TEXT,
    old_price     TEXT,
    created_date  TEXT,
    updated_date  TEXT,
    expiry_date   TEXT
) STRICT;

CREATE TABLE IF NOT EXISTS sales_team (
    id           INTEGER PRIMARY KEY NOT NULL,
    first_name   TEXT,
    last_name    TEXT,
    manager_id   INTEGER,
    is_manager   TEXT,
    address      TEXT,
    pincode      TEXT,
    joining_date TEXT
) STRICT;
