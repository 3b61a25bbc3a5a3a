-- Takes a feed's lease with the next token, if it is still as the caller saw it (?4: the token seen, 0 for none).
-- Zero rows changed: somebody was faster; look again.
INSERT INTO tillmart_lease (feed, token, holder, until)
VALUES (?1, ?4 + 1, ?2, ?3)
ON CONFLICT (feed) DO UPDATE SET token = excluded.token, holder = excluded.holder, until = excluded.until
WHERE token = ?4 AND holder IS ?5 AND until IS ?6;
