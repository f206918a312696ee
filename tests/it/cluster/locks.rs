//! The lock and our own records, with another holder, and one that is gone or paused.

use std::time::{Duration, Instant};

use nutkin::cluster::ObjectRef;
use nutkin::release::own::Kind;
use nutkin::release::{Lock, LockError, Own, OwnError};
use serde_json::json;

use super::Namespace;

const SECOND: Duration = Duration::from_secs(1);

fn lease(name: &str) -> ObjectRef {
    ObjectRef::new(
        "coordination.k8s.io/v1",
        "Lease",
        None,
        &format!("nutkin.{name}"),
    )
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn a_lock_is_held_by_one() {
    let ns = Namespace::new("lock").await;
    let client = &ns.client;
    let first = Lock::acquire(client, &ns.name, "one", SECOND, |_, _| {})
        .await
        .unwrap();
    first.check().await.unwrap();
    let mut waited = 0;
    let second = Lock::acquire(client, &ns.name, "one", 2 * SECOND, |_, _| waited += 1).await;
    match second {
        Err(LockError::Held { holder, since, .. }) => {
            assert_eq!(holder, first.identity());
            assert!(since.parse::<jiff::Timestamp>().is_ok(), "{since}");
        }
        other => panic!("{other:?}"),
    }
    assert!(waited > 0);
    // Another release has another lock.
    let other = Lock::acquire(client, &ns.name, "two", SECOND, |_, _| {})
        .await
        .unwrap();
    other.release().await.unwrap();
    first.release().await.unwrap();
    assert_eq!(client.find(&lease("one")).await.unwrap(), None);
    let third = Lock::acquire(client, &ns.name, "one", SECOND, |_, _| {})
        .await
        .unwrap();
    // Taken from us: the next check says by whom.
    let mut taken = client.get(&lease("one")).await.unwrap();
    taken["spec"]["holderIdentity"] = "somebody else".into();
    client.replace(&taken).await.unwrap();
    match third.check().await {
        Err(LockError::Lost { cause, .. }) => assert!(cause.contains("somebody else"), "{cause}"),
        other => panic!("{other:?}"),
    }
    let lost = tokio::time::timeout(SECOND, third.lost()).await.unwrap();
    assert!(matches!(lost, LockError::Lost { .. }));
    // What isn't ours any more is not released.
    third.release().await.unwrap();
    assert!(client.find(&lease("one")).await.unwrap().is_some());
}

/// A holder on another machine that renews no more: taken over when its time has passed, by our
/// watch, whatever its clock says.
#[tokio::test]
#[ignore = "needs a cluster"]
async fn a_dead_holder_is_seen_by_its_silence() {
    let ns = Namespace::new("deadlock").await;
    let client = &ns.client;
    let held = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "nutkin.one"},
        "spec": {"holderIdentity": "elsewhere", "leaseDurationSeconds": 3,
                 "renewTime": "2099-01-01T00:00:00.000000Z"},
    });
    client.create(&held, false).await.unwrap();
    let start = Instant::now();
    let lock = Lock::acquire(client, &ns.name, "one", 30 * SECOND, |_, _| {})
        .await
        .unwrap();
    let waited = start.elapsed();
    assert!(waited >= 3 * SECOND && waited < 20 * SECOND, "{waited:?}");
    lock.release().await.unwrap();
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn our_records_are_written_once_and_changed_by_one() {
    let ns = Namespace::new("own").await;
    let own = Own::new(ns.client.clone(), &ns.name);
    let first = own
        .create("one", Kind::Ledger, "s-1", json!({"path": "/a"}))
        .await
        .unwrap();
    let again = own.create("one", Kind::Ledger, "s-1", json!({})).await;
    assert!(matches!(again, Err(OwnError::Exists { .. })), "{again:?}");
    let mut changed = first.clone();
    changed.content["path"] = "/b".into();
    let changed = own.update("one", Kind::Ledger, changed).await.unwrap();
    let stale = own.update("one", Kind::Ledger, first.clone()).await;
    assert!(matches!(stale, Err(OwnError::Stale { .. })), "{stale:?}");
    // Large ones are packed.
    let large = json!({"text": "lorem ipsum ".repeat(200_000)});
    own.create("one", Kind::Ledger, "s-2", large.clone())
        .await
        .unwrap();
    own.create("one.ledger", Kind::Ledger, "s-3", json!({}))
        .await
        .unwrap();
    let all = own
        .list::<serde_json::Value>("one", Kind::Ledger)
        .await
        .unwrap();
    let ids: Vec<&str> = all.iter().map(|d| d.id.as_str()).collect();
    assert_eq!(ids, ["s-1", "s-2"]);
    assert_eq!(all[0].content, json!({"path": "/b"}));
    assert_eq!(all[1].content, large);
    let none = own
        .get::<serde_json::Value>("one", Kind::Journal, "current")
        .await
        .unwrap();
    assert_eq!(none, None);
    let stale = own
        .delete("one", Kind::Ledger, "s-1", Some(&first.resource_version))
        .await;
    assert!(matches!(stale, Err(OwnError::Stale { .. })), "{stale:?}");
    let version = Some(changed.resource_version.as_str());
    assert!(
        own.delete("one", Kind::Ledger, "s-1", version)
            .await
            .unwrap()
    );
    assert!(!own.delete("one", Kind::Ledger, "s-1", None).await.unwrap());
    // Helm doesn't see them.
    assert_eq!(ns.helm(&["list", "-q"]), "");
}
