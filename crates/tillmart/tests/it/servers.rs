//! MariaDB and RadosGW for a shop of the tests.

use futures::{StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard};
use tillmart_testkit::{GUEST, Keys, MART, MariaDb, MariaDbOptions, RadosGw};
use tokio::runtime::Runtime;

/// Both servers, each private; killed when this is dropped.
pub(crate) struct Servers {
    pub(crate) mariadb: MariaDb,
    radosgw: Mutex<RadosGw>,
}

/// What one shop has on them.
#[derive(Debug, Clone)]
pub(crate) struct Rented {
    pub(crate) database: String,
    pub(crate) bucket: String,
}

/// A variable of the binary's environment.
pub(crate) type Variable = (String, String);

pub(crate) fn variable(name: &str, value: impl Into<String>) -> Variable {
    (format!("TILLMART_{name}"), value.into())
}

impl Servers {
    pub(crate) fn start() -> Servers {
        Servers::with(MariaDbOptions { durable: true, ..MariaDbOptions::default() })
    }

    pub(crate) fn with(options: MariaDbOptions) -> Servers {
        Servers { mariadb: MariaDb::start(options).unwrap(), radosgw: Mutex::new(RadosGw::start().unwrap()) }
    }

    pub(crate) fn radosgw(&self) -> MutexGuard<'_, RadosGw> {
        self.radosgw.lock().unwrap()
    }

    /// A database and a bucket of one's own.
    pub(crate) fn rent(&self) -> Rented {
        Rented { database: self.mariadb.database().unwrap(), bucket: self.radosgw().new_bucket().unwrap() }
    }

    /// What the binary must be told to use them.
    pub(crate) fn variables(&self, rented: &Rented) -> Vec<Variable> {
        let mut variables = vec![
            variable("STORAGE_ROOT", format!("s3://{}/shop", rented.bucket)),
            variable("STORAGE_ENDPOINT", self.radosgw().url()),
            variable("STORAGE_PATH_STYLE", "true"),
            variable("STORAGE_ALLOW_HTTP", "true"),
            variable("DATABASE_URL", self.url(MariaDb::USER, &rented.database)),
            variable("DATABASE_PASSWORD", MariaDb::PASSWORD),
        ];
        variables.extend(keys(MART));
        variables
    }

    pub(crate) fn url(&self, user: &str, database: &str) -> String {
        format!("mysql://{user}@{}:{}/{database}", MariaDb::HOST, self.mariadb.port())
    }

    pub(crate) fn deliver(&self, rented: &Rented, name: &str, bytes: &[u8]) {
        let body = std::str::from_utf8(bytes).expect("the tests' files are text");
        let key = encoded(&format!("shop/sales_data/{name}"));
        self.radosgw().put_raw(&rented.bucket, &key, body).unwrap();
    }

    /// Lets somebody else read the bucket and nothing more, and returns who.
    pub(crate) fn reader(&self, rented: &Rented) -> Vec<Variable> {
        self.radosgw().allow_guest(&rented.bucket, &["s3:GetObject", "s3:ListBucket"]).unwrap();
        keys(GUEST)
    }

    /// Delivers many files at a time.
    pub(crate) fn deliver_all(&self, rented: &Rented, files: Vec<(String, String)>) {
        let (store, runtime) = self.another_client(rented);
        let puts = files.into_iter().map(|(name, text)| {
            let (store, path) = (&store, Path::from(format!("shop/sales_data/{name}")));
            async move { store.put(&path, text.into()).await }
        });
        runtime.block_on(futures::stream::iter(puts).buffer_unordered(32).try_collect::<Vec<_>>()).unwrap();
    }

    /// Keys of every object of an area, without the root, sorted; read by another client.
    pub(crate) fn keys(&self, rented: &Rented, area: &str) -> Vec<String> {
        let (store, runtime) = self.another_client(rented);
        let prefix = Path::from(format!("shop/{area}"));
        let listed: Vec<_> = runtime.block_on(store.list(Some(&prefix)).try_collect()).unwrap();
        let mut keys: Vec<String> = listed
            .iter()
            .map(|meta| meta.location.as_ref().strip_prefix(&format!("shop/{area}/")).unwrap().to_owned())
            .collect();
        keys.sort();
        keys
    }

    /// A client that is not the binary's.
    fn another_client(&self, rented: &Rented) -> (AmazonS3, Runtime) {
        let store = AmazonS3Builder::new()
            .with_bucket_name(&rented.bucket)
            .with_endpoint(self.radosgw().url())
            .with_allow_http(true)
            .with_region("us-east-1")
            .with_access_key_id(MART.id)
            .with_secret_access_key(MART.secret)
            .build();
        (store.unwrap(), tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap())
    }
}

fn keys(keys: Keys) -> Vec<Variable> {
    vec![
        variable("STORAGE_CREDENTIALS", "keys"),
        variable("STORAGE_ACCESS_KEY_ID", keys.id),
        variable("STORAGE_SECRET_ACCESS_KEY", keys.secret),
    ]
}

fn encoded(key: &str) -> String {
    let mut encoded = String::new();
    for byte in key.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => encoded.push(byte as char),
            _ => write!(encoded, "%{byte:02X}").unwrap(),
        }
    }
    encoded
}
