-- Takes a feed's lease with a token; the caller has locked the row, or found that there is none.
INSERT INTO tillmart_lease (feed, token, holder, held_until)
VALUES (?, ?, ?, ?)
ON DUPLICATE KEY UPDATE token = VALUES(token), holder = VALUES(holder), held_until = VALUES(held_until);
