//! Secrets of the settings: values that are encrypted in the file, the master key that opens them, and the last net that
//! keeps any of them off the screen.
//!
//! [`sealed`] is the format `enc:v1:…` and its cryptography, [`master`] where the master key comes from, [`keyring`] both
//! together, [`mod@file`] the settings file as it is rewritten, [`known`] the register that every line of output is scrubbed by.

pub(crate) mod file;
pub(crate) mod keyring;
pub(crate) mod known;
pub(crate) mod master;
pub(crate) mod panic;
pub(crate) mod sealed;

pub(crate) use keyring::Keyring;
pub(crate) use sealed::Sealed;
