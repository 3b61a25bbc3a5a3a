//! Where the demo's project lives: in its folder, or on servers that are started for it.

use tillmart_model::{Fault, FaultKind, Result};
use tillmart_testkit::{MART, MariaDb, MariaDbOptions, RadosGw};

/// MariaDB and RadosGW, private, on free loopback ports; they stop when this is dropped.
pub(super) struct Servers {
    mariadb: MariaDb,
    radosgw: RadosGw,
    database: String,
    bucket: String,
}

impl Servers {
    /// Starts both, with an empty database and an empty bucket.
    pub(super) fn start() -> Result<Servers> {
        let start = || {
            let options = MariaDbOptions { durable: true, ..MariaDbOptions::default() };
            let (mariadb, radosgw) = (MariaDb::start(options)?, RadosGw::start()?);
            let (database, bucket) = (mariadb.database()?, radosgw.new_bucket()?);
            Ok(Servers { mariadb, radosgw, database, bucket })
        };
        start().map_err(|failure: String| {
            Fault::new(FaultKind::Store, "the demo's servers cannot be started")
                .found(failure)
                .hint("install what is missing, or run the demo without `--stores production`: it needs no server")
        })
    }

    /// What the settings say of them, as variables.
    pub(super) fn variables(&self) -> Vec<(String, String)> {
        let pairs = [
            ("STORAGE_ROOT", format!("s3://{}/shop", self.bucket)),
            ("STORAGE_ENDPOINT", self.radosgw.url()),
            ("STORAGE_PATH_STYLE", "true".to_owned()),
            ("STORAGE_ALLOW_HTTP", "true".to_owned()),
            ("STORAGE_CREDENTIALS", "keys".to_owned()),
            ("STORAGE_ACCESS_KEY_ID", MART.id.to_owned()),
            ("STORAGE_SECRET_ACCESS_KEY", MART.secret.to_owned()),
            ("DATABASE_URL", self.database_url()),
            ("DATABASE_PASSWORD", MariaDb::PASSWORD.to_owned()),
        ];
        pairs.into_iter().map(|(name, value)| (format!("TILLMART_{name}"), value)).collect()
    }

    /// Where they are, in words.
    pub(super) fn told(&self) -> String {
        format!(
            "Its files and tables are in an S3 bucket of a RadosGW at {}, its database is a MariaDB at\n{}.\n\
             Both were started for the demo, and stop with it.\n",
            self.radosgw.url(),
            self.database_url()
        )
    }

    fn database_url(&self) -> String {
        format!("mysql://{}@{}:{}/{}", MariaDb::USER, MariaDb::HOST, self.mariadb.port(), self.database)
    }
}
