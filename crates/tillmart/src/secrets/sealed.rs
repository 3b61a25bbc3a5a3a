//! An encrypted value as it stands in settings: `enc:v1:DERIVATION:KEY ID:DATA`.
//!
//! DERIVATION is `key` (a random key file) or `argon2id,m=KIB,t=PASSES,p=LANES,s=SALT` (a passphrase). KEY ID tells a wrong
//! key from a changed value. DATA is nonce, ciphertext and tag of AES-256-GCM. All that stands before DATA is authenticated
//! with it, and so is the name of the setting: a value that is moved to another one does not open.
//! See docs/decisions/0017-secrets-in-settings.md.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use std::fmt;
use std::ops::RangeInclusive;
use tillmart_model::Secret;
use zeroize::Zeroizing;

/// What every encrypted value of any version begins with.
pub(crate) const MARK: &str = "enc:";
/// What those of this version begin with.
const VERSION: &str = "enc:v1:";

/// Bytes of a key.
pub(crate) const KEY_BYTES: usize = 32;
const SALT_BYTES: usize = 16;
const ID_BYTES: usize = 4;
const TAG_BYTES: usize = 16;

/// Cost of a new value: 64 MiB and three passes, RFC 9106's second choice, above OWASP's least of 19 MiB and two. A tenth
/// of a second, once a process.
const COST: Cost = Cost { kibibytes: 64 * 1024, passes: 3, lanes: 1 };
/// Costs that are opened. More would let whoever can write the file stop the machine.
const KIBIBYTES: RangeInclusive<u32> = 64..=1024 * 1024;
const PASSES: RangeInclusive<u32> = 1..=32;
const LANES: RangeInclusive<u32> = 1..=8;

/// What Argon2id is told to spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cost {
    kibibytes: u32,
    passes: u32,
    lanes: u32,
}

/// How the key comes from the master key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Derivation {
    /// It is the master key: 32 random bytes.
    Key,
    /// The master key is a passphrase.
    Argon2id(Argon2id),
}

/// Salt and cost of a passphrase's derivation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Argon2id {
    cost: Cost,
    salt: [u8; SALT_BYTES],
}

/// A key that values are sealed with, and its id.
#[derive(Clone)]
pub(crate) struct Key {
    bytes: Zeroizing<[u8; KEY_BYTES]>,
    id: [u8; ID_BYTES],
}

/// An encrypted value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sealed {
    derivation: Derivation,
    key_id: [u8; ID_BYTES],
    data: Vec<u8>,
}

/// Why a value does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It was sealed with another master key.
    OtherKey,
    /// The key is right: the value was changed, cut short, or sealed for another setting.
    Changed,
}

/// The machine gave no random bytes, or no memory for a derivation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MachineRefused;

impl Argon2id {
    /// Today's cost and a new salt.
    pub(crate) fn new() -> Result<Argon2id, MachineRefused> {
        let mut salt = [0; SALT_BYTES];
        aws_lc_rs::rand::fill(&mut salt).map_err(|_| MachineRefused)?;
        Ok(Argon2id { cost: COST, salt })
    }

    /// Whether it costs what a new one would.
    pub(crate) fn is_todays(&self) -> bool {
        self.cost == COST
    }

    /// The key of a passphrase.
    pub(crate) fn key(&self, passphrase: &Secret) -> Result<Key, MachineRefused> {
        let Cost { kibibytes, passes, lanes } = self.cost;
        let cost = argon2::Params::new(kibibytes, passes, lanes, Some(KEY_BYTES)).map_err(|_| MachineRefused)?;
        let derive = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, cost);
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        derive
            .hash_password_into(passphrase.reveal().as_bytes(), &self.salt, bytes.as_mut())
            .map_err(|_| MachineRefused)?;
        Ok(Key::new(&bytes))
    }
}

impl Key {
    /// One key for sealing and another for the id come out of the key that was given.
    pub(crate) fn new(given: &[u8; KEY_BYTES]) -> Key {
        let given = hmac::Key::new(hmac::HMAC_SHA256, given);
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        bytes.copy_from_slice(hmac::sign(&given, b"tillmart secrets v1: seal").as_ref());
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&hmac::sign(&given, b"tillmart secrets v1: id").as_ref()[..ID_BYTES]);
        Key { bytes, id }
    }

    fn cipher(&self) -> Result<RandomizedNonceKey, MachineRefused> {
        RandomizedNonceKey::new(&AES_256_GCM, self.bytes.as_ref()).map_err(|_| MachineRefused)
    }
}

impl Sealed {
    /// Seals a value for a setting.
    pub(crate) fn seal(
        value: &Secret,
        setting: &str,
        derivation: Derivation,
        key: &Key,
    ) -> Result<Sealed, MachineRefused> {
        let mut sealed = Sealed { derivation, key_id: key.id, data: Vec::new() };
        let mut text = Zeroizing::new(Vec::with_capacity(value.reveal().len() + TAG_BYTES));
        text.extend_from_slice(value.reveal().as_bytes());
        let aad = Aad::from(sealed.bound_to(setting));
        let nonce = key.cipher()?.seal_in_place_append_tag(aad, &mut *text).map_err(|_| MachineRefused)?;
        sealed.data = [nonce.as_ref().as_slice(), text.as_slice()].concat();
        Ok(sealed)
    }

    /// Opens the value of a setting.
    pub(crate) fn open(&self, setting: &str, key: &Key) -> Result<Secret, Refused> {
        if key.id != self.key_id {
            return Err(Refused::OtherKey);
        }
        let (nonce, text) = self.data.split_at_checked(NONCE_LEN).ok_or(Refused::Changed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Refused::Changed)?;
        let mut text = Zeroizing::new(text.to_vec());
        let cipher = key.cipher().map_err(|_| Refused::Changed)?;
        let aad = Aad::from(self.bound_to(setting));
        let text = cipher.open_in_place(nonce, aad, &mut text).map_err(|_| Refused::Changed)?;
        std::str::from_utf8(text).map(Secret::new).map_err(|_| Refused::Changed)
    }

    /// How its key comes from the master key.
    pub(crate) fn derivation(&self) -> &Derivation {
        &self.derivation
    }

    /// Reads a value as it stands in settings; `None` where it is none of this version.
    pub(crate) fn parse(text: &str) -> Option<Sealed> {
        let mut parts = text.strip_prefix(VERSION)?.split(':');
        let derivation = Derivation::parse(parts.next()?)?;
        let key_id = u32::from_str_radix(parts.next().filter(|id| id.len() == 2 * ID_BYTES)?, 16).ok()?.to_be_bytes();
        let data = BASE64.decode(parts.next()?).ok()?;
        let sealed = Sealed { derivation, key_id, data };
        // Only what would be written just so is read: a value has one form.
        let long_enough = sealed.data.len() >= NONCE_LEN + TAG_BYTES;
        (parts.next().is_none() && long_enough && sealed.to_string() == text).then_some(sealed)
    }

    /// What is authenticated beside the value.
    fn bound_to(&self, setting: &str) -> Vec<u8> {
        format!("{}\n{setting}", self.head()).into_bytes()
    }

    fn head(&self) -> String {
        format!("{VERSION}{}:{:08x}", self.derivation, u32::from_be_bytes(self.key_id))
    }
}

impl fmt::Display for Sealed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.head(), BASE64.encode(&self.data))
    }
}

impl Derivation {
    fn parse(text: &str) -> Option<Derivation> {
        if text == "key" {
            return Some(Derivation::Key);
        }
        let mut parts = text.strip_prefix("argon2id,")?.split(',');
        let mut number = |name: &str, bounds: RangeInclusive<u32>| {
            let number = parts.next()?.strip_prefix(name)?.parse().ok()?;
            bounds.contains(&number).then_some(number)
        };
        let cost =
            Cost { kibibytes: number("m=", KIBIBYTES)?, passes: number("t=", PASSES)?, lanes: number("p=", LANES)? };
        let salt = BASE64.decode(parts.next()?.strip_prefix("s=")?).ok()?.try_into().ok()?;
        parts.next().is_none().then_some(Derivation::Argon2id(Argon2id { cost, salt }))
    }
}

impl fmt::Display for Derivation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Derivation::Key => out.write_str("key"),
            Derivation::Argon2id(Argon2id { cost, salt }) => {
                let Cost { kibibytes, passes, lanes } = cost;
                write!(out, "argon2id,m={kibibytes},t={passes},p={lanes},s={}", BASE64.encode(salt))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> Key {
        Key::new(&[byte; KEY_BYTES])
    }

    fn sealed(value: &str) -> Sealed {
        Sealed::seal(&Secret::new(value), "database.password", Derivation::Key, &key(1)).unwrap()
    }

    #[test]
    fn what_was_sealed_opens_with_its_key_and_for_its_setting_only() {
        for value in ["hunter2", "", "päss:wörd\n\"'\\ 🔑", &"x".repeat(10_000)] {
            let text = sealed(value).to_string();
            assert!(!text.contains("hunter2"), "{text}");
            let read = Sealed::parse(&text).unwrap();
            assert_eq!(read.open("database.password", &key(1)).unwrap().reveal(), value);
            assert_eq!(read.open("storage.session_token", &key(1)), Err(Refused::Changed), "moved");
            assert_eq!(read.open("database.password", &key(2)), Err(Refused::OtherKey));
        }
        assert_ne!(sealed("hunter2").data, sealed("hunter2").data, "a new nonce each time");
    }

    #[test]
    fn a_value_changed_anywhere_does_not_open() {
        let text = sealed("hunter2").to_string();
        for at in 0..text.len() {
            for letter in ['A', 'B', 'k', '0', ':', '-'] {
                let mut changed = text.clone();
                changed.replace_range(at..=at, &letter.to_string());
                let Some(read) = Sealed::parse(&changed) else { continue };
                match read.open("database.password", &key(1)) {
                    Ok(_) => assert_eq!(changed, text, "only the value as it was"),
                    Err(refused) => assert!(changed != text, "{refused:?}"),
                }
            }
        }
        for cut in 1..text.len() {
            assert!(
                Sealed::parse(&text[..cut]).is_none_or(|read| read.open("database.password", &key(1)).is_err()),
                "{cut}"
            );
        }
    }

    #[test]
    fn a_cost_that_would_stop_the_machine_is_no_value() {
        let salt = BASE64.encode([7; SALT_BYTES]);
        let data = BASE64.encode([0; 40]);
        let text = |cost: &str| format!("enc:v1:argon2id,{cost},s={salt}:00000000:{data}");
        assert!(Sealed::parse(&text("m=65536,t=3,p=1")).is_some());
        for wrong in ["m=4294967295,t=3,p=1", "m=65536,t=99,p=1", "m=65536,t=3,p=64", "m=0,t=3,p=1", "t=3,m=65536,p=1"]
        {
            assert!(Sealed::parse(&text(wrong)).is_none(), "{wrong}");
        }
        assert!(Sealed::parse(&text("m=065536,t=3,p=1")).is_none(), "one form only");
    }

    #[test]
    fn a_passphrase_gives_one_key_a_salt() {
        let passphrase = Secret::new("correct horse battery");
        let derivation = Argon2id::new().unwrap();
        assert!(derivation.key(&passphrase).unwrap().id == derivation.key(&passphrase).unwrap().id);
        assert!(derivation.key(&passphrase).unwrap().bytes != Argon2id::new().unwrap().key(&passphrase).unwrap().bytes);
        assert!(derivation.key(&passphrase).unwrap().bytes != derivation.key(&Secret::new("other")).unwrap().bytes);
    }

    /// Sealed by other implementations (Python's argon2-cffi, hmac and cryptography): the format is what the decision page says.
    #[test]
    fn what_others_sealed_by_the_same_rules_opens() {
        let text = "enc:v1:argon2id,m=19456,t=2,p=1,s=c29tZXNhbHRzb21lc2FsdA:b36e615d:\
                    dHdlbHZlIGJ5dGVzUE6KEb0OIIL-pi58OR2LPm-vAHEwWWeyx71t";
        let sealed = Sealed::parse(text).unwrap();
        let Derivation::Argon2id(derivation) = sealed.derivation() else { panic!("a passphrase") };
        let key = derivation.key(&Secret::new("correct horse battery")).unwrap();
        assert_eq!(sealed.open("database.password", &key).unwrap().reveal(), "päss wörd");
    }
}
