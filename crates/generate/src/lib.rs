//! Makes seeded sales and dimensions to try a pipeline with.
