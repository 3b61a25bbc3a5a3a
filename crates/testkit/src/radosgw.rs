//! RadosGW: S3 as a production-grade server speaks it.
//!
//! A Ceph cluster takes ten seconds to start and a gateway a fifth of one, so one cluster serves all tests of the machine, whatever
//! process they run in, and each [`RadosGw`] has a gateway of its own, which it may kill. Every test makes buckets of its own.
//! The cluster belongs to a keeper (`radosgw.sh`), which stops it by process id once no test has held its lock for 15 seconds;
//! the kernel lets go of the lock when a test ends, however it ends.

use crate::process::{Running, free_port, program, waited};
use object_store::aws::{AwsAuthorizer, AwsCredential};
use object_store::client::{HttpConnector, HttpRequestBody, ReqwestConnector};
use std::fs::File;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Debian packages that everything here comes from.
const PACKAGES: &str = "--no-install-recommends ceph-mon ceph-osd radosgw ceph-common";

/// How long the cluster may take on a busy machine.
const CLUSTER_START: Duration = Duration::from_secs(180);

/// How long a gateway may take on a busy machine.
const GATEWAY_START: Duration = Duration::from_secs(60);

/// Keys of a user of the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keys {
    /// Access key id.
    pub id: &'static str,
    /// Secret access key.
    pub secret: &'static str,
}

/// Owns every bucket that [`RadosGw`] makes.
pub const MART: Keys = Keys { id: "MARTACCESSKEY", secret: "mart-secret-key" };

/// Another user, who may do nothing in them before a policy says so.
pub const GUEST: Keys = Keys { id: "GUESTACCESSKEY", secret: "guest-secret-key" };

/// A gateway of this test's own, on a cluster that all tests share. Stopped by its process id when this is dropped.
#[derive(Debug)]
pub struct RadosGw {
    gateway: Running,
    port: u16,
    logs: TempDir,
    cluster: Cluster,
}

impl RadosGw {
    /// Starts a gateway, and the cluster when no test before has.
    ///
    /// # Errors
    /// A sentence that says what to install, or why a server did not start.
    pub fn start() -> Result<RadosGw, String> {
        let cluster = Cluster::join()?;
        let logs = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
        let port = free_port()?;
        let gateway = start_gateway(&cluster, port, logs.path())?;
        Ok(RadosGw { gateway, port, logs, cluster })
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Makes a bucket that no other test has, and returns its name.
    ///
    /// # Errors
    /// A sentence with what the gateway answered.
    pub fn new_bucket(&self) -> Result<String, String> {
        let random = std::fs::read_to_string("/proc/sys/kernel/random/uuid")
            .map_err(|error| format!("no random name for a bucket: {error}"))?;
        let name = format!("mart-{}", random.trim());
        self.signed("PUT", &format!("/{name}"), "")?;
        Ok(name)
    }

    /// Lets [`GUEST`] do these things in a bucket, e.g. `s3:GetObject`, and nothing else.
    ///
    /// # Errors
    /// A sentence with what the gateway answered.
    pub fn allow_guest(&self, bucket: &str, actions: &[&str]) -> Result<(), String> {
        let actions: Vec<String> = actions.iter().map(|action| format!("\"{action}\"")).collect();
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":["arn:aws:iam:::user/guest"]}},
            "Action":[{}],"Resource":["arn:aws:s3:::{bucket}","arn:aws:s3:::{bucket}/*"]}}]}}"#,
            actions.join(",")
        );
        self.signed("PUT", &format!("/{bucket}?policy"), &policy).map(drop)
    }

    /// Uploads in parts that were begun in a bucket and neither finished nor aborted.
    ///
    /// # Errors
    /// A sentence with what the gateway answered.
    pub fn unfinished_uploads(&self, bucket: &str) -> Result<usize, String> {
        Ok(self.signed("GET", &format!("/{bucket}?uploads"), "")?.matches("<UploadId>").count())
    }

    /// Puts an object under a key that a client library may not be able to name; `key` is percent-encoded.
    ///
    /// # Errors
    /// A sentence with what the gateway answered.
    pub fn put_raw(&self, bucket: &str, key: &str, body: &str) -> Result<(), String> {
        self.signed("PUT", &format!("/{bucket}/{key}"), body).map(drop)
    }

    /// Ends the gateway at once, as a power cut would; what was acknowledged stays.
    pub fn kill(&mut self) {
        self.gateway.kill();
    }

    /// Starts the gateway again, on the same port.
    ///
    /// # Errors
    /// A sentence when it does not start.
    pub fn restart(&mut self) -> Result<(), String> {
        self.gateway.kill();
        self.gateway = start_gateway(&self.cluster, self.port, self.logs.path())?;
        Ok(())
    }

    /// Sends one signed request and returns the body of the answer.
    fn signed(&self, method: &str, path: &str, body: &str) -> Result<String, String> {
        let credential = AwsCredential { key_id: MART.id.to_owned(), secret_key: MART.secret.to_owned(), token: None };
        let wrong = |error: &dyn std::fmt::Display| format!("{method} {path} at the RadosGW: {error}");
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url()))
            .header("content-length", body.len())
            .body(HttpRequestBody::from(body.to_owned()))
            .map_err(|error| wrong(&error))?;
        AwsAuthorizer::new(&credential, "s3", "us-east-1").authorize(&mut request, None);
        // A thread of its own: the caller may be on a runtime, which must not be blocked by another.
        let answered = std::thread::scope(|scope| {
            let sent = scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.map_err(|error| error.to_string())?.block_on(async move {
                    let options = object_store::ClientOptions::new().with_allow_http(true);
                    let client = ReqwestConnector::default().connect(&options).map_err(|error| error.to_string())?;
                    let answer = client.execute(request).await.map_err(|error| error.to_string())?;
                    let status = answer.status();
                    let bytes = answer.into_body().bytes().await.map_err(|error| error.to_string())?;
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    if status.is_success() { Ok(text) } else { Err(format!("{status}: {text}")) }
                })
            });
            sent.join().unwrap_or_else(|_| Err("the request panicked".to_owned()))
        });
        answered.map_err(|error| wrong(&error))
    }
}

fn start_gateway(cluster: &Cluster, port: u16, logs: &Path) -> Result<Running, String> {
    let log = logs.join("radosgw.log");
    let mut command = Command::new(program("radosgw", PACKAGES)?);
    command
        .env("CEPH_CONF", cluster.run().join("ceph.conf"))
        .args(["-f", "-n", "client.admin"])
        .arg(format!("--keyring={}", cluster.run().join("keyring").display()))
        .arg(format!("--rgw-data={}", logs.display()))
        .arg(format!("--admin-socket={}", logs.join("socket").display()))
        .arg(format!("--log-file={}", logs.join("gateway.log").display()))
        .arg(format!("--rgw-frontends=beast endpoint=127.0.0.1:{port} tcp_nodelay=1"));
    let mut gateway = Running::start(&mut command, &log)?;
    note_gateway(cluster, gateway.id())?;
    let ready = waited(GATEWAY_START, || !gateway.is_alive() || answers(port));
    if ready && gateway.is_alive() {
        return Ok(gateway);
    }
    let told = std::fs::read_to_string(&log).unwrap_or_default();
    Err(format!("radosgw did not start:\n{told}"))
}

/// Tells the keeper of a gateway, which it ends with the cluster should the test be killed and leave it behind.
fn note_gateway(cluster: &Cluster, id: u32) -> Result<(), String> {
    use std::io::Write;
    let file = cluster.run().join("gateways");
    let opened = std::fs::OpenOptions::new().create(true).append(true).open(&file);
    let noted = opened.and_then(|mut file| file.write_all(format!("{id}\n").as_bytes()));
    noted.map_err(|error| format!("cannot write {}: {error}", file.display()))
}

/// Whether the gateway answers requests: it listens a little before it can.
fn answers(port: u16) -> bool {
    use std::io::{Read, Write};
    let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", port)) else { return false };
    let asked = stream.write_all(b"GET / HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n");
    let mut start = [0; 9];
    asked.is_ok() && stream.read_exact(&mut start).is_ok() && start.starts_with(b"HTTP/1.")
}

/// The cluster of this machine's tests, held as long as this lives.
#[derive(Debug)]
struct Cluster {
    folder: PathBuf,
    /// Holds the shared lock that the keeper watches.
    _in_use: File,
}

impl Cluster {
    /// Joins the cluster that runs, or starts one.
    fn join() -> Result<Cluster, String> {
        for name in ["ceph-mon", "ceph-osd", "ceph", "radosgw-admin", "radosgw"] {
            program(name, PACKAGES)?;
        }
        let folder = folder()?;
        let starting = lock_file(&folder.join("start.lock"))?;
        starting.lock().map_err(|error| format!("cannot lock {}: {error}", folder.display()))?;
        let in_use = lock_file(&folder.join("use.lock"))?;
        in_use.lock_shared().map_err(|error| format!("cannot lock {}: {error}", folder.display()))?;
        let cluster = Cluster { folder, _in_use: in_use };
        if !cluster.is_up() {
            cluster.end_what_is_left();
            cluster.start()?;
        }
        Ok(cluster)
    }

    fn run(&self) -> PathBuf {
        self.folder.join("run")
    }

    /// Whether keeper, monitor and OSD of the folder's cluster live.
    fn is_up(&self) -> bool {
        let run = self.run();
        run.join("ready").exists() && self.processes().len() == 3
    }

    /// Process ids of the folder's cluster that are still its own: an id may have gone to somebody else.
    fn processes(&self) -> Vec<u32> {
        let run = self.run();
        let noted = ["keeper.pid", "pids"].map(|name| std::fs::read_to_string(run.join(name)).unwrap_or_default());
        let ids = noted.iter().flat_map(|text| text.split_whitespace()).filter_map(|id| id.parse().ok());
        ids.filter(|id| {
            let environment = std::fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
            let wanted = format!("TILLMART_RADOSGW={}", self.folder.display());
            environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
        })
        .collect()
    }

    /// A keeper that was killed leaves its servers behind.
    fn end_what_is_left(&self) {
        for id in self.processes() {
            let _ = Command::new("kill").args(["-9", &id.to_string()]).status();
        }
        let _ = waited(Duration::from_secs(10), || self.processes().is_empty());
    }

    fn start(&self) -> Result<(), String> {
        let script = self.folder.join("radosgw.sh");
        std::fs::write(&script, include_str!("radosgw.sh")).map_err(|error| format!("no script: {error}"))?;
        let failed = self.folder.join("failed");
        let _ = std::fs::remove_file(&failed);
        let _ = std::fs::remove_dir_all(self.run());
        // A session of its own: it outlives this test and serves the next ones.
        let started = Command::new("setsid")
            .args(["--fork", "sh"])
            .arg(&script)
            .arg(&self.folder)
            .args([free_port()?.to_string(), free_port()?.to_string()])
            .env("TILLMART_RADOSGW", &self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        started.map_err(|error| format!("cannot start the Ceph cluster: {error}"))?;
        let ready = self.run().join("ready");
        waited(CLUSTER_START, || ready.exists() || failed.exists());
        if ready.exists() {
            return Ok(());
        }
        let told = std::fs::read_to_string(&failed).unwrap_or_else(|_| "it took too long".to_owned());
        Err(format!("the Ceph cluster did not start:\n{told}"))
    }
}

/// The folder that the tests of this user share.
fn folder() -> Result<PathBuf, String> {
    let user = std::env::var("USER").unwrap_or_else(|_| "tests".to_owned());
    let folder = std::env::temp_dir().join(format!("tillmart-radosgw-{user}"));
    match std::fs::DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(format!("cannot make {}: {error}", folder.display()))
        }
        _ => Ok(folder),
    }
}

fn lock_file(path: &Path) -> Result<File, String> {
    let opened = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(path);
    opened.map_err(|error| format!("cannot open {}: {error}", path.display()))
}
