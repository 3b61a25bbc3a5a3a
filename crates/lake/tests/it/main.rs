//! What the lake promises: a batch enters a table once, tables are never changed silently, and source files are moved
//! without losing a byte of anybody's.

mod commit;
mod scene;
mod tables;
