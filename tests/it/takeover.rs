//! Releases that helm applied client-side: what nutkin makes of their objects, with edits in between.

use std::path::Path;
use std::process::Command;

use nutkin::cluster::ObjectRef;
use serde_json::{Value, json};

use crate::cluster::Namespace;
use crate::helm::write_chart;

fn chart(folder: &Path, deployment: &Value, data: &Value) -> String {
    let chart = folder.join("c");
    let map =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": data});
    write_chart(
        &chart,
        &[
            ("Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\n"),
            ("templates/all.yaml", &format!("{deployment}\n---\n{map}\n")),
        ],
    );
    chart.to_str().unwrap().to_owned()
}

/// A Deployment without pods: containers with their env, labels of its own.
fn deployment(labels: Value, containers: Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "labels": labels},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "d"}},
            "template": {"metadata": {"labels": {"app": "d"}}, "spec": {"containers": containers}}}})
}

/// Changes an object as a person does, under kubectl's name.
fn kubectl(ns: &Namespace, args: &[&str]) {
    let output = Command::new("kubectl")
        .args(args)
        .args(["--namespace", &ns.name, "--field-manager=kubectl-edit"])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn fields_of_a_client_side_release_are_neither_lost_nor_kept_for_ever() {
    let ns = Namespace::new("takeover").await;
    let folder = tempfile::tempdir().unwrap();
    let container = |name: &str, env: Value| json!({"name": name, "image": "i", "env": env});
    let env = |name: &str, value: &str| json!({"name": name, "value": value});
    let path = chart(
        folder.path(),
        &deployment(
            json!({"stay": "1", "leave": "1", "change": "1"}),
            json!([
                container(
                    "a",
                    json!([env("STAY", "1"), env("LEAVE", "1"), env("CHANGE", "1")])
                ),
                container("leaves", json!([])),
            ]),
        ),
        &json!({"stay": "1", "leave": "1", "change": "1", "edited": "1"}),
    );
    ns.helm(&["install", "r", &path, "--server-side=false"]);
    // In between: a label, an env and a key of somebody's own, and a key of the chart's changed.
    kubectl(&ns, &["label", "deployment/d", "theirs=x"]);
    kubectl(
        &ns,
        &[
            "patch",
            "deployment/d",
            "-p",
            r#"{"spec":{"template":{"spec":{"containers":[{"name":"a","env":[{"name":"THEIRS","value":"x"}]}]}}}}"#,
        ],
    );
    kubectl(
        &ns,
        &["patch", "configmap/m", "-p", r#"{"data":{"theirs":"x"}}"#],
    );
    let path = chart(
        folder.path(),
        &deployment(
            json!({"stay": "1", "change": "2"}),
            json!([container(
                "a",
                json!([env("STAY", "1"), env("CHANGE", "2")])
            )]),
        ),
        &json!({"stay": "1", "change": "2", "edited": "1"}),
    );
    let said = ns.run(&["upgrade", "r", &path]);
    assert_eq!(said.code, 0, "{}", said.err);
    let d = ObjectRef::new("apps/v1", "Deployment", None, "d");
    let m = ObjectRef::new("v1", "ConfigMap", None, "m");
    let live = ns.client.get(&d).await.unwrap();
    let mut labels = live["metadata"]["labels"].clone();
    labels
        .as_object_mut()
        .unwrap()
        .remove("app.kubernetes.io/managed-by");
    assert_eq!(labels, json!({"stay": "1", "change": "2", "theirs": "x"}));
    let containers = live["spec"]["template"]["spec"]["containers"]
        .as_array()
        .unwrap();
    assert_eq!(containers.len(), 1, "{containers:?}");
    let mut names: Vec<String> = containers[0]["env"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| {
            format!(
                "{}={}",
                e["name"].as_str().unwrap(),
                e["value"].as_str().unwrap()
            )
        })
        .collect();
    names.sort();
    assert_eq!(names, ["CHANGE=2", "STAY=1", "THEIRS=x"]);
    let data = ns.client.get(&m).await.unwrap()["data"].clone();
    assert_eq!(
        data,
        json!({"stay": "1", "change": "2", "edited": "1", "theirs": "x"})
    );

    // Helm goes back to its client-side revision, and nutkin on again: nothing comes back to stay.
    ns.helm(&["rollback", "r", "1"]);
    let data = ns.client.get(&m).await.unwrap()["data"].clone();
    assert_eq!(data["leave"], "1");
    let said = ns.run(&["upgrade", "r", &path]);
    assert_eq!(said.code, 0, "{}", said.err);
    let data = ns.client.get(&m).await.unwrap()["data"].clone();
    assert_eq!(
        data,
        json!({"stay": "1", "change": "2", "edited": "1", "theirs": "x"})
    );
    let live = ns.client.get(&d).await.unwrap();
    assert!(live["metadata"]["labels"].get("leave").is_none(), "{live}");

    // What a person changed of the chart's own is a conflict, told with its owner before anything
    // is done; and taken where that is wanted.
    kubectl(
        &ns,
        &[
            "patch",
            "configmap/m",
            "-p",
            r#"{"data":{"edited":"by hand"}}"#,
        ],
    );
    let path = chart(
        folder.path(),
        &deployment(
            json!({"stay": "2"}),
            json!([container("a", json!([env("STAY", "1")]))]),
        ),
        &json!({"stay": "1", "change": "3", "edited": "2"}),
    );
    let said = ns.run(&["upgrade", "r", &path]);
    assert_eq!(said.code, 73, "{}", said.err);
    assert!(
        said.err.contains("kubectl-edit") && said.err.contains(".data.edited"),
        "{}",
        said.err
    );
    let live = ns.client.get(&d).await.unwrap();
    assert_eq!(live["metadata"]["labels"]["stay"], "1");
    let said = ns.run(&["upgrade", "r", &path, "--force-conflicts"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let data = ns.client.get(&m).await.unwrap()["data"].clone();
    assert_eq!(
        data,
        json!({"stay": "1", "change": "3", "edited": "2", "theirs": "x"})
    );
}
