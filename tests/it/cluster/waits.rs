//! Waiting for what is ready, failing, or gone; the ways to what runs in the cluster.

use std::time::{Duration, Instant};

use http::Method;
use nutkin::cluster::{Apply, Endpoint, Error, ObjectRef, Progress, Wait, WaitError};
use serde_json::json;

use super::{Namespace, config_map, sleeper};

const MINUTE: Duration = Duration::from_secs(60);

fn wait() -> Wait {
    Wait {
        timeout: MINUTE,
        unhealthy_grace: Duration::from_secs(2),
        ..Wait::default()
    }
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn a_deployment_is_awaited_with_reasons() {
    let ns = Namespace::new("ready").await;
    let client = &ns.client;
    client
        .apply(&sleeper("d", Some(1)), Apply::default())
        .await
        .unwrap();
    client
        .apply(&config_map("a", json!({})), Apply::default())
        .await
        .unwrap();
    let objects = [
        ObjectRef::new("apps/v1", "Deployment", None, "d"),
        ObjectRef::new("v1", "ConfigMap", None, "a"),
    ];
    let mut heard = Vec::new();
    client
        .wait_ready(&objects, &wait(), |p| heard.push(p))
        .await
        .unwrap();
    let states: Vec<_> = heard
        .iter()
        .filter_map(|p| match p {
            Progress::State { state, .. } => Some(state.clone()),
            Progress::Pod { .. } => None,
        })
        .collect();
    assert!(states.last().unwrap().is_ready(), "{states:?}");
    // Ready at once when asked again.
    let start = Instant::now();
    client.wait_ready(&objects, &wait(), |_| {}).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(10));
    let pods = client
        .list("v1", "Pod", Some(&ns.name), &Default::default())
        .await
        .unwrap();
    assert_eq!(pods.len(), 1);
    // Gone, really.
    let object = &objects[0];
    let uid = nutkin::cluster::uid(&client.get(object).await.unwrap())
        .unwrap()
        .to_owned();
    let here = client
        .wait_gone(object, Some(&uid), Duration::from_secs(1))
        .await;
    assert!(matches!(here, Err(WaitError::NotGone { .. })), "{here:?}");
    // Another object of the name doesn't count.
    client
        .wait_gone(object, Some("other"), Duration::from_secs(10))
        .await
        .unwrap();
    client.delete(object, &Default::default()).await.unwrap();
    client.wait_gone(object, Some(&uid), MINUTE).await.unwrap();
    client
        .wait_pods_gone(&ns.name, "app=d", MINUTE)
        .await
        .unwrap();
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn what_does_not_heal_ends_the_wait_with_its_last_words() {
    let ns = Namespace::new("unhealthy").await;
    let client = &ns.client;
    let mut crashing = sleeper("crashing", Some(1));
    crashing["spec"]["template"]["spec"]["containers"][0]["command"] =
        json!(["sh", "-c", "echo my last words; exit 3"]);
    // Or it would be ready for the moment that it runs.
    crashing["spec"]["template"]["spec"]["containers"][0]["readinessProbe"] =
        json!({"exec": {"command": ["false"]}});
    client.apply(&crashing, Apply::default()).await.unwrap();
    let object = ObjectRef::new("apps/v1", "Deployment", None, "crashing");
    match client.wait_ready(&[object], &wait(), |_| {}).await {
        Err(WaitError::Unhealthy {
            object,
            reason,
            details,
        }) => {
            assert_eq!(object.name, "crashing");
            assert!(reason.contains("ended with 3"), "{reason}");
            assert!(
                details.iter().any(|d| d.contains("my last words")),
                "{details:?}"
            );
        }
        other => panic!("{other:?}"),
    }
    let mut huge = sleeper("huge", Some(1));
    huge["spec"]["template"]["spec"]["containers"][0]["resources"] =
        json!({"requests": {"cpu": "1000"}});
    client.apply(&huge, Apply::default()).await.unwrap();
    let object = ObjectRef::new("apps/v1", "Deployment", None, "huge");
    let short = Wait {
        timeout: Duration::from_secs(5),
        ..wait()
    };
    // Unschedulable gets its own, longer grace: here the time is up first, and says why.
    match client.wait_ready(&[object], &short, |_| {}).await {
        Err(WaitError::TimedOut { not_ready, .. }) => {
            assert!(not_ready[0].1.contains("Unschedulable"), "{not_ready:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn a_new_kind_is_established_and_found() {
    let ns = Namespace::new("crd").await;
    let client = &ns.client;
    let group = format!("{}.example.org", ns.name);
    let kind =
        json!({"apiVersion": format!("{group}/v1"), "kind": "Thing", "metadata": {"name": "a"}});
    let missing = client.apply(&kind, Apply::default()).await;
    assert!(matches!(missing, Err(Error::NoKind { .. })), "{missing:?}");
    let crd = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("things.{group}")},
        "spec": {"group": group, "scope": "Namespaced",
            "names": {"plural": "things", "singular": "thing", "kind": "Thing"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema":
                {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]},
    });
    client.apply(&crd, Apply::default()).await.unwrap();
    let object = ObjectRef::of(&crd).unwrap();
    client
        .wait_ready(std::slice::from_ref(&object), &wait(), |_| {})
        .await
        .unwrap();
    client.refresh_discovery().await;
    // Served a moment after it is established.
    let start = Instant::now();
    let made = loop {
        match client.apply(&kind, Apply::default()).await {
            Err(Error::NoKind { .. }) if start.elapsed() < Duration::from_secs(20) => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            other => break other,
        }
    };
    made.unwrap();
    let capabilities = client.capabilities().await.unwrap();
    let wanted = format!("{group}/v1/Thing");
    assert!(
        capabilities.api_versions.contains(&wanted),
        "{wanted} is missing"
    );
    assert!(
        capabilities
            .api_versions
            .iter()
            .any(|v| v == "apps/v1/Deployment")
    );
    assert!(capabilities.kube_version.starts_with('v'));
    assert!(client.delete(&object, &Default::default()).await.unwrap());
}

/// An HTTP server that tells what it was sent, with status 409.
const SERVER: &str = r#"
my $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 5, ReuseAddr => 1) or die;
while (my $c = $s->accept) {
    my ($head, $len, $body) = ("", 0, "");
    while (my $l = <$c>) { $head ||= $l; $len = $1 if $l =~ /^content-length: (\d+)/i; last if $l =~ /^\r/ }
    read($c, $body, $len);
    my $text = join(" ", (split(/ /, $head))[0, 1]) . " $body";
    print $c "HTTP/1.1 409 Conflict\r\nContent-Length: " . length($text) . "\r\nConnection: close\r\n\r\n$text";
    close $c;
}
"#;

#[tokio::test]
#[ignore = "needs a cluster"]
async fn servers_in_the_cluster_are_reached() {
    let ns = Namespace::new("proxy").await;
    let client = &ns.client;
    let mut server = sleeper("server", Some(1));
    let container = &mut server["spec"]["template"]["spec"]["containers"][0];
    container["command"] = json!(["perl", "-MIO::Socket::INET", "-e", SERVER]);
    container["ports"] = json!([{"containerPort": 8080}]);
    container["readinessProbe"] = json!({"tcpSocket": {"port": 8080}, "periodSeconds": 1});
    client.apply(&server, Apply::default()).await.unwrap();
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "server"},
        "spec": {"selector": {"app": "server"}, "ports": [{"port": 80, "targetPort": 8080}]}});
    client.apply(&service, Apply::default()).await.unwrap();
    let object = ObjectRef::of(&server).unwrap();
    client.wait_ready(&[object], &wait(), |_| {}).await.unwrap();
    let pods = client
        .list("v1", "Pod", Some(&ns.name), &Default::default())
        .await
        .unwrap();
    let pod = pods[0]["metadata"]["name"].as_str().unwrap();
    let service = |name: &str, port: &str| Endpoint::Service {
        namespace: ns.name.clone(),
        name: name.to_owned(),
        port: port.to_owned(),
        tls: false,
    };
    let ways = [
        service("server", "80"),
        Endpoint::Pod {
            namespace: ns.name.clone(),
            name: pod.to_owned(),
            port: 8080,
        },
    ];
    for way in &ways {
        let body = json!({"a": 1});
        // The endpoints of a Service follow its pods a moment later.
        let start = Instant::now();
        let (status, answer) = loop {
            let sent = client
                .proxy(way, Method::PATCH, "/jobs/1?mode=stop", Some(&body), MINUTE)
                .await;
            match sent {
                Err(Error::Server { .. }) if start.elapsed() < MINUTE => {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                other => break other.unwrap(),
            }
        };
        let answer = String::from_utf8_lossy(&answer).into_owned();
        // A failure of the server behind is its own answer, not the API server's.
        assert_eq!(status, 409, "{way}: {answer}");
        assert_eq!(answer, "PATCH /jobs/1?mode=stop {\"a\":1}", "{way}");
    }
    let none = service("none", "80");
    let error = client.proxy(&none, Method::GET, "/", None, MINUTE).await;
    assert!(matches!(error, Err(Error::NotFound { .. })), "{error:?}");
    let empty = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "empty"},
        "spec": {"selector": {"app": "none"}, "ports": [{"port": 443}]}});
    client.apply(&empty, Apply::default()).await.unwrap();
    let error = client
        .proxy(&service("empty", "443"), Method::GET, "/", None, MINUTE)
        .await;
    assert!(
        matches!(error, Err(Error::Server { status: 503, .. })),
        "{error:?}"
    );
    let nowhere = Endpoint::Url("http://127.0.0.1:1".into());
    let error = client.proxy(&nowhere, Method::GET, "/", None, MINUTE).await;
    assert!(matches!(error, Err(Error::Unreachable { .. })), "{error:?}");
}
