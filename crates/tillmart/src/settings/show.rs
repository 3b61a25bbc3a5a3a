//! The settings as they are in effect, for people and programs that look at them.

use super::coupons::rule_names;
use super::keys::{paths, rule_paths};
use super::layers::{Layers, StatedSecret};
use super::secret::told_back;
use serde::Serialize;
use std::path::Path;
use tillmart_model::{Fault, Result};

/// One setting in effect.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Effective {
    /// Its dotted name.
    pub(crate) setting: String,
    /// Its value as TOML; of a secret only what it is.
    pub(crate) value: String,
    /// Where it was said: a default, a line, a variable.
    pub(crate) from: String,
    /// Whether its value is a secret.
    pub(crate) secret: bool,
}

/// All that can be seen of a project's settings without a master key.
pub(crate) struct Look {
    /// The environment whose keys are laid on top.
    pub(crate) environment: Option<String>,
    /// Every setting in effect, in the order of the example.
    pub(crate) settings: Vec<Effective>,
    /// Every secret that somebody stated, whatever environment it is for.
    pub(crate) secrets: Vec<StatedSecret>,
    /// The settings file, as faults name it.
    pub(crate) file: String,
    /// What is wrong with the settings, or what the profile does not start with.
    pub(crate) fault: Option<Fault>,
}

/// Looks at a project's settings; faults of values do not stop it.
///
/// # Errors
/// The file is missing or no TOML.
pub(crate) fn look(
    project: &Path,
    environment: Option<&str>,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Look> {
    let path = project.join(super::FILE_NAME);
    let file = path.display().to_string();
    let text = super::read_file(&path)?;
    let variables: Vec<(String, String)> = variables.into_iter().collect();
    let layers = Layers::read(&file, &text, environment, variables.clone())?;
    Ok(Look {
        environment: layers.environment().map(str::to_owned),
        settings: effective(&layers),
        secrets: layers.secrets().to_vec(),
        fault: super::parse(project, &file, &text, environment, variables).err(),
        file,
    })
}

fn effective(layers: &Layers) -> Vec<Effective> {
    let mut settings = Vec::new();
    let rules = rule_names(layers).into_iter().flat_map(|rule| rule_paths(&rule));
    for (path, key) in paths().into_iter().chain(rules) {
        let secret = key.is_secret();
        let (value, from) = match layers.stated(&path) {
            Some((_, origin)) if secret => {
                let text = layers.secrets().iter().rfind(|one| one.setting == path && one.applies);
                let value = match text.map(|one| &one.text) {
                    Some(Ok(text)) => text.describe(),
                    _ => "no whole value".to_owned(),
                };
                (format!("({value})"), origin.from())
            }
            Some((raw, origin)) if !layers.sound(&[&path]) => (told_back(&path, raw), origin.from()),
            Some((raw, origin)) => (raw.show(), origin.from()),
            // Columns are in the contract by themselves: their keys are shown where somebody said something.
            None if key.spec().path.contains('*') => continue,
            None if secret => ("(not set)".to_owned(), "default".to_owned()),
            None => (key.spec().default.to_owned(), "default".to_owned()),
        };
        settings.push(Effective { setting: path, value, from, secret });
    }
    settings
}
