//! Readiness of kinds whose controllers a test cluster lacks: the test writes the status that they
//! would write, and the wait must see it come.

use std::time::Duration;

use nutkin::cluster::{Apply, Client, ObjectRef, Wait, WaitError};
use serde_json::{Value, json};

use super::Namespace;
use super::operator::{Kinds, object};

fn wait(seconds: u64) -> Wait {
    Wait {
        timeout: Duration::from_secs(seconds),
        unhealthy_grace: Duration::from_secs(1),
        ..Wait::default()
    }
}

/// Applies an object, sees that it is not ready, writes a status beside a second wait, and gives how
/// that one ended.
async fn comes(client: &Client, object: &Value, status: &Value) -> Result<(), WaitError> {
    let reference = ObjectRef::of(object).unwrap();
    client.apply(object, Apply::default()).await.unwrap();
    let all = std::slice::from_ref(&reference);
    let early = client.wait_ready(all, &wait(1), |_| {}).await;
    match early {
        Err(WaitError::TimedOut { not_ready, .. }) => {
            assert!(!not_ready[0].1.is_empty(), "{reference} gives no reason");
        }
        other => panic!("{reference} is {other:?} without a status"),
    }
    let write = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let patch = json!({ "status": status });
        client
            .merge_patch(&reference, Some("status"), &patch)
            .await
            .unwrap();
    };
    let longer = wait(30);
    let (ended, ()) = tokio::join!(client.wait_ready(all, &longer, |_| {}), write);
    ended
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn addresses_volumes_and_servers_are_awaited() {
    let ns = Namespace::new("statuses").await;
    let client = &ns.client;
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "balanced"},
        "spec": {"type": "LoadBalancer", "selector": {"a": "b"}, "ports": [{"port": 80}]}});
    let address = json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}});
    comes(client, &service, &address).await.unwrap();
    let ingress = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "i"},
        "spec": {"defaultBackend": {"service": {"name": "balanced", "port": {"number": 80}}}}});
    comes(client, &ingress, &address).await.unwrap();
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c"},
        "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "none",
            "resources": {"requests": {"storage": "1Gi"}}}});
    // A binder that runs puts the phase back to Pending: seen once is enough.
    comes(client, &claim, &json!({"phase": "Bound"}))
        .await
        .unwrap();
    // Served by nobody: its name is this test's alone.
    let group = format!("{}.example.org", ns.name);
    let api = json!({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
        "metadata": {"name": format!("v1.{group}")},
        "spec": {"group": group, "version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1,
            "insecureSkipTLSVerify": true,
            "service": {"name": "none", "namespace": ns.name}}});
    let available = json!({"conditions": [{"type": "Available", "status": "True", "reason": "Passed",
        "lastTransitionTime": "2026-01-01T00:00:00Z", "message": "all checks passed"}]});
    let ended = comes(client, &api, &available).await;
    client
        .delete(&ObjectRef::of(&api).unwrap(), &Default::default())
        .await
        .unwrap();
    ended.unwrap();
}

/// A CRD of a group of the test's own, with a status.
pub(super) fn crd(group: &str, kind: &str, plural: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {"group": group, "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.to_lowercase(), "kind": kind},
            "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema":
                    {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]},
    })
}

pub(super) async fn served(client: &Client, crd: &Value, kind: &Value) {
    client.apply(crd, Apply::default()).await.unwrap();
    let object = ObjectRef::of(crd).unwrap();
    client
        .wait_ready(&[object], &wait(60), |_| {})
        .await
        .unwrap();
    let start = std::time::Instant::now();
    // Served a moment after it is established.
    loop {
        client.refresh_discovery().await;
        match client
            .apply(
                kind,
                Apply {
                    dry_run: true,
                    ..Apply::default()
                },
            )
            .await
        {
            Ok(_) => return,
            Err(e) => assert!(start.elapsed() < Duration::from_secs(30), "{e}"),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn unknown_kinds_say_by_annotation_when_they_are_ready_or_have_failed() {
    let ns = Namespace::new("annotated").await;
    let client = &ns.client;
    let group = format!("{}.example.org", ns.name);
    let thing = |name: &str, rules: Value| {
        json!({"apiVersion": format!("{group}/v1"), "kind": "Thing",
            "metadata": {"name": name, "annotations": rules}})
    };
    let crd = crd(&group, "Thing", "things");
    served(client, &crd, &thing("probe", json!({}))).await;
    let by_path = thing(
        "path",
        json!({"nutkin.dev/ready": "{.status.phase}=Running"}),
    );
    let path = comes(client, &by_path, &json!({"phase": "Running"})).await;
    let by_condition = thing("condition", json!({"nutkin.dev/ready": "condition=Synced"}));
    let synced = json!({"conditions": [{"type": "Synced", "status": "True"}]});
    let condition = comes(client, &by_condition, &synced).await;
    let failing = thing(
        "failing",
        json!({
            "nutkin.dev/ready": "{.status.phase}=Running",
            "nutkin.dev/failed": "{.status.phase}=Broken",
        }),
    );
    let failed = comes(client, &failing, &json!({"phase": "Broken"})).await;
    client
        .delete(&ObjectRef::of(&crd).unwrap(), &Default::default())
        .await
        .unwrap();
    path.unwrap();
    condition.unwrap();
    assert!(
        matches!(&failed, Err(WaitError::Unhealthy { reason, .. }) if reason.contains("Broken")),
        "{failed:?}"
    );
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn a_quota_that_refuses_pods_ends_the_wait() {
    let ns = Namespace::new("quota").await;
    let client = &ns.client;
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"},
        "spec": {"hard": {"pods": "0"}}});
    client.apply(&quota, Apply::default()).await.unwrap();
    let mut set = super::sleeper("set", Some(1));
    set["kind"] = json!("StatefulSet");
    set["spec"]["serviceName"] = json!("set");
    client.apply(&set, Apply::default()).await.unwrap();
    let object = ObjectRef::of(&set).unwrap();
    let ended = client.wait_ready(&[object], &wait(120), |_| {}).await;
    match ended {
        Err(WaitError::Unhealthy { reason, .. }) => {
            assert!(
                reason.contains("FailedCreate") && reason.contains("quota"),
                "{reason}"
            );
        }
        other => panic!("{other:?}"),
    }
}

/// The kinds of Flink's operator, which is played by the test: it writes its statuses.
#[tokio::test]
#[ignore = "needs a cluster"]
async fn flinks_operator_is_listened_to() {
    let kinds = Kinds::new(&super::connect(Default::default()).await).await;
    let ns = Namespace::new("operator").await;
    let client = &ns.client;
    let deployment = |name: &str| {
        object(
            "FlinkDeployment",
            name,
            json!({"flinkVersion": "v2_0", "image": "none",
            "job": {"jarURI": "local:///none.jar", "state": "running"}}),
        )
    };
    let status = |lifecycle: &str, job: &str| {
        json!({"observedGeneration": 1, "lifecycleState": lifecycle, "jobManagerDeploymentStatus": "READY",
            "error": if lifecycle == "FAILED" { "no such image" } else { "" },
            "jobStatus": {"state": job}})
    };
    let stable = comes(client, &deployment("stable"), &status("STABLE", "RUNNING")).await;
    let failed = comes(client, &deployment("failed"), &status("FAILED", "FAILED")).await;
    let back = comes(
        client,
        &deployment("back"),
        &status("ROLLED_BACK", "RUNNING"),
    )
    .await;
    let job = json!({"deploymentName": "session", "job": {"jarURI": "local:///none.jar"}});
    let session = comes(
        client,
        &object("FlinkSessionJob", "job", job),
        &status("STABLE", "RUNNING"),
    )
    .await;
    drop(kinds);
    stable.unwrap();
    session.unwrap();
    assert!(
        matches!(&failed, Err(WaitError::Unhealthy { reason, .. }) if reason.contains("no such image")),
        "{failed:?}"
    );
    assert!(
        matches!(&back, Err(WaitError::Unhealthy { reason, .. }) if reason.contains("rolled it back")),
        "{back:?}"
    );
}
