//! Secrets of the settings, from the command line.

use crate::shop::{Shop, Told};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;

const KEY: (&str, &str) = ("TILLMART_MASTER_KEY", "correct horse battery staple");
const NEW_KEY: (&str, &str) = ("TILLMART_NEW_MASTER_KEY", "another one of four words");

/// A call with something on stdin.
fn call(shop: &Shop, arguments: &[&str], variables: &[(&str, &str)], stdin: &str) -> Told {
    let mut command = shop.command(arguments);
    command.envs(variables.iter().copied()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A call that refuses before it reads has closed its end.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    Told::of(child.wait_with_output().unwrap())
}

fn settings_file(shop: &Shop) -> PathBuf {
    shop.folder().join("tillmart.toml")
}

fn decrypted(shop: &Shop, setting: &str, variables: &[(&str, &str)]) -> String {
    shop.tillmart_with(&["secrets", "decrypt", "--setting", setting], variables).ended(0).out
}

#[test]
fn a_value_is_encrypted_in_place_and_read_back() {
    let shop = Shop::bare();
    shop.settings("# the shop's own\n[database] # here\nconnections = 4 # few\n");
    let encrypt = ["secrets", "encrypt", "--setting", "database.password", "--write"];
    let told = call(&shop, &encrypt, &[KEY], "hunter2 \n").ended(0);
    assert_eq!(told.out, "");
    let text = fs::read_to_string(settings_file(&shop)).unwrap();
    assert!(text.contains("# the shop's own\n[database] # here\nconnections = 4 # few\npassword = \"enc:v1:argon2id,"));
    assert!(!text.contains("hunter2"), "{text}");
    assert_eq!(decrypted(&shop, "database.password", &[KEY]), "hunter2 \n", "only the line break is no part of it");
    let json = shop.tillmart_with(&["secrets", "decrypt", "--setting", "database.password", "--json"], &[KEY]);
    assert_eq!(json.ended(0).json()["value"], "hunter2 ");

    // Another layer, the same file.
    let told = call(&shop, &[&encrypt[..], &["--env", "qa"]].concat(), &[KEY], "of qa");
    told.ended(0);
    let qa = shop.tillmart_with(&["secrets", "decrypt", "--setting", "database.password", "--env", "qa"], &[KEY]);
    assert_eq!(qa.ended(0).out, "of qa\n");
    assert_eq!(decrypted(&shop, "database.password", &[KEY]), "hunter2 \n");

    // Printed, and put in by hand or by a variable.
    let printed =
        call(&shop, &["secrets", "encrypt", "--setting", "storage.session_token"], &[KEY], "t0ken").ended(0).out;
    let variables =
        [KEY, ("TILLMART_STORAGE_SESSION_TOKEN", printed.trim()), ("TILLMART_STORAGE_CREDENTIALS", "chain")];
    assert_eq!(decrypted(&shop, "storage.session_token", &variables), "t0ken\n");
    shop.tillmart_with(&["secrets", "check"], &variables).ended(0);
}

#[test]
fn rotation_changes_every_value_or_none() {
    let shop = Shop::bare();
    for (setting, value) in [("database.password", "hunter2"), ("storage.session_token", "t0ken")] {
        call(&shop, &["secrets", "encrypt", "--setting", setting, "--write"], &[KEY], value).ended(0);
    }
    let file = settings_file(&shop);
    let with_credentials =
        fs::read_to_string(&file).unwrap().replace("[storage]\n", "[storage]\ncredentials = 'chain'\n");
    fs::write(&file, with_credentials).unwrap();
    fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
    let before = fs::read_to_string(&file).unwrap();

    shop.tillmart_with(&["secrets", "rotate"], &[NEW_KEY]).ended(2);
    shop.tillmart_with(&["secrets", "rotate"], &[KEY]).ended(2);
    let swapped = [("TILLMART_MASTER_KEY", NEW_KEY.1), ("TILLMART_NEW_MASTER_KEY", KEY.1)];
    let told = shop.tillmart_with(&["secrets", "rotate"], &swapped).ended(2);
    assert!(told.err.contains("another master key"), "{}", told.err);
    let short = shop.tillmart_with(&["secrets", "rotate"], &[KEY, ("TILLMART_NEW_MASTER_KEY", "short")]).ended(2);
    assert!(short.err.contains("at least 12 letters"), "{}", short.err);
    assert_eq!(fs::read_to_string(&file).unwrap(), before, "what could not be done was not begun");

    shop.tillmart_with(&["secrets", "rotate"], &[KEY, NEW_KEY]).ended(0);
    let after = fs::read_to_string(&file).unwrap();
    assert_ne!(after, before);
    assert_eq!(after.lines().count(), before.lines().count());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    let new = [("TILLMART_MASTER_KEY", NEW_KEY.1)];
    assert_eq!(decrypted(&shop, "database.password", &new), "hunter2\n");
    assert_eq!(decrypted(&shop, "storage.session_token", &new), "t0ken\n");
    shop.tillmart_with(&["secrets", "decrypt", "--setting", "database.password"], &[KEY]).ended(2);
}

#[test]
fn a_key_file_is_random_and_only_its_owners() {
    let shop = Shop::bare();
    let path = shop.folder().join("master.key");
    let path = path.to_str().unwrap();
    shop.tillmart(&["secrets", "key", path]).ended(0);
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    let key = fs::read_to_string(path).unwrap();
    let told = shop.tillmart(&["secrets", "key", path]).ended(2);
    assert!(told.err.contains("does not exist yet"), "{}", told.err);
    assert_eq!(fs::read_to_string(path).unwrap(), key, "a key is never overwritten");

    let by_file = [("TILLMART_MASTER_KEY_FILE", path)];
    call(&shop, &["secrets", "encrypt", "--setting", "database.password", "--write"], &by_file, "hunter2").ended(0);
    assert!(fs::read_to_string(settings_file(&shop)).unwrap().contains("password = \"enc:v1:key:"));
    assert_eq!(decrypted(&shop, "database.password", &by_file), "hunter2\n");
    assert_eq!(decrypted(&shop, "database.password", &[("TILLMART_MASTER_KEY", key.trim())]), "hunter2\n");
    let check = || shop.tillmart_with(&["secrets", "check"], &by_file).ended(0).err;
    assert_eq!(check(), "");
    fs::set_permissions(path, PermissionsExt::from_mode(0o644)).unwrap();
    assert!(check().contains("Others may read the master key"), "{}", check());
    let both = [by_file[0], KEY];
    let told = shop.tillmart_with(&["secrets", "decrypt", "--setting", "database.password"], &both).ended(2);
    assert!(told.err.contains("two master keys"), "{}", told.err);
    // A second value is not encrypted with a key that does not open the first.
    let told = call(&shop, &["secrets", "encrypt", "--setting", "storage.session_token", "--write"], &[KEY], "t0ken");
    let told = told.ended(2);
    assert!(told.err.contains("tillmart.toml:") && told.err.contains("one master key"), "{}", told.err);
}

#[test]
fn a_check_tells_where_each_secret_is_and_how_it_is() {
    let shop = Shop::bare();
    let told = shop.tillmart(&["secrets", "check"]).ended(0);
    assert!(told.err.contains("No secret is set"), "{}", told.err);
    call(&shop, &["secrets", "encrypt", "--setting", "database.password", "--write"], &[KEY], "hunter2").ended(0);
    let state = |told: &Told, at: usize| told.json()[at]["state"].as_str().unwrap().to_owned();
    let good = shop.tillmart_with(&["secrets", "check", "--json"], &[KEY]).ended(0);
    assert_eq!(state(&good, 0), "decrypts");

    let without = shop.tillmart(&["secrets", "check"]).ended(2);
    assert!(without.err.contains("TILLMART_MASTER_KEY_FILE"), "{}", without.err);
    let wrong = shop.tillmart_with(&["secrets", "check", "--json"], &[("TILLMART_MASTER_KEY", NEW_KEY.1)]).ended(2);
    assert_eq!(state(&wrong, 0), "does not open");
    assert!(wrong.err.contains("tillmart.toml:9:"), "{}", wrong.err);

    let file = settings_file(&shop);
    let encrypted = fs::read_to_string(&file).unwrap();
    fs::write(&file, encrypted.replace("[database]\npassword", "[storage]\nsession_token")).unwrap();
    let moved = shop.tillmart_with(&["secrets", "check"], &[KEY]).ended(2);
    assert!(moved.err.contains("another setting") && moved.err.contains("tillmart.toml:9:"), "{}", moved.err);

    fs::write(&file, format!("{encrypted}\n[env.dev.database]\npassword = \"Cl3arText\"\n")).unwrap();
    let clear = shop.tillmart_with(&["secrets", "check"], &[KEY]).ended(1);
    assert!(clear.out.contains("clear text") && clear.err.contains("1 secret in clear text"), "{clear:?}");
    assert!(!clear.out.contains("Cl3ar") && !clear.err.contains("hunter2"), "{clear:?}");
    let variable = [KEY, ("TILLMART_DATABASE_PASSWORD", "of the container")];
    fs::write(&file, encrypted).unwrap();
    let told = shop.tillmart_with(&["secrets", "check", "--json"], &variable).ended(0);
    assert_eq!(told.json()[0]["in_effect"], false);
    assert_eq!(told.json()[1]["from"], "variable TILLMART_DATABASE_PASSWORD");
}

#[test]
fn nothing_secret_is_taken_from_an_argument() {
    let shop = Shop::bare();
    let encrypt = ["secrets", "encrypt", "--setting", "database.password"];
    for argument in ["--value", "--key", "--master-key", "--password", "hunter2"] {
        call(&shop, &[&encrypt[..], &[argument, "hunter2"]].concat(), &[KEY], "x").ended(2);
    }
    let told = shop.tillmart_with(&encrypt, &[KEY]).ended(2);
    assert!(told.err.contains("on stdin"), "{}", told.err);
    let told = call(&shop, &encrypt, &[], "hunter2").ended(2);
    assert!(told.err.contains("no master key") && told.err.contains("TILLMART_MASTER_KEY"), "{}", told.err);
    let told = shop.tillmart(&["secrets", "encrypt", "--setting", "database.pasword"]).ended(2);
    assert!(told.err.contains("did you mean database.password"), "{}", told.err);
}

#[test]
fn production_refuses_and_says_how_to_mend_it() {
    let shop = Shop::bare();
    shop.settings("[env.prod.database]\npassword = \"hunter2\"\nurl = \"mysql://h/d\"\n[env.dev]\n");
    for command in [&["run"][..], &["status"], &["doctor"], &["verify"], &["db", "migrate"], &["run", "--json"]] {
        let told = shop.tillmart(&[command, &["--env", "prod"]].concat()).ended(2);
        assert!(told.err.contains("does not start with a secret in clear text"), "{}", told.err);
        assert!(told.err.contains("tillmart.toml:8:12"), "{}", told.err);
        assert!(!told.err.contains("hunter2") && !told.out.contains("hunter2"), "{told:?}");
    }
    shop.tillmart_with(&["status"], &[("TILLMART_ENV", "prod")]).ended(2);
    shop.tillmart(&["status", "--env", "dev"]).ended(0);
    let shown = shop.tillmart(&["config", "show", "--env", "prod"]).ended(2);
    assert!(shown.out.contains("database.password") && shown.out.contains("(set)"), "{}", shown.out);
    assert!(!shown.out.contains("hunter2") && !shown.err.contains("hunter2"), "{shown:?}");
    // What is refused can be mended by what tells of it.
    let encrypt = ["secrets", "encrypt", "--setting", "database.password", "--write", "--env", "prod"];
    call(&shop, &encrypt, &[KEY], "hunter2").ended(0);
    let told = shop.tillmart_with(&["status", "--env", "prod"], &[KEY]).ended(2);
    assert!(!told.err.contains("clear text in") && told.err.contains("database.tls"), "{}", told.err);
    let allowed = [KEY, ("TILLMART_RUN_ALLOW_INSECURE", "database.tls")];
    shop.tillmart_with(&["config", "show", "--env", "prod"], &allowed).ended(0);
}

#[test]
fn the_program_starts_no_other_program() {
    // Which is why none can inherit a master key from it.
    fn sources(folder: &std::path::Path, each: &mut dyn FnMut(&std::path::Path)) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { sources(&path, each) } else { each(&path) }
        }
    }
    let crates = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    for name in ["database", "engine", "feed", "generate", "lake", "model", "pipeline", "tillmart"] {
        sources(&crates.join(name).join("src"), &mut |path| {
            let text = fs::read_to_string(path).unwrap();
            let program = text.split("#[cfg(test)]").next().unwrap();
            assert!(!program.contains("process::Command"), "{}", path.display());
        });
    }
}
