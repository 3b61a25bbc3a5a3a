//! How a connection is made, and what is said when it cannot be.

use super::link::Link;
use super::trouble::Trouble;
use crate::refusal::database;
use mysql_async::{Conn, DriverError, Error, Opts, OptsBuilder, ServerError, SslOpts};
use rustls::CertificateError;
use std::io::ErrorKind;
use std::time::Duration;
use tillmart_model::{Fault, MySqlServer, Secret, TlsMode};
use tokio::runtime::Handle;

/// How long the server may take to let us in.
const PATIENCE: Duration = Duration::from_secs(15);

/// What every session says of itself, so that no server's configuration changes what a statement means.
const SESSION: [&str; 4] = [
    "SET NAMES utf8mb4 COLLATE utf8mb4_bin",
    // Without backslash escapes a text is closed by `'` alone; a key of 0 is 0, not the next number.
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,\
     NO_ENGINE_SUBSTITUTION,ONLY_FULL_GROUP_BY,NO_BACKSLASH_ESCAPES,NO_AUTO_VALUE_ON_ZERO'",
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SET SESSION time_zone = '+00:00', autocommit = 1, innodb_lock_wait_timeout = 20, foreign_key_checks = 1, \
     unique_checks = 1, wait_timeout = 3600, net_read_timeout = 600, net_write_timeout = 600, lock_wait_timeout = 60, \
     sql_select_limit = 18446744073709551615",
];

/// Makes a connection.
pub(super) fn connect(server: &MySqlServer, runtime: &Handle) -> Result<Link, Trouble> {
    let attempt = |tls: Option<SslOpts>| {
        let opts = options(server, tls);
        let made = runtime.block_on(async { tokio::time::timeout(PATIENCE, Conn::new(opts)).await });
        made.unwrap_or_else(|_| Err(Error::from(std::io::Error::from(ErrorKind::TimedOut))))
    };
    let made = match attempt(tls(server, None)) {
        Err(error) if server.tls == TlsMode::Preferred && lacks_tls(&error) => attempt(None),
        // The chain is good, the name is another, which this mode does not mind. The client cannot pass over a name
        // alone, so it is asked again with one that the certificate has.
        Err(error) if server.tls == TlsMode::VerifyCa => match other_name(&error) {
            Some(name) => attempt(tls(server, Some(name))),
            None => Err(error),
        },
        made => made,
    };
    let conn = made.map_err(|error| refused(server, error))?;
    Ok(Link::new(conn, runtime.clone()))
}

fn options(server: &MySqlServer, tls: Option<SslOpts>) -> Opts {
    let password = server.password.as_ref().map(Secret::reveal);
    OptsBuilder::default()
        .ip_or_hostname(server.host.as_str())
        .tcp_port(server.port)
        .user(Some(server.user.as_str()))
        .pass(password)
        .db_name(Some(server.database.as_str()))
        // A socket would pass by what `database.tls` asks for.
        .prefer_socket(false)
        .tcp_keepalive(Some(Duration::from_secs(30)))
        .stmt_cache_size(64)
        .setup(SESSION.to_vec())
        .ssl_opts(tls)
        .into()
}

fn tls(server: &MySqlServer, name: Option<String>) -> Option<SslOpts> {
    let opts = SslOpts::default();
    match server.tls {
        TlsMode::Disabled => None,
        TlsMode::Preferred | TlsMode::Required => Some(opts.with_danger_accept_invalid_certs(true)),
        TlsMode::VerifyCa | TlsMode::VerifyIdentity => Some(match &server.authorities {
            // Authorities of one's own take the place of the public ones.
            Some(file) => opts.with_root_certs(vec![file.clone().into()]).with_disable_built_in_roots(true),
            None => opts,
        })
        .map(|opts| opts.with_danger_tls_hostname_override(name)),
    }
}

fn lacks_tls(error: &Error) -> bool {
    matches!(error, Error::Driver(DriverError::NoClientSslFlagFromServer))
}

/// What TLS refused, wherever the client has wrapped it.
fn certificate_error(error: &Error) -> Option<&rustls::Error> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<rustls::Error>() {
            return Some(found);
        }
        // An I/O error shows what it carries, not what it comes from.
        let carried = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = carried.map(|inner| inner as &(dyn std::error::Error + 'static)).or_else(|| error.source());
    }
    None
}

/// A name that a trusted certificate has, where it lacks the host's.
fn other_name(error: &Error) -> Option<String> {
    match certificate_error(error)? {
        rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext { presented, .. }) => {
            let plain = |name: &String| {
                let (_, rest) = name.split_once('(')?;
                Some(rest.strip_suffix(')')?.trim_matches('"').to_owned())
            };
            presented.iter().filter_map(plain).find(|name| !name.contains('*'))
        }
        _ => None,
    }
}

/// Why there is no connection, in words that name the setting.
fn refused(server: &MySqlServer, error: Error) -> Trouble {
    match &error {
        Error::Server(said) => match said_at_the_door(server, said) {
            Some(fault) => fault.into(),
            None => error.into(),
        },
        _ if lacks_tls(&error) => database("the database server has no TLS")
            .expected("TLS, as `database.tls` asks for it")
            .found("a server that offers clear text only")
            .hint("give the server a certificate, or set `database.tls` to `disabled` if the network is trusted")
            .into(),
        _ => match certificate_error(&error) {
            Some(found) => certificate_refused(server, found).into(),
            None => unreachable(server, error),
        },
    }
}

fn said_at_the_door(server: &MySqlServer, error: &ServerError) -> Option<Fault> {
    let MySqlServer { user, database: name, .. } = server;
    let fault = match error.code {
        1045 | 1698 | 1862 => {
            let given = if server.password.is_some() { "a password" } else { "no password" };
            let tls = match server.tls {
                TlsMode::Disabled => "; a user that must come with TLS is refused so too: see `database.tls`",
                _ => "",
            };
            database(format!("the database refused the log-in of user `{user}`"))
                .expected("a user that it knows, with that user's password")
                .found(format!("user `{user}`, {given}"))
                .hint(format!("check the user in `database.url`, and `database.password`{tls}"))
        }
        1049 => database(format!("the database server has no database `{name}`")).found(&error.message).hint(format!(
            "check the database in `database.url`, or have it made: CREATE DATABASE `{name}` CHARACTER SET utf8mb4"
        )),
        1044 => database(format!("the database user `{user}` may not use the database `{name}`"))
            .found(&error.message)
            .hint(format!("have it granted: GRANT ALL ON `{name}`.* TO '{user}'@…; or check `database.url`")),
        1130 => database("the database server does not let this machine in")
            .found(&error.message)
            .hint("have the user of `database.url` made for this machine's address"),
        3159 => database("the database server asks for TLS")
            .found(&error.message)
            .hint("set `database.tls` to `required`, or better `verify_identity`"),
        _ => return None,
    };
    Some(fault)
}

fn certificate_refused(server: &MySqlServer, error: &rustls::Error) -> Fault {
    let fault = database("the database server's certificate is not trusted");
    let own =
        if server.authorities.is_some() { "those of the file in `database.authorities`" } else { "the public ones" };
    match error {
        // A bad signature is what an authority of the same name with another key looks like.
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => fault
            .expected(format!("a certificate by a trusted authority: {own}"))
            .found("one by another authority")
            .hint("set `database.authorities` to the PEM file of the authority that signed the server's certificate"),
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => fault
            .expected(format!("a certificate for `{}`, as `database.tls` is `verify_identity`", server.host))
            .found(error)
            .hint("name the server in `database.url` as its certificate does, or set `database.tls` to `verify_ca`"),
        rustls::Error::InvalidCertificate(_) => {
            fault.found(error).hint("have the server's certificate mended, or see `database.tls`")
        }
        _ => database("the database server and we do not agree on TLS")
            .found(error)
            .hint("the server must speak TLS 1.2 or newer; see `database.tls` and `database.authorities`"),
    }
}

fn unreachable(server: &MySqlServer, error: Error) -> Trouble {
    let Error::Io(mysql_async::IoError::Io(io)) = &error else { return error.into() };
    // A server that is going down or coming up answers so: worth another try.
    if matches!(io.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) {
        return error.into();
    }
    let found = match io.kind() {
        ErrorKind::ConnectionRefused => "nobody listens there".to_owned(),
        ErrorKind::TimedOut => format!("no answer within {} seconds", PATIENCE.as_secs()),
        _ => io.to_string(),
    };
    let (host, port) = (&server.host, server.port);
    Trouble::Absent(Box::new(
        database(format!("the database server {host}:{port} cannot be reached"))
            .found(found)
            .hint("check host and port in `database.url`, and that the server runs"),
    ))
}
