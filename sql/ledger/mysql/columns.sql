-- The columns of a table: name, declared type, type without length, scale, collation, whether it is generated.
SELECT column_name, column_type, data_type, numeric_precision, numeric_scale, collation_name,
       CASE WHEN COALESCE(generation_expression, '') <> '' THEN 1 ELSE 0 END
FROM information_schema.columns
WHERE table_schema = DATABASE() AND table_name = ?
ORDER BY ordinal_position;
