//! MariaDB's setting, and promises that only make sense there.

use crate::{Database, Setting};
use std::sync::Arc;
use tillmart_database::MySql;
use tillmart_model::{MySqlServer, Secret, TlsMode};
use tillmart_testkit::MariaDb;

/// A database of its own, on a server that the tests of a process share.
pub(crate) struct Fresh {
    server: Arc<MariaDb>,
    database: String,
}

impl Fresh {
    pub(crate) fn new() -> Self {
        let server = MariaDb::shared().unwrap_or_else(|said| panic!("{said}"));
        let database = server.database().expect("a database");
        Fresh { server, database }
    }
}

/// How a server's database is reached.
pub(crate) fn reached(server: &MariaDb, database: &str) -> MySqlServer {
    MySqlServer {
        host: MariaDb::HOST.to_owned(),
        port: server.port(),
        user: MariaDb::USER.to_owned(),
        password: Some(Secret::new(MariaDb::PASSWORD)),
        database: database.to_owned(),
        tls: TlsMode::Preferred,
        authorities: None,
        connections: 4,
    }
}

#[async_trait::async_trait]
impl Setting for Fresh {
    async fn open(&self) -> Arc<dyn Database> {
        Arc::new(MySql::open(&reached(&self.server, &self.database)).expect("opened"))
    }
}
