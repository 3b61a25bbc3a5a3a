-- Up to which batch each mart of a feed holds everything.
SELECT mart, batch_id FROM tillmart_mart WHERE feed = ?;
