//! An API server that is busy, fails, and loses connections before and after it has acted.
//!
//! All requests pass a proxy of the tests, which plays faults by seed, at most three in a row, so
//! that every operation must come through, exactly once. `NUTKIN_TEST_SEEDS` sets how many.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use http_body_util::BodyExt;
use kube::client::Body;
use nutkin::cluster::{Apply, Client, ObjectRef, Options, Query};
use nutkin::release::own::Kind;
use nutkin::release::{Info, Lock, Own, Release, Status, Store, Time};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{Namespace, config_map, connect};

#[derive(Debug, Clone, Copy)]
enum Fault {
    None,
    TooManyRequests,
    InternalError,
    Unavailable,
    CutBefore,
    CutAfter,
    HalfAnswer,
}

struct Proxy {
    upstream: kube::Client,
    random: AtomicU64,
    in_a_row: Mutex<HashMap<String, u32>>,
    faults: AtomicU32,
}

impl Proxy {
    /// The next fault for a request; after three in a row of the same there is none. Counted for each,
    /// for the lock's renewals come in between.
    fn fault(&self, request: &str) -> Fault {
        let mut x = self.random.load(Ordering::SeqCst);
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.random.store(x, Ordering::SeqCst);
        let fault = match x >> 40 & 0xf {
            0 => Fault::TooManyRequests,
            1 => Fault::InternalError,
            2 => Fault::Unavailable,
            3 => Fault::CutBefore,
            4 | 5 => Fault::CutAfter,
            6 => Fault::HalfAnswer,
            _ => Fault::None,
        };
        let mut in_a_row = self.in_a_row.lock().unwrap();
        let count = in_a_row.entry(request.to_owned()).or_default();
        if matches!(fault, Fault::None) || *count >= 3 {
            *count = 0;
            return Fault::None;
        }
        *count += 1;
        self.faults.fetch_add(1, Ordering::SeqCst);
        fault
    }

    /// Carries one request and closes.
    async fn carry(&self, mut stream: TcpStream) -> Option<()> {
        let mut bytes = Vec::new();
        let head_end = loop {
            if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        };
        let head = String::from_utf8(bytes[..head_end].to_vec()).ok()?;
        let mut lines = head.lines();
        let mut first = lines.next()?.split(' ');
        let mut request = http::Request::builder()
            .method(first.next()?)
            .uri(first.next()?);
        let mut length = 0;
        for (name, value) in lines.filter_map(|l| l.split_once(": ")) {
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().ok()?,
                "accept" | "content-type" => request = request.header(name, value),
                _ => {}
            }
        }
        while bytes.len() < head_end + length {
            stream.read_buf(&mut bytes).await.ok()?;
        }
        let status = |code: u16, extra: &str| {
            let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure",
                "code": code, "message": "a fault of the test"})
            .to_string();
            format!(
                "HTTP/1.1 {code} Fault\r\n{extra}Content-Type: application/json\r\n\
                 Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            )
        };
        let fault = self.fault(head.lines().next()?);
        let refused = match fault {
            Fault::TooManyRequests => status(429, "Retry-After: 0\r\n"),
            Fault::InternalError => status(500, ""),
            Fault::Unavailable => status(503, ""),
            Fault::CutBefore => return None,
            _ => String::new(),
        };
        if !refused.is_empty() {
            stream.write_all(refused.as_bytes()).await.ok()?;
            return Some(());
        }
        let request = request.body(Body::from(bytes[head_end..].to_vec())).ok()?;
        let response = self.upstream.send(request).await.ok()?;
        if matches!(fault, Fault::CutAfter) {
            let _ = response.into_body().collect().await;
            return None;
        }
        let code = response.status().as_u16();
        let body = response.into_body().collect().await.ok()?.to_bytes();
        let head = format!(
            "HTTP/1.1 {code} Answer\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.ok()?;
        let share = match fault {
            Fault::HalfAnswer => body.len() / 2,
            _ => body.len(),
        };
        stream.write_all(&body[..share]).await.ok()
    }
}

/// A client whose requests pass a proxy with faults.
async fn faulty(ns: &str, seed: u64) -> (Client, Arc<Proxy>) {
    let config = kube::Config::infer().await.unwrap();
    let proxy = Arc::new(Proxy {
        upstream: kube::Client::try_from(config).unwrap(),
        random: AtomicU64::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
        in_a_row: Mutex::new(HashMap::new()),
        faults: AtomicU32::new(0),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let carrying = Arc::clone(&proxy);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let proxy = Arc::clone(&carrying);
            tokio::spawn(async move { proxy.carry(stream).await });
        }
    });
    let client = connect(Options {
        server: Some(format!("http://{address}")),
        namespace: Some(ns.to_owned()),
        ..Options::default()
    })
    .await;
    (client, proxy)
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
    let mut stored = store.create(&release).await.unwrap();
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
            let (client, proxy) = faulty(&ns, seed).await;
            let run = tokio::spawn(async move { operation(&client, &ns, seed).await }).await;
            assert!(run.is_ok(), "seed {seed}");
            proxy.faults.load(Ordering::SeqCst)
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
        ns.helm(&["list", "-q", "--deployed"]).lines().count() as u64,
        seeds
    );
}
