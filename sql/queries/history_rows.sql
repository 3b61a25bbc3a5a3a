-- All rows of some data files of a dimension's history.
-- reads: kept, those files as a relation.
SELECT *
FROM kept
