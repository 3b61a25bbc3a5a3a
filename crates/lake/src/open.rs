//! From the settings to an object store: which service, who asks, how long it is tried.

use crate::folder::Folder;
use crate::profile;
use crate::remote::{Asked, OddKeys, Remote, SievedConnector};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use object_store::client::ClientConfigKey;
use object_store::path::Path;
use object_store::{BackoffConfig, Certificate, ClientOptions, ObjectStore, RetryConfig};
use std::sync::Arc;
use std::time::Duration;
use tillmart_model::{Credentials, Fault, FaultKind, Result, Secret, StoreAccess};
use url::Url;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);

/// How long one request may take, with its bytes: 16 MiB go in it at 1 Mbit/s.
const REQUEST: Duration = Duration::from_secs(150);

/// What a storage root can be.
const ROOTS: &str = "a folder, or a URL: file://, s3://, gs://, az:// or abfss://";

/// A root that has been opened.
pub(crate) struct Opened {
    pub(crate) objects: Arc<dyn ObjectStore>,
    /// With a trailing slash.
    pub(crate) url: Url,
    /// Path of the root in `objects`.
    pub(crate) base: Path,
    pub(crate) is_folder: bool,
    /// Whether the service copies by itself.
    pub(crate) copies: bool,
    pub(crate) odd: OddKeys,
}

/// Opens a folder (made if missing, relative to `project`) or a URL. `environment` is asked for what the chain looks for.
pub(crate) fn open(
    root: &str,
    project: &std::path::Path,
    access: &StoreAccess,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Opened> {
    let url = match (Url::parse(root), root.split_once("://")) {
        (Ok(url), _) => url,
        // A mistyped URL must not become a folder. Only its scheme is told: it may hold a password, wherever that ends.
        (Err(error), Some((scheme, _))) => return Err(not_a_root(&format!("{scheme}://…"), ROOTS).found(error)),
        (Err(_), None) => return folder(&project.join(root)),
    };
    match url.scheme() {
        "file" => match url.to_file_path() {
            Ok(path) => folder(&path),
            Err(()) => Err(not_a_root(root, "a file URL without a host, e.g. file:///srv/tillmart")),
        },
        "s3" | "s3a" => s3(&url, project, access, environment),
        "gs" | "az" | "azure" | "abfs" | "abfss" => other(&url, access),
        _ => Err(not_a_root(root, ROOTS).found(format!("a URL with the scheme {}", url.scheme()))),
    }
}

fn not_a_root(root: &str, expected: &str) -> Fault {
    // What follows a question mark or a hash may be a signature.
    let root = root.split(['?', '#']).next().unwrap_or_default();
    Fault::new(FaultKind::Settings, format!("cannot open the storage root {root}"))
        .expected(expected)
        .hint("set storage.root in tillmart.toml to a folder or to the URL of a bucket")
}

fn folder(folder: &std::path::Path) -> Result<Opened> {
    let made = std::fs::create_dir_all(folder).and_then(|()| folder.canonicalize());
    let folder = made.map_err(|error| {
        Fault::new(FaultKind::Store, "cannot open the storage root")
            .at(folder.display().to_string())
            .expected("a folder that can be made, read and written")
            .found(error)
            .hint("make the folder readable and writable, or set storage.root in tillmart.toml")
    })?;
    let unnamed = || {
        Fault::new(FaultKind::Settings, "the storage root has a name that no object can have")
            .at(folder.display().to_string())
            .hint("set storage.root in tillmart.toml to a folder whose name is plain text")
    };
    let url = Url::from_directory_path(&folder).map_err(|()| unnamed())?;
    let base = Path::from_url_path(url.path()).map_err(|_| unnamed())?;
    let objects = Arc::new(Folder::default());
    Ok(Opened { objects, url, base, is_folder: true, copies: false, odd: OddKeys::default() })
}

/// Backoff with jitter: ten more tries in about ten seconds, and none after a minute.
fn retries() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(5),
            base: 2.,
        },
        max_retries: 10,
        retry_timeout: Duration::from_secs(60),
    }
}

fn client(access: &StoreAccess, project: &std::path::Path) -> Result<ClientOptions> {
    let mut options =
        ClientOptions::new().with_allow_http(access.allow_http).with_connect_timeout(CONNECT).with_timeout(REQUEST);
    let Some(file) = &access.authorities else { return Ok(options) };
    let file = project.join(file);
    let wrong = |error: &dyn std::fmt::Display| {
        Fault::new(FaultKind::Settings, "cannot read the authorities that the object store is trusted by")
            .at(file.display().to_string())
            .expected("a PEM file of certificates")
            .found(error)
            .hint("correct storage.authorities")
    };
    let pem = std::fs::read(&file).map_err(|error| wrong(&error))?;
    let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| wrong(&error))?;
    if certificates.is_empty() {
        return Err(wrong(&"no certificate"));
    }
    for certificate in certificates {
        options = options.with_root_certificate(certificate);
    }
    Ok(options)
}

fn s3(
    root: &Url,
    project: &std::path::Path,
    access: &StoreAccess,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Opened> {
    let bucket = root
        .host_str()
        .filter(|bucket| !bucket.is_empty())
        .ok_or_else(|| not_a_root(root.as_str(), "s3://BUCKET/PREFIX").found("no bucket"))?;
    refuse_clear_credentials(root, "storage.root", "s3://BUCKET/PREFIX")?;
    if root.port().is_some() {
        return Err(not_a_root(root.as_str(), "s3://BUCKET/PREFIX")
            .found("a port")
            .hint("the service's address belongs into storage.endpoint; storage.root names the bucket"));
    }
    let profile = match access.credentials {
        Credentials::Chain => profile::read(environment)?,
        _ => None,
    };
    let region = access
        .region
        .clone()
        .or_else(|| environment("AWS_REGION"))
        .or_else(|| environment("AWS_DEFAULT_REGION"))
        .or_else(|| profile.as_ref().and_then(|profile| profile.region.clone()))
        .unwrap_or_else(|| "us-east-1".to_owned());
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(&region)
        .with_retry(retries())
        .with_client_options(client(access, project)?)
        .with_conditional_put(S3ConditionalPut::ETagMatch);
    // A dot in the bucket's name would be one level too many for the service's certificate.
    let path_style = access.path_style || bucket.contains('.');
    let (endpoint, shown) = endpoint(access, bucket, &region, path_style)?;
    builder = builder.with_virtual_hosted_style_request(!path_style);
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    let (builder, secrets) = credentials(builder, access, profile, environment)?;
    let odd = OddKeys::default();
    let client = builder.with_http_connector(SievedConnector::new(odd.clone())).build();
    let asked = Asked::new(root.as_str().to_owned(), shown, true, secrets);
    let client = client.map_err(|error| {
        Fault::new(FaultKind::Settings, format!("cannot open the storage root {root}"))
            .found(asked.tell(error))
            .hint("correct storage.root, storage.endpoint and storage.region")
    })?;
    let objects = Arc::new(Remote::new(Arc::new(client), asked));
    let (url, base) = place(&format!("s3://{bucket}{}", root.path()))?;
    Ok(Opened { objects, url, base, is_folder: false, copies: true, odd })
}

/// The service's address as the client takes it (`None`: AWS's own), and as a person knows it.
fn endpoint(access: &StoreAccess, bucket: &str, region: &str, path_style: bool) -> Result<(Option<String>, String)> {
    let Some(endpoint) = &access.endpoint else { return Ok((None, format!("https://s3.{region}.amazonaws.com"))) };
    let wrong = |found: &str| {
        Fault::new(FaultKind::Settings, "storage.endpoint is no address of a service")
            .expected("https://HOST or https://HOST:PORT")
            .found(found)
            .hint("correct storage.endpoint; the bucket belongs into storage.root")
    };
    let mut url = Url::parse(endpoint).map_err(|error| wrong(&error.to_string()))?;
    refuse_clear_credentials(&url, "storage.endpoint", "https://HOST or https://HOST:PORT")?;
    let shown = url.as_str().trim_end_matches('/').to_owned();
    let host = url.host_str().ok_or_else(|| wrong("an address without a host"))?.to_owned();
    match url.scheme() {
        "https" => {}
        "http" if access.allow_http => {}
        "http" => {
            return Err(wrong("plain http").hint("use https, or allow plain http with storage.allow_http = true"));
        }
        scheme => return Err(wrong(&format!("an address with the scheme {scheme}"))),
    }
    if !path_style && url.set_host(Some(&format!("{bucket}.{host}"))).is_err() {
        return Err(wrong(&format!("the host {host}, to which the bucket cannot be added"))
            .hint("set storage.path_style = true"));
    }
    Ok((Some(url.as_str().trim_end_matches('/').to_owned()), shown))
}

fn refuse_clear_credentials(url: &Url, setting: &str, expected: &str) -> Result<()> {
    // abfss://CONTAINER@ACCOUNT…: what stands in the place of the user names a container.
    let is_user = !url.username().is_empty() && !matches!(url.scheme(), "abfs" | "abfss");
    if !is_user && url.password().is_none() && url.query().is_none() && url.fragment().is_none() {
        return Ok(());
    }
    Err(Fault::new(FaultKind::Settings, format!("{setting} holds more than an address"))
        .expected(expected)
        .found("a user, a password, a query or a fragment in it")
        .hint("keys belong into storage.access_key_id and storage.secret_access_key, encrypted"))
}

/// Who asks; and what of it must not be shown.
fn credentials(
    builder: AmazonS3Builder,
    access: &StoreAccess,
    profile: Option<profile::Profile>,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<(AmazonS3Builder, Vec<Secret>)> {
    match &access.credentials {
        Credentials::Anonymous => Ok((builder.with_skip_signature(true), Vec::new())),
        Credentials::Keys { id, key, token } => {
            let secrets = [Some(id), Some(key), token.as_ref()].into_iter().flatten().cloned().collect();
            let mut builder = builder.with_access_key_id(id.reveal()).with_secret_access_key(key.reveal());
            if let Some(token) = token {
                builder = builder.with_token(token.reveal());
            }
            Ok((builder, secrets))
        }
        Credentials::Chain => chain(builder, profile, environment),
    }
}

/// AWS's default chain: the environment's keys, a profile, a web identity, a container's role, the machine's role.
fn chain(
    mut builder: AmazonS3Builder,
    profile: Option<profile::Profile>,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<(AmazonS3Builder, Vec<Secret>)> {
    let keys = match (environment("AWS_ACCESS_KEY_ID"), environment("AWS_SECRET_ACCESS_KEY")) {
        (Some(id), Some(key)) => Some((id, key, environment("AWS_SESSION_TOKEN"))),
        _ => profile.and_then(|profile| profile.keys),
    };
    if let Some((id, key, token)) = keys {
        let secrets = [Some(&id), Some(&key), token.as_ref()].into_iter().flatten().map(Secret::new).collect();
        builder = builder.with_access_key_id(id).with_secret_access_key(key);
        if let Some(token) = token {
            builder = builder.with_token(token);
        }
        return Ok((builder, secrets));
    }
    const TAKEN: [(&str, AmazonS3ConfigKey); 8] = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", AmazonS3ConfigKey::WebIdentityTokenFile),
        ("AWS_ROLE_ARN", AmazonS3ConfigKey::RoleArn),
        ("AWS_ROLE_SESSION_NAME", AmazonS3ConfigKey::RoleSessionName),
        ("AWS_ENDPOINT_URL_STS", AmazonS3ConfigKey::StsEndpoint),
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", AmazonS3ConfigKey::ContainerCredentialsRelativeUri),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", AmazonS3ConfigKey::ContainerCredentialsFullUri),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", AmazonS3ConfigKey::ContainerAuthorizationTokenFile),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", AmazonS3ConfigKey::MetadataEndpoint),
    ];
    for (variable, key) in TAKEN {
        if let Some(value) = environment(variable) {
            builder = builder.with_config(key, value);
        }
    }
    let has_role = TAKEN[..7].iter().any(|(variable, _)| environment(variable).is_some());
    let is_off = environment("AWS_EC2_METADATA_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    if is_off && !has_role {
        return Err(Fault::new(FaultKind::Settings, "no credentials for the object store were found")
            .expected("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, a web identity or a container's role")
            .found("none of them, and AWS_EC2_METADATA_DISABLED is true")
            .hint("give the environment one of them, set storage.access_key_id and storage.secret_access_key, or storage.credentials = \"anonymous\""));
    }
    Ok((builder, Vec::new()))
}

/// What the client of Google's or Azure's store is told: what its own variables say, then what the settings say.
/// And what of it must not be shown.
fn options(
    scheme: &str,
    access: &StoreAccess,
    environment: impl Iterator<Item = (String, String)>,
) -> (Vec<(String, String)>, Vec<Secret>) {
    let prefix = if scheme == "gs" { "google_" } else { "azure_" };
    let mut options: Vec<(String, String)> = environment
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .filter(|(name, value)| name.starts_with(prefix) && !loosens(name, value, access))
        .collect();
    let secrets = options.iter().map(|(_, value)| Secret::new(value)).collect();
    options.push((ClientConfigKey::ConnectTimeout.as_ref().to_owned(), format!("{}s", CONNECT.as_secs())));
    options.push((ClientConfigKey::Timeout.as_ref().to_owned(), format!("{}s", REQUEST.as_secs())));
    options.push((ClientConfigKey::AllowHttp.as_ref().to_owned(), access.allow_http.to_string()));
    (options, secrets)
}

/// Whether a variable would open what the settings, which a profile judges, keep shut. `name` is in lower case.
fn loosens(name: &str, value: &str, access: &StoreAccess) -> bool {
    let is_switch =
        ["allow_http", "allow_invalid_certificates", "use_emulator"].into_iter().any(|switch| name.ends_with(switch));
    let is_address = name.ends_with("base_url")
        || name.ends_with("authority_host")
        || matches!(name, "azure_storage_endpoint" | "azure_endpoint");
    let is_plain = || Url::parse(value).is_ok_and(|url| url.scheme() == "http");
    is_switch || (is_address && !access.allow_http && is_plain())
}

/// Google's and Azure's stores, with what their own variables in the environment say.
fn other(root: &Url, access: &StoreAccess) -> Result<Opened> {
    refuse_clear_credentials(root, "storage.root", "a URL of a bucket or container")?;
    // A variable that is no text is another program's.
    let environment =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let (options, secrets) = options(root.scheme(), access, environment);
    let asked = Asked::new(root.as_str().to_owned(), root.as_str().to_owned(), false, secrets);
    let (objects, base) = object_store::parse_url_opts(root, options).map_err(|error| {
        Fault::new(FaultKind::Settings, format!("cannot open the storage root {root}"))
            .found(asked.tell(error))
            .hint("correct storage.root, and the variables GOOGLE_… or AZURE_… of the environment")
    })?;
    let (url, _) = place(root.as_str())?;
    let objects = Arc::new(Remote::new(Arc::from(objects), asked));
    Ok(Opened { objects, url, base, is_folder: false, copies: true, odd: OddKeys::default() })
}

/// A root's URL with its trailing slash, and its path in the bucket.
fn place(root: &str) -> Result<(Url, Path)> {
    let wrong = |error: &dyn std::fmt::Display| not_a_root(root, "a path without empty parts").found(error);
    let mut url = Url::parse(root).map_err(|error| wrong(&error))?;
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    let base = Path::from_url_path(url.path()).map_err(|error| wrong(&error))?;
    Ok((url, base))
}

#[cfg(test)]
mod tests {
    use super::{endpoint, open, options};
    use tillmart_model::{Credentials, FaultKind, Secret, StoreAccess};

    fn nothing(_: &str) -> Option<String> {
        None
    }

    fn keys() -> Credentials {
        Credentials::Keys { id: Secret::new("canary-id"), key: Secret::new("canary-key"), token: None }
    }

    #[test]
    fn a_bucket_is_a_host_or_a_folder_of_the_service() {
        let at = |endpoint: Option<&str>| StoreAccess { endpoint: endpoint.map(str::to_owned), ..Default::default() };
        let asked = |access: &StoreAccess, path_style| {
            endpoint(access, "mart", "eu-central-1", path_style).expect("an address")
        };
        assert_eq!(asked(&at(None), false), (None, "https://s3.eu-central-1.amazonaws.com".to_owned()));
        let own = at(Some("https://s3.example.com:9000/"));
        assert_eq!(asked(&own, false).0.as_deref(), Some("https://mart.s3.example.com:9000"));
        assert_eq!(asked(&own, true).0.as_deref(), Some("https://s3.example.com:9000"));
    }

    #[test]
    fn an_address_that_cannot_be_right_is_refused_with_its_setting() {
        let project = std::env::temp_dir();
        let cases = [
            ("s3://mart/x", "http://s3.example.com", "storage.allow_http"),
            ("s3://mart/x", "s3.example.com", "storage.endpoint"),
            ("s3://mart/x", "https://user:canary@s3.example.com", "storage.endpoint"),
            ("s3://mart/x", "ftp://s3.example.com", "storage.endpoint"),
            ("s3://user:canary@mart/x", "https://s3.example.com", "storage.root"),
            ("s3://mart/x?X-Amz-Signature=canary", "https://s3.example.com", "storage.root"),
            ("s3:///x", "https://s3.example.com", "storage.root"),
            ("s3://mart/a//b", "https://s3.example.com", "storage.root"),
            ("memory:///x?canary", "https://s3.example.com", "storage.root"),
            ("s3://my canary/x", "https://s3.example.com", "storage.root"),
            ("s3://canary:99999/x", "https://s3.example.com", "storage.root"),
            ("s3://user:can/ary@mart/canary", "https://s3.example.com", "storage.root"),
            ("s3://mart:9000/x", "https://s3.example.com", "storage.endpoint"),
            ("s3://mart/x#canary", "https://s3.example.com", "storage.root"),
            ("gs://mart/x#canary", "https://s3.example.com", "storage.root"),
            ("az://canary@shop.dfs.core.windows.net/x", "https://s3.example.com", "storage.root"),
            ("abfss://mart:canary@shop.dfs.core.windows.net/x", "https://s3.example.com", "storage.root"),
        ];
        for (root, endpoint, named) in cases {
            let endpoint = Some(endpoint.to_owned());
            let access = StoreAccess { endpoint, credentials: keys(), ..StoreAccess::default() };
            let Err(fault) = open(root, &project, &access, &nothing) else { panic!("{root} must be refused") };
            assert_eq!(fault.kind, FaultKind::Settings, "{fault}");
            assert!(fault.to_string().contains(named), "{root}: {fault}");
            assert!(!fault.to_string().contains("canary"), "{fault}");
        }
    }

    #[test]
    fn a_container_before_its_account_is_no_credential() {
        for root in ["abfss://mart@shop.dfs.core.windows.net/x", "abfs://mart@shop.dfs.core.windows.net/x"] {
            let opened = open(root, &std::env::temp_dir(), &StoreAccess::default(), &nothing).expect(root);
            assert_eq!(opened.url.as_str(), format!("{root}/"));
            assert_eq!(opened.base.as_ref(), "x");
        }
    }

    /// What a profile refuses in the settings cannot come in by a variable.
    #[test]
    fn a_variable_opens_nothing_that_the_settings_keep_shut() {
        let told = |scheme: &str, allow_http, variables: &[(&str, &str)]| {
            let access = StoreAccess { allow_http, ..StoreAccess::default() };
            let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let (options, secrets) = options(scheme, &access, variables);
            assert_eq!(
                options.last(),
                Some(&("allow_http".to_owned(), allow_http.to_string())),
                "it has the last word"
            );
            options[..secrets.len()].iter().map(|(name, _)| name.clone()).collect::<Vec<String>>()
        };
        let azure = [
            ("AZURE_STORAGE_ACCOUNT_KEY", "canary"),
            ("AZURE_ALLOW_HTTP", "true"),
            ("azure_allow_invalid_certificates", "true"),
            ("AZURE_STORAGE_USE_EMULATOR", "true"),
            ("AZURE_USE_EMULATOR", "true"),
            ("AZURE_STORAGE_ENDPOINT", "HTTP://127.0.0.1:10000"),
            ("AZURE_AUTHORITY_HOST", "http://login.example.com"),
            ("AZURE_MSI_ENDPOINT", "http://169.254.169.254/"),
            ("GOOGLE_BUCKET", "another's"),
        ];
        assert_eq!(told("az", false, &azure), ["azure_storage_account_key", "azure_msi_endpoint"]);
        let google = [
            ("GOOGLE_ALLOW_HTTP", "true"),
            ("GOOGLE_ALLOW_INVALID_CERTIFICATES", "true"),
            ("GOOGLE_BASE_URL", "http://127.0.0.1:4443"),
        ];
        assert!(told("gs", false, &google).is_empty());
        assert_eq!(told("gs", true, &google), ["google_base_url"], "plain http that the settings allow");
        assert_eq!(told("gs", false, &[("GOOGLE_BASE_URL", "https://gcs.example.com")]), ["google_base_url"]);
    }

    /// The environment's keys come first, and with nothing to go by it is told before anything is asked.
    #[test]
    fn the_chain_takes_what_it_finds_or_says_what_it_looked_for() {
        let open = |variables: &[(&str, &str)]| {
            let of =
                |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
            open("s3://mart/x", &std::env::temp_dir(), &StoreAccess::default(), &of).map(|opened| opened.url)
        };
        let off = ("AWS_EC2_METADATA_DISABLED", "true");
        let fault = open(&[off]).expect_err("nothing to go by").to_string();
        assert!(fault.contains("storage.access_key_id") && fault.contains("AWS_ACCESS_KEY_ID"), "{fault}");
        open(&[off, ("AWS_ACCESS_KEY_ID", "canary"), ("AWS_SECRET_ACCESS_KEY", "canary")]).expect("keys");
        open(&[off, ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"), ("AWS_ROLE_ARN", "arn:aws:iam::1:role/x")])
            .expect("a role");
        open(&[]).expect("the machine's role, asked for later");
    }

    #[test]
    fn what_is_opened_shows_no_key() {
        let access = StoreAccess { credentials: keys(), ..StoreAccess::default() };
        let opened = open("s3://mart/shop one", &std::env::temp_dir(), &access, &nothing).expect("opened");
        assert_eq!(opened.url.as_str(), "s3://mart/shop%20one/");
        assert_eq!(opened.base.as_ref(), "shop one");
        let shown = format!("{:?} {}", opened.objects, opened.objects);
        assert!(!shown.contains("canary"), "{shown}");
    }
}
