//! An API server that is busy, fails, and loses connections before and after it has acted.
//!
//! All requests pass a proxy of the tests, which plays faults by seed, at most three in a row of the same
//! request, so that every operation must come through, exactly once. `NUTKIN_TEST_SEEDS` sets how many.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::StreamExt;
use nutkin::cluster::{Apply, Client, Delete, Error, ObjectRef, Options, Query};
use nutkin::cluster::{resource_version, uid};
use nutkin::release::own::Kind;
use nutkin::release::{Info, Lock, Own, Release, Status, Store, Time};
use serde_json::json;

use super::{Namespace, config_map, connect};
use crate::recover::proxy::{Act, Proxy, Rule, faults};

/// A client whose requests pass a proxy under a rule.
async fn through(proxy: &Proxy, ns: &str, rule: Rule) -> Client {
    proxy.set_rule(rule);
    connect(Options {
        server: Some(proxy.address()),
        namespace: Some(ns.to_owned()),
        ..Options::default()
    })
    .await
}

/// The faults of a seed, counted.
fn counted(seed: u64) -> (Rule, Arc<AtomicU32>) {
    let count = Arc::new(AtomicU32::new(0));
    let counting = Arc::clone(&count);
    let mut faults = faults(seed);
    let rule: Rule = Box::new(move |seen| {
        let act = faults(seen);
        if act != Act::Pass {
            counting.fetch_add(1, Ordering::SeqCst);
        }
        act
    });
    (rule, count)
}

/// What an operation does with the cluster, each step once.
async fn operation(client: &Client, ns: &str, seed: u64) {
    let name = format!("r{seed}");
    let lock = Lock::acquire(client, ns, &name, Duration::from_secs(60), |_, _| {})
        .await
        .unwrap();
    let own = Own::new(client.clone(), ns);
    let mut journal = own
        .create(&name, Kind::Journal, "current", json!({"step": 0}))
        .await
        .unwrap();
    let store = Store::new(client.clone(), ns);
    let release = Release {
        name: name.clone(),
        namespace: ns.to_owned(),
        version: 1,
        info: Info {
            status: Status::PendingInstall,
            last_deployed: Some(Time::now()),
            ..Info::default()
        },
        ..Release::default()
    };
    let mut stored = store
        .create(&release, Store::check(&release).unwrap(), None)
        .await
        .unwrap();
    for step in 1..=4 {
        lock.check().await.unwrap();
        journal.content["step"] = step.into();
        journal = own.update(&name, Kind::Journal, journal).await.unwrap();
        let object = config_map(&format!("{name}-{step}"), json!({"step": step.to_string()}));
        client.apply(&object, Apply::default()).await.unwrap();
    }
    let gone = ObjectRef::new("v1", "ConfigMap", None, &format!("{name}-1"));
    client.delete(&gone, &Default::default()).await.unwrap();
    stored.release.info.status = Status::Deployed;
    store.update(&stored).await.unwrap();
    let version = Some(journal.resource_version.as_str());
    own.delete(&name, Kind::Journal, "current", version)
        .await
        .unwrap();
    lock.release().await.unwrap();
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn every_operation_comes_through() {
    let seeds: u64 = std::env::var("NUTKIN_TEST_SEEDS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(30);
    // Other seeds each day.
    let first = u64::try_from(jiff::Timestamp::now().as_second()).unwrap() / 86_400 * 1_000;
    println!("seeds {first} to {}", first + seeds - 1);
    let ns = Namespace::new("faults").await;
    let runs = (first..first + seeds).map(|seed| {
        let ns = ns.name.clone();
        async move {
            let proxy = Proxy::start();
            let (rule, faults) = counted(seed);
            let client = through(&proxy, &ns, rule).await;
            let run = tokio::spawn(async move { operation(&client, &ns, seed).await }).await;
            assert!(run.is_ok(), "seed {seed}");
            faults.load(Ordering::SeqCst)
        }
    });
    let faults: Vec<u32> = futures::stream::iter(runs)
        .buffer_unordered(10)
        .collect()
        .await;
    println!(
        "{seeds} operations came through {} faults",
        faults.iter().sum::<u32>()
    );
    assert!(faults.iter().sum::<u32>() > u32::try_from(seeds).unwrap());
    // What is left is what was meant, seen without faults.
    let count = async |kind: &str, group: &str| {
        let all = ns
            .client
            .list(group, kind, Some(&ns.name), &Query::default())
            .await
            .unwrap();
        u64::try_from(all.len()).unwrap()
    };
    let leases = ns
        .client
        .list(
            "coordination.k8s.io/v1",
            "Lease",
            Some(&ns.name),
            &Query::default(),
        )
        .await
        .unwrap();
    assert!(leases.is_empty(), "{leases:#?}");
    assert_eq!(count("Secret", "v1").await, seeds);
    // One is the namespace's own, with the cluster's certificate.
    assert_eq!(count("ConfigMap", "v1").await, 3 * seeds + 1);
    assert_eq!(
        ns.helm(&["list", "-q", "--deployed", "--max", "0"])
            .lines()
            .count() as u64,
        seeds
    );
}

/// A rule that loses the first deletion before the server sees it, when another has just changed the
/// object by kubectl.
fn lost_after_a_change(ns: &str, patch: &'static [&'static str]) -> Rule {
    let ns = ns.to_owned();
    let mut first = true;
    Box::new(move |seen| {
        if seen.method != "DELETE" || !std::mem::take(&mut first) {
            return Act::Pass;
        }
        let mut kubectl = Command::new("kubectl");
        let done = kubectl.args(["--namespace", &ns]).args(patch).output();
        assert!(done.expect("kubectl runs").status.success());
        Act::CutBefore
    })
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster"]
async fn a_deletion_that_was_lost_is_not_taken_for_done() {
    let ns = Namespace::new("lost").await;
    let object = config_map("a", json!({"k": "v"}));
    let live = ns.client.apply(&object, Apply::default()).await.unwrap();
    let proxy = Proxy::start();
    let rule = lost_after_a_change(&ns.name, &["label", "configmap", "a", "by=another"]);
    let client = through(&proxy, &ns.name, rule).await;
    let reference = ObjectRef::of(&live).unwrap();
    let how = Delete {
        uid: uid(&live).map(str::to_owned),
        resource_version: resource_version(&live).map(str::to_owned),
        ..Delete::default()
    };
    let ended = client.delete(&reference, &how).await;
    assert!(matches!(ended, Err(Error::Stale { .. })), "{ended:?}");
    assert!(ns.client.find(&reference).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster"]
async fn a_lock_is_given_back_though_its_deletion_was_lost() {
    let ns = Namespace::new("lostlock").await;
    let proxy = Proxy::start();
    // As a renewal that was under way when the lock was given back.
    let renews = &[
        "label",
        "leases.coordination.k8s.io",
        "nutkin.r",
        "by=renewal",
    ];
    let rule = lost_after_a_change(&ns.name, renews);
    let client = through(&proxy, &ns.name, rule).await;
    let wait = Duration::from_secs(10);
    let lock = Lock::acquire(&client, &ns.name, "r", wait, |_, _| {}).await;
    lock.unwrap().release().await.unwrap();
    let lease = ObjectRef::new("coordination.k8s.io/v1", "Lease", None, "nutkin.r");
    assert_eq!(ns.client.find(&lease).await.unwrap(), None);
}
