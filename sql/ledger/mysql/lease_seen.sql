-- The feed's lease, locked to the end of the transaction: of two writes the second waits, and then sees the first.
SELECT token, holder, held_until FROM tillmart_lease WHERE feed = ? FOR UPDATE;
