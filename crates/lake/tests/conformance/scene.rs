//! A storage root in a backend, and the hands of everybody else who writes there.

use std::path::PathBuf;
use tempfile::TempDir;
use tillmart_lake::{Lake, Store};
use tillmart_model::{Credentials, Fault, FaultKind, Found, Result, Secret, StoreAccess};
use tillmart_testkit::{Keys, MART, RadosGw};

/// Where a scene lies.
pub(crate) enum Backend {
    /// A folder that is gone when this is dropped.
    Folder(TempDir),
    /// A bucket of a gateway of this test's own.
    RadosGw(Box<RadosGw>, String),
}

/// A storage root.
pub(crate) struct Scene {
    pub(crate) backend: Backend,
}

impl Scene {
    pub(crate) fn folder() -> Scene {
        Scene { backend: Backend::Folder(tempfile::tempdir().expect("a temporary folder")) }
    }

    pub(crate) fn radosgw() -> Scene {
        let server = RadosGw::start().unwrap_or_else(|why| panic!("{why}"));
        let bucket = server.new_bucket().unwrap_or_else(|why| panic!("{why}"));
        Scene { backend: Backend::RadosGw(Box::new(server), bucket) }
    }

    /// The server and the bucket of a scene that has them.
    pub(crate) fn server(&mut self) -> (&mut RadosGw, String) {
        match &mut self.backend {
            Backend::RadosGw(server, bucket) => (server, bucket.clone()),
            Backend::Folder(_) => panic!("a folder has no server"),
        }
    }

    /// The root as a process that starts opens it.
    pub(crate) fn store(&self) -> Store {
        match &self.backend {
            Backend::Folder(folder) => {
                Store::open("storage", folder.path(), &StoreAccess::default()).expect("a storage root")
            }
            Backend::RadosGw(server, bucket) => open(bucket, &access(&server.url(), MART)).expect("a storage root"),
        }
    }

    pub(crate) fn lake(&self) -> Lake {
        Lake::new(self.store())
    }

    /// The file of a path, in a folder.
    pub(crate) fn file(&self, path: &str) -> Option<PathBuf> {
        match &self.backend {
            Backend::Folder(folder) => Some(folder.path().join("storage").join(path)),
            Backend::RadosGw(..) => None,
        }
    }

    /// Delivers a file as somebody else would: in a folder under another name first, and moved.
    pub(crate) async fn put(&self, path: &str, bytes: &[u8]) {
        let Some(file) = self.file(path) else {
            return self.store().write(path, bytes.to_vec()).await.unwrap_or_else(|fault| panic!("{fault}"));
        };
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        let aside = self.file("aside").expect("a folder");
        std::fs::write(&aside, bytes).expect("written");
        std::fs::rename(aside, file).expect("renamed");
    }

    /// The paths in an area.
    pub(crate) async fn names(&self, area: &str) -> Vec<String> {
        let found = self.store().list(area).await.unwrap_or_else(|fault| panic!("{fault}"));
        found.into_iter().map(|found| found.path).collect()
    }

    /// Objects that were begun and are neither finished nor gone, wherever the backend hides them.
    pub(crate) fn unfinished(&self) -> usize {
        match &self.backend {
            Backend::Folder(folder) => staged(folder.path()),
            Backend::RadosGw(server, bucket) => server.unfinished_uploads(bucket).unwrap_or_else(|why| panic!("{why}")),
        }
    }

    /// As [`Scene::unfinished`], for what is cleaned up behind the test's back.
    pub(crate) async fn soon_nothing_is_unfinished(&self) {
        for _ in 0..200 {
            if self.unfinished() == 0 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(self.unfinished(), 0);
    }
}

fn staged(folder: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(folder).expect("listed").map(|entry| entry.expect("an entry"));
    entries
        .map(|entry| match entry.file_type().expect("a type").is_dir() {
            true => staged(&entry.path()),
            false => usize::from(entry.file_name().to_string_lossy().starts_with(".tillmart-")),
        })
        .sum()
}

/// How a gateway is reached with these keys.
pub(crate) fn access(url: &str, keys: Keys) -> StoreAccess {
    StoreAccess {
        endpoint: Some(url.to_owned()),
        path_style: true,
        allow_http: true,
        credentials: Credentials::Keys { id: Secret::new(keys.id), key: Secret::new(keys.secret), token: None },
        ..StoreAccess::default()
    }
}

/// A root with a blank and a plus in its prefix, in a bucket.
pub(crate) fn open(bucket: &str, access: &StoreAccess) -> Result<Store> {
    Store::open(&format!("s3://{bucket}/shop one+two"), std::path::Path::new("."), access)
}

/// What lies at a path now, and its digest.
pub(crate) async fn claimed(store: &Store, path: &str) -> (Found, String) {
    let found = store.look(path).await.unwrap_or_else(|fault| panic!("{fault}")).expect("there");
    let digest = store.digest(path, found.size, found.etag.as_deref()).await.expect("read").expect("unchanged");
    (found, digest)
}

/// Bytes of any number that do not repeat in any piece of a copy.
pub(crate) fn bytes(number: usize) -> Vec<u8> {
    (0..number).map(|at| (at % 251) as u8).collect()
}

/// The fault, which must be of this kind.
pub(crate) fn refused<T>(result: Result<T>, kind: FaultKind) -> Fault {
    let Err(fault) = result else { panic!("must be refused") };
    assert_eq!(fault.kind, kind, "{fault}");
    fault
}
