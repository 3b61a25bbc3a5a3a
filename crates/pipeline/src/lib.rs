//! The life of a source file: discover, claim, land, check, commit, derive, publish, archive.
