//! Helm and nutkin on the same releases, both ways: each reads, goes on from and ends what the other made.

use std::path::Path;

use nutkin::cluster::ObjectRef;
use serde_json::{Value, json};

use crate::cluster::Namespace;
use crate::helm::write_chart;

/// A chart of a ConfigMap, a Service, a role, and an object that only some revisions have.
fn chart(folder: &Path) -> String {
    let chart = folder.join("c");
    write_chart(
        &chart,
        &[
            (
                "Chart.yaml",
                "apiVersion: v2\nname: c\nversion: 0.1.0\nappVersion: \"7\"\n",
            ),
            ("values.yaml", "v: \"1\"\nextra: false\n"),
            (
                "templates/all.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: m\ndata:\n  v: {{ .Values.v | quote }}\n---\napiVersion: v1\nkind: Service\nmetadata:\n  name: s\nspec:\n  ports:\n  - port: 80\n    name: p{{ .Values.v }}\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata:\n  name: r\nrules:\n- apiGroups: [\"\"]\n  resources: [pods]\n  verbs: [get]\n",
            ),
            (
                "templates/extra.yaml",
                "{{- if .Values.extra }}\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: extra\ndata:\n  k: v\n{{- end }}\n",
            ),
            ("templates/NOTES.txt", "v is {{ .Values.v }}\n"),
        ],
    );
    chart.to_str().unwrap().to_owned()
}

/// What is in the cluster: v of the map, the port's name, whether the extra map is there.
async fn state(ns: &Namespace) -> Option<(String, String, bool)> {
    let find = |api: &'static str, kind: &'static str, name: &'static str| async move {
        let object = ObjectRef::new(api, kind, None, name);
        ns.client.find(&object).await.unwrap()
    };
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let map = find("v1", "ConfigMap", "m").await?;
    let service = find("v1", "Service", "s").await?;
    assert!(
        find("rbac.authorization.k8s.io/v1", "Role", "r")
            .await
            .is_some()
    );
    let extra = find("v1", "ConfigMap", "extra").await.is_some();
    Some((
        text(&map["data"]["v"]),
        text(&service["spec"]["ports"][0]["name"]),
        extra,
    ))
}

fn is(v: &str, extra: bool) -> Option<(String, String, bool)> {
    Some((v.to_owned(), format!("p{v}"), extra))
}

/// Revision, status, description, as the two tell it.
fn history(text: &str) -> Vec<(u64, String, String)> {
    let all: Vec<Value> = serde_json::from_str(text).unwrap();
    all.iter()
        .map(|h| {
            let text = |f: &str| h[f].as_str().unwrap().to_owned();
            (
                h["revision"].as_u64().unwrap(),
                text("status"),
                text("description"),
            )
        })
        .collect()
}

fn both_histories(ns: &Namespace) -> Vec<(u64, String, String)> {
    let theirs = ns.helm(&["history", "r", "-o", "json"]);
    let ours = ns.run(&["history", "r", "-o", "json"]);
    assert_eq!(ours.code, 0, "{}", ours.err);
    let theirs = history(&theirs);
    assert_eq!(history(&ours.out), theirs);
    theirs
}

fn nutkin(ns: &Namespace, args: &[&str]) {
    let said = ns.run(args);
    assert_eq!(said.code, 0, "{args:?}: {}", said.err);
}

/// Helm installs, server-side and as Helm 3 did; nutkin goes on and ends it.
#[tokio::test]
#[ignore = "needs a cluster"]
async fn what_helm_installed_nutkin_upgrades_rolls_back_and_uninstalls() {
    let folder = tempfile::tempdir().unwrap();
    let chart = chart(folder.path());
    for side in ["--server-side=true", "--server-side=false"] {
        let ns = Namespace::new(&format!("from-helm-{}", side.replace("--server-side=", ""))).await;
        ns.helm(&["install", "r", &chart, side, "--set", "extra=true"]);
        assert_eq!(state(&ns).await, is("1", true));
        // Values carry over as with helm.
        nutkin(&ns, &["upgrade", "r", &chart, "--set", "v=2"]);
        assert_eq!(state(&ns).await, is("2", false), "{side}");
        ns.helm(&["upgrade", "r", &chart, "--set", "v=3,extra=true"]);
        assert_eq!(state(&ns).await, is("3", true), "{side}");
        nutkin(&ns, &["rollback", "r", "2"]);
        assert_eq!(state(&ns).await, is("2", false), "{side}");
        ns.helm(&["rollback", "r", "1"]);
        assert_eq!(state(&ns).await, is("1", true), "{side}");
        nutkin(&ns, &["rollback", "r"]);
        assert_eq!(state(&ns).await, is("2", false), "{side}");
        let told: Vec<String> = both_histories(&ns)
            .into_iter()
            .map(|(_, s, d)| format!("{s} {d}"))
            .collect();
        assert_eq!(
            told,
            [
                "superseded Install complete",
                "superseded Upgrade complete",
                "superseded Upgrade complete",
                "superseded Rollback to 2",
                "superseded Rollback to 1",
                "deployed Rollback to 4",
            ]
        );
        nutkin(&ns, &["uninstall", "r"]);
        assert_eq!(state(&ns).await, None);
        assert_eq!(ns.helm(&["list", "-q"]), "");
    }
}

/// Nutkin installs; helm lists, reads, goes on and ends it.
#[tokio::test]
#[ignore = "needs a cluster"]
async fn what_nutkin_installed_helm_lists_rolls_back_and_uninstalls() {
    let folder = tempfile::tempdir().unwrap();
    let chart = chart(folder.path());
    let ns = Namespace::new("to-helm").await;
    nutkin(&ns, &["install", "r", &chart]);
    nutkin(&ns, &["upgrade", "r", &chart, "--set", "v=2,extra=true"]);
    let listed: Value = serde_json::from_str(&ns.helm(&["list", "-o", "json"])).unwrap();
    assert_eq!(listed[0]["chart"], "c-0.1.0");
    assert_eq!(listed[0]["revision"], "2");
    assert_eq!(listed[0]["app_version"], "7");
    assert_eq!(ns.helm(&["get", "notes", "r"]).trim(), "NOTES:\nv is 2");
    let values: Value =
        serde_json::from_str(&ns.helm(&["get", "values", "r", "-o", "json"])).unwrap();
    assert_eq!(values, json!({"v": 2, "extra": true}));
    ns.helm(&["rollback", "r", "1"]);
    assert_eq!(state(&ns).await, is("1", false));
    ns.helm(&[
        "upgrade",
        "r",
        &chart,
        "--reuse-values",
        "--set",
        "extra=true",
    ]);
    assert_eq!(state(&ns).await, is("1", true));
    nutkin(
        &ns,
        &["upgrade", "r", &chart, "--reuse-values", "--set", "v=4"],
    );
    assert_eq!(state(&ns).await, is("4", true));
    assert_eq!(both_histories(&ns).len(), 5);
    ns.helm(&["uninstall", "r"]);
    assert_eq!(state(&ns).await, None);
    assert_eq!(ns.run(&["status", "r"]).code, 66);
    // And the name is free for either.
    ns.helm(&["install", "r", &chart]);
    nutkin(&ns, &["uninstall", "r"]);
}

/// A revision that Helm left pending isn't nutkin's to finish; what helm does about it helps.
#[tokio::test]
#[ignore = "needs a cluster"]
async fn what_helm_left_pending_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let chart = chart(folder.path());
    let ns = Namespace::new("pending").await;
    ns.helm(&["install", "r", &chart]);
    let template = Path::new(&chart).join("templates/hook.yaml");
    // A hook that can't start: helm waits, and is killed meanwhile.
    std::fs::write(
        &template,
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: hook\n  annotations:\n    helm.sh/hook: pre-upgrade\nspec:\n  nodeSelector:\n    none: such\n  containers:\n  - name: c\n    image: i\n",
    )
    .unwrap();
    let mut helm = std::process::Command::new(crate::helm::binary())
        .args(["upgrade", "r", &chart, "--namespace", &ns.name])
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let hook = ObjectRef::new("v1", "Pod", None, "hook");
    while ns.client.find(&hook).await.unwrap().is_none() {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    helm.kill().unwrap();
    helm.wait().unwrap();
    std::fs::remove_file(&template).unwrap();
    for command in [
        &["upgrade", "r", &chart, "--set", "v=2"][..],
        &["rollback", "r", "1"],
    ] {
        let said = ns.run(command);
        assert_eq!(said.code, 75, "{}", said.err);
        assert!(
            said.err.contains("pending-upgrade") && said.err.contains("helm rollback"),
            "{}",
            said.err
        );
    }
    assert_eq!(state(&ns).await, is("1", false));
    ns.helm(&["rollback", "r", "1"]);
    nutkin(&ns, &["upgrade", "r", &chart, "--set", "v=2"]);
    assert_eq!(state(&ns).await, is("2", false));
}

/// Where Helm keeps releases elsewhere, nutkin says why it doesn't.
#[test]
fn other_drivers_are_refused_with_the_reason() {
    for driver in ["configmap", "sql", "memory"] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_nutkin"))
            .args(["install", "r", "charts/flink-application"])
            .env("HELM_DRIVER", driver)
            .env("KUBECONFIG", "/dev/null")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{text}");
        assert!(text.contains(driver) && text.contains("Secrets"), "{text}");
    }
}
