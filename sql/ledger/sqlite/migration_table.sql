-- What of sql/ was applied to this database. Outside the numbered steps, because it must be there before the first.
CREATE TABLE IF NOT EXISTS tillmart_migration (
    number   INTEGER PRIMARY KEY NOT NULL,
    name     TEXT NOT NULL,
    checksum TEXT NOT NULL,   -- BLAKE3 of the file's text with LF line ends: an applied step is never edited
    applied  TEXT NOT NULL
) STRICT;
