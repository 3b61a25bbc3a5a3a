//! What is said when MariaDB cannot be used, and what is kept when it goes away.

use crate::mariadb::Fresh;
use crate::scene::{
    FEED, alive, archive, at, claimed, committed, leased, migrated, paid, refused, state_rows, sums, target_rows,
    team_state, team_target, ttl,
};
use crate::{Database, Setting};
use std::path::PathBuf;
use std::sync::Arc;
use tillmart_database::{Dimension, Dimensions, Ledger, MySql, Publisher, Schema};
use tillmart_model::{BatchState, Fault, FaultKind, MySqlServer, Secret, TlsMode};
use tillmart_testkit::{Certificates, MariaDb, MariaDbOptions, Proxy, free_port};

/// A password that no message may show.
const CANARY: &str = "canary-3f9c-password";

/// The fault of the first use of a server.
async fn fault_of(server: &MySqlServer) -> Fault {
    let fault = refused(MySql::open(server).expect("opened").migrate().await, FaultKind::Database);
    for told in [fault.to_string(), format!("{fault:?}")] {
        for secret in [CANARY, MariaDb::PASSWORD] {
            assert!(!told.contains(secret), "{told}");
        }
    }
    assert!(fault.place.as_ref().is_some_and(|place| place.file.starts_with("mysql://")), "{fault}");
    fault
}

fn names(fault: &Fault, settings: &[&str]) {
    let hint = fault.hint.as_deref().unwrap_or_default();
    for setting in settings {
        assert!(hint.contains(setting), "{setting} in {fault}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_log_in_names_the_settings() {
    let fresh = Fresh::new();
    let right = fresh.reached();
    let wrong = MySqlServer { password: Some(Secret::new(CANARY)), ..right.clone() };
    let fault = fault_of(&wrong).await;
    names(&fault, &["database.password", "database.url"]);
    assert!(fault.what.contains("`tillmart`"), "{fault}");
    names(&fault_of(&MySqlServer { password: None, ..right.clone() }).await, &["database.password"]);
    names(&fault_of(&MySqlServer { user: "nobody".to_owned(), ..right.clone() }).await, &["database.url"]);
    let fault = fault_of(&MySqlServer { database: "no_such".to_owned(), ..right.clone() }).await;
    names(&fault, &["database.url", "CREATE DATABASE `no_such`"]);
    let fault = fault_of(&MySqlServer { port: free_port().expect("a port"), ..right.clone() }).await;
    names(&fault, &["database.url"]);
    assert!(fault.what.contains("cannot be reached"), "{fault}");
    let fault = fault_of(&MySqlServer { host: "no-such-host.invalid".to_owned(), ..right }).await;
    names(&fault, &["database.url"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_privilege_is_named() {
    let fresh = Fresh::new();
    migrated(&fresh).await;
    let own = format!("reader_{}", fresh.database);
    fresh.by_hand(&format!("CREATE USER {own}@'{}' IDENTIFIED BY '{CANARY}'", MariaDb::HOST));
    let reader = MySqlServer { user: own.clone(), password: Some(Secret::new(CANARY)), ..fresh.reached() };
    let fault = fault_of(&reader).await;
    assert!(fault.what.contains(&own) && fault.what.contains(&fresh.database), "{fault}");
    names(&fault, &["GRANT", "database.url"]);
    fresh.by_hand(&format!("GRANT SELECT ON {}.* TO {own}@'{}'", fresh.database, MariaDb::HOST));
    let database = MySql::open(&reader).expect("opened");
    database.check().await.expect("reading is enough for that");
    let fault = refused(database.acquire(FEED, "me", at(0), ttl(), &alive).await, FaultKind::Database);
    assert!(fault.what.contains(&own), "{fault}");
    names(&fault, &["GRANT", "database.url"]);
    let fault = refused(database.prepare(&team_state(), &team_target()).await, FaultKind::Database);
    assert!(fault.what.contains("CREATE") && !fault.to_string().contains(CANARY), "{fault}");
}

/// The privileges that `docs/mysql.md` asks for, and no other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documented_privileges_are_enough() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/mysql.md")).expect("the page");
    let granted = page.split_once("GRANT ").and_then(|(_, rest)| rest.split_once(" ON ")).expect("a GRANT").0;
    let fresh = Fresh::new();
    let own = format!("plain_{}", fresh.database);
    fresh.by_hand(&format!(
        "CREATE USER {own}@'{0}' IDENTIFIED BY '{CANARY}'; GRANT {granted} ON {1}.* TO {own}@'{0}'",
        MariaDb::HOST,
        fresh.database
    ));
    let server = MySqlServer { user: own, password: Some(Secret::new(CANARY)), ..fresh.reached() };
    let database = MySql::open(&server).expect("opened");
    database.migrate().await.expect("migrated");
    database.prepare(&team_state(), &team_target()).await.expect("prepared");
    let lease = leased(&database).await;
    let batch = committed(&database, &lease, &["a.csv"]).await;
    publication(&database, &lease, batch.id).await.expect("published");
    archive(&database, &lease, &batch).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("store.csv");
    std::fs::write(&file, "id,address\n1,here\n").expect("written");
    database.load_csv(Dimension::Store, &file).await.expect("loaded");
    for table in database.tables().await.expect("told") {
        database.read_table(&table).await.expect("read");
    }
}

fn tls_server(names: &[&str]) -> Fresh {
    let certificate_for = names.iter().map(|name| (*name).to_owned()).collect();
    Fresh::alone(MariaDbOptions { certificate_for, ..MariaDbOptions::default() })
}

fn with_tls(fresh: &Fresh, tls: TlsMode) -> MySqlServer {
    let authorities = fresh.server.authorities().map(PathBuf::from);
    MySqlServer { tls, authorities, ..fresh.reached() }
}

async fn migrates(server: &MySqlServer) {
    MySql::open(server).expect("opened").migrate().await.expect("migrated");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_is_as_strict_as_asked() {
    let named = tls_server(&[MariaDb::HOST]);
    // Whoever comes without TLS is refused from here on, so that each mode shows what it speaks.
    let user = format!("{}@'{}'", MariaDb::USER, MariaDb::HOST);
    named.by_hand(&format!("ALTER USER {user} REQUIRE SSL"));
    for tls in [TlsMode::Preferred, TlsMode::Required, TlsMode::VerifyCa, TlsMode::VerifyIdentity] {
        migrates(&with_tls(&named, tls)).await;
    }
    names(&fault_of(&with_tls(&named, TlsMode::Disabled)).await, &["database.tls"]);
    for tls in [TlsMode::VerifyCa, TlsMode::VerifyIdentity] {
        // The public authorities did not sign it, nor did another one.
        let public = MySqlServer { authorities: None, ..with_tls(&named, tls) };
        names(&fault_of(&public).await, &["database.authorities"]);
        let folder = tempfile::tempdir().expect("a folder");
        let other = Certificates::make(folder.path(), &["other".to_owned()]).expect("made").authorities;
        let other = MySqlServer { authorities: Some(other), ..public };
        names(&fault_of(&other).await, &["database.authorities"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_another_host_is_told() {
    let another = tls_server(&["shop.example", "10.1.2.3"]);
    migrates(&with_tls(&another, TlsMode::VerifyCa)).await;
    let fault = fault_of(&with_tls(&another, TlsMode::VerifyIdentity)).await;
    names(&fault, &["database.url", "verify_ca"]);
    assert!(fault.to_string().contains("shop.example"), "{fault}");
    let by_address = tls_server(&["10.1.2.3"]);
    migrates(&with_tls(&by_address, TlsMode::VerifyCa)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_tls_is_told() {
    let clear = Fresh::new();
    migrates(&MySqlServer { tls: TlsMode::Preferred, ..clear.reached() }).await;
    for tls in [TlsMode::Required, TlsMode::VerifyCa, TlsMode::VerifyIdentity] {
        names(&fault_of(&MySqlServer { tls, ..clear.reached() }).await, &["database.tls"]);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("authorities.pem");
    for text in [None, Some("no certificate")] {
        if let Some(text) = text {
            std::fs::write(&file, text).expect("written");
        }
        let server = MySqlServer { authorities: Some(file.clone()), tls: TlsMode::VerifyCa, ..clear.reached() };
        let fault = refused(MySql::open(&server), FaultKind::Database);
        names(&fault, &["database.authorities"]);
        assert!(fault.to_string().contains("authorities.pem"), "{fault}");
    }
}

/// A deployment's failover, or a patient administrator: everything goes on by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_server_is_found_again() {
    let fresh = Fresh::alone(MariaDbOptions { durable: true, ..MariaDbOptions::default() });
    let database = migrated(&fresh).await;
    let lease = leased(&*database).await;
    let batch = claimed(&*database, &lease, &["a.csv"]).await;
    fresh.server.kill();
    let server = Arc::clone(&fresh.server);
    let starting = std::thread::spawn(move || server.start_again());
    // Asked while nobody is there: it waits for the server.
    crate::scene::landed(&*database, &lease, &batch).await;
    starting.join().expect("no panic").expect("started again");
    let state = database.unfinished(FEED).await.expect("read").expect("one").state;
    assert_eq!(state, BatchState::Landed { manifest: "manifests/1.json".to_owned() });
}

const MAY: [crate::scene::Sum; 2] = [(7, "2024-05", 1, 19_850, 1_250, 2, 1), (9, "2024-05", 2, 19_850, -10, -1, 1)];

/// One publication: state and table of two persons.
async fn publication(
    database: &dyn Database,
    lease: &tillmart_database::Lease,
    batch_id: i64,
) -> tillmart_model::Result<()> {
    let mut publication = database.begin(lease, batch_id).await?;
    publication.merge(&team_state(), &sums(&MAY), 1).await?;
    let rows = [paid(&[(1, 7, Some("Zo\u{eb}"), "2024-05", 1_250), (2, 9, None, "2024-05", -10)])];
    publication.replace(&team_state(), &team_target(), &rows).await?;
    publication.commit(at(4)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_goes_during_a_publication_leaves_nothing_by_halves() {
    let fresh = Fresh::alone(MariaDbOptions { durable: true, ..MariaDbOptions::default() });
    let database = migrated(&fresh).await;
    database.prepare(&team_state(), &team_target()).await.expect("prepared");
    let lease = leased(&*database).await;
    let batch = committed(&*database, &lease, &[]).await;
    for round in 0..3 {
        let mut open = database.begin(&lease, batch.id).await.expect("begun");
        open.merge(&team_state(), &sums(&MAY), 1).await.expect("merged");
        if round == 1 {
            let rows = [paid(&[(1, 7, None, "2024-05", 5)])];
            open.replace(&team_state(), &team_target(), &rows).await.expect("replaced");
        }
        fresh.server.kill();
        fresh.server.start_again().expect("started again");
        let fault = if round == 2 {
            refused(open.touched(&team_state()).await.map(drop), FaultKind::Database)
        } else {
            refused(open.commit(at(4)).await, FaultKind::Database)
        };
        assert!(fault.hint.is_some(), "{fault}");
        assert_eq!(state_rows(&*database).await.num_rows(), 0);
        assert_eq!(target_rows(&*database).await.num_rows(), 0);
        database.renew(&lease, at(1), ttl()).await.expect("the gate is open again");
    }
    publication(&*database, &lease, batch.id).await.expect("done anew");
    assert_eq!(state_rows(&*database).await, sums(&MAY));
    let told = fresh.by_hand("SELECT store_id, sales_person_id, total_sales FROM sales_team_data_mart ORDER BY 1");
    assert_eq!(told, "1\t7\t12.50\n2\t9\t-0.10\n", "as another client reads it");
}

/// A database behind a proxy that loses answers.
struct Lossy {
    fresh: Fresh,
    proxy: Proxy,
}

impl Lossy {
    fn new() -> Self {
        let fresh = Fresh::new();
        let proxy = Proxy::to(fresh.server.port()).expect("a proxy");
        Lossy { fresh, proxy }
    }
}

#[async_trait::async_trait]
impl Setting for Lossy {
    async fn open(&self) -> Arc<dyn Database> {
        let server = MySqlServer { port: self.proxy.port(), tls: TlsMode::Disabled, ..self.fresh.reached() };
        Arc::new(MySql::open(&server).expect("opened"))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publication_whose_answer_was_lost_is_looked_up() {
    let lossy = Lossy::new();
    let database = migrated(&lossy).await;
    database.prepare(&team_state(), &team_target()).await.expect("prepared");
    let lease = leased(&*database).await;
    let batch = committed(&*database, &lease, &[]).await;
    lossy.proxy.lose_the_request(b"COMMIT");
    let fault = refused(publication(&*database, &lease, batch.id).await, FaultKind::Database);
    assert!(fault.hint.as_deref().is_some_and(|hint| hint.contains("begin it anew")), "{fault}");
    assert_eq!(state_rows(&*database).await.num_rows(), 0, "the server never heard of it");
    lossy.proxy.lose_the_answer_to(b"COMMIT");
    publication(&*database, &lease, batch.id).await.expect("it was kept, and found so");
    assert_eq!(lossy.proxy.cut(), 2);
    assert_eq!(state_rows(&*database).await, sums(&MAY), "once");
    refused(publication(&*database, &lease, batch.id).await, FaultKind::Promise);
    archive(&*database, &lease, &batch).await;
}

/// Every write of the ledger, its answer lost, then its request: each is found done or done again, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_answers_of_the_ledger_change_nothing() {
    let lossy = Lossy::new();
    let database = migrated(&lossy).await;
    let mut cuts = 0;
    for loses_answer in [true, false] {
        let mut lose = || {
            cuts += 1;
            match loses_answer {
                true => lossy.proxy.lose_the_answer_to(b"COMMIT"),
                false => lossy.proxy.lose_the_request(b"COMMIT"),
            }
        };
        lose();
        let lease = leased(&*database).await;
        lose();
        let path = if loses_answer { "a.csv" } else { "b.csv" };
        let batch = claimed(&*database, &lease, &[path]).await;
        lose();
        crate::scene::landed(&*database, &lease, &batch).await;
        lose();
        database.committed(&lease, batch.id, &crate::scene::versions(), at(3)).await.expect("committed");
        database.begin(&lease, batch.id).await.expect("begun").commit(at(4)).await.expect("published");
        lose();
        database.archived(&lease, &[(batch.files[0].id, "done".to_owned())], at(5)).await.expect("archived");
        lose();
        database.finished(&lease, batch.id, at(6)).await.expect("finished");
        lose();
        database.renew(&lease, at(6), ttl()).await.expect("renewed");
        lose();
        database.release(&lease).await.expect("released");
    }
    assert_eq!(lossy.proxy.cut(), cuts);
    let counted = "SELECT COUNT(*), COUNT(DISTINCT feed) FROM tillmart_batch WHERE state = 'finished'; \
                   SELECT COUNT(*) FROM product_staging_table WHERE status = 'I'; SELECT COUNT(*) FROM tillmart_run";
    assert_eq!(lossy.fresh.by_hand(counted), "2\t1\n2\n2\n");
}

/// An administrator's KILL, or a firewall that forgets: the next call makes a new connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_the_server_closed_are_made_anew() {
    let fresh = Fresh::new();
    let database = migrated(&fresh).await;
    let lease = leased(&*database).await;
    let batch = committed(&*database, &lease, &[]).await;
    let open = database.begin(&lease, batch.id).await.expect("begun");
    let ids = fresh.by_hand("SELECT GROUP_CONCAT(CONCAT('KILL ', id) SEPARATOR ';') FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()");
    fresh.by_hand(ids.trim());
    database.unfinished(FEED).await.expect("read");
    refused(open.commit(at(4)).await, FaultKind::Database);
    database.begin(&lease, batch.id).await.expect("begun anew").commit(at(4)).await.expect("published");
}
