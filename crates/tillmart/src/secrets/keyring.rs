//! A master key at work: found when the first value needs it, and each key derived from it once.

use super::known;
use super::master::{MasterKey, Material, Which};
use super::sealed::{Argon2id, Derivation, Key, MachineRefused, Refused, Sealed};
use tillmart_model::{Fault, FaultKind, Result, Secret};

/// Opens and seals values with one master key.
pub(crate) struct Keyring {
    which: Which,
    master: Option<MasterKey>,
    derived: Vec<(Argon2id, Key)>,
}

impl Keyring {
    /// Of the current or the new master key. Nothing is read or asked before a value needs it.
    pub(crate) fn new(which: Which) -> Keyring {
        Keyring { which, master: None, derived: Vec::new() }
    }

    /// Opens the value of a setting, and takes it into the register of known secrets.
    ///
    /// # Errors
    /// `Settings`, without a place: no master key, another one, or a value that was changed or moved.
    pub(crate) fn open(&mut self, sealed: &Sealed, setting: &str) -> Result<Secret> {
        let from = self.master()?.from.clone();
        let opened = match self.key(sealed.derivation())? {
            Some(key) => sealed.open(setting, &key),
            None => Err(Refused::OtherKey),
        };
        let secret = opened.map_err(|refused| refusal(refused, setting, &from, self.which))?;
        known::remember(&secret);
        Ok(secret)
    }

    /// Seals a value for a setting. Values sealed or opened before with a passphrase of today's cost share their salt, so that
    /// a settings file costs one derivation.
    ///
    /// # Errors
    /// `Settings`: no master key, or one too short to encrypt with.
    pub(crate) fn seal(&mut self, value: &Secret, setting: &str) -> Result<Sealed> {
        known::remember(value);
        let master = self.master()?;
        master.strong_enough()?;
        let derivation = match &master.material {
            Material::Random(_) => Derivation::Key,
            Material::Passphrase(_) => {
                let shared = self.derived.iter().map(|(derivation, _)| derivation).find(|one| one.is_todays());
                let shared = shared.cloned().map_or_else(Argon2id::new, Ok);
                Derivation::Argon2id(shared.map_err(|MachineRefused| machine())?)
            }
        };
        let key = self.key(&derivation)?.ok_or_else(machine)?;
        Sealed::seal(value, setting, derivation, &key).map_err(|MachineRefused| machine())
    }

    /// The master key, if one was needed so far.
    pub(crate) fn used(&self) -> Option<&MasterKey> {
        self.master.as_ref()
    }

    /// Where the master key came from, and whether a person has just typed it.
    ///
    /// # Errors
    /// As [`MasterKey::find`].
    pub(crate) fn master(&mut self) -> Result<&MasterKey> {
        match &mut self.master {
            Some(_) => {}
            none => *none = Some(MasterKey::find(self.which)?),
        }
        self.master.as_ref().ok_or_else(machine)
    }

    /// The key of a derivation; `None` where the master key is of the other sort.
    fn key(&mut self, derivation: &Derivation) -> Result<Option<Key>> {
        let derived = self.derived.iter().find(|(one, _)| Derivation::Argon2id(one.clone()) == *derivation);
        if let Some((_, key)) = derived {
            return Ok(Some(key.clone()));
        }
        match (&self.master()?.material, derivation) {
            (Material::Random(bytes), Derivation::Key) => Ok(Some(Key::new(bytes))),
            (Material::Passphrase(passphrase), Derivation::Argon2id(derivation)) => {
                let key = derivation.key(passphrase).map_err(|MachineRefused| machine())?;
                self.derived.push((derivation.clone(), key.clone()));
                Ok(Some(key))
            }
            _ => Ok(None),
        }
    }
}

fn refusal(refused: Refused, setting: &str, from: &str, which: Which) -> Fault {
    let anew = format!("encrypt the value anew: `tillmart secrets encrypt --setting {setting} --write`");
    match refused {
        Refused::OtherKey => {
            Fault::new(FaultKind::Settings, format!("`{setting}` does not decrypt: it has another master key"))
                .expected("the master key that it was encrypted with")
                .found(format!("another one, from {from}"))
                .hint(format!(
                    "give the right one in {} or {}; if it is lost, {anew}",
                    which.variable(),
                    which.file_variable()
                ))
        }
        Refused::Changed => {
            Fault::new(FaultKind::Settings, format!("`{setting}` does not decrypt: it is not as it was encrypted"))
                .expected(format!("a value that was encrypted for `{setting}`, unchanged"))
                .found("a value that was changed, cut short, or encrypted for another setting")
                .hint(format!("restore the line, or {anew}"))
        }
    }
}

fn machine() -> Fault {
    Fault::new(FaultKind::Settings, "the machine refused the cryptography of a secret")
        .expected("64 MiB of free memory and a source of random bytes")
}

#[cfg(test)]
impl Keyring {
    /// With a passphrase, without looking for one.
    pub(crate) fn with_passphrase(passphrase: &str) -> Keyring {
        let material = Material::Passphrase(Secret::new(passphrase));
        let master = MasterKey { material, from: "a test".to_owned(), typed: false, open_to: None };
        Keyring { which: Which::Current, master: Some(master), derived: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_one_passphrase_share_a_derivation() {
        let mut keys = Keyring::with_passphrase("correct horse battery");
        let one = keys.seal(&Secret::new("one"), "database.password").unwrap();
        let two = keys.seal(&Secret::new("two"), "storage.session_token").unwrap();
        assert_eq!(one.derivation(), two.derivation());
        assert_eq!(keys.derived.len(), 1);
        let mut again = Keyring::with_passphrase("correct horse battery");
        assert_eq!(again.open(&one, "database.password").unwrap().reveal(), "one");
        assert_eq!(again.open(&two, "storage.session_token").unwrap().reveal(), "two");
        assert_eq!(again.derived.len(), 1);
        let three = again.seal(&Secret::new("three"), "database.password").unwrap();
        assert_eq!(three.derivation(), one.derivation(), "and what is sealed later shares it");
    }

    #[test]
    fn what_does_not_open_says_why() {
        let sealed = Keyring::with_passphrase("correct horse battery").seal(&Secret::new("one"), "database.password");
        let sealed = sealed.unwrap();
        let other = Keyring::with_passphrase("another passphrase").open(&sealed, "database.password").unwrap_err();
        assert!(other.what.contains("another master key"), "{other}");
        let moved = Keyring::with_passphrase("correct horse battery").open(&sealed, "storage.session_token");
        let moved = moved.unwrap_err();
        assert!(moved.to_string().contains("encrypted for another setting"), "{moved}");
        assert!(Keyring::with_passphrase("short").seal(&Secret::new("x"), "database.password").is_err());
    }
}
