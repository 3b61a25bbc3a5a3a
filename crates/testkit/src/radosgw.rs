//! RadosGW: one monitor, one OSD on a sparse file and one gateway, shared by the tests of a process.
