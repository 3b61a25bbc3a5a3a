//! MariaDB: a template data folder is made once, and each server starts from a copy of it.
