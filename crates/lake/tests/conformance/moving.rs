//! Copies are whole or not there, a move can be taken up wherever it stopped, and nobody's new bytes are deleted.

use crate::scene::{Backend, Scene, bytes, claimed};
use object_store::{MultipartUpload, ObjectStoreExt};
use tillmart_lake::Store;
use tillmart_model::Found;

const SOURCE: &str = "sales_data/a day's #1.csv";
const TARGET: &str = "sales_data_processed/a day's #1.csv";

pub(crate) async fn a_copy_is_whole_and_can_be_repeated(scene: Scene) {
    // One piece, exactly one piece, several pieces.
    for size in [9, 8 << 20, 20_000_000] {
        let (store, bytes) = (scene.store(), bytes(size));
        scene.put(SOURCE, &bytes).await;
        let (found, digest) = claimed(&store, SOURCE).await;
        assert!(store.copy_verified(&found, SOURCE, &digest, TARGET).await.expect("copied"));
        assert!(store.read(TARGET).await.expect("read") == bytes);
        let first = store.look(TARGET).await.expect("looked").expect("there");
        assert!(store.copy_verified(&found, SOURCE, &digest, TARGET).await.expect("recognised"));
        let again = store.look(TARGET).await.expect("looked").expect("there");
        assert_eq!(again, first, "a finished copy is not written again");
        // The source is gone, as after a crash behind the deletion: the copy is recognised.
        assert!(store.delete_version(SOURCE, &found).await.expect("deleted"));
        assert!(store.copy_verified(&found, SOURCE, &digest, TARGET).await.expect("recognised"));
        store.delete(TARGET).await.expect("deleted");
        assert_eq!(scene.unfinished(), 0);
    }
}

/// Beyond what one call of the service copies, bytes go through this process, in pieces that no memory holds all of.
pub(crate) async fn a_large_object_is_copied_in_pieces(scene: Scene) {
    for limit in [0, 1_000_000] {
        let (store, bytes) = (scene.store().with_service_copy_bytes(limit), bytes(50_000_000));
        scene.put(SOURCE, &bytes).await;
        let (found, digest) = claimed(&store, SOURCE).await;
        assert!(store.copy_verified(&found, SOURCE, &digest, TARGET).await.expect("copied"));
        assert!(store.read(TARGET).await.expect("read") == bytes);
        assert_eq!(scene.unfinished(), 0);
        // In pieces or not: other bytes than claimed are not copied.
        store.delete(TARGET).await.expect("deleted");
        scene.put(SOURCE, &bytes[1..]).await;
        assert!(!store.copy_verified(&found, SOURCE, &digest, TARGET).await.expect("answered"));
        assert_eq!((scene.names("sales_data_processed").await, scene.unfinished()), (Vec::new(), 0));
    }
}

pub(crate) async fn a_broken_copy_is_made_anew(scene: Scene) {
    let store = scene.store();
    scene.put(SOURCE, b"a,b\n1,2\n").await;
    let (found, digest) = claimed(&store, SOURCE).await;
    for broken in [&b"a,b\n1"[..], b"a,b\n1,3\n", b""] {
        scene.put(TARGET, broken).await;
        assert!(!store.holds(TARGET, found.size, &digest).await.expect("looked"));
        assert!(store.copy_verified(&found, SOURCE, &digest, TARGET).await.expect("copied"));
        assert_eq!(&store.read(TARGET).await.expect("read")[..], b"a,b\n1,2\n");
    }
}

pub(crate) async fn a_changed_source_is_not_copied_and_leaves_nothing(scene: Scene) {
    let (store, bytes) = (scene.store(), bytes(20_000_000));
    scene.put(SOURCE, &bytes).await;
    let (found, digest) = claimed(&store, SOURCE).await;
    let mut same_size = bytes.clone();
    *same_size.last_mut().expect("bytes") ^= 1;
    let nothing = async || {
        assert_eq!((scene.names("sales_data_processed").await, scene.unfinished()), (Vec::new(), 0));
    };
    for changed in [same_size.as_slice(), &bytes[..7], b""] {
        scene.put(SOURCE, changed).await;
        assert!(!store.copy_verified(&found, SOURCE, &digest, TARGET).await.expect("answered"));
        nothing().await;
        assert!(store.read(SOURCE).await.expect("read") == changed);
    }
    // A store that tells no version: the digest is what notices.
    scene.put(SOURCE, &same_size).await;
    let unversioned = Found { etag: None, ..found.clone() };
    assert!(!store.copy_verified(&unversioned, SOURCE, &digest, TARGET).await.expect("answered"));
    store.delete(SOURCE).await.expect("deleted");
    assert!(!store.copy_verified(&found, SOURCE, &digest, TARGET).await.expect("answered"));
    nothing().await;
}

pub(crate) async fn an_empty_file_is_copied_too(scene: Scene) {
    let store = scene.store();
    scene.put(SOURCE, b"").await;
    let (found, digest) = claimed(&store, SOURCE).await;
    for limit in [0, u64::MAX] {
        let store = store.clone().with_service_copy_bytes(limit);
        assert!(store.copy_verified(&found, SOURCE, &digest, TARGET).await.expect("copied"));
        assert!(store.read(TARGET).await.expect("read").is_empty());
        assert!(store.copy_verified(&found, SOURCE, &digest, TARGET).await.expect("recognised"));
        store.delete(TARGET).await.expect("deleted");
    }
}

/// Copies and deletes as archiving does.
async fn move_on(store: &Store, found: &Found, digest: &str) {
    assert!(store.copy_verified(found, SOURCE, digest, TARGET).await.unwrap_or_else(|fault| panic!("{fault}")));
    assert!(store.delete_version(SOURCE, found).await.unwrap_or_else(|fault| panic!("{fault}")));
}

/// Whatever a process that died left: nothing, a part of a copy, a whole copy, a copy and no source.
pub(crate) async fn a_move_interrupted_anywhere_is_finished(scene: Scene) {
    let whole = bytes(20_000_000);
    for stop in 0..4 {
        let store = scene.store().with_service_copy_bytes(if stop == 1 { 0 } else { u64::MAX });
        scene.put(SOURCE, &whole).await;
        let (found, digest) = claimed(&store, SOURCE).await;
        match stop {
            0 => {}
            1 => part_of_a_copy(&scene, &store, &whole).await,
            2 => assert!(store.copy_verified(&found, SOURCE, &digest, TARGET).await.expect("copied")),
            _ => move_on(&store, &found, &digest).await,
        }
        move_on(&scene.store(), &found, &digest).await;
        // Done twice, it is still done once.
        move_on(&scene.store(), &found, &digest).await;
        assert!(store.read(TARGET).await.expect("read") == whole, "stopped at {stop}");
        assert!(scene.names("sales_data").await.is_empty() && scene.names("sales_data_processed").await.len() == 1);
        if matches!(scene.backend, Backend::Folder(_)) {
            assert_eq!(scene.unfinished(), 0, "stopped at {stop}");
        }
        store.delete(TARGET).await.expect("deleted");
    }
}

/// What a killed process leaves of a copy: a part of it, which nobody aborts.
async fn part_of_a_copy(scene: &Scene, store: &Store, whole: &[u8]) {
    let path = store.path(TARGET).expect("a path");
    let mut upload = store.objects().put_multipart(&path).await.expect("begun");
    upload.put_part(whole[..6 << 20].to_vec().into()).await.expect("sent");
    std::mem::forget(upload);
    assert_eq!(scene.unfinished(), 1);
}

pub(crate) async fn deleting_a_version_leaves_new_bytes_alone(scene: Scene) {
    let store = scene.store();
    scene.put(SOURCE, b"old bytes").await;
    let (found, _) = claimed(&store, SOURCE).await;
    for new in [&b"new bytes"[..], b"other, longer bytes"] {
        scene.put(SOURCE, new).await;
        assert!(!store.delete_version(SOURCE, &found).await.expect("answered"));
        assert_eq!(&store.read(SOURCE).await.expect("read")[..], new);
    }
    let (now, _) = claimed(&store, SOURCE).await;
    assert!(store.delete_version(SOURCE, &now).await.expect("deleted"));
    assert!(store.look(SOURCE).await.expect("looked").is_none());
    assert!(store.delete_version(SOURCE, &now).await.expect("gone already is fine"));
    store.delete(SOURCE).await.expect("gone already is fine");
}
