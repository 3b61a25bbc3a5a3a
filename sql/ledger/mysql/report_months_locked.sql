-- Every version of a month's figures, by store. Whoever keeps newer ones of them waits until the transaction's end.
SELECT store_id, version, made_date, batch_id, sales, units, gross_cents, returned_cents, incentive_cents
FROM tillmart_report_month
WHERE sales_month = ?
ORDER BY store_id, version
FOR UPDATE;
