//! Order on a real cluster: what objects need, cycles, deletion in reverse; prune, cleanup, owners.

use std::path::{Path, PathBuf};
use std::time::Duration;

use nutkin::cluster::ObjectRef;
use serde_json::{Value, json};

use crate::cluster::{Namespace, sleeper};
use crate::helm::write_chart;

fn map(name: &str) -> ObjectRef {
    ObjectRef::new("v1", "ConfigMap", None, name)
}

/// A ConfigMap with annotations and finalizers.
fn config_map(name: &str, annotations: Value, finalizers: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "annotations": annotations, "finalizers": finalizers}})
}

fn chart(folder: &Path, objects: &[Value]) -> PathBuf {
    let chart = folder.join("c");
    let text: String = objects.iter().map(|o| format!("---\n{o}\n")).collect();
    write_chart(
        &chart,
        &[
            ("Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\n"),
            ("templates/all.yaml", &text),
        ],
    );
    chart
}

/// The resource comes when its operator is ready, and goes before it: the operator must be there to
/// work off the resource's finalizer.
#[tokio::test]
#[ignore = "needs a cluster"]
async fn a_resource_comes_after_its_operator_and_goes_before_it() {
    let ns = Namespace::new("order").await;
    let folder = tempfile::tempdir().unwrap();
    let needs = json!({"nutkin.dev/depends-on": "Deployment/operator"});
    let path = chart(
        folder.path(),
        &[
            config_map("resource", needs, json!(["nutkin.test/hold"])),
            sleeper("operator", Some(1)),
        ],
    );
    let said = ns.run(&["install", "r", path.to_str().unwrap()]);
    assert_eq!(said.code, 0, "{}", said.err);
    let operator = ObjectRef::new("apps/v1", "Deployment", None, "operator");
    let live = ns.client.get(&operator).await.unwrap();
    let available = live["status"]["conditions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["type"] == "Available")
        .unwrap();
    assert_eq!(available["status"], "True");
    let resource = ns.client.get(&map("resource")).await.unwrap();
    let time = |text: &Value| text.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert!(
        time(&resource["metadata"]["creationTimestamp"]) >= time(&available["lastTransitionTime"])
    );

    // The operator's part: work the finalizer off, once its resource is to go.
    let client = ns.client.clone();
    let worker = tokio::spawn(async move {
        loop {
            let live = client.get(&map("resource")).await.unwrap();
            if !live["metadata"]["deletionTimestamp"].is_null() {
                tokio::time::sleep(Duration::from_secs(1)).await;
                let there = client.find(&operator).await.unwrap().is_some();
                let none = json!({"metadata": {"finalizers": null}});
                client
                    .merge_patch(&map("resource"), None, &none)
                    .await
                    .unwrap();
                return there;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let name = ns.name.clone();
    let said = tokio::task::spawn_blocking(move || {
        crate::cluster::nutkin_in(&name, &["uninstall", "r", "--wait"])
    })
    .await
    .unwrap();
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(
        worker.await.unwrap(),
        "the operator was deleted before its resource was gone"
    );
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn what_makes_no_order_is_refused_before_anything_is_done() {
    let ns = Namespace::new("cycle").await;
    let folder = tempfile::tempdir().unwrap();
    let needs = |what: &str| json!({"nutkin.dev/depends-on": what});
    let path = chart(
        folder.path(),
        &[
            config_map("a", needs("ConfigMap/b"), json!([])),
            config_map("b", needs("ConfigMap/a"), json!([])),
        ],
    );
    let said = ns.run(&["install", "r", path.to_str().unwrap()]);
    assert_eq!(said.code, 65, "{}", said.err);
    assert!(
        said.err.contains("ConfigMap/a → ConfigMap/b → ConfigMap/a"),
        "{}",
        said.err
    );
    assert!(ns.client.find(&map("a")).await.unwrap().is_none());
    // What is nowhere is waited for, and then told.
    let path = chart(
        folder.path(),
        &[config_map("a", needs("Deployment/none"), json!([]))],
    );
    let said = ns.run(&["install", "s", path.to_str().unwrap(), "--timeout", "2s"]);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(
        said.err.contains("Deployment/none") && said.err.contains("neither in the manifest"),
        "{}",
        said.err
    );
}

/// What a failed upgrade made goes again where that was asked for, and else with the next one.
#[tokio::test]
#[ignore = "needs a cluster"]
async fn a_failed_upgrade_leaks_nothing() {
    let ns = Namespace::new("leak").await;
    let folder = tempfile::tempdir().unwrap();
    let plain = |name: &str| config_map(name, json!({}), json!([]));
    let never = config_map(
        "never",
        json!({"nutkin.dev/depends-on": "Secret/none"}),
        json!([]),
    );
    let path = chart(folder.path(), &[plain("a")]);
    let path = path.to_str().unwrap();
    assert_eq!(ns.run(&["install", "r", path]).code, 0);
    chart(folder.path(), &[plain("a"), plain("new"), never.clone()]);
    let fails = ["upgrade", "r", path, "--timeout", "1s"];
    let said = ns.run(&[&fails[..], &["--cleanup-on-fail"]].concat());
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(
        ns.client.find(&map("new")).await.unwrap().is_none(),
        "{}",
        said.err
    );
    assert_eq!(ns.run(&fails).code, 1);
    assert!(ns.client.find(&map("new")).await.unwrap().is_some());
    // Another release takes over what this one has left: it isn't pruned.
    chart(folder.path(), &[plain("a")]);
    let taken = json!({"metadata": {"annotations": {"meta.helm.sh/release-name": "other"}}});
    chart(folder.path(), &[plain("a"), plain("theirs")]);
    assert_eq!(ns.run(&["upgrade", "r", path]).code, 0);
    assert!(ns.client.find(&map("new")).await.unwrap().is_none());
    ns.client
        .merge_patch(&map("theirs"), None, &taken)
        .await
        .unwrap();
    chart(folder.path(), &[plain("a")]);
    let said = ns.run(&["upgrade", "r", path]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(ns.client.find(&map("theirs")).await.unwrap().is_some());
    let said = ns.run(&["uninstall", "r"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(ns.client.find(&map("theirs")).await.unwrap().is_some());
    assert!(ns.client.find(&map("a")).await.unwrap().is_none());
}

/// `--cascade orphan` leaves the pods' owner behind, as kubectl and helm do.
#[tokio::test]
#[ignore = "needs a cluster"]
async fn dependents_stay_where_they_are_to_stay() {
    let ns = Namespace::new("orphan").await;
    let folder = tempfile::tempdir().unwrap();
    let path = chart(folder.path(), &[sleeper("d", Some(0))]);
    assert_eq!(
        ns.run(&["install", "r", path.to_str().unwrap(), "--wait"])
            .code,
        0
    );
    let said = ns.run(&["uninstall", "r", "--cascade", "orphan", "--wait"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let sets = ns
        .client
        .list("apps/v1", "ReplicaSet", Some(&ns.name), &Default::default())
        .await
        .unwrap();
    assert_eq!(sets.len(), 1);
    assert_eq!(ns.run(&["uninstall", "r"]).code, 66);
    assert_eq!(ns.run(&["uninstall", "r", "--ignore-not-found"]).code, 0);
}

/// An object that another group serves too has not left the manifest when only its group changes.
#[tokio::test]
#[ignore = "needs a cluster"]
async fn the_same_object_under_another_group_stays() {
    let ns = Namespace::new("groups").await;
    let folder = tempfile::tempdir().unwrap();
    let of =
        json!({"apiVersion": "v1", "kind": "Namespace", "name": ns.name, "namespace": ns.name});
    let common = json!({"metadata": {"name": "e"}, "kind": "Event", "type": "Normal",
        "reason": "Test", "action": "Testing", "eventTime": "2026-01-01T00:00:00.000000Z",
        "reportingInstance": "test"});
    let with = |more: Value| {
        let mut event = common.clone();
        for (key, value) in more.as_object().unwrap() {
            event[key] = value.clone();
        }
        event
    };
    let core = with(
        json!({"apiVersion": "v1", "involvedObject": of, "reportingComponent": "nutkin.dev/test"}),
    );
    let path = chart(folder.path(), &[core]);
    let path = path.to_str().unwrap();
    let said = ns.run(&["install", "r", path]);
    assert_eq!(said.code, 0, "{}", said.err);
    let event = ObjectRef::new("v1", "Event", None, "e");
    let before = ns.client.get(&event).await.unwrap();
    let new = with(
        json!({"apiVersion": "events.k8s.io/v1", "regarding": of, "reportingController": "nutkin.dev/test"}),
    );
    chart(folder.path(), &[new]);
    let said = ns.run(&["upgrade", "r", path]);
    assert_eq!(said.code, 0, "{}", said.err);
    let after = ns.client.get(&event).await.unwrap();
    assert_eq!(after["metadata"]["uid"], before["metadata"]["uid"]);
    assert!(after["metadata"]["deletionTimestamp"].is_null());
}

/// A Pod with a service account of the same chart can't be tried before that is there, and comes all
/// the same; as a hook too.
#[tokio::test]
#[ignore = "needs a cluster"]
async fn a_pod_with_its_own_service_account_is_installed() {
    let ns = Namespace::new("account").await;
    let folder = tempfile::tempdir().unwrap();
    let pod = |name: &str, annotations: Value| {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "annotations": annotations},
            "spec": {"serviceAccountName": "own", "nodeSelector": {"none": "such"},
                "containers": [{"name": "c", "image": "i"}]}})
    };
    let hook = json!({"helm.sh/hook": "post-install", "nutkin.dev/ready": "ignore"});
    let path = chart(
        folder.path(),
        &[
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "own"}}),
            pod("plain", json!({})),
            pod("hook", hook),
        ],
    );
    // The hook's pod never runs.
    let said = ns.run(&["install", "r", path.to_str().unwrap(), "--timeout", "2s"]);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(
        said.err.contains("post-install hook Pod/hook failed"),
        "{}",
        said.err
    );
    let plain = ObjectRef::new("v1", "Pod", None, "plain");
    assert!(ns.client.find(&plain).await.unwrap().is_some());
}
