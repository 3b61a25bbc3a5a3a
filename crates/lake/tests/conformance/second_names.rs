//! A folder moves a file without its bytes, and only where that is as good as a verified copy.

use crate::scene::{Scene, bytes, claimed};
use std::os::unix::fs::{MetadataExt, symlink};
use tillmart_lake::Copy;

const SOURCE: &str = "sales_data/day.csv";
const TARGET: &str = "sales_data_processed/day.csv";

fn inode(scene: &Scene, path: &str) -> u64 {
    std::fs::metadata(scene.file(path).expect("a folder")).expect("there").ino()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_claimed_version_is_moved_as_it_is() {
    let (scene, bytes) = (Scene::folder(), bytes(20_000_000));
    let store = scene.store();
    scene.put(SOURCE, &bytes).await;
    let (found, digest) = claimed(&store, SOURCE).await;
    let before = inode(&scene, SOURCE);
    assert!(store.copy_verified(&found, SOURCE, &digest, TARGET).await.expect("copied"));
    assert_eq!(inode(&scene, TARGET), before, "not a byte of it was written");
    assert!(store.holds_version(TARGET, &found, "no digest").await.expect("looked"), "nor read, to be recognised");
    // A new delivery that comes now is neither moved nor deleted, and what was moved stays as it was.
    scene.put(SOURCE, b"a,b\n").await;
    assert!(store.copy_verified(&found, SOURCE, &digest, TARGET).await.expect("recognised"));
    assert!(!store.delete_version(SOURCE, &found).await.expect("answered"));
    assert_eq!(&store.read(SOURCE).await.expect("read")[..], b"a,b\n");
    assert!(store.read(TARGET).await.expect("read") == bytes);
}

/// Whoever has another name of the file may write it; a link is not the file; and a second name must be on the same file system.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_a_second_name_is_no_copy_the_bytes_are_copied() {
    let elsewhere = tempfile::tempdir_in("/dev/shm").expect("another file system than the temporary folder's");
    for story in ["several names", "a link", "another file system"] {
        let (scene, bytes) = (Scene::folder(), bytes(70_000));
        let (store, aside) = (scene.store(), scene.file("aside.csv").expect("a folder"));
        scene.put(SOURCE, &bytes).await;
        let source = scene.file(SOURCE).expect("a folder");
        match story {
            "several names" => std::fs::hard_link(&source, &aside).expect("named"),
            "a link" => {
                std::fs::rename(&source, &aside).expect("moved");
                symlink(&aside, &source).expect("linked");
            }
            _ => symlink(elsewhere.path(), scene.file("sales_data_processed").expect("a folder")).expect("linked"),
        }
        let (found, digest) = claimed(&store, SOURCE).await;
        assert!(store.copy_verified(&found, SOURCE, &digest, TARGET).await.expect("copied"), "{story}");
        assert_ne!(inode(&scene, TARGET), inode(&scene, SOURCE), "{story}");
        assert!(store.delete_version(SOURCE, &found).await.expect("deleted"), "{story}");
        if story != "another file system" {
            std::fs::write(&aside, b"written on").expect("written");
        }
        assert!(store.read(TARGET).await.expect("read") == bytes, "{story}");
        assert_eq!(scene.unfinished(), 0, "{story}");
    }
}

/// What is wrong with one of several keeps no other back, and each has an answer of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_each_has_its_answer() {
    let scene = Scene::folder();
    let store = scene.store();
    let paths = ["sales_data/north/1.csv", "sales_data/north/2.csv", "sales_data/3.csv", "sales_data/4.csv"];
    let mut claims = Vec::new();
    for path in paths {
        scene.put(path, path.as_bytes()).await;
        claims.push(claimed(&store, path).await);
    }
    scene.put(paths[1], b"a new delivery").await;
    // A file where a folder must be.
    scene.put("done/3", b"").await;
    let to = ["done/north/1.csv", "done/north/2.csv", "done/3/3.csv", "done/4.csv"];
    let copies: Vec<Copy<'_>> = (0..4)
        .map(|at| Copy {
            from: &claims[at].0,
            source: paths[at].to_owned(),
            digest: &claims[at].1,
            to: to[at].to_owned(),
        })
        .collect();
    for _ in 0..2 {
        let answers = store.copy_all_verified(&copies).await.expect("answered");
        let answers: Vec<Option<bool>> = answers.into_iter().map(Result::ok).collect();
        assert_eq!(answers, [Some(true), Some(false), None, Some(true)]);
        assert_eq!(scene.names("done").await, ["3", "4.csv", "north/1.csv"]);
    }
    assert_eq!(&store.read(paths[1]).await.expect("read")[..], b"a new delivery");
    assert!(store.copy_all_verified(&[]).await.expect("answered").is_empty());
}
