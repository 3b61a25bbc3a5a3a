//! Bytes of source files to checked sales: CSV, JSON lines, Parquet, gzip, zstd.
