-- What of sql/ was applied to this database. Outside the numbered steps, because it must be there before the first.
CREATE TABLE IF NOT EXISTS tillmart_migration (
    number   INT NOT NULL,
    name     VARCHAR(191) NOT NULL,
    checksum CHAR(64) NOT NULL,   -- BLAKE3 of the file's text with LF line ends: an applied step is never edited
    applied  VARCHAR(40) NOT NULL,
    PRIMARY KEY (number)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
