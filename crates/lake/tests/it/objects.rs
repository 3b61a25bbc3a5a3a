//! Source files are listed whatever they are called, copied whole or not at all, and never deleted in place of another.

use crate::scene::{Root, refused};
use tillmart_lake::Store;
use tillmart_model::{FaultKind, Found, StoreAccess};

const SOURCE: &str = "sales_data/day.csv";
const TARGET: &str = "sales_data_processed/day.csv";

/// Large enough for several pieces of a copy.
fn bytes() -> Vec<u8> {
    (0..20_000_000_u32).map(|at| (at % 251) as u8).collect()
}

async fn claimed(store: &Store) -> (Found, String) {
    let found = store.look(SOURCE).await.expect("looked").expect("there");
    let digest = store.digest(SOURCE, found.size, found.etag.as_deref()).await.expect("read").expect("unchanged");
    (found, digest)
}

#[tokio::test]
async fn a_copy_is_whole_and_can_be_repeated() {
    let (root, bytes) = (Root::new(), bytes());
    let store = root.store();
    root.put(SOURCE, &bytes);
    let (found, digest) = claimed(&store).await;
    assert!(store.copy_verified(&found, SOURCE, &digest, TARGET).await.expect("copied"));
    assert!(std::fs::read(root.path(TARGET)).expect("read") == bytes);
    assert!(store.holds(TARGET, found.size, &digest).await.expect("looked"));
    let first = store.look(TARGET).await.expect("looked").expect("there");
    assert!(store.copy_verified(&found, SOURCE, &digest, TARGET).await.expect("recognised"));
    assert_eq!(
        store.look(TARGET).await.expect("looked").expect("there"),
        first,
        "a finished copy is not written again"
    );
    // The source is gone, as after a crash behind the deletion: the copy is recognised.
    assert!(store.delete_version(SOURCE, &found).await.expect("deleted"));
    assert!(store.copy_verified(&found, SOURCE, &digest, TARGET).await.expect("recognised"));
}

#[tokio::test]
async fn a_broken_copy_is_made_anew() {
    let root = Root::new();
    let store = root.store();
    root.put(SOURCE, b"a,b\n1,2\n");
    let (found, digest) = claimed(&store).await;
    for broken in [&b"a,b\n1"[..], b"a,b\n1,3\n", b""] {
        root.put(TARGET, broken);
        assert!(!store.holds(TARGET, found.size, &digest).await.expect("looked"));
        assert!(store.copy_verified(&found, SOURCE, &digest, TARGET).await.expect("copied"));
        assert_eq!(std::fs::read(root.path(TARGET)).expect("read"), b"a,b\n1,2\n");
    }
}

#[tokio::test]
async fn a_changed_source_is_not_copied_and_leaves_nothing() {
    let (root, bytes) = (Root::new(), bytes());
    let store = root.store();
    root.put(SOURCE, &bytes);
    let (found, digest) = claimed(&store).await;
    let mut same_size = bytes.clone();
    *same_size.last_mut().expect("bytes") ^= 1;
    for changed in [same_size.as_slice(), &bytes[..7], b""] {
        root.put(SOURCE, changed);
        assert!(!store.copy_verified(&found, SOURCE, &digest, TARGET).await.expect("answered"));
        assert!(root.names("sales_data_processed").is_empty(), "{:?}", root.names("sales_data_processed"));
        assert!(std::fs::read(root.path(SOURCE)).expect("read") == changed);
    }
    // A store that tells no version: the digest is what notices.
    root.put(SOURCE, &same_size);
    let unversioned = Found { etag: None, ..found.clone() };
    assert!(!store.copy_verified(&unversioned, SOURCE, &digest, TARGET).await.expect("answered"));
    std::fs::remove_file(root.path(SOURCE)).expect("removed");
    assert!(!store.copy_verified(&found, SOURCE, &digest, TARGET).await.expect("answered"));
    assert!(root.names("sales_data_processed").is_empty(), "{:?}", root.names("sales_data_processed"));
}

#[tokio::test]
async fn an_empty_file_is_copied_too() {
    let root = Root::new();
    let store = root.store();
    root.put(SOURCE, b"");
    let (found, digest) = claimed(&store).await;
    assert!(store.copy_verified(&found, SOURCE, &digest, TARGET).await.expect("copied"));
    assert_eq!(std::fs::read(root.path(TARGET)).expect("read"), b"");
    assert!(store.copy_verified(&found, SOURCE, &digest, TARGET).await.expect("recognised"));
}

#[tokio::test]
async fn deleting_a_version_leaves_new_bytes_alone() {
    let root = Root::new();
    let store = root.store();
    root.put(SOURCE, b"old bytes");
    let (found, _) = claimed(&store).await;
    for new in [&b"new bytes"[..], b"other, longer bytes"] {
        // Under another name first and moved there, as careful producers do: the file is another one even at equal size.
        root.put("sales_data/day.csv.tmp", new);
        std::fs::rename(root.path("sales_data/day.csv.tmp"), root.path(SOURCE)).expect("renamed");
        assert!(!store.delete_version(SOURCE, &found).await.expect("answered"));
        assert_eq!(std::fs::read(root.path(SOURCE)).expect("read"), new);
    }
    let (now, _) = claimed(&store).await;
    assert!(store.delete_version(SOURCE, &now).await.expect("deleted"));
    assert!(!root.path(SOURCE).exists());
    assert!(store.delete_version(SOURCE, &now).await.expect("gone already is fine"));
    store.delete(SOURCE).await.expect("gone already is fine");
}

#[tokio::test]
async fn files_are_listed_whatever_they_are_called() {
    let root = Root::new();
    let store = root.store();
    let mut names = vec![
        "a b.csv",
        "50%.csv",
        "50%25.csv",
        "a%20b.csv",
        "a+b&c=d;e,f.csv",
        "a#1.csv",
        "a?b*c[d].csv",
        "Straße/été/日本.csv",
        "deep/er/est/x.csv.gz",
        ".hidden.csv",
        "it's \"quoted\".csv",
        "~tilde^{x}|`y`<z>.csv",
        "back\\slash.csv",
    ];
    for name in &names {
        root.put(&format!("sales_data/{name}"), name.as_bytes());
    }
    // Nothing of a neighbour whose name begins the same.
    root.put("sales_data_processed/old.csv", b"old");
    names.sort_unstable();
    let listed = store.list("sales_data").await.expect("listed");
    let found: Vec<&str> = listed.iter().map(|found| found.path.as_str()).collect();
    assert_eq!(found, names);
    for found in &listed {
        let place = format!("sales_data/{}", found.path);
        assert_eq!(store.read(&place).await.expect("read"), found.path.as_bytes());
        let digest = store.digest(&place, found.size, found.etag.as_deref()).await.expect("read").expect("unchanged");
        let target = format!("sales_data_processed/{}", found.path);
        assert!(store.copy_verified(found, &place, &digest, &target).await.expect("copied"));
        assert!(root.path(&target).exists(), "{target}");
        assert!(store.delete_version(&place, found).await.expect("deleted"));
    }
    assert!(store.list("sales_data").await.expect("listed").is_empty());
    assert!(store.list("never_made").await.expect("listed").is_empty());
}

#[tokio::test]
async fn paths_that_leave_the_root_are_refused() {
    let root = Root::new();
    let store = root.store();
    for path in ["../outside", "a/../../outside", "a//b"] {
        refused(store.read(path).await, FaultKind::Store);
        refused(store.write(path, b"x".to_vec()).await, FaultKind::Store);
    }
    refused(store.read("not/there").await, FaultKind::Store);
    assert!(store.look("not/there").await.expect("looked").is_none());
    refused(
        Store::open("memory:///root", root.path("").as_path(), &StoreAccess::default()).map(drop),
        FaultKind::Settings,
    );
}
