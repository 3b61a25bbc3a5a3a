//! Settings of servers, secrets and profiles.

use super::keys::{paths, secret_names};
use super::servers::Who;
use super::tests::{faults, read, read_with, told};
use super::*;
use crate::secrets::Keyring;
use crate::secrets::master::Which;
use tillmart_model::{Credentials, Secret, TlsMode};

fn production(text: &str) -> Result<Settings> {
    read_with(text, Some("prod"), &[])
}

#[test]
fn a_database_url_names_a_file_or_a_server() {
    let mysql = |user: &str, host: &str, port, database: &str| DatabaseUrl::MySql {
        user: user.to_owned(),
        host: host.to_owned(),
        port,
        database: database.to_owned(),
    };
    for (text, url) in [
        ("sqlite:a b.db", DatabaseUrl::Sqlite("a b.db".to_owned())),
        ("mysql://db.example.com/shop", mysql("tillmart", "db.example.com", 3306, "shop")),
        ("mariadb://app@127.0.0.1:3307/shop_2", mysql("app", "127.0.0.1", 3307, "shop_2")),
        ("mysql://a@b@[::1]/d", mysql("a@b", "::1", 3306, "d")),
        ("mysql://app@[2001:db8::1]:3308/d", mysql("app", "2001:db8::1", 3308, "d")),
    ] {
        assert_eq!(read(&format!("[database]\nurl = {text:?}")).unwrap().database.url, url, "{text}");
    }
    for wrong in [
        "mysql:",
        "mysql://",
        "mysql://host",
        "mysql://host/",
        "mysql:///d",
        "mysql://h:0/d",
        "mysql://h:x/d",
        "mysql://h:99999/d",
        "mysql://[::1/d",
        "mysql://[x]/d",
        "mysql://h/d?ssl=1",
        "mysql://h/d/e",
        "mysql://h h/d",
        "mysql://a%40b@h/d",
        "mysql://@h/d",
        "postgres://h/d",
        "sqlite:",
        "sqlite://x",
    ] {
        assert!(told(&format!("[database]\nurl = {wrong:?}")).contains("mysql://[user@]host"), "{wrong}");
    }
    let password = told("[database]\nurl = \"mysql://app:hunter2@h/d\"");
    assert!(password.contains("`database.password`") && !password.contains("hunter2"), "{password}");
}

#[test]
fn servers_are_opened_with_what_the_settings_say() {
    let settings = read(
        "[database]\nurl = \"mysql://app@db/shop\"\npassword = \"hunter2\"\ntls = \"verify_ca\"\nauthorities = \"ca.pem\"\n\
         connections = 4\n[storage]\nroot = \"s3://bucket/x\"\nendpoint = \"http://127.0.0.1:9000/\"\nallow_http = true\n\
         region = \"eu-west-1\"\npath_style = false\ncredentials = \"keys\"\naccess_key_id = \"AKIA\"\n\
         secret_access_key = \"s3cret\"\nauthorities = \"/etc/ca.pem\"\n",
    )
    .unwrap();
    assert_eq!(settings.database_file(), None);
    let (server, access) = settings.servers(&mut Keyring::new(Which::Current)).unwrap();
    let server = server.unwrap();
    assert_eq!((server.host.as_str(), server.port, server.user.as_str()), ("db", 3306, "app"));
    assert_eq!((server.tls, server.connections), (TlsMode::VerifyCa, 4));
    assert_eq!(server.password, Some(Secret::new("hunter2")));
    assert_eq!(server.authorities, Some(PathBuf::from("shop/ca.pem")));
    assert_eq!(access.endpoint.as_deref(), Some("http://127.0.0.1:9000"));
    assert_eq!((access.region.as_deref(), access.path_style, access.allow_http), (Some("eu-west-1"), false, true));
    assert_eq!(access.authorities, Some(PathBuf::from("/etc/ca.pem")));
    let keys = Credentials::Keys { id: Secret::new("AKIA"), key: Secret::new("s3cret"), token: None };
    assert_eq!(access.credentials, keys);
    let shown = format!("{settings:?} {server:?} {access:#?}");
    assert!(!shown.contains("hunter2") && !shown.contains("s3cret") && !shown.contains("AKIA"), "{shown}");

    let (server, access) = read("").unwrap().servers(&mut Keyring::new(Which::Current)).unwrap();
    assert_eq!((server, access), (None, tillmart_model::StoreAccess::default()), "a laptop needs none of it");
}

#[test]
fn keys_that_contradict_each_other_are_told_with_their_line() {
    for (text, place, hint) in [
        ("[storage]\ncredentials = \"keys\"", "tillmart.toml:2:", "storage.access_key_id"),
        ("[storage]\naccess_key_id = \"x\"", "tillmart.toml:2:", "credentials = \"keys\""),
        ("[storage]\nendpoint = \"http://h\"", "tillmart.toml:2:", "allow_http = true"),
        ("[storage]\nendpoint = \"https://u:hunter2@h\"", "tillmart.toml:2:", "keys of their own"),
        ("[database]\nauthorities = \"x\"", "tillmart.toml:2:", "verify_identity"),
    ] {
        let fault = read(text).unwrap_err();
        assert!(fault.to_string().contains(place), "{fault}");
        assert!(fault.hint.as_deref().unwrap_or_default().contains(hint), "{fault}");
        assert!(!fault.to_string().contains("hunter2"), "{fault}");
    }
    let anonymous = read("[storage]\naccess_key_id = \"x\"\ncredentials = \"anonymous\"").unwrap();
    assert_eq!(anonymous.storage.access.credentials, Who::Anonymous, "said, so nothing was overlooked");
}

#[test]
fn a_secret_is_never_told_back() {
    assert_eq!(
        secret_names(),
        [
            "storage.access_key_id",
            "storage.secret_access_key",
            "storage.session_token",
            "database.password",
            "coupons.secret",
            "coupons.former_secrets"
        ]
    );
    for name in secret_names() {
        let (section, key) = name.split_once('.').unwrap();
        for value in ["\"enc:v1:hunter2\"", "\"enc:v9:hunter2\"", "\"file: \"", "22222222", "[\"hunter2\"]"] {
            let fault = told(&format!("[{section}]\n{key} = {value}"));
            assert!(fault.contains("tillmart.toml:2:"), "{fault}");
            assert!(!fault.contains("hunter2") && !fault.contains("2222"), "{fault}");
        }
    }
    let typo = told("[database]\npasword = \"hunter2\"");
    assert!(typo.contains("did you mean `password`") && !typo.contains("hunter2"), "{typo}");
    let broken = told("[database]\npassword = \"hunter2");
    assert!(!broken.contains("hunter2"), "{broken}");
    let variable = read_with("", None, &[("TILLMART_DATABASE_PASWORD", "hunter2")]).unwrap_err().to_string();
    assert!(variable.contains("TILLMART_DATABASE_PASSWORD") && !variable.contains("hunter2"), "{variable}");
    let everything =
        read("[storage]\ncredentials = \"keys\"\naccess_key_id = \"hunter2\"\nsecret_access_key = \"hunter2\"");
    assert!(!format!("{everything:#?}").contains("hunter2"));
    for name in ["TILLMART_MASTER_KEY", "TILLMART_NEW_MASTER_KEY_FILE"] {
        read_with("", None, &[(name, "hunter2")]).unwrap();
    }
}

#[test]
fn a_secret_comes_from_a_file_too() {
    let folder = tempfile::tempdir().unwrap();
    let load = |text: &str| {
        let settings = parse(folder.path(), "tillmart.toml", text, None, [])?;
        settings.servers(&mut Keyring::new(Which::Current)).map(|(server, _)| server.unwrap().password)
    };
    let text = "[database]\nurl = \"mysql://h/d\"\npassword = \"file:secret.txt\"";
    let fault = load(text).unwrap_err().to_string();
    assert!(fault.contains("tillmart.toml:3:") && fault.contains("secret.txt"), "{fault}");
    std::fs::write(folder.path().join("secret.txt"), " hunter2 \r\n").unwrap();
    assert_eq!(load(text).unwrap(), Some(Secret::new(" hunter2 ")), "the last line break is no part of it");
    std::fs::write(folder.path().join("secret.txt"), "\n").unwrap();
    assert!(load(text).unwrap_err().to_string().contains("blank file"));
}

#[test]
fn an_encrypted_value_is_told_with_its_line_when_it_does_not_open() {
    let mut keys = Keyring::with_passphrase("correct horse battery");
    let sealed = keys.seal(&Secret::new("hunter2"), "database.password").unwrap();
    let text = |value: &str| format!("[database]\nurl = \"mysql://h/d\"\npassword = \"{value}\"");
    let opened = |text: &str, keys: &mut Keyring| read(text).unwrap().servers(keys).map(|(server, _)| server.unwrap());
    assert_eq!(opened(&text(&sealed.to_string()), &mut keys).unwrap().password, Some(Secret::new("hunter2")));
    let other = keys.seal(&Secret::new("hunter2"), "storage.session_token").unwrap();
    let fault = opened(&text(&other.to_string()), &mut keys).unwrap_err().to_string();
    assert!(fault.contains("tillmart.toml:3:") && fault.contains("another setting"), "{fault}");
    let fault = opened(&text(&sealed.to_string()), &mut Keyring::with_passphrase("another passphrase")).unwrap_err();
    assert!(fault.to_string().contains("tillmart.toml:3:"), "{fault}");
}

#[test]
fn production_does_not_start_insecurely() {
    let all = "[storage]\nroot = \"s3://b\"\nendpoint = \"http://h\"\nallow_http = true\ncredentials = \"keys\"\n\
               access_key_id = \"AKIAX\"\n[database]\nurl = \"mysql://h/d\"\npassword = \"hunter2\"\n\
               [env.prod.storage]\nsecret_access_key = \"hunter3\"\n[env.dev.storage]\nsecret_access_key = \"x\"\n\
               [env.dev.database]\npassword = \"y\"\n";
    let told = faults(production(all));
    assert_eq!(
        told,
        [
            "tillmart.toml:4:14 the profile `prod` does not start with plain http to the object store",
            "tillmart.toml:6:17 the profile `prod` does not start with a secret in clear text",
            "tillmart.toml:8:7 the profile `prod` does not start with a database connection that may be clear text",
            "tillmart.toml:9:12 the profile `prod` does not start with a secret in clear text",
            "tillmart.toml:11:21 the profile `prod` does not start with a secret in clear text",
        ]
    );
    let fault = production(all).unwrap_err().to_string();
    assert!(!fault.contains("hunter"), "{fault}");
    assert!(fault.contains("[env.prod.run] allow_insecure = [\"storage.allow_http\"]"), "{fault}");
    read_with(all, Some("dev"), &[]).unwrap();
    let allow = "[env.prod.run]\nallow_insecure = [\"storage.allow_http\", \"database.tls\", \"database.password\", \
                 \"storage.access_key_id\", \"storage.secret_access_key\"]\n";
    production(&format!("{all}{allow}")).unwrap();
    let near = production("[env.prod.run]\nallow_insecure = [\"database.tsl\"]").unwrap_err();
    assert_eq!(near.hint.as_deref(), Some("did you mean \"database.tls\"?"));
}

#[test]
fn production_starts_on_what_is_safe() {
    let safe = "[env.prod.storage]\nroot = \"s3://b\"\nendpoint = \"https://h\"\n[env.prod.database]\n\
                url = \"mysql://h/d\"\ntls = \"required\"\npassword = \"file:x\"\n";
    production(safe).unwrap();
    production("[env.prod]\n").unwrap();
    // A variable is how a container is given its secrets.
    let variables = [("TILLMART_DATABASE_PASSWORD", "hunter2"), ("TILLMART_ENV", "prod")];
    read_with(&safe.replace("password = \"file:x\"\n", ""), None, &variables).unwrap();
    // One that is overridden stands in the file all the same.
    assert!(read_with(&format!("[database]\npassword = \"hunter2\"\n{safe}"), None, &variables).is_err());
    for tls in ["disabled", "preferred"] {
        let fault = production(&safe.replace("required", tls)).unwrap_err().to_string();
        assert!(fault.contains("tillmart.toml:6:") && fault.contains(tls), "{fault}");
    }
}

#[test]
fn what_is_in_effect_is_shown_with_its_place_and_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[database]\nurl = \"mysql://h/d\"\npassword = \"hunter2\"\n[env.qa.database]\nconnections = 9\n";
    std::fs::write(folder.path().join(FILE_NAME), text).unwrap();
    let variables = [("TILLMART_STORAGE_SESSION_TOKEN".to_owned(), "file:/run/token".to_owned())];
    let look = look(folder.path(), Some("qa"), variables).unwrap();
    assert!(look.fault.is_some(), "a token that would be overlooked");
    let said = |setting: &str| {
        let one = look.settings.iter().find(|one| one.setting == setting).unwrap();
        (one.value.as_str(), one.from.clone())
    };
    assert_eq!(said("database.url"), ("\"mysql://h/d\"", "tillmart.toml:2".to_owned()));
    assert_eq!(said("database.password"), ("(set)", "tillmart.toml:3".to_owned()));
    assert_eq!(said("database.connections"), ("9", "tillmart.toml:5 [env.qa]".to_owned()));
    assert_eq!(said("database.tls"), ("\"preferred\"", "default".to_owned()));
    let token = ("(in the file /run/token)", "variable TILLMART_STORAGE_SESSION_TOKEN".to_owned());
    assert_eq!(said("storage.session_token"), token);
    assert_eq!(said("storage.access_key_id"), ("(not set)", "default".to_owned()));
    let fixed = paths().iter().filter(|(_, key)| !key.spec().path.contains('*')).count();
    assert_eq!(look.settings.len(), fixed, "every setting, columns aside");
    assert!(!format!("{:?} {:?}", look.settings, look.secrets).contains("hunter2"));
}

#[test]
fn a_signature_in_the_root_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(FILE_NAME), "[storage]\nroot = \"az://box/x?sig=hunter2\"\n").unwrap();
    let look = look(folder.path(), None, []).unwrap();
    let root = look.settings.iter().find(|one| one.setting == "storage.root").unwrap();
    assert!(root.value.starts_with("\"az://") && !root.value.contains("hunter2"), "{}", root.value);
    assert!(look.fault.is_some_and(|fault| !fault.to_string().contains("hunter2")));
}
