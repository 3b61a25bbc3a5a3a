-- Locks a month until the transaction's end, whether its row was there or not.
INSERT INTO tillmart_coupon_month (sales_month) VALUES (?)
ON DUPLICATE KEY UPDATE sales_month = VALUES(sales_month);
