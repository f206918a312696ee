//! First installs that fail: taken back by `--rollback-on-failure` (`--atomic`), or tried again by
//! `--replace`, beside helm.

use std::path::Path;

use nutkin::cluster::{ObjectRef, Query};
use serde_json::Value;

use crate::cluster::Namespace;
use crate::helm::write_chart;
use crate::ledger::{Ledger, ends_with, succeeds};

/// A chart of a ConfigMap and a Deployment whose image isn't there (`broken`), or that has no pods; and of
/// a hook that fails (`hook`).
fn chart(folder: &Path) -> String {
    let chart = folder.join("c");
    write_chart(
        &chart,
        &[
            ("Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\n"),
            ("values.yaml", "broken: false\nhook: false\n"),
            (
                "templates/map.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: m\ndata:\n  k: v\n",
            ),
            (
                "templates/d.yaml",
                "apiVersion: apps/v1
kind: Deployment
metadata:
  name: d
spec:
  replicas: {{ ternary 1 0 .Values.broken }}
  selector:
    matchLabels: {app: d}
  template:
    metadata:
      labels: {app: d}
    spec:
      containers:
        - name: c
          image: registry.invalid/never:1
          imagePullPolicy: Never
",
            ),
            (
                "templates/hook.yaml",
                "{{- if .Values.hook }}
apiVersion: v1
kind: Pod
metadata:
  name: before
  annotations:
    helm.sh/hook: pre-install
    helm.sh/hook-delete-policy: before-hook-creation,hook-failed
spec:
  restartPolicy: Never
  activeDeadlineSeconds: 1
  containers:
    - name: c
      image: registry.invalid/never:1
      imagePullPolicy: Never
{{- end }}
",
            ),
        ],
    );
    chart.to_str().unwrap().to_owned()
}

/// The names of what is there of the chart, and the Secrets of Helm's records.
async fn left(ns: &Namespace) -> Vec<String> {
    let mut all = Vec::new();
    for (api, kind, name) in [
        ("v1", "ConfigMap", "m"),
        ("apps/v1", "Deployment", "d"),
        ("v1", "Pod", "before"),
    ] {
        let object = ObjectRef::new(api, kind, None, name);
        if ns.client.find(&object).await.unwrap().is_some() {
            all.push(name.to_owned());
        }
    }
    let query = Query {
        labels: Some("owner=helm".into()),
        ..Query::default()
    };
    let records = ns.client.list("v1", "Secret", Some(&ns.name), &query).await;
    for record in records.unwrap() {
        all.push(ObjectRef::of(&record).unwrap().name);
    }
    all
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn a_first_install_that_fails_is_taken_back() {
    let ns = Namespace::new("withdrawn").await;
    let folder = tempfile::tempdir().unwrap();
    let path = chart(folder.path());
    for cause in ["broken=true", "hook=true"] {
        let install = ["install", "r", &path, "--set", cause];
        let short = ["--timeout", "5s"];
        let (told, code) =
            ns.helm_told(&[&install[..], &short, &["--rollback-on-failure"]].concat());
        assert_ne!(code, 0, "{told}");
        assert_eq!(
            left(&ns).await,
            Vec::<String>::new(),
            "helm, {cause}: {told}"
        );

        for flag in ["--rollback-on-failure", "--atomic"] {
            let quick = ["--timeout", "20s", "--unhealthy-grace", "1s", flag];
            let said = ns.run(&[&install[..], &quick].concat());
            assert_eq!(said.code, 82, "{}", said.err);
            // First what failed, then what was done about it.
            let errors = said.err.find("Error:").map(|at| &said.err[at..]);
            let errors = errors.unwrap_or_else(|| panic!("no error: {}", said.err));
            let place = |text: &str| {
                let at = errors.find(text);
                at.unwrap_or_else(|| panic!("no {text:?} in {errors}"))
            };
            let object = match cause {
                "hook=true" => "Pod/before",
                _ => "Deployment/d",
            };
            assert!(place(object) < place("Uninstalled again"), "{errors}");
            assert_eq!(
                left(&ns).await,
                Vec::<String>::new(),
                "{cause}: {}",
                said.err
            );
            // Its pods are gone, and why it failed is known all the same.
            let why = ns.run(&["status", "r", "--why"]);
            assert_eq!(why.code, 0, "{}", why.err);
            assert!(why.out.contains(object), "{}", why.out);
        }
    }
    // The same command, put right.
    let said = ns.run(&["install", "r", &path]);
    assert_eq!(said.code, 0, "{}", said.err);
    // An upgrade that installs is an install.
    let broken = ["--set", "broken=true", "--unhealthy-grace", "1s"];
    let said = ns.run(&[&["upgrade", "-i", "s", &path, "--atomic"][..], &broken].concat());
    assert_eq!(said.code, 73, "its objects are the other's: {}", said.err);
    ns.helm(&["uninstall", "r"]);
    let said = ns.run(&[&["upgrade", "-i", "s", &path, "--atomic"][..], &broken].concat());
    assert_eq!(said.code, 82, "{}", said.err);
    assert_eq!(left(&ns).await, Vec::<String>::new());
}

fn statuses(ns: &Namespace) -> Vec<String> {
    let (text, code) = ns.nutkin(&["history", "r", "-o", "json"]);
    assert_eq!(code, 0, "{text}");
    let history: Vec<Value> = serde_json::from_str(&text).unwrap();
    let status = |r: &Value| r["status"].as_str().unwrap().to_owned();
    history.iter().map(status).collect()
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn replace_uses_a_name_again_as_helm_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = chart(folder.path());
    let mut seen = Vec::new();
    for helm in [true, false] {
        let ns = Namespace::new(if helm { "replaceh" } else { "replacen" }).await;
        let run = |arguments: &[&str]| {
            if helm {
                ns.helm_told(arguments)
            } else {
                ns.nutkin(arguments)
            }
        };
        let does = |arguments: &[&str]| {
            let (text, code) = run(arguments);
            assert_eq!(code, 0, "helm {helm} {arguments:?}: {text}");
        };
        let install = ["install", "r", &path];
        let replace = ["install", "r", &path, "--replace"];
        let refused = |arguments: &[&str]| {
            let (text, code) = run(arguments);
            assert_ne!(code, 0, "helm {helm} {arguments:?}: {text}");
            code
        };
        let mut told = Vec::new();
        // A name in use is not to be had.
        does(&install);
        let code = refused(&replace);
        assert!(helm || code == 73, "{code}");
        told.push(statuses(&ns));
        // Uninstalled, its history kept: only by --replace, and the history goes on.
        does(&["uninstall", "r", "--keep-history"]);
        let code = refused(&install);
        assert!(helm || code == 73, "{code}");
        does(&replace);
        told.push(statuses(&ns));
        // One that failed.
        does(&["uninstall", "r"]);
        let broken = ["--set", "broken=true", "--wait", "--timeout", "4s"];
        refused(&[&install[..], &broken].concat());
        told.push(statuses(&ns));
        does(&replace);
        told.push(statuses(&ns));
        does(&["uninstall", "r"]);
        seen.push(told);
    }
    assert_eq!(seen[0], seen[1]);
}

#[test]
#[ignore = "needs a cluster"]
fn a_first_job_that_does_not_start_is_taken_back() {
    let ledger = Ledger::new("withdrawn-job");
    let overlay = ledger.version("v1", &[]);
    let broken = ["--set", "job.className=dev.nutkin.ledger.Missing"];
    let quick = ["--atomic", "--start-timeout", "60s"];
    let arguments = [&broken[..], &quick].concat();
    let said = ends_with(&mut ledger.release("install", &overlay, &arguments), 82);
    assert!(said.contains("Uninstalled again"), "{said}");
    let left = ["get", "deployments,services,configmaps", "--output", "name"];
    let left = ledger.kubectl(&left);
    assert!(
        left.lines()
            .all(|l| l.contains("kube-root-ca") || l.contains("ledger-jar")),
        "{left}"
    );
    // It had no state, so the next install asks for none.
    succeeds(&mut ledger.release("install", &overlay, &[]));
    ledger.wait_for_more(100);
    succeeds(&mut ledger.command("uninstall", &["--fresh"]));
}
