//! The relational side: ledger, dimensions, rollup state, published marts; one trait per role, SQLite.
