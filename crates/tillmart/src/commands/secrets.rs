//! `secrets encrypt`, `decrypt`, `rotate`, `check` and `key`.

use super::Outcome;
use crate::cli::{Cli, SecretsCommand};
use crate::screen;
use crate::secrets::file::{SettingsFile, Stood};
use crate::secrets::master::{self, Which};
use crate::secrets::{Keyring, Sealed, known};
use crate::settings::{self, Origin, SecretText, StatedSecret};
use std::io::{IsTerminal, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use tillmart_model::{Fault, FaultKind, Result, Secret};
use zeroize::Zeroizing;

pub(crate) fn run(cli: &Cli, command: &SecretsCommand) -> Result<Outcome> {
    match command {
        SecretsCommand::Encrypt { setting, write } => encrypt(cli, setting, *write),
        SecretsCommand::Decrypt { setting } => decrypt(cli, setting),
        SecretsCommand::Rotate => rotate(cli),
        SecretsCommand::Check => check(cli),
        SecretsCommand::Key { file } => key(cli, file),
    }
}

fn encrypt(cli: &Cli, setting: &str, write: bool) -> Result<Outcome> {
    let there = cli.project.join(settings::FILE_NAME).exists();
    let mut file = if write || there { Some(SettingsFile::open(&cli.project)?) } else { None };
    let mut keys = Keyring::new(Which::Current);
    let others = file.as_ref().map(SettingsFile::encrypted).unwrap_or_default();
    one_master_key(&mut keys, file.as_ref(), &others)?;
    let value = ask_value(setting)?;
    let sealed = keys.seal(&value, setting)?.to_string();
    match (&mut file, write) {
        (Some(file), true) => {
            file.set(&place_of(cli, setting), &sealed)?;
            file.write()?;
            screen::talk(&format!("{setting} stands encrypted in {}", file.path.display()));
            if cli.json {
                screen::json(&serde_json::json!({ "setting": setting, "written": file.path.display().to_string() }))?;
            }
        }
        _ if cli.json => screen::json(&serde_json::json!({ "setting": setting, "value": sealed }))?,
        _ => screen::data(&sealed),
    }
    Ok(Outcome::Done)
}

/// A settings file has one master key: a mistyped one would be noticed in the night that needs the value.
fn one_master_key(keys: &mut Keyring, file: Option<&SettingsFile>, others: &[Stood]) -> Result<()> {
    let readable = others.iter().find_map(|stood| Sealed::parse(&stood.text).map(|sealed| (stood, sealed)));
    if let (Some(file), Some((stood, sealed))) = (file, readable) {
        let opened = keys.open(&sealed, &stood.setting());
        return opened.map(drop).map_err(|fault| {
            let fault = fault.at_line(file.path.display().to_string(), stood.line);
            fault.hint(
                "all values of a file have one master key: give that one, or go over to another with `tillmart secrets rotate`",
            )
        });
    }
    confirm(keys, Which::Current)
}

/// What was typed once is typed again before anything depends on it.
fn confirm(keys: &mut Keyring, which: Which) -> Result<()> {
    let key = keys.master()?;
    key.strong_enough()?;
    if !key.typed {
        return Ok(());
    }
    let again = master::prompt("the same again: ")?;
    match &key.material {
        master::Material::Passphrase(first) if first.reveal() != again.as_str() => Err(Fault::new(
            FaultKind::Settings,
            format!("the two were not the same; nothing was changed ({} was asked for)", which.variable()),
        )),
        _ => Ok(()),
    }
}

/// The value: typed on a terminal, or all of stdin without its last line break.
fn ask_value(setting: &str) -> Result<Secret> {
    let text = if std::io::stdin().is_terminal() {
        master::prompt(&format!("value of {setting}: "))?
    } else {
        let mut text = Zeroizing::new(String::new());
        std::io::stdin().read_to_string(&mut text).map_err(|error| {
            Fault::new(FaultKind::Settings, "cannot read the value from stdin").expected("UTF-8 text").found(error)
        })?;
        text
    };
    let value = Secret::new(master::without_newline(&text));
    known::remember(&value);
    if value.reveal().is_empty() {
        return Err(Fault::new(FaultKind::Settings, format!("no value for {setting}"))
            .expected("the value on stdin, or typed at the prompt")
            .found("nothing"));
    }
    Ok(value)
}

/// Where a setting stands in the file: in the environment that the command line or TILLMART_ENV names, or in none.
fn place_of(cli: &Cli, setting: &str) -> Vec<String> {
    let environment = cli.env.clone().or_else(|| std::env::var("TILLMART_ENV").ok());
    let top = environment.into_iter().flat_map(|name| ["env".to_owned(), name]);
    top.chain(setting.split('.').map(str::to_owned)).collect()
}

fn decrypt(cli: &Cli, setting: &str) -> Result<Outcome> {
    let look = settings::look(&cli.project, cli.env.as_deref(), settings::variables())?;
    let stated = look
        .secrets
        .iter()
        .rfind(|one| one.setting == setting && one.applies)
        .ok_or_else(|| Fault::new(FaultKind::Settings, format!("`{setting}` is not set")).at(&look.file))?;
    let value = resolve(cli, &look.file, stated, &mut Keyring::new(Which::Current))?;
    let value = value.ok_or_else(|| Fault::new(FaultKind::Settings, format!("`{setting}` is blank")).at(&look.file))?;
    if cli.json {
        // Not by `screen::json`, which keeps secrets from the screen.
        screen::reveal(&format!("{:#}", serde_json::json!({ "setting": setting, "value": value.reveal() })));
    } else {
        screen::reveal(value.reveal());
    }
    Ok(Outcome::Done)
}

fn resolve(cli: &Cli, file: &str, stated: &StatedSecret, keys: &mut Keyring) -> Result<Option<Secret>> {
    let StatedSecret { setting, text, origin, .. } = stated;
    match text {
        Ok(text) => text.resolve(setting, &cli.project, keys).map_err(|fault| origin.place(fault, file)),
        Err(complaint) => {
            let fault = Fault::new(FaultKind::Settings, format!("`{setting}` is wrong"));
            Err(origin.place(fault.expected(complaint.expected.clone()), file))
        }
    }
}

fn rotate(cli: &Cli) -> Result<Outcome> {
    let mut file = SettingsFile::open(&cli.project)?;
    let place = file.path.display().to_string();
    let (mut old, mut new) = (Keyring::new(Which::Current), Keyring::new(Which::New));
    let (mut faults, mut opened) = (Vec::new(), Vec::new());
    for stood in file.encrypted() {
        let setting = stood.setting();
        let value = match Sealed::parse(&stood.text) {
            Some(sealed) => old.open(&sealed, &setting),
            None => Err(Fault::new(FaultKind::Settings, format!("`{setting}` is no whole encrypted value"))),
        };
        match value {
            Ok(value) => opened.push((stood, setting, value)),
            Err(fault) => faults.push(fault.at_line(&place, stood.line)),
        }
    }
    if let Some(fault) = Fault::join(faults) {
        return Err(fault);
    }
    if opened.is_empty() {
        return Err(Fault::new(FaultKind::Settings, "there is nothing to rotate")
            .at(place)
            .expected("values \"enc:v1:…\"")
            .hint("`tillmart secrets encrypt --setting NAME --write` makes one"));
    }
    confirm(&mut new, Which::New)?;
    for (stood, setting, value) in &opened {
        let sealed = new.seal(value, setting)?.to_string();
        file.set(&stood.keys, &sealed)?;
    }
    file.write()?;
    screen::talk(&format!("{} encrypted anew in {place}", screen::many(opened.len() as u64, "value")));
    if cli.json {
        let settings: Vec<String> = opened.iter().map(|(stood, _, _)| stood.keys.join(".")).collect();
        screen::json(&serde_json::json!({ "rotated": settings }))?;
    }
    Ok(Outcome::Done)
}

fn check(cli: &Cli) -> Result<Outcome> {
    let look = settings::look(&cli.project, cli.env.as_deref(), settings::variables())?;
    let mut keys = Keyring::new(Which::Current);
    let (mut clear, mut faults, mut rows) = (0_u64, Vec::new(), Vec::new());
    for (at, stated) in look.secrets.iter().enumerate() {
        let overridden = look.secrets.iter().skip(at + 1).any(|later| later.setting == stated.setting && later.applies);
        let in_effect = stated.applies && !overridden;
        let in_file = matches!(stated.origin, Origin::File { .. });
        let state = match (resolve(cli, &look.file, stated, &mut keys), &stated.text) {
            (Err(fault), _) => {
                faults.push(fault);
                "does not open"
            }
            (Ok(_), Ok(SecretText::Clear(_))) if in_file => {
                clear += 1;
                "clear text"
            }
            (Ok(_), Ok(SecretText::Sealed(_))) => "decrypts",
            (Ok(_), Ok(SecretText::File(_))) => "read from its file",
            (Ok(None), _) => "blank",
            (Ok(_), _) => "set",
        };
        let from = stated.origin.from();
        rows.push((stated.setting.clone(), from, if in_effect { "yes" } else { "no" }, state));
    }
    tell_check(cli, &rows, clear)?;
    if let Some((key, mode)) = keys.used().and_then(|key| Some((key, key.open_to?))) {
        screen::talk(&format!("Others may read the master key: {} has mode {mode:o}; 600 keeps it yours.", key.from));
    }
    match Fault::join(faults) {
        Some(fault) => {
            screen::failure(&fault, false);
            Ok(Outcome::NotGood)
        }
        None if clear > 0 => Ok(Outcome::WithClearText),
        None => Ok(Outcome::Done),
    }
}

fn tell_check(cli: &Cli, rows: &[(String, String, &str, &str)], clear: u64) -> Result<()> {
    if cli.json {
        let object = |(setting, from, in_effect, state): &(String, String, &str, &str)| serde_json::json!({ "setting": setting, "from": from, "in_effect": *in_effect == "yes", "state": state });
        return screen::json(&rows.iter().map(object).collect::<Vec<_>>());
    }
    if rows.is_empty() {
        screen::talk("No secret is set.");
        return Ok(());
    }
    let cells = |(setting, from, in_effect, state): &(String, String, &str, &str)| {
        vec![setting.clone(), from.clone(), (*in_effect).to_owned(), (*state).to_owned()]
    };
    let rows: Vec<Vec<String>> = rows.iter().map(cells).collect();
    screen::data(&screen::table::table(&["setting", "from", "in effect", "state"], &[], &rows));
    if clear > 0 {
        screen::talk(&format!(
            "{} in clear text: `tillmart secrets encrypt --setting NAME --write` encrypts one in place; then change it where \
             it is a password, because the file was readable.",
            screen::many(clear, "secret")
        ));
    }
    Ok(())
}

fn key(cli: &Cli, path: &Path) -> Result<Outcome> {
    let text = master::new_key()?;
    let mut file = std::fs::OpenOptions::new();
    let opened = file.write(true).create_new(true).mode(0o600).open(path);
    let written = opened.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    written.map_err(|error| {
        Fault::new(FaultKind::Settings, "cannot make the key file")
            .at(path.display().to_string())
            .expected("a path that does not exist yet, in a folder that you may write to")
            .found(error)
    })?;
    screen::talk(&format!(
        "Made a random master key in {path}, which only you can read. Keep a copy apart from the settings: without it \
         nothing that it encrypted can be read.\nUse it by TILLMART_MASTER_KEY_FILE={path}",
        path = path.display()
    ));
    if cli.json {
        screen::json(&serde_json::json!({ "file": path.display().to_string() }))?;
    }
    Ok(Outcome::Done)
}
