-- Everything that can be asked by name.
SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY table_name;
