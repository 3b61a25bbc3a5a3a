//! How the servers behind the seams are reached: what settings say, and what the clients are opened with.

use crate::Secret;
use std::path::PathBuf;

/// How much of TLS a connection to a database insists on, in MySQL's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsMode {
    /// Clear text.
    Disabled,
    /// TLS if the server has it, unchecked; clear text otherwise.
    #[default]
    Preferred,
    /// TLS or nothing; the certificate is not checked.
    Required,
    /// TLS, and the certificate comes from a trusted authority.
    VerifyCa,
    /// TLS, a trusted authority, and the certificate names the host.
    VerifyIdentity,
}

/// A MySQL or MariaDB server and the database on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MySqlServer {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Who logs in.
    pub user: String,
    /// With what; `None` logs in without a password.
    pub password: Option<Secret>,
    /// The database (schema) that holds everything.
    pub database: String,
    /// What of TLS is insisted on.
    pub tls: TlsMode,
    /// PEM file of trusted authorities; `None` trusts the public ones.
    pub authorities: Option<PathBuf>,
    /// Most connections held at once, at least 2: one publishes while another prolongs the lease.
    pub connections: u32,
}

/// Who asks an object store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Credentials {
    /// What the provider's own chain finds: environment, profile, web identity, instance role.
    #[default]
    Chain,
    /// Nobody: requests are not signed.
    Anonymous,
    /// These keys.
    Keys {
        /// Access key id.
        id: Secret,
        /// Secret access key.
        key: Secret,
        /// Session token of temporary keys.
        token: Option<Secret>,
    },
}

/// How an object store is reached beyond its URL. A folder needs none of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoreAccess {
    /// URL of an S3-compatible service; `None` is AWS itself.
    pub endpoint: Option<String>,
    /// Region to sign for; `None` leaves it to the environment, then `us-east-1`.
    pub region: Option<String>,
    /// Bucket in the path rather than in the host name, as most S3-compatible services want it.
    pub path_style: bool,
    /// Whether plain `http` may be spoken.
    pub allow_http: bool,
    /// Who asks.
    pub credentials: Credentials,
    /// PEM file of authorities to trust beside the public ones.
    pub authorities: Option<PathBuf>,
}
