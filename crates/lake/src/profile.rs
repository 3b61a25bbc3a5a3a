//! Keys and region of a profile in AWS's shared files (`~/.aws/credentials`, `~/.aws/config`).

use std::collections::BTreeMap;
use std::path::PathBuf;
use tillmart_model::{Fault, FaultKind, Result};

/// What a profile says.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Profile {
    /// Access key id, secret access key, session token.
    pub(crate) keys: Option<(String, String, Option<String>)>,
    pub(crate) region: Option<String>,
}

type Sections = BTreeMap<String, BTreeMap<String, String>>;

/// The profile that `AWS_PROFILE` names, or `default`; `None` when no file has it and nobody asked for it.
///
/// # Errors
/// `Settings` when a profile was asked for by name and cannot be used.
pub(crate) fn read(environment: &dyn Fn(&str) -> Option<String>) -> Result<Option<Profile>> {
    let asked = environment("AWS_PROFILE");
    let name = asked.clone().unwrap_or_else(|| "default".to_owned());
    let home = environment("HOME").map(PathBuf::from);
    let file = |variable: &str, usual: &str| {
        let file = environment(variable).map(PathBuf::from).or_else(|| home.as_ref().map(|home| home.join(usual)));
        file.and_then(|file| std::fs::read_to_string(file).ok()).map(|text| sections(&text)).unwrap_or_default()
    };
    let mut credentials = file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials");
    let mut config = file("AWS_CONFIG_FILE", ".aws/config");
    let mut values = config.remove(&format!("profile {name}")).or_else(|| config.remove(&name)).unwrap_or_default();
    values.extend(credentials.remove(&name).unwrap_or_default());
    let mut take = |key: &str| values.remove(key).filter(|value| !value.is_empty());
    let keys = match (take("aws_access_key_id"), take("aws_secret_access_key")) {
        (Some(id), Some(key)) => Some((id, key, take("aws_session_token"))),
        _ => None,
    };
    let profile = Profile { keys, region: take("region") };
    // The environment's own keys come before a profile's.
    let has_own = environment("AWS_ACCESS_KEY_ID").is_some();
    match asked {
        Some(asked) if profile.keys.is_none() && !has_own => Err(without_keys(&asked, &values)),
        _ => Ok(Some(profile).filter(|profile| *profile != Profile::default())),
    }
}

fn without_keys(name: &str, values: &BTreeMap<String, String>) -> Fault {
    const NOT_KNOWN: [&str; 4] = ["sso_session", "sso_start_url", "role_arn", "credential_process"];
    let found = match NOT_KNOWN.into_iter().find(|key| values.contains_key(*key)) {
        Some(key) => format!("a profile that goes by {key}, which is not supported"),
        None => "no keys under that name".to_owned(),
    };
    Fault::new(FaultKind::Settings, format!("AWS_PROFILE names {name}, which has no keys to use"))
        .expected("aws_access_key_id and aws_secret_access_key in ~/.aws/credentials or ~/.aws/config")
        .found(found)
        .hint("export keys (aws configure export-credentials), or unset AWS_PROFILE to use a role")
}

/// `[section]` lines, `key = value` lines; a comment begins with `#` or `;`.
fn sections(text: &str) -> Sections {
    let mut sections = Sections::new();
    let mut current = None;
    for line in text.lines() {
        // An indented line belongs to a value of several lines, none of which is read here.
        if line.starts_with([' ', '\t']) {
            continue;
        }
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.split(']').next()) {
            current = Some(name.split_whitespace().collect::<Vec<_>>().join(" "));
        } else if let (Some(section), Some((key, value))) = (&current, line.split_once('='))
            && !line.starts_with(['#', ';'])
        {
            let values = sections.entry(section.clone()).or_default();
            values.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::read;

    const CREDENTIALS: &str = "# mine\n[default]\naws_access_key_id = ID\naws_secret_access_key=a=b\n\n[ other ]\n\
        aws_access_key_id=OTHER\naws_secret_access_key=key\naws_session_token=token\n[empty]\n";
    const CONFIG: &str = "[default]\nregion = eu-west-1\ns3 =\n  region = no\n[profile other]\nregion=us-west-2\n[profile sso]\nsso_session=x\n";

    #[test]
    fn keys_and_region_come_from_both_files() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join(".aws")).expect("made");
        std::fs::write(folder.path().join(".aws/credentials"), CREDENTIALS).expect("written");
        std::fs::write(folder.path().join(".aws/config"), CONFIG).expect("written");
        let home = folder.path().display().to_string();
        let of = |profile: Option<&str>| {
            read(&|name| match name {
                "HOME" => Some(home.clone()),
                "AWS_PROFILE" => profile.map(str::to_owned),
                _ => None,
            })
        };
        let usual = of(None).expect("read").expect("a profile");
        assert!(usual.keys == Some(("ID".to_owned(), "a=b".to_owned(), None)));
        assert_eq!(usual.region.as_deref(), Some("eu-west-1"));
        let other = of(Some("other")).expect("read").expect("a profile");
        assert!(other.keys.is_some_and(|(id, _, token)| id == "OTHER" && token.as_deref() == Some("token")));
        assert_eq!(other.region.as_deref(), Some("us-west-2"));
        for (name, told) in [("sso", "sso_session"), ("empty", "no keys"), ("missing", "no keys")] {
            let Err(fault) = of(Some(name)) else { panic!("{name} must be refused") };
            assert!(fault.to_string().contains(told) && fault.to_string().contains("AWS_PROFILE"), "{fault}");
        }
        assert!(read(&|_| None).expect("read").is_none());
    }
}
