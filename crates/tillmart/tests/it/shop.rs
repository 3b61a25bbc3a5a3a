//! A small shop in a temporary folder, and the binary that works on it.

use crate::servers::{Rented, Servers, Variable};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use tempfile::TempDir;

/// The header of a sales file.
pub(crate) const HEADER: &str =
    "customer_id,store_id,product_name,sales_date,sales_person_id,price,quantity,total_cost\n";

/// Files are taken at once, and few buckets keep the runs short.
const SETTINGS: &str = "[feed]\nmin_age = \"0s\"\n[marts]\ncustomer_buckets = 2\n[run]\ntasks = 2\n";

/// Customers 1 to 3, stores 1 and 2, sales persons 11 and 12 of store 1 and 21 of store 2, Tea and Coffee.
const DIMENSIONS: [(&str, &str); 4] = [
    (
        "customer.csv",
        "customer_id,first_name,last_name,address,pincode,phone_number,customer_joining_date\n\
         1,Ada,Byron,1 Mill Lane,10001,9001,2020-01-01\n2,Ben,Okri,2 Mill Lane,10002,9002,2020-01-01\n\
         3,Chen,Li,3 Mill Lane,10003,9003,2020-01-01\n",
    ),
    (
        "store.csv",
        "id,address,store_pincode,store_manager_name,store_opening_date,reviews\n\
         1,North,20001,Nora,2019-01-01,\n2,South,20002,Said,2019-01-01,\n",
    ),
    (
        "product.csv",
        "id,name,current_price,old_price,created_date,updated_date,expiry_date\n\
         1,Tea,2.50,2.50,2020-01-01,,\n2,Coffee,4.00,4.00,2020-01-01,,\n",
    ),
    (
        "sales_team.csv",
        "id,first_name,last_name,manager_id,is_manager,address,pincode,joining_date\n\
         1,Mona,Boss,,Y,Head office,30000,2019-01-01\n11,Sam,One,1,N,North,30001,2019-01-01\n\
         12,Sue,Two,1,N,North,30002,2019-01-01\n21,Tom,Three,1,N,South,30003,2019-01-01\n",
    ),
];

/// What a call of the binary came to.
#[derive(Debug)]
pub(crate) struct Told {
    /// The exit code; a signal as its negative number.
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Told {
    pub(crate) fn of(output: Output) -> Told {
        let signal = || -output.status.signal().unwrap_or_default();
        Told {
            code: output.status.code().unwrap_or_else(signal),
            out: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            err: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
        }
    }

    /// Asserts how the call ended.
    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Told {
        assert!(!self.err.contains("panicked"), "a panic:\n{}", self.err);
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// Stdout as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.out, self.err))
    }
}

/// A project of its own: in its folder, or on servers.
pub(crate) struct Shop {
    folder: TempDir,
    served: Option<Served>,
}

/// Where a shop on servers lives.
struct Served {
    servers: Arc<Servers>,
    rented: Rented,
    variables: Vec<Variable>,
}

impl Shop {
    /// A project with the small dimensions above, and no mart but the built-in ones.
    pub(crate) fn new() -> Shop {
        Shop::furnished(None)
    }

    /// The same on servers, with a database and a bucket of its own.
    pub(crate) fn on(servers: &Arc<Servers>) -> Shop {
        let rented = servers.rent();
        let variables = servers.variables(&rented);
        Shop::furnished(Some(Served { servers: Arc::clone(servers), rented, variables }))
    }

    fn furnished(served: Option<Served>) -> Shop {
        let shop = Shop::made(served);
        let dimensions = shop.folder().join("dimensions");
        fs::create_dir(&dimensions).unwrap();
        for (name, text) in DIMENSIONS {
            fs::write(dimensions.join(name), text).unwrap();
        }
        shop.load_dimensions(&dimensions);
        shop
    }

    /// A project whose dimension tables are empty.
    pub(crate) fn bare() -> Shop {
        Shop::made(None)
    }

    fn made(served: Option<Served>) -> Shop {
        let shop = Shop { folder: tempfile::tempdir().unwrap(), served };
        let folder = shop.folder().to_str().unwrap();
        shop.tillmart(&["init", folder]).ended(0);
        fs::remove_dir_all(shop.folder().join("marts")).unwrap();
        shop.settings("");
        shop
    }

    /// An empty folder, for a project that the test makes.
    pub(crate) fn empty_folder() -> Shop {
        Shop { folder: tempfile::tempdir().unwrap(), served: None }
    }

    /// A copy of this project as it is now.
    pub(crate) fn copy(&self) -> Shop {
        let folder = tempfile::tempdir().unwrap();
        copy_folder(self.folder(), folder.path());
        Shop { folder, served: None }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn storage(&self, path: &str) -> PathBuf {
        self.folder().join("storage").join(path)
    }

    /// Writes the settings anew: those of every test, and these.
    pub(crate) fn settings(&self, more: &str) {
        fs::write(self.folder().join("tillmart.toml"), format!("{SETTINGS}{more}")).unwrap();
    }

    pub(crate) fn load_dimensions(&self, path: &Path) {
        self.tillmart(&["dimensions", "load", path.to_str().unwrap()]).ended(0);
    }

    /// A call of the binary on this project. Settings in this process's environment are kept from it.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tillmart"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TILLMART_")) {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).arg("--project").arg(self.folder()).args(arguments);
        if let Some(served) = &self.served {
            command.envs(served.variables.iter().map(|(name, value)| (name, value)));
        }
        command
    }

    /// What a shop on servers has there.
    pub(crate) fn rented(&self) -> &Rented {
        &self.served.as_ref().expect("a shop on servers").rented
    }

    /// Starts a call that stops at a point of the flow and waits there.
    pub(crate) fn start_held(&self, arguments: &[&str], point: &str) -> Held {
        let file = self.folder().join("held");
        let child = self
            .command(arguments)
            .env("TILLMART_HOLD_AT", format!("{point}:{}", file.display()))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut held = Held { child: Some(child), file };
        while !held.file.exists() {
            let ended = held.child.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "it ended before it came to {point}: {ended:?}");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        held
    }

    pub(crate) fn tillmart(&self, arguments: &[&str]) -> Told {
        Told::of(self.command(arguments).output().unwrap())
    }

    pub(crate) fn tillmart_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Told {
        Told::of(self.command(arguments).envs(variables.iter().copied()).output().unwrap())
    }

    /// `run --json`, which must end with this code.
    #[track_caller]
    pub(crate) fn run(&self, code: i32) -> Value {
        self.tillmart(&["run", "--json"]).ended(code).json()
    }

    /// `verify`, which must find every mart good.
    #[track_caller]
    pub(crate) fn verified(&self) {
        self.tillmart(&["verify"]).ended(0);
    }

    /// Puts a source file into the incoming area, under a name that hides it until it is whole.
    pub(crate) fn deliver(&self, name: &str, bytes: impl AsRef<[u8]>) {
        if let Some(served) = &self.served {
            return served.servers.deliver(&served.rented, name, bytes.as_ref());
        }
        let path = self.storage("sales_data").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let hidden = path.with_file_name(".coming");
        fs::write(&hidden, bytes).unwrap();
        fs::rename(hidden, path).unwrap();
    }

    /// Delivers rows below the usual header.
    pub(crate) fn deliver_rows(&self, name: &str, rows: &[&str]) {
        self.deliver(name, csv(rows));
    }

    /// `query --json`.
    #[track_caller]
    pub(crate) fn query(&self, sql: &str) -> Value {
        self.tillmart(&["query", "--json", sql]).ended(0).json()
    }

    /// Source files by path, each the newest of its name, as `files list --json` shows them.
    #[track_caller]
    pub(crate) fn files(&self) -> BTreeMap<String, Value> {
        let list = self.tillmart(&["files", "list", "--json", "--limit", "0"]).ended(0).json();
        let files = list.as_array().unwrap().iter().rev();
        files.map(|file| (file["found"]["path"].as_str().unwrap().to_owned(), file.clone())).collect()
    }

    /// Paths and bytes below an area of the storage.
    pub(crate) fn area(&self, area: &str) -> BTreeMap<String, Vec<u8>> {
        let root = self.storage(area);
        let mut files = BTreeMap::new();
        walk(&root, &mut |path| {
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            files.insert(name, fs::read(path).unwrap());
        });
        files
    }

    pub(crate) fn names(&self, area: &str) -> Vec<String> {
        self.area(area).into_keys().collect()
    }

    pub(crate) fn database(&self) -> Connection {
        Connection::open(self.folder().join("tillmart.db")).unwrap()
    }

    /// Rows of the database as text, read by SQLite itself.
    pub(crate) fn rows(&self, sql: &str) -> Vec<String> {
        let file = self.folder().join("tillmart.db");
        let database = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let mut statement = database.prepare(sql).unwrap();
        let columns = statement.column_count();
        let row_text = |row: &rusqlite::Row<'_>| {
            let values: Vec<String> = (0..columns).map(|at| value_text(row.get_ref_unwrap(at))).collect();
            Ok(values.join("|"))
        };
        statement.query_map([], row_text).unwrap().map(Result::unwrap).collect()
    }

    /// Every mart of the database and its state, rows in the order of their keys.
    pub(crate) fn marts(&self) -> BTreeMap<String, Vec<String>> {
        let tables = self.rows(
            "SELECT name FROM sqlite_schema WHERE type = 'table'
             AND (name LIKE '%\\_data\\_mart' ESCAPE '\\' OR name LIKE 'tillmart\\_state\\_%' ESCAPE '\\') ORDER BY name",
        );
        let read = |table: &String| {
            let table = table.trim_matches('\'');
            (table.to_owned(), self.rows(&format!("SELECT * FROM {table} ORDER BY 1, 2, 3, 4")))
        };
        tables.iter().map(read).collect()
    }

    /// Rows of the Delta tables, without batch, and with the source file's path in the place of its id.
    pub(crate) fn lake(&self) -> Vec<Value> {
        self.query(LAKE).as_array().unwrap().clone()
    }
}

/// A call that waits at a point of the flow.
pub(crate) struct Held {
    child: Option<Child>,
    file: PathBuf,
}

impl Held {
    /// Lets it go on.
    pub(crate) fn let_go(&self) {
        fs::remove_file(&self.file).unwrap();
    }

    /// Waits for its end.
    pub(crate) fn ended(mut self) -> Told {
        Told::of(self.child.take().unwrap().wait_with_output().unwrap())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Every Delta table of the built-in marts in one list of texts.
const LAKE: &str = "
WITH rows AS (
    SELECT 'sales' AS which, source_file_id AS id, source_line AS line, concat_ws('|', CAST(customer_id AS VARCHAR),
        CAST(store_id AS VARCHAR), product_name, CAST(sales_date AS VARCHAR), CAST(sales_person_id AS VARCHAR),
        CAST(price AS VARCHAR), CAST(quantity AS VARCHAR), CAST(total_cost AS VARCHAR), additional_column,
        sales_person_first_name, sales_person_address, CAST(manager_id AS VARCHAR), is_manager, store_manager_name,
        sales_month) AS said
    FROM sales_data_mart
    UNION ALL
    SELECT 'customer', source_file_id, 0, concat_ws('|', CAST(customer_id AS VARCHAR), first_name, last_name, address,
        pincode, phone_number, CAST(sales_date AS VARCHAR), CAST(total_cost AS VARCHAR))
    FROM customer_data_mart
    UNION ALL
    SELECT 'reject', source_file_id, line, concat_ws('|', file, CAST(byte_offset AS VARCHAR), column_name, code, message,
        CASE WHEN replayed_batch_id IS NULL THEN 'open' ELSE 'replayed' END)
    FROM sales_rejects
)
SELECT r.which, f.path, r.line, r.said
FROM rows AS r LEFT JOIN product_staging_table AS f ON f.id = r.id
ORDER BY 1, 2, 3, 4";

/// A sales file of these rows.
pub(crate) fn csv(rows: &[&str]) -> String {
    let mut text = HEADER.to_owned();
    for row in rows {
        text.push_str(row);
        text.push('\n');
    }
    text
}

/// The path of a file below the repository's `examples/`.
pub(crate) fn example(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(path)
}

/// A fixture's path.
pub(crate) fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path)
}

/// Files of a folder, by name.
pub(crate) fn files_of(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    walk(folder, &mut |path| files.push(path.to_owned()));
    files.sort();
    files
}

/// Money of the database's text in cents.
pub(crate) fn cents(text: &str) -> i128 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "00"));
    assert_eq!(fraction.len(), 2, "{text}");
    format!("{whole}{fraction}").parse().unwrap()
}

fn value_text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Text(text) => format!("'{}'", String::from_utf8_lossy(text)),
        ValueRef::Real(_) => panic!("a float in the database"),
        ValueRef::Blob(bytes) => format!("{} bytes", bytes.len()),
    }
}

fn walk(folder: &Path, each: &mut dyn FnMut(&Path)) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, each) } else { each(&path) }
    }
}

fn copy_folder(from: &Path, to: &Path) {
    walk(from, &mut |path| {
        let target = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(path, target).unwrap();
    });
    // Areas that are empty are there too.
    for area in ["sales_data", "sales_data_processed", "sales_data_error"] {
        fs::create_dir_all(to.join("storage").join(area)).unwrap();
    }
}
