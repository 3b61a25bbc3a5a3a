//! Objects and Delta tables: areas of the store, commits with the batch's transaction id.
