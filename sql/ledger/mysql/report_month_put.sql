-- A new version of a store's month.
INSERT INTO tillmart_report_month (
    sales_month, store_id, version, made_date, batch_id, sales, units, gross_cents, returned_cents, incentive_cents
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
