//! The servers behind the seams: what their keys say together, and what their clients are opened with.

use super::layers::Layers;
use super::secret::SecretText;
use super::values::{Complaint, Raw, Read};
use super::{Settings, keys};
use crate::secrets::Keyring;
use std::net::Ipv6Addr;
use std::path::PathBuf;
use tillmart_model::{Credentials, Fault, MySqlServer, Result, Secret, StoreAccess, TlsMode};
use url::Url;

/// Port of MySQL and MariaDB.
const PORT: u16 = 3306;
/// Who logs in where the URL names nobody.
const USER: &str = "tillmart";

/// Where the relational database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DatabaseUrl {
    /// A SQLite file: a path relative to the project, or absolute.
    Sqlite(String),
    /// A database on a MySQL or MariaDB server.
    MySql {
        /// Who logs in.
        user: String,
        /// Host name or address.
        host: String,
        /// TCP port.
        port: u16,
        /// The database that holds everything.
        database: String,
    },
}

/// The relational database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DatabaseSettings {
    /// Where it is.
    pub(crate) url: DatabaseUrl,
    /// With what its user logs in.
    pub(crate) password: SecretText,
    /// What of TLS is insisted on.
    pub(crate) tls: TlsMode,
    /// PEM file of trusted authorities, relative to the project or absolute.
    pub(crate) authorities: Option<String>,
    /// Most connections at once.
    pub(crate) connections: u32,
}

/// How an object store is reached beyond its URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AccessSettings {
    /// URL of an S3-compatible service.
    pub(crate) endpoint: Option<String>,
    /// Region to sign for.
    pub(crate) region: Option<String>,
    /// Bucket in the path.
    pub(crate) path_style: bool,
    /// Whether plain `http` may be spoken.
    pub(crate) allow_http: bool,
    /// Who asks.
    pub(crate) credentials: Who,
    /// Access key id of explicit keys.
    pub(crate) access_key_id: SecretText,
    /// Secret access key of explicit keys.
    pub(crate) secret_access_key: SecretText,
    /// Session token of temporary keys.
    pub(crate) session_token: SecretText,
    /// PEM file of authorities, relative to the project or absolute.
    pub(crate) authorities: Option<String>,
}

/// Who asks an object store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// What the provider's own chain finds.
    Chain,
    /// Nobody.
    Anonymous,
    /// The keys of the settings.
    Keys,
}

/// The relational database: `sqlite:` and a path, or a MySQL URL.
pub(super) fn database_url(raw: &Raw) -> Read<DatabaseUrl> {
    let complaint = || {
        Complaint::new(
            "\"sqlite:\" and a path (relative to the project or absolute), or \"mysql://[user@]host[:port]/database\"",
        )
    };
    let text = raw.text().map(str::trim).ok_or_else(complaint)?;
    if let Some(path) = text.strip_prefix("sqlite:") {
        let is_path = !path.trim().is_empty() && !path.starts_with("//");
        return if is_path { Ok(DatabaseUrl::Sqlite(path.to_owned())) } else { Err(complaint()) };
    }
    let rest = text.strip_prefix("mysql://").or_else(|| text.strip_prefix("mariadb://")).ok_or_else(complaint)?;
    mysql_url(rest).ok_or_else(|| {
        let mut complaint = complaint();
        complaint.hint = mysql_hint(rest);
        complaint
    })
}

fn mysql_url(rest: &str) -> Option<DatabaseUrl> {
    let (authority, database) = rest.split_once('/')?;
    let (user, host) = authority.rsplit_once('@').unwrap_or((USER, authority));
    let (host, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            address.parse::<Ipv6Addr>().ok()?;
            (address, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
        }
        None => {
            let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            (!name.is_empty() && name.bytes().all(is_name)).then_some((name, port))?
        }
    };
    let port = match port {
        Some(port) => port.parse().ok().filter(|port| *port != 0)?,
        None => PORT,
    };
    let is_word = |text: &str, most: usize| {
        !text.is_empty() && text.len() <= most && !text.contains([':', '%', '/', '?', '#', '\0', '`', ' '])
    };
    (is_word(user, 80) && is_word(database, 64)).then(|| DatabaseUrl::MySql {
        user: user.to_owned(),
        host: host.to_owned(),
        port,
        database: database.to_owned(),
    })
}

fn mysql_hint(rest: &str) -> Option<String> {
    let user = rest.rsplit_once('@').map(|(user, _)| user);
    if user.is_some_and(|user| user.contains(':')) {
        return Some(
            "a password does not belong into the URL: set it as `database.password`, encrypted by \
             `tillmart secrets encrypt --setting database.password --write`"
                .to_owned(),
        );
    }
    if rest.contains('?') {
        return Some(
            "options are keys of their own: database.tls, database.authorities, database.connections".to_owned(),
        );
    }
    rest.contains('%').then(|| "names stand as they are, without % escapes".to_owned())
}

/// The URL of an S3-compatible service, or a blank text for AWS itself.
pub(super) fn endpoint(raw: &Raw) -> Read<Option<String>> {
    let complaint = || Complaint::new("a URL such as \"https://s3.example.com\" or \"https://host:9000\"");
    let text = raw.text().map(str::trim).ok_or_else(complaint)?;
    if text.is_empty() {
        return Ok(None);
    }
    let url = Url::parse(text).map_err(|_| complaint())?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    if matches!(url.scheme(), "http" | "https") && plain && url.has_host() && url.fragment().is_none() {
        return Ok(Some(text.trim_end_matches('/').to_owned()));
    }
    let mut complaint = complaint();
    complaint.hint = (!plain)
        .then(|| "credentials are keys of their own: see storage.credentials in config/example.toml".to_owned());
    Err(complaint)
}

/// A text, or a blank one for nothing.
pub(super) fn optional(raw: &Raw) -> Read<Option<String>> {
    let text = raw.text().map(str::trim).ok_or_else(|| Complaint::new("a text, or \"\" for none"))?;
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// The database's keys, and what they say together.
pub(super) fn database(layers: &mut Layers) -> Result<DatabaseSettings> {
    let database = DatabaseSettings {
        url: layers.get(&keys::DATABASE)?,
        password: layers.get(&keys::DATABASE_PASSWORD)?,
        tls: layers.get(&keys::DATABASE_TLS)?,
        authorities: layers.get(&keys::DATABASE_AUTHORITIES)?,
        connections: layers.get(&keys::DATABASE_CONNECTIONS)?,
    };
    let checked = matches!(database.tls, TlsMode::VerifyCa | TlsMode::VerifyIdentity);
    if database.authorities.is_some() && !checked && layers.sound(&["database.tls", "database.authorities"]) {
        let mut complaint = Complaint::new("no authorities where no certificate is checked");
        complaint.hint =
            Some("set database.tls to \"verify_identity\" (or \"verify_ca\"), or leave the key out".to_owned());
        layers.refuse("database.authorities", complaint);
    }
    Ok(database)
}

/// The keys that say how an object store is reached, and what they say together.
pub(super) fn access(layers: &mut Layers) -> Result<AccessSettings> {
    let access = AccessSettings {
        endpoint: layers.get(&keys::ENDPOINT)?,
        region: layers.get(&keys::REGION)?,
        path_style: layers.get(&keys::PATH_STYLE)?,
        allow_http: layers.get(&keys::ALLOW_HTTP)?,
        credentials: layers.get(&keys::CREDENTIALS)?,
        access_key_id: layers.get(&keys::ACCESS_KEY_ID)?,
        secret_access_key: layers.get(&keys::SECRET_ACCESS_KEY)?,
        session_token: layers.get(&keys::SESSION_TOKEN)?,
        authorities: layers.get(&keys::STORAGE_AUTHORITIES)?,
    };
    let parts = [
        ("storage.access_key_id", &access.access_key_id),
        ("storage.secret_access_key", &access.secret_access_key),
        ("storage.session_token", &access.session_token),
    ];
    for (path, text) in parts {
        if access.credentials == Who::Keys && *text == SecretText::Unset && path != "storage.session_token" {
            if layers.sound(&[path, "storage.credentials"]) {
                let mut complaint = Complaint::new(format!("the keys to go with it: `{path}` is not set"));
                complaint.hint = Some(format!(
                    "set it: `tillmart secrets encrypt --setting {path} --write`, or let the chain find keys"
                ));
                layers.refuse_either(["storage.credentials", path], complaint);
            }
        } else if *text != SecretText::Unset && !layers.states("storage.credentials") && layers.sound(&[path]) {
            // Overlooked keys would let a run go on as somebody else.
            let mut complaint = Complaint::new("no key, as long as storage.credentials is left at \"chain\"");
            complaint.hint = Some("set storage.credentials = \"keys\" so that it is used".to_owned());
            layers.refuse(path, complaint);
        }
    }
    let plain = access.endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http://"));
    if plain && !access.allow_http && layers.sound(&["storage.endpoint", "storage.allow_http"]) {
        let mut complaint = Complaint::new("an https:// endpoint");
        complaint.hint = Some("to speak plain http all the same, set storage.allow_http = true".to_owned());
        layers.refuse("storage.endpoint", complaint);
    }
    Ok(access)
}

impl Settings {
    /// What the clients of database and object store are opened with, secrets included: no server where the database is a SQLite
    /// file, and nothing special where the storage is a folder.
    ///
    /// # Errors
    /// `Settings`, with the place of each secret that cannot be had; all of them at once.
    pub(crate) fn servers(&self, keys: &mut Keyring) -> Result<(Option<MySqlServer>, StoreAccess)> {
        let mut asked = Asked::of(self, keys);
        let database = &self.database;
        let server = match &database.url {
            DatabaseUrl::Sqlite(_) => None,
            DatabaseUrl::MySql { user, host, port, database: name } => Some(MySqlServer {
                host: host.clone(),
                port: *port,
                user: user.clone(),
                password: asked.secret("database.password", &database.password),
                database: name.clone(),
                tls: database.tls,
                authorities: database.authorities.as_ref().map(|path| self.project.join(path)),
                connections: database.connections,
            }),
        };
        let access = if self.storage_folder().is_some() { StoreAccess::default() } else { asked.access() };
        asked.end((server, access))
    }

    /// What a client of the project's object store is opened with, whatever its storage root is.
    ///
    /// # Errors
    /// As [`Settings::servers`].
    pub(crate) fn access(&self, keys: &mut Keyring) -> Result<StoreAccess> {
        let mut asked = Asked::of(self, keys);
        let access = asked.access();
        asked.end(access)
    }
}

/// Secrets that are being asked for, and those that could not be had.
pub(super) struct Asked<'a> {
    settings: &'a Settings,
    keys: &'a mut Keyring,
    faults: Vec<Fault>,
}

impl<'a> Asked<'a> {
    /// Nothing yet.
    pub(super) fn of(settings: &'a Settings, keys: &'a mut Keyring) -> Asked<'a> {
        Asked { settings, keys, faults: Vec::new() }
    }

    /// A secret; one that cannot be had leaves its fault.
    pub(super) fn secret(&mut self, path: &str, text: &SecretText) -> Option<Secret> {
        let settings = self.settings;
        text.resolve(path, &settings.project, self.keys).unwrap_or_else(|fault| {
            self.faults.push(match settings.origins.get(path) {
                Some(origin) => origin.place(fault, &settings.file),
                None => fault.at(&settings.file),
            });
            None
        })
    }

    fn access(&mut self) -> StoreAccess {
        let access = &self.settings.storage.access;
        let credentials = match access.credentials {
            Who::Chain => Credentials::Chain,
            Who::Anonymous => Credentials::Anonymous,
            Who::Keys => {
                let id = self.secret("storage.access_key_id", &access.access_key_id);
                let key = self.secret("storage.secret_access_key", &access.secret_access_key);
                let token = self.secret("storage.session_token", &access.session_token);
                // One that is missing has left its fault.
                let missing = || Secret::new("");
                Credentials::Keys { id: id.unwrap_or_else(missing), key: key.unwrap_or_else(missing), token }
            }
        };
        StoreAccess {
            endpoint: access.endpoint.clone(),
            region: access.region.clone(),
            path_style: access.path_style,
            allow_http: access.allow_http,
            credentials,
            // The store itself takes it relative to the project.
            authorities: access.authorities.as_ref().map(PathBuf::from),
        }
    }

    /// What was made of the secrets, if all could be had.
    pub(super) fn end<T>(self, done: T) -> Result<T> {
        match Fault::join(self.faults) {
            Some(fault) => Err(fault),
            None => Ok(done),
        }
    }
}
