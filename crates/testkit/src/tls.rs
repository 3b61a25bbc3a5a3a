//! Certificates by an authority that nobody else trusts.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use std::path::{Path, PathBuf};

/// The files of one server's certificate.
#[derive(Debug, Clone)]
pub struct Certificates {
    /// PEM file of the authority.
    pub authorities: PathBuf,
    /// PEM file of the server's certificate.
    pub certificate: PathBuf,
    /// PEM file of the server's private key.
    pub key: PathBuf,
}

impl Certificates {
    /// Makes an authority, and a server certificate for these host names or addresses, as files in a folder.
    ///
    /// # Errors
    /// A sentence when a name is no name, or a file cannot be written.
    pub fn make(folder: &Path, names: &[String]) -> Result<Certificates, String> {
        let failed = |error: rcgen::Error| format!("cannot make a certificate: {error}");
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = CertificateParams::new(Vec::new()).map_err(failed)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, "Tillmart test authority");
        let authority = params.self_signed(&key).map_err(failed)?;
        let issuer = Issuer::new(params, key);
        let server_key = KeyPair::generate().map_err(failed)?;
        let mut server = CertificateParams::new(names.to_vec()).map_err(failed)?;
        server.distinguished_name.push(DnType::CommonName, "Tillmart test server");
        let server = server.signed_by(&server_key, &issuer).map_err(failed)?;
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            let written = std::fs::write(&path, text);
            written.map(|()| path.clone()).map_err(|error| format!("cannot write {}: {error}", path.display()))
        };
        Ok(Certificates {
            authorities: write("authority.pem", &authority.pem())?,
            certificate: write("server.pem", &server.pem())?,
            key: write("server-key.pem", &server_key.serialize_pem())?,
        })
    }
}
