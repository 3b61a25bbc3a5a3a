//! Runs plans: the landing operator over split descriptors, and mart SQL, on DataFusion.
