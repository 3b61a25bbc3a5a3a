//! What an object store answered, in words: which setting is wrong, what was tried, who does what next. No address with a query,
//! no body of an answer and no credential passes through here.

use object_store::Error as StoreError;
use std::error::Error;
use std::fmt;
use tillmart_model::Secret;

/// What the store was asked with: names what a person can mend, and knows what must not be shown.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The root as the settings name it.
    root: String,
    /// Host of the service, as the settings name it.
    endpoint: String,
    /// Whether it speaks S3; other services have codes of their own.
    is_s3: bool,
    secrets: Vec<Secret>,
}

/// An error of a store that may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    /// What happened.
    pub(crate) text: String,
    /// What to do, naming the setting.
    pub(crate) hint: Option<String>,
}

/// With the hint: whoever shows this error without knowing it still names the setting.
impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.hint {
            Some(hint) => write!(f, "{}; {hint}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

impl Error for Told {}

/// What a store told, wherever in the chain of an error it stands.
pub(crate) fn told_by<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Told> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(told) = error.downcast_ref::<Told>() {
            return Some(told);
        }
        next = error.source();
    }
    None
}

/// What a failure means for the person who can mend it.
struct Meaning {
    text: String,
    hint: String,
}

impl Asked {
    pub(crate) fn new(root: String, endpoint: String, is_s3: bool, secrets: Vec<Secret>) -> Asked {
        Asked { root, endpoint, is_s3, secrets }
    }

    pub(crate) fn root(&self) -> &str {
        &self.root
    }

    /// The same error with nothing in it but what may be shown.
    pub(crate) fn tell(&self, error: StoreError) -> StoreError {
        if told_by(&error).is_some() {
            return error;
        }
        let said = Said::of(&error);
        let told = self.told(&said);
        let is_missing_bucket = said.code.as_deref() == Some("NoSuchBucket");
        let source: Box<dyn Error + Send + Sync> = Box::new(told);
        match error {
            // Not that an object is missing: it must not pass for one.
            StoreError::NotFound { .. } if is_missing_bucket => StoreError::Generic { store: "S3", source },
            StoreError::NotFound { path, .. } => StoreError::NotFound { path, source },
            StoreError::AlreadyExists { path, .. } => StoreError::AlreadyExists { path, source },
            StoreError::Precondition { path, .. } => StoreError::Precondition { path, source },
            StoreError::NotModified { path, .. } => StoreError::NotModified { path, source },
            StoreError::PermissionDenied { path, .. } => StoreError::PermissionDenied { path, source },
            StoreError::Unauthenticated { path, .. } => StoreError::Unauthenticated { path, source },
            StoreError::NotSupported { .. } => StoreError::NotSupported { source },
            StoreError::NotImplemented { .. } | StoreError::InvalidPath { .. } => error,
            _ => StoreError::Generic { store: "object store", source },
        }
    }

    fn told(&self, said: &Said) -> Told {
        let meaning = if self.is_s3 { self.s3_meaning(said) } else { None };
        let meaning = meaning.or_else(|| self.transport_meaning(said));
        let answered = match (&said.code, said.status) {
            (Some(code), Some(status)) => format!("{status} {code}"),
            (Some(code), None) => code.clone(),
            (None, Some(status)) => format!("status {status}"),
            (None, None) => String::new(),
        };
        let reason = said.message.as_ref().or(said.cause.as_ref()).map(|text| self.scrub(text)).unwrap_or_default();
        let mut parts = Vec::new();
        parts.extend(meaning.as_ref().map(|meaning| meaning.text.clone()));
        parts.extend(Some(answered).filter(|answered| !answered.is_empty()));
        parts.extend(Some(reason).filter(|reason| !reason.is_empty()));
        let mut text = parts.join(": ");
        if let Some(tried) = said.tried() {
            text.push_str(&format!(" ({tried})"));
        }
        Told { text, hint: meaning.map(|meaning| meaning.hint) }
    }

    fn s3_meaning(&self, said: &Said) -> Option<Meaning> {
        let code = match said.code.as_deref() {
            None if said.bare_redirect => "PermanentRedirect",
            code => code.unwrap_or_default(),
        };
        if let Some((_, text, hint)) = S3_MEANINGS.iter().find(|(codes, _, _)| codes.contains(&code)) {
            return Some(Meaning { text: (*text).to_owned(), hint: hint.replace("ROOT", &self.root) });
        }
        if said.is_denied() || code == "AccessDenied" || code == "AllAccessDisabled" {
            let hint = format!(
                "let the user of storage.access_key_id {} in storage.root ({}): `tillmart doctor` tells each permission that a run needs",
                said.permission(),
                self.root
            );
            return Some(Meaning { text: "access denied".to_owned(), hint });
        }
        None
    }

    /// Nobody answered, or nobody we trust.
    fn transport_meaning(&self, said: &Said) -> Option<Meaning> {
        let endpoint = &self.endpoint;
        let of = |text: String, hint: String| Some(Meaning { text, hint });
        if said.is_of_metadata {
            return of(
                "no credentials were found".to_owned(),
                "set storage.access_key_id and storage.secret_access_key, or give the environment what the chain looks for: AWS_ACCESS_KEY_ID, a profile, a web identity, a role of the container or machine; storage.credentials = \"anonymous\" for a public bucket".to_owned(),
            );
        }
        let cause = said.cause.as_deref().unwrap_or_default();
        let has = |words: &[&str]| words.iter().any(|word| cause.contains(word));
        if has(&["certificate", "UnknownIssuer", "tls", "TLS"]) {
            return of(
                format!("{endpoint} has no certificate that is trusted"),
                "set storage.authorities to the PEM file of the authority that signed it, or correct storage.endpoint"
                    .to_owned(),
            );
        }
        if has(&["URL scheme is not allowed"]) {
            return of(
                format!("{endpoint} speaks plain http"),
                "use https in storage.endpoint, or allow plain http with storage.allow_http = true".to_owned(),
            );
        }
        if has(&[
            "dns",
            "lookup",
            "Connection refused",
            "connect",
            "unreachable",
            "timed out",
            "Connection reset",
            "closed",
        ]) || said.is_transport
        {
            return of(
                format!("{endpoint} cannot be reached"),
                "check storage.endpoint and the network, then run again: nothing is lost".to_owned(),
            );
        }
        None
    }

    /// Text without credentials, queries of addresses, and bodies of answers.
    fn scrub(&self, text: &str) -> String {
        let text = text.split('<').next().unwrap_or_default();
        let mut clean: String = text.split_inclusive(char::is_whitespace).map(scrub_word).collect();
        for secret in self.secrets.iter().map(Secret::reveal).filter(|secret| !secret.is_empty()) {
            clean = clean.replace(secret, "***");
        }
        clean.trim().chars().take(400).collect()
    }
}

/// An address loses user and query, and a word that looks like a key, a signature or a token is not shown.
fn scrub_word(word: &str) -> String {
    let end = word.len() - word.trim_end().len();
    let (word, space) = word.split_at(word.len() - end);
    let is_key_id = |part: &str| {
        part.len() >= 16
            && ["AKIA", "ASIA", "AROA"].iter().any(|start| part.starts_with(start))
            && part.chars().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit())
    };
    let named = ["credential=", "signature=", "token=", "password=", "secret=", "x-amz-"];
    let lower = word.to_ascii_lowercase();
    let mut clean = word.to_owned();
    if let Some((scheme, rest)) = word.split_once("://") {
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (host, path) = rest.split_once('/').map_or((rest, None), |(host, path)| (host, Some(path)));
        let host = host.rsplit('@').next().unwrap_or_default();
        clean = match path {
            Some(path) => format!("{scheme}://{host}/{path}"),
            None => format!("{scheme}://{host}"),
        };
    } else if named.iter().any(|name| lower.contains(name)) {
        clean = "***".to_owned();
    }
    let parts = clean.split(|letter: char| !letter.is_ascii_alphanumeric());
    let keys: Vec<String> = parts.filter(|part| is_key_id(part)).map(str::to_owned).collect();
    for key in keys {
        clean = clean.replace(&key, "***");
    }
    clean + space
}

/// S3's codes, what they mean, and what to do; `ROOT` stands for the storage root.
const S3_MEANINGS: [(&[&str], &str, &str); 8] = [
    (
        &["SignatureDoesNotMatch"],
        "the secret key is not that of the access key id",
        "correct storage.secret_access_key (or the secret that the credential chain finds)",
    ),
    (
        &["InvalidAccessKeyId"],
        "the store does not know the access key id",
        "correct storage.access_key_id (or the one that the credential chain finds), and check that storage.endpoint is the service it belongs to; some services answer so, too, when temporary keys have run out: fetch new ones, with their storage.session_token",
    ),
    (
        &["ExpiredToken", "InvalidToken", "TokenRefreshRequired", "ExpiredTokenException"],
        "the session token is expired or not valid",
        "get new temporary keys: storage.session_token, with storage.access_key_id and storage.secret_access_key that belong to it; long runs want a role instead (storage.credentials = \"chain\")",
    ),
    (
        &["NoSuchBucket"],
        "there is no such bucket",
        "correct the bucket in storage.root (ROOT), or make it; a bucket is never made by itself",
    ),
    (
        &[
            "PermanentRedirect",
            "TemporaryRedirect",
            "AuthorizationHeaderMalformed",
            "IllegalLocationConstraintException",
        ],
        "the bucket is in another region",
        "set storage.region to the region of the bucket in storage.root (ROOT)",
    ),
    (
        &["RequestTimeTooSkewed"],
        "this machine's clock is wrong",
        "set the clock of this machine, e.g. by NTP, and run again",
    ),
    (
        &["SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout"],
        "the store is too busy",
        "run again later: nothing is lost",
    ),
    (
        &["QuotaExceeded", "InsufficientCapacity"],
        "the store is full",
        "make room in the bucket of storage.root (ROOT), then run again",
    ),
];

/// What can be read out of an error of the client library, whose types do not tell it.
struct Said {
    method: Option<String>,
    status: Option<u16>,
    code: Option<String>,
    message: Option<String>,
    /// The innermost error, where nobody answered.
    cause: Option<String>,
    tries: Option<u32>,
    elapsed: Option<String>,
    bare_redirect: bool,
    is_transport: bool,
    /// Credentials were asked for, not an object.
    is_of_metadata: bool,
}

impl Said {
    fn of(error: &StoreError) -> Said {
        let all = error.to_string();
        let between = |start: &str, end: &str| Some(all.split_once(start)?.1.split_once(end)?.0.to_owned());
        let after = |start: &str| all.split_once(start).map(|(_, rest)| rest);
        // What wraps it may begin with the same words.
        let request = all.rsplit_once("Error performing ").map(|(_, rest)| rest);
        let after_request = |start: &str| request.and_then(|request| Some(request.split_once(start)?.1));
        let status = after("status code: ").and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        let innermost = innermost(error);
        let is_of_metadata = ["169.254.", "fd00:ec2::254", "latest/api/token", "sts.", "AssumeRoleWithWebIdentity"]
            .iter()
            .any(|word| all.split('<').next().unwrap_or_default().contains(word))
            || all.contains("credential");
        Said {
            method: request
                .and_then(|request| request.split_whitespace().next())
                .filter(|word| word.chars().all(|letter| letter.is_ascii_uppercase()))
                .map(str::to_owned),
            status,
            code: between("<Code>", "</Code>").or_else(|| between("(code: ", ")")),
            message: between("<Message>", "</Message>"),
            cause: if status.is_some() { None } else { Some(innermost) },
            tries: after_request(", after ")
                .and_then(|rest| rest.split_once(" retries"))
                .and_then(|(retries, _)| retries.parse::<u32>().ok()),
            elapsed: after_request(" in ").and_then(|rest| {
                let word = rest.split([',', ' ']).next()?;
                word.ends_with('s').then(|| word.to_owned())
            }),
            bare_redirect: all.contains("redirect without LOCATION"),
            is_transport: all.contains("HTTP error"),
            is_of_metadata: is_of_metadata && !all.contains("<Error>"),
        }
    }

    fn is_denied(&self) -> bool {
        self.status == Some(403) || self.status == Some(401)
    }

    /// `GET, 9 tries in 5.2s`.
    fn tried(&self) -> Option<String> {
        let method = self.method.as_ref()?;
        match (self.tries, &self.elapsed) {
            (Some(retries), Some(elapsed)) => Some(format!("{method}, {} tries in {elapsed}", retries + 1)),
            (Some(retries), None) => Some(format!("{method}, {} tries", retries + 1)),
            _ => Some(method.clone()),
        }
    }

    /// The permission that the request needed.
    fn permission(&self) -> &'static str {
        match self.method.as_deref() {
            Some("GET" | "HEAD") => "list and read (s3:ListBucket, s3:GetObject)",
            Some("PUT") => "write (s3:PutObject, s3:AbortMultipartUpload)",
            Some("DELETE") => "delete (s3:DeleteObject)",
            Some("POST") => "write and delete (s3:PutObject, s3:DeleteObject)",
            _ => "list, read, write and delete (s3:ListBucket, s3:GetObject, s3:PutObject, s3:DeleteObject)",
        }
    }
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
