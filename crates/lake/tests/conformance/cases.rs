//! Listing, reading and writing.

use crate::scene::{Backend, Scene, bytes, claimed, refused};
use bytes::Bytes;
use futures::{StreamExt, stream};
use object_store::{Error as StoreError, GetOptions, MultipartUpload, ObjectStoreExt, PutPayload};
use std::collections::BTreeSet;
use std::sync::Arc;
use tillmart_model::FaultKind;
use tokio::sync::Barrier;

const AREA: &str = "sales_data";

/// Names that people and tills give.
pub(crate) const ODD: [&str; 18] = [
    "a b.csv",
    "a  b .csv",
    "50%.csv",
    "50%25.csv",
    "a%20b.csv",
    "a+b&c=d;e,f.csv",
    "a#1.csv",
    "x.csv#1",
    "a?b*c[d].csv",
    "Straße/été/日本.csv",
    "deep/er/est/x.csv.gz",
    ".hidden.csv",
    "it's \"quoted\".csv",
    "~tilde^{x}|`y`<z>.csv",
    "back\\slash.csv",
    "'; DROP TABLE x; --.csv",
    "$(touch x) && `y`.csv",
    "e\u{301}-combining.csv",
];

pub(crate) async fn a_listing_has_every_page(scene: Scene) {
    let store = scene.store();
    // A page of S3 has 1,000 keys at most.
    let put = |at: usize| {
        let store = store.clone();
        async move { store.write(&format!("{AREA}/{:02}/f-{at:04}.csv", at % 7), at.to_string().into_bytes()).await }
    };
    let written: Vec<_> = stream::iter(0..2_050).map(put).buffer_unordered(16).collect().await;
    written.into_iter().for_each(|written| written.unwrap_or_else(|fault| panic!("{fault}")));
    // Nothing of a neighbour whose name begins the same.
    scene.put("sales_data_processed/old.csv", b"old").await;
    let found = store.list(AREA).await.expect("listed");
    assert_eq!(found.len(), 2_050);
    let paths: BTreeSet<&str> = found.iter().map(|found| found.path.as_str()).collect();
    assert_eq!(paths.len(), 2_050);
    assert!(found.is_sorted_by_key(|found| found.path.clone()));
    let last = found.iter().find(|found| found.path.ends_with("f-2049.csv")).expect("the last");
    assert_eq!((last.size, last.etag.is_some()), (4, true));
}

pub(crate) async fn odd_names_go_through_every_step(scene: Scene) {
    let store = scene.store();
    let mut names = ODD.to_vec();
    // Composed and combined accents are two names.
    names.push("é-combining.csv");
    for name in &names {
        scene.put(&format!("{AREA}/{name}"), name.as_bytes()).await;
    }
    names.sort_unstable();
    let listing = store.listing(AREA).await.expect("listed");
    let paths: Vec<&str> = listing.found.iter().map(|found| found.path.as_str()).collect();
    assert_eq!((paths, listing.hidden), (names, Vec::new()));
    for found in &listing.found {
        let (place, target) = (format!("{AREA}/{}", found.path), format!("processed/{}", found.path));
        assert_eq!(store.read(&place).await.expect("read"), found.path.as_bytes());
        let (now, digest) = claimed(&store, &place).await;
        assert_eq!((&now.etag, now.size), (&found.etag, found.size), "{place}");
        assert!(store.copy_verified(found, &place, &digest, &target).await.expect("copied"), "{target}");
        assert!(store.delete_version(&place, found).await.expect("deleted"), "{place}");
        assert_eq!(store.read(&target).await.expect("read"), found.path.as_bytes());
    }
    assert!(store.list(AREA).await.expect("listed").is_empty());
}

/// One name that cannot be loaded stops nothing, and is not passed over in silence.
pub(crate) async fn names_that_no_path_can_hold_are_told(scene: Scene) {
    let store = scene.store();
    scene.put(&format!("{AREA}/good.csv"), b"good").await;
    let expected = match &scene.backend {
        Backend::Folder(folder) => {
            use std::os::unix::ffi::OsStrExt;
            let area = folder.path().join("storage").join(AREA);
            std::fs::write(area.join("two\nlines.csv"), "x").expect("written");
            std::fs::write(area.join(std::ffi::OsStr::from_bytes(b"latin-\xe9.csv")), "x").expect("written");
            std::os::unix::fs::symlink("nowhere.csv", area.join("link.csv")).expect("linked");
            std::os::unix::fs::symlink(".", area.join("round")).expect("linked");
            let _socket = std::os::unix::net::UnixListener::bind(area.join("socket.csv")).expect("bound");
            vec!["latin-\u{fffd}.csv", "link.csv", "round", "socket.csv", "two\\nlines.csv"]
        }
        Backend::RadosGw(server, bucket) => {
            for key in ["two%0Alines.csv", "double//slash.csv", "not-empty/"] {
                let key = format!("shop%20one%2Btwo/{AREA}/{key}");
                server.put_raw(bucket, &key, "x").unwrap_or_else(|why| panic!("{why}"));
            }
            // What a console leaves where somebody made a folder: no file, and nothing to tell.
            server
                .put_raw(bucket, &format!("shop%20one%2Btwo/{AREA}/folder/"), "")
                .unwrap_or_else(|why| panic!("{why}"));
            vec!["double//slash.csv", "not-empty/", "two\\nlines.csv"]
        }
    };
    let listing = store.listing(AREA).await.unwrap_or_else(|fault| panic!("{fault}"));
    let found: Vec<&str> = listing.found.iter().map(|found| found.path.as_str()).collect();
    let hidden: Vec<&str> = listing.hidden.iter().map(|hidden| hidden.path.as_str()).collect();
    assert_eq!((found, hidden), (vec!["good.csv"], expected), "{:?}", listing.hidden);
    assert!(listing.hidden.iter().all(|hidden| !hidden.because.is_empty()));
}

pub(crate) async fn an_area_that_was_never_made_is_empty(scene: Scene) {
    let store = scene.store();
    store.reachable().await.unwrap_or_else(|fault| panic!("{fault}"));
    assert!(store.list("never_made").await.expect("listed").is_empty());
    assert!(store.look("never_made/x.csv").await.expect("looked").is_none());
    refused(store.read("never_made/x.csv").await, FaultKind::Store);
    store.delete("never_made/x.csv").await.expect("gone already is fine");
    for path in ["../outside", "a/../../outside", "a//b"] {
        refused(store.read(path).await, FaultKind::Store);
        refused(store.write(path, b"x".to_vec()).await, FaultKind::Store);
    }
}

pub(crate) async fn ranges_and_digests_are_those_of_the_bytes(scene: Scene) {
    let (store, bytes) = (scene.store(), bytes(20_000_003));
    scene.put("sales_data/day.csv", &bytes).await;
    let (found, digest) = claimed(&store, "sales_data/day.csv").await;
    assert_eq!((found.size, digest), (20_000_003, blake3::hash(&bytes).to_hex().to_string()));
    let (objects, path) = (store.objects(), store.path("sales_data/day.csv").expect("a path"));
    for range in [0..1, 8_388_607..8_388_609, 19_999_000..20_000_003] {
        let read = objects.get_range(&path, range.start as u64..range.end as u64).await.expect("read");
        assert!(read == bytes[range]);
    }
    let read = objects.get_ranges(&path, &[5..10, 15_000_000..15_000_007]).await.expect("read");
    assert!(read == [&bytes[5..10], &bytes[15_000_000..15_000_007]]);
}

pub(crate) async fn a_read_is_pinned_to_its_version(scene: Scene) {
    let store = scene.store();
    scene.put("sales_data/day.csv", b"old bytes").await;
    let (old, digest) = claimed(&store, "sales_data/day.csv").await;
    let pinned = || store.digest("sales_data/day.csv", old.size, old.etag.as_deref());
    assert_eq!(pinned().await.expect("read"), Some(digest));
    // As long as before, so that only the version tells.
    scene.put("sales_data/day.csv", b"new bytes").await;
    assert_eq!(pinned().await.expect("answered"), None);
    store.delete("sales_data/day.csv").await.expect("deleted");
    assert_eq!(pinned().await.expect("answered"), None);
}

pub(crate) async fn a_file_overwritten_while_it_is_read_is_told(scene: Scene) {
    let store = scene.store();
    let (old, new) = (bytes(1_000_000), vec![b'n'; 1_000_000]);
    scene.put("sales_data/day.csv", &old).await;
    let (claimed, _) = claimed(&store, "sales_data/day.csv").await;
    let (objects, path) = (store.objects(), store.path("sales_data/day.csv").expect("a path"));
    let range = |start: u64| GetOptions {
        range: Some((start..start + 500_000).into()),
        if_match: claimed.etag.clone(),
        ..GetOptions::default()
    };
    let first = objects.get_opts(&path, range(0)).await.expect("read").bytes().await.expect("read");
    assert!(first == old[..500_000]);
    scene.put("sales_data/day.csv", &new).await;
    let second = objects.get_opts(&path, range(500_000)).await;
    assert!(matches!(second, Err(StoreError::Precondition { .. })), "{second:?}");
}

pub(crate) async fn of_eight_creators_one_wins(scene: Scene) {
    for round in 0..10 {
        let barrier = Arc::new(Barrier::new(8));
        let racers: Vec<_> = (0..8)
            .map(|racer| {
                let (store, barrier) = (scene.store(), Arc::clone(&barrier));
                tokio::spawn(async move {
                    barrier.wait().await;
                    let bytes = format!("racer {racer}").into_bytes();
                    store.create(&format!("log/{round:020}.json"), bytes).await.map(|won| won.then_some(racer))
                })
            })
            .collect();
        let mut winners = Vec::new();
        for racer in racers {
            winners.extend(racer.await.expect("joined").unwrap_or_else(|fault| panic!("{fault}")));
        }
        assert_eq!(winners.len(), 1, "round {round}: {winners:?}");
        let held = scene.store().read(&format!("log/{round:020}.json")).await.expect("read");
        assert_eq!(held, format!("racer {}", winners[0]), "round {round}");
    }
    assert_eq!((scene.names("log").await.len(), scene.unfinished()), (10, 0));
}

pub(crate) async fn a_large_object_is_put_whole(scene: Scene) {
    let (store, bytes) = (scene.store(), bytes(40_000_001));
    store.write("mart/large.parquet", bytes.clone()).await.unwrap_or_else(|fault| panic!("{fault}"));
    assert!(store.read("mart/large.parquet").await.expect("read") == bytes);
    assert_eq!((scene.names("mart").await, scene.unfinished()), (vec!["large.parquet".to_owned()], 0));
}

/// Aborted, forgotten or cut off: the object is not there, and no part of it stays where no listing shows it.
pub(crate) async fn an_upload_that_is_not_finished_leaves_nothing(scene: Scene) {
    let store = scene.store();
    let path = store.path("mart/large.parquet").expect("a path");
    let begin = async || -> Box<dyn MultipartUpload> {
        let mut upload = store.objects().put_multipart(&path).await.expect("begun");
        upload.put_part(bytes(6 << 20).into()).await.expect("sent");
        upload
    };
    let mut aborted = begin().await;
    assert_eq!(scene.unfinished(), 1);
    aborted.abort().await.expect("aborted");
    assert_eq!(scene.unfinished(), 0);
    drop(begin().await);
    scene.soon_nothing_is_unfinished().await;
    assert!(scene.names("mart").await.is_empty());
    let mut finished = begin().await;
    finished.complete().await.expect("completed");
    assert_eq!((scene.names("mart").await.len(), scene.unfinished()), (1, 0));
}

pub(crate) async fn what_is_written_is_replaced_in_one_step(scene: Scene) {
    let store = scene.store();
    store.write("area/manifest.json", bytes(3_000_000)).await.expect("written");
    let reader = {
        let store = store.clone();
        tokio::spawn(async move {
            for _ in 0..40 {
                let read = store.read("area/manifest.json").await.unwrap_or_else(|fault| panic!("{fault}"));
                let whole = [3_000_000, 2_000_000].contains(&read.len());
                assert!(whole && read[..] == bytes(read.len())[..], "{} bytes", read.len());
            }
        })
    };
    for size in [2_000_000, 3_000_000].into_iter().cycle().take(10) {
        store.write("area/manifest.json", bytes(size)).await.expect("written");
    }
    reader.await.expect("joined");
    assert_eq!((scene.names("area").await.len(), scene.unfinished()), (1, 0));
}

pub(crate) async fn an_object_put_in_many_pieces_is_all_of_them_in_order(scene: Scene) {
    // More pieces than a system writes with one call, some of them empty, the first and the last too.
    let whole = bytes(3_000_000);
    let mut pieces = vec![Bytes::new()];
    let mut start = 0;
    for at in 0.. {
        let end = whole.len().min(start + at * 7 % 2_311);
        pieces.push(Bytes::copy_from_slice(&whole[start..end]));
        start = end;
        if start == whole.len() {
            break;
        }
    }
    pieces.push(Bytes::new());
    assert!(pieces.len() > 2_048, "{}", pieces.len());
    let store = scene.store();
    for (name, pieces) in [("pieces", pieces), ("nothing", vec![Bytes::new(), Bytes::new()])] {
        let expected = pieces.concat();
        store.write(&format!("area/{name}"), PutPayload::from_iter(pieces)).await.expect("written");
        let read = store.read(&format!("area/{name}")).await.expect("read");
        assert!(read[..] == expected[..], "{name}: {} bytes", read.len());
    }
}

pub(crate) async fn every_permission_is_probed_and_nothing_stays(scene: Scene) {
    let store = scene.store();
    for area in ["sales_data", "sales_data_mart"] {
        let probed = store.probe(area).await;
        let words: Vec<&str> = probed.iter().map(|(permission, _)| permission.word()).collect();
        assert_eq!(words, ["list", "create-if-absent", "write", "read", "delete"]);
        probed.into_iter().for_each(|(_, result)| result.unwrap_or_else(|fault| panic!("{fault}")));
        assert!(scene.names(area).await.is_empty());
        assert!(scene.file(area).is_none_or(|folder| !folder.exists()), "the folder was not there before");
    }
}
