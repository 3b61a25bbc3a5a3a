//! What a production profile does not start with.

use super::layers::{Layers, Origin, StatedSecret};
use super::secret::SecretText;
use super::servers::{AccessSettings, DatabaseSettings, DatabaseUrl};
use super::values::{Complaint, Raw, Read};
use tillmart_model::{Fault, FaultKind, TlsMode};

/// The profile that is judged.
const PRODUCTION: &str = "prod";

/// What may be allowed all the same, by the setting that opens it.
const RISKS: [&str; 8] = [
    "storage.allow_http",
    "database.tls",
    "database.password",
    "storage.access_key_id",
    "storage.secret_access_key",
    "storage.session_token",
    "coupons.secret",
    "coupons.former_secrets",
];

/// Insecure choices that are allowed.
pub(super) fn allowances(raw: &Raw) -> Read<Vec<String>> {
    let complaint = || Complaint::new(format!("a list out of {}", RISKS.join(", ")));
    let mut allowed = Vec::new();
    for item in raw.items().ok_or_else(complaint)? {
        let found = item.text().unwrap_or_default();
        if !RISKS.contains(&found) {
            return Err(complaint().near(found, &RISKS));
        }
        allowed.push(found.to_owned());
    }
    Ok(allowed)
}

/// What the profile `prod` would run insecurely, each with its place and remedy. Other profiles are not judged.
pub(super) fn insecure(
    layers: &Layers,
    root: &str,
    access: &AccessSettings,
    database: &DatabaseSettings,
    allowed: &[String],
) -> Vec<Fault> {
    if layers.environment() != Some(PRODUCTION) {
        return Vec::new();
    }
    let mut faults = Vec::new();
    let mut refuse = |risk: &str, fault: Fault, remedy: &str| {
        if !allowed.iter().any(|allowed| allowed == risk) {
            let how = format!(
                "{remedy}; to allow it all the same, list it: [env.{PRODUCTION}.run] allow_insecure = [\"{risk}\"]"
            );
            faults.push(fault.hint(how));
        }
    };
    let is_url = root.contains("://");
    if is_url && (access.allow_http || root.starts_with("http://")) {
        let path = if access.allow_http { "storage.allow_http" } else { "storage.root" };
        let fault = refusal("plain http to the object store").expected("https, and storage.allow_http = false");
        refuse(
            "storage.allow_http",
            layers.at(path, fault),
            "use an https:// endpoint and leave storage.allow_http out",
        );
    }
    let unsure = match database.tls {
        TlsMode::Disabled => Some("disabled"),
        TlsMode::Preferred => Some("preferred"),
        _ => None,
    };
    if let (DatabaseUrl::MySql { .. }, Some(word)) = (&database.url, unsure) {
        let stated = layers.states("database.tls");
        let fault = refusal("a database connection that may be clear text")
            .expected("database.tls = \"verify_identity\", \"verify_ca\" or \"required\"")
            .found(format!("{word:?}{}", if stated { "" } else { ", the default" }));
        let path = if stated { "database.tls" } else { "database.url" };
        refuse("database.tls", layers.at(path, fault), "set database.tls = \"verify_identity\"");
    }
    for StatedSecret { setting, text, origin, applies } in layers.secrets() {
        let clear = matches!(text, Ok(SecretText::Clear(_)));
        if *applies && clear && matches!(origin, Origin::File { .. }) {
            let fault = refusal("a secret in clear text").expected("\"enc:v1:…\", \"file:PATH\", or a variable");
            let fault = origin.place(fault.found(format!("`{setting}` in clear text")), layers.file());
            let layer = match origin {
                Origin::File { environment: Some(name), .. } => format!(" --env {name}"),
                _ => String::new(),
            };
            let remedy = format!(
                "encrypt it: `tillmart secrets encrypt --setting {setting} --write{layer}`, and change it where it was read"
            );
            refuse(setting, fault, &remedy);
        }
    }
    faults
}

fn refusal(what: &str) -> Fault {
    Fault::new(FaultKind::Settings, format!("the profile `{PRODUCTION}` does not start with {what}"))
}
