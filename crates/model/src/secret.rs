//! Values that no file, log, error or process list may show.

use zeroize::Zeroizing;

/// A credential in clear text. It has no `Display` and no serialisation, its `Debug` shows no value, and its memory is zeroed
/// when it is dropped; [`Secret::reveal`] is the one way to the value, so that every use can be found by its name.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a value over; what the caller keeps of it is the caller's to zero.
    pub fn new(value: impl Into<String>) -> Secret {
        Secret(Zeroizing::new(value.into()))
    }

    /// The value, for the client that logs in with it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn debug_shows_no_value() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{:?} {:#?}", secret, Some(&secret)).matches("hunter2").count(), 0);
        assert_eq!(secret.reveal(), "hunter2");
    }
}
