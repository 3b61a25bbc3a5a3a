//! The canaries again, on real servers: a run that goes well, and one for each way in which servers refuse.

use crate::canary::{Cage, canary, nothing_sings};
use crate::shop::csv;
use std::path::Path;
use tillmart_lake::Store;
use tillmart_model::{Credentials, Secret, StoreAccess};
use tillmart_testkit::{GUEST, MART, MariaDb, MariaDbOptions, RadosGw};

/// Who logs in to the database. The password is a canary, and so are the keys of the store.
const USER: &str = "singer";
const PASSWORD: &str = "TILLMART_DATABASE_PASSWORD";
const KEY: &str = "TILLMART_STORAGE_SECRET_ACCESS_KEY";
const ID: &str = "TILLMART_STORAGE_ACCESS_KEY_ID";
const TOKEN: &str = "TILLMART_STORAGE_SESSION_TOKEN";

/// Both servers, and a project in production on them.
struct Production {
    cage: Cage,
    store: RadosGw,
    database: MariaDb,
    bucket: String,
    schema: String,
}

impl Production {
    fn start() -> Production {
        let store = RadosGw::start().unwrap();
        let options = MariaDbOptions { certificate_for: vec![MariaDb::HOST.to_owned()], ..MariaDbOptions::default() };
        let database = MariaDb::start(options).unwrap();
        let (bucket, schema) = (store.new_bucket().unwrap(), database.database().unwrap());
        let password = canary(PASSWORD).replace('\\', "\\\\").replace('\'', "''");
        let host = MariaDb::HOST;
        database
            .sql(&format!(
                "CREATE USER {USER}@'{host}' IDENTIFIED BY '{password}'; GRANT ALL ON {schema}.* TO {USER}@'{host}';"
            ))
            .unwrap();
        let mut cage = Cage::with_variables();
        cage.shop.settings(&format!(
            "[env.prod.storage]\nroot = \"s3://{bucket}/shop\"\nendpoint = \"{}\"\nallow_http = true\ncredentials = \"keys\"\n\
             [env.prod.database]\nurl = \"mysql://{USER}@{host}:{}/{schema}\"\ntls = \"verify_identity\"\nauthorities = \"{}\"\n\
             [env.prod.run]\nallow_insecure = [\"storage.allow_http\"]\n",
            store.url(),
            database.port(),
            database.authorities().unwrap().display()
        ));
        cage.unset(TOKEN);
        cage.encrypt(PASSWORD, &canary(PASSWORD), &["--env", "prod"]);
        cage.put_aside(KEY, MART.secret);
        cage.set(ID, MART.id);
        cage.set("TILLMART_ENV", "prod");
        Production { cage, store, database, bucket, schema }
    }

    /// The store as its owner sees it.
    fn objects(&self) -> Store {
        let credentials = Credentials::Keys { id: Secret::new(MART.id), key: Secret::new(MART.secret), token: None };
        let endpoint = Some(self.store.url());
        let access =
            StoreAccess { endpoint, path_style: true, allow_http: true, credentials, ..StoreAccess::default() };
        Store::open(&format!("s3://{}/shop", self.bucket), Path::new("."), &access).unwrap()
    }

    fn deliver(&self, name: &str) {
        let good = ["1,1,Tea,2024-05-03,11,2.50,2,5.00"; 12];
        let text = csv(&[&good[..], &["x,1,Tea,2024-05-03,11,2.50,2,5.00"]].concat());
        let text = format!("{text}3,1,{name},2024-05-03,11,2.50,2,5.00\n");
        runtime().block_on(self.objects().write(&format!("sales_data/{name}"), text.into_bytes())).unwrap();
    }

    /// No file, no object and no row has a canary.
    fn nothing_written(&self) {
        self.cage.nothing_written();
        let objects = self.objects();
        let runtime = runtime();
        let found = runtime.block_on(objects.list("")).unwrap();
        assert!(found.len() > 5, "tables, manifests and archive are here: {found:?}");
        for one in found {
            nothing_sings(one.path.as_bytes(), "an object's name");
            nothing_sings(&runtime.block_on(objects.read(&one.path)).unwrap(), &one.path);
        }
        let tables = self.database.sql(&format!("SHOW TABLES IN {}", self.schema)).unwrap();
        assert!(tables.lines().count() > 5, "{tables}");
        for table in tables.lines() {
            let rows = self.database.sql(&format!("SELECT * FROM {}.{table}", self.schema)).unwrap();
            nothing_sings(rows.as_bytes(), table);
        }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// The whole life of two files on S3 and MySQL, over TLS, in the profile `prod`.
#[test]
fn no_canary_is_seen_in_production() {
    let production = Production::start();
    let cage = &production.cage;
    cage.call(&["config", "show"], &[]).ended(0);
    cage.call(&["db", "migrate"], &[]).ended(0);
    let dimensions = cage.shop.folder().join("dimensions");
    cage.call(&["dimensions", "load", dimensions.to_str().unwrap()], &[]).ended(0);
    production.deliver("day.csv");
    production.deliver("tea's day; --.csv");
    cage.call(&["run", "--dry-run"], &[]).ended(0);
    let summary = cage.call(&["run", "--json"], &[]).ended(1).json();
    assert_eq!((&summary["files_landed"], &summary["rows_landed"]), (&2.into(), &26.into()), "{summary}");
    cage.call(&["run"], &[]).ended(0);
    for looks in [&["verify"][..], &["status"], &["doctor"], &["rejects", "list"], &["files", "list", "--json"]] {
        cage.call(looks, &[]).ended(0);
    }
    let told =
        cage.call(&["query", "--csv", "SELECT sum(total_sales) AS total FROM customers_data_mart"], &[]).ended(0);
    assert_eq!(told.out, "total\n130.00\n");
    cage.call(&["secrets", "check"], &[]).ended(0);
    production.nothing_written();
}

#[test]
fn no_canary_is_seen_when_servers_refuse() {
    let production = Production::start();
    let cage = &production.cage;
    let (bucket, schema) = (&production.bucket, &production.schema);
    cage.call(&["db", "migrate"], &[]).ended(0);
    let dimensions = cage.shop.folder().join("dimensions");
    cage.call(&["dimensions", "load", dimensions.to_str().unwrap()], &[]).ended(0);
    production.deliver("day.csv");
    production.store.allow_guest(bucket, &["s3:ListBucket", "s3:GetObject"]).unwrap();
    let (host, port) = (MariaDb::HOST, production.database.port());
    let reader = format!(
        "CREATE USER reader@'{host}' IDENTIFIED BY 'c4naRyS1ngs'; GRANT SELECT ON {schema}.* TO reader@'{host}';"
    );
    production.database.sql(&reader).unwrap();
    let elsewhere =
        MariaDbOptions { certificate_for: vec!["elsewhere.example".to_owned()], ..MariaDbOptions::default() };
    let elsewhere = MariaDb::start(elsewhere).unwrap();
    let (plain, wrong) = (MariaDb::shared().unwrap(), canary("wrong"));
    let url = |user: &str, port: u16, schema: &str| format!("mysql://{user}@{host}:{port}/{schema}");
    let (other_host, without_tls) = (url(USER, elsewhere.port(), schema), url(USER, plain.port(), schema));
    let (reading, nowhere) = (url("reader", port, schema), url(USER, port, "nowhere"));
    let authorities = elsewhere.authorities().unwrap().display().to_string();
    const URL: &str = "TILLMART_DATABASE_URL";
    let refusals: [(&str, &[(&str, &str)]); 12] = [
        ("wrong secret", &[(KEY, &wrong)]),
        ("unknown key", &[(ID, "c4naRyS1ngsID")]),
        ("missing bucket", &[("TILLMART_STORAGE_ROOT", "s3://no-such-bucket-here/shop")]),
        ("read-only bucket", &[(ID, GUEST.id), (KEY, GUEST.secret)]),
        // The gateway does not look at the token of keys that it knows.
        ("token of keys that ran out", &[(ID, "c4naRyS1ngsID"), (TOKEN, &wrong)]),
        ("anonymous", &[("TILLMART_STORAGE_CREDENTIALS", "anonymous")]),
        ("wrong password", &[(PASSWORD, &wrong)]),
        ("unknown database", &[(URL, &nowhere)]),
        ("missing privilege", &[(URL, &reading), (PASSWORD, "c4naRyS1ngs")]),
        ("unknown user", &[(URL, &url("nobody", port, schema))]),
        (
            "TLS required and absent",
            &[(URL, &without_tls), ("TILLMART_DATABASE_TLS", "required"), ("TILLMART_DATABASE_AUTHORITIES", "")],
        ),
        ("certificate of another host", &[(URL, &other_host), ("TILLMART_DATABASE_AUTHORITIES", &authorities)]),
    ];
    for (story, variables) in refusals {
        for arguments in [&["run"][..], &["run", "--json"], &["doctor", "--json"], &["db", "migrate"], &["status"]] {
            let told = cage.call(arguments, variables);
            assert!(told.code == 2 || arguments[0] != "run", "{story}: {told:?}");
        }
    }
    // Nothing was left that the right keys would stumble over.
    cage.call(&["run"], &[]).ended(1);
    cage.call(&["verify"], &[]).ended(0);
    production.nothing_written();
}
