//! What a service refuses is told with the setting to mend, and no credential is shown; what it can do a moment later is tried again.

use crate::scene::{Scene, access, bytes, open, refused};
use std::io::{Read, Write};
use std::time::Duration;
use tillmart_lake::{Lake, Permission, Store};
use tillmart_model::{Credentials, Fault, FaultKind, Secret, StoreAccess};
use tillmart_testkit::{GUEST, Keys, MART};

/// Asks a store for everything a run begins with; each fault must name the setting and show none of these words.
async fn every_fault(store: &Store, named: &[&str], secret: &[&str]) {
    let faults: Vec<Fault> = vec![
        refused(store.reachable().await, FaultKind::Store),
        refused(store.list("sales_data").await, FaultKind::Store),
        refused(store.read("sales_data/day.csv").await, FaultKind::Store),
        refused(store.write("sales_data/day.csv", b"x".to_vec()).await, FaultKind::Store),
        Lake::new(store.clone()).snapshot("sales_data_mart", None).await.expect_err("no table"),
    ];
    for fault in faults {
        for word in named {
            assert!(fault.to_string().contains(word), "{word} is missing:\n{fault}");
        }
        assert!(fault.hint.is_some(), "{fault}");
        let shown = format!("{fault} {fault:?}");
        for secret in secret {
            assert!(!shown.contains(secret), "{secret} is shown:\n{fault}");
        }
        assert!(!shown.contains("<Error>") && !shown.contains("list-type"), "an answer's body or a query:\n{fault}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_keys_are_told_apart() {
    let mut scene = Scene::radosgw();
    let (server, bucket) = scene.server();
    let with = |keys: Keys| open(&bucket, &access(&server.url(), keys)).expect("opened");
    let wrong_secret = with(Keys { id: MART.id, secret: "canary-secret" });
    every_fault(&wrong_secret, &["storage.secret_access_key", "SignatureDoesNotMatch"], &["canary", MART.id]).await;
    let unknown = with(Keys { id: "CANARYACCESSKEY", secret: "canary-secret" });
    every_fault(&unknown, &["storage.access_key_id", "InvalidAccessKeyId"], &["canary", "CANARY"]).await;
    let anonymous = StoreAccess { credentials: Credentials::Anonymous, ..access(&server.url(), MART) };
    every_fault(&open(&bucket, &anonymous).expect("opened"), &["access denied"], &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_bucket_is_not_an_empty_one() {
    let mut scene = Scene::radosgw();
    let (server, _) = scene.server();
    let store = open("no-such-bucket-anywhere", &access(&server.url(), MART)).expect("opened");
    every_fault(&store, &["storage.root", "NoSuchBucket", "no-such-bucket-anywhere"], &[MART.secret]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_permission_is_named() {
    let mut scene = Scene::radosgw();
    scene.put("sales_data/day.csv", b"a,b\n").await;
    let (server, bucket) = scene.server();
    let guest = open(&bucket, &access(&server.url(), GUEST)).expect("opened");
    let all = ["s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"];
    let none = [Permission::List, Permission::CreateIfAbsent, Permission::Write, Permission::Read, Permission::Delete];
    let cases: [(&[&str], &[Permission]); 5] = [
        (&[], &none),
        (&all, &[]),
        (&all[..2], &[Permission::CreateIfAbsent, Permission::Write, Permission::Delete]),
        (&all[..3], &[Permission::Delete]),
        (&all[1..], &[Permission::List]),
    ];
    for (allowed, missing) in cases {
        if !allowed.is_empty() {
            server.allow_guest(&bucket, allowed).unwrap_or_else(|why| panic!("{why}"));
        }
        let probed = guest.probe("sales_data").await;
        for (permission, result) in &probed {
            let is_missing = missing.contains(permission);
            assert_eq!(result.is_err(), is_missing, "{allowed:?}: {permission:?}: {result:?}");
            if let Err(fault) = result {
                let told = fault.to_string();
                assert!(told.contains("access denied") && told.contains("storage.access_key_id"), "{told}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_away_for_a_moment_is_waited_for() {
    let mut scene = Scene::radosgw();
    let store = scene.store();
    store.write("area/day.csv", bytes(1_000)).await.expect("written");
    let (server, bucket) = scene.server();
    server.kill();
    let asked = {
        let store = store.clone();
        tokio::spawn(async move {
            store.write("area/large.bin", bytes(20_000_000)).await?;
            store.read("area/day.csv").await
        })
    };
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.restart().unwrap_or_else(|why| panic!("{why}"));
    let read = asked.await.expect("joined").unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(read[..], bytes(1_000)[..]);
    assert_eq!(server.unfinished_uploads(&bucket).expect("asked"), 0);
    // For good: the endpoint is named, and how often it was tried.
    server.kill();
    let fault = refused(store.reachable().await, FaultKind::Store);
    let told = fault.to_string();
    assert!(
        told.contains("storage.endpoint") && told.contains("cannot be reached") && told.contains("tries"),
        "{told}"
    );
}

/// A service that answers every request with one document, as AWS words it: RadosGW has no session tokens that expire in a test.
fn answering(status: &'static str, document: &'static str) -> String {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut request = [0; 16_384];
            let read = stream.read(&mut request).unwrap_or(0);
            let body = if request[..read].starts_with(b"HEAD") { "" } else { document };
            let length = document.len();
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
            // A client that hangs up has its reasons.
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_of_aws_name_the_setting() {
    let cases = [
        (
            "400 Bad Request",
            "<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message><Token-0>canary-token</Token-0></Error>",
            "storage.session_token",
        ),
        (
            "301 Moved Permanently",
            "<Error><Code>PermanentRedirect</Code><Message>use eu-west-1</Message></Error>",
            "storage.region",
        ),
        (
            "400 Bad Request",
            "<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region 'us-east-1' is wrong; expecting 'eu-west-1'</Message></Error>",
            "storage.region",
        ),
        (
            "403 Forbidden",
            "<Error><Code>RequestTimeTooSkewed</Code><Message>The difference is too large.</Message></Error>",
            "clock",
        ),
        (
            "403 Forbidden",
            "<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message><AWSAccessKeyId>CANARYACCESSKEY</AWSAccessKeyId>\
             <StringToSign>canary-string</StringToSign><CanonicalRequest>x-amz-security-token:canary-token</CanonicalRequest></Error>",
            "storage.secret_access_key",
        ),
        (
            "403 Forbidden",
            "<Error><Code>InvalidAccessKeyId</Code><Message>no CANARYACCESSKEY in https://u:canary-string@x/?X-Amz-Signature=canary</Message></Error>",
            "storage.access_key_id",
        ),
    ];
    for (status, document, named) in cases {
        let mut access = access(&answering(status, document), MART);
        access.credentials = Credentials::Keys {
            id: Secret::new("CANARYACCESSKEY"),
            key: Secret::new("canary-secret"),
            token: Some(Secret::new("canary-token")),
        };
        let store = open("mart", &access).expect("opened");
        every_fault(&store, &[named], &["canary", "CANARY"]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_at_the_endpoint_is_told() {
    let port = tillmart_testkit::free_port().expect("a port");
    let store = open("mart", &access(&format!("http://127.0.0.1:{port}"), MART)).expect("opened");
    let fault = refused(store.reachable().await, FaultKind::Store);
    let told = fault.to_string();
    for word in ["storage.endpoint", &port.to_string(), "cannot be reached", "tries", "refused"] {
        assert!(told.contains(word), "{word} is missing:\n{told}");
    }
    assert!(!told.contains(MART.id) && !told.contains(MART.secret), "{told}");
}
