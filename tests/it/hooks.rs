//! Hooks on a real cluster, beside the real helm: order, deletions, record, failures, broken-off runs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cluster::{Namespace, Said};
use crate::helm::write_chart;

fn nutkin_ok(ns: &Namespace, args: &[&str]) -> Said {
    let said = ns.run(args);
    assert_eq!(said.code, 0, "{args:?}: {}", said.err);
    said
}

fn image() -> String {
    std::env::var("NUTKIN_FLINK_IMAGE_2")
        .unwrap_or_else(|_| "docker.io/library/flink:2.3.0".to_owned())
}

/// A hook's annotations.
fn annotations(event: &str, weight: i32, policy: &str) -> String {
    let mut text = format!(
        "  annotations:\n    helm.sh/hook: {event}\n    helm.sh/hook-weight: \"{weight}\"\n"
    );
    if !policy.is_empty() {
        text.push_str(&format!("    helm.sh/hook-delete-policy: {policy}\n"));
    }
    text
}

/// A Job that runs a shell line as a hook.
fn job(name: &str, annotations: &str, line: &str) -> String {
    format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {name}\n{annotations}spec:\n  backoffLimit: 0\n  template:\n    spec:\n      restartPolicy: Never\n      terminationGracePeriodSeconds: 0\n      containers:\n      - name: c\n        image: {}\n        imagePullPolicy: IfNotPresent\n        command: [\"/bin/bash\", \"-c\", {line:?}]\n",
        image()
    )
}

/// A Pod that runs a shell line as a hook.
fn pod(name: &str, annotations: &str, line: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n{annotations}spec:\n  restartPolicy: Never\n  terminationGracePeriodSeconds: 0\n  containers:\n  - name: c\n    image: {}\n    imagePullPolicy: IfNotPresent\n    command: [\"/bin/bash\", \"-c\", {line:?}]\n",
        image()
    )
}

fn map(name: &str, annotations: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n{annotations}data:\n  k: v\n"
    )
}

/// A chart of one plain object and hooks.
fn chart(folder: &Path, hooks: &str) -> PathBuf {
    let chart = folder.join("c");
    write_chart(
        &chart,
        &[
            ("Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\n"),
            (
                "templates/plain.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: plain\ndata:\n  v: {{ .Values.v | default \"1\" | quote }}\n",
            ),
            ("templates/hooks.yaml", hooks),
        ],
    );
    chart
}

/// The hooks of the newest record, those that ran, in the order they ran: name, phase, policies.
fn ran(ns: &Namespace) -> Vec<(String, String, Value)> {
    let status: Value = serde_json::from_str(&ns.helm(&["status", "r", "-o", "json"])).unwrap();
    let mut hooks: Vec<Value> = status["hooks"].as_array().cloned().unwrap_or_default();
    hooks.retain(|h| h["last_run"]["started_at"].is_string());
    hooks.sort_by_key(|h| {
        let started = h["last_run"]["started_at"].as_str().unwrap().to_owned();
        started.parse::<jiff::Timestamp>().unwrap()
    });
    hooks
        .iter()
        .map(|h| {
            let run = &h["last_run"];
            assert!(run["completed_at"].is_string(), "{h}");
            (
                h["name"].as_str().unwrap().to_owned(),
                run["phase"].as_str().unwrap().to_owned(),
                h["delete_policies"].clone(),
            )
        })
        .collect()
}

/// The Jobs, Pods and ConfigMaps that are there.
async fn there(ns: &Namespace) -> Vec<String> {
    let mut names = Vec::new();
    for (version, kind) in [("batch/v1", "Job"), ("v1", "ConfigMap")] {
        let found = ns
            .client
            .list(version, kind, Some(&ns.name), &Default::default())
            .await
            .unwrap();
        names.extend(
            found
                .iter()
                .filter(|o| o["metadata"]["deletionTimestamp"].is_null())
                .map(|o| format!("{kind}/{}", o["metadata"]["name"].as_str().unwrap())),
        );
    }
    names.retain(|n| n != "ConfigMap/kube-root-ca.crt");
    names.sort();
    names
}

/// All events of a release's life, with helm and with nutkin: the same hooks in the same order, the
/// same left on the cluster, the same said in the record.
#[tokio::test]
#[ignore = "needs a cluster"]
async fn hooks_run_as_helm_runs_them() {
    let folder = tempfile::tempdir().unwrap();
    let hooks = [
        job(
            "b-late",
            &annotations("pre-install,post-upgrade", 5, ""),
            "echo late",
        ),
        map(
            "z-first",
            &annotations("pre-install", -5, "before-hook-creation"),
        ),
        map(
            "a-second",
            &annotations("pre-install,pre-upgrade", 0, "hook-succeeded"),
        ),
        map(
            "b-second",
            &annotations(
                "pre-install,pre-rollback",
                0,
                "hook-succeeded,before-hook-creation",
            ),
        ),
        job(
            "after",
            &annotations("post-install,post-rollback", 0, "hook-succeeded"),
            "true",
        ),
        map("gone", &annotations("pre-delete", 1, "hook-succeeded")),
        map("left", &annotations("post-delete", 1, "")),
        map("never", &annotations("test", 0, "")),
    ]
    .join("---\n");
    let chart = chart(folder.path(), &hooks);
    let chart = chart.to_str().unwrap();
    let (theirs, ours) = (
        Namespace::new("hooks-helm").await,
        Namespace::new("hooks").await,
    );
    let steps: [&[&str]; 4] = [
        &["install", "r", chart],
        &["upgrade", "r", chart, "--set", "v=2"],
        &["rollback", "r", "1"],
        &["uninstall", "r", "--keep-history"],
    ];
    let mut compared = 0;
    for step in steps {
        let with_helm = async {
            theirs.helm(step);
            (ran(&theirs), there(&theirs).await)
        };
        let helm = with_helm.await;
        nutkin_ok(&ours, step);
        let mine = (ran(&ours), there(&ours).await);
        assert_eq!(mine, helm, "{step:?}");
        compared += mine.0.len() + mine.1.len();
    }
    assert_eq!(
        there(&ours).await,
        ["ConfigMap/left", "ConfigMap/z-first", "Job/b-late"]
    );
    println!("{compared} runs of hooks and objects left compared with helm");
}

/// A hook that fails: nothing else is done, its log is shown, the policies hold; as with helm.
#[tokio::test]
#[ignore = "needs a cluster"]
async fn a_failed_hook_is_told_with_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let hooks = [
        map("before", &annotations("pre-upgrade", -1, "hook-succeeded")),
        job(
            "breaks",
            &annotations("pre-upgrade", 0, "before-hook-creation,hook-failed"),
            "echo the reason; exit 3",
        ),
        map("after", &annotations("pre-upgrade", 1, "")),
    ]
    .join("---\n");
    let chart = chart(folder.path(), &hooks);
    let chart = chart.to_str().unwrap();
    let (theirs, ours) = (
        Namespace::new("fails-helm").await,
        Namespace::new("fails").await,
    );
    theirs.helm(&["install", "r", chart]);
    nutkin_ok(&ours, &["install", "r", chart]);
    let upgrade = ["upgrade", "r", chart, "--set", "v=2"];
    let (_, code) = theirs.helm_told(&upgrade);
    assert_ne!(code, 0);
    let said = ours.run(&upgrade);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains("the reason"), "{}", said.err);
    assert!(
        said.err
            .contains("pre-upgrade hook Job/breaks failed: BackoffLimitExceeded"),
        "{}",
        said.err
    );
    assert_eq!(ran(&ours), ran(&theirs));
    assert_eq!(there(&ours).await, there(&theirs).await);
    assert_eq!(there(&ours).await, ["ConfigMap/plain"]);
    let plain = nutkin::cluster::ObjectRef::new("v1", "ConfigMap", None, "plain");
    assert_eq!(ours.client.get(&plain).await.unwrap()["data"]["v"], "1");
    let history: Value = serde_json::from_str(&ours.helm(&["history", "r", "-o", "json"])).unwrap();
    assert_eq!(history[1]["status"], "failed");
    // Without hooks it goes.
    nutkin_ok(
        &ours,
        &["upgrade", "r", chart, "--set", "v=2", "--no-hooks"],
    );
    assert_eq!(ours.client.get(&plain).await.unwrap()["data"]["v"], "2");
}

/// A hook that the server would refuse is found before anything is done.
#[tokio::test]
#[ignore = "needs a cluster"]
async fn a_hook_is_tried_before_anything_is_done() {
    let ns = Namespace::new("dry-hook").await;
    let folder = tempfile::tempdir().unwrap();
    let wrong = job("wrong", &annotations("post-install", 0, ""), "true")
        .replace("restartPolicy: Never", "restartPolicy: Sometimes");
    let path = chart(folder.path(), &wrong);
    let said = ns.run(&["install", "r", path.to_str().unwrap()]);
    assert_eq!(said.code, 65, "{}", said.err);
    assert!(said.err.contains("restartPolicy"), "{}", said.err);
    assert_eq!(there(&ns).await, Vec::<String>::new());
    let right = job("right", &annotations("post-install", 3, ""), "true");
    let path = chart(folder.path(), &right);
    let said = nutkin_ok(&ns, &["install", "r", path.to_str().unwrap(), "--dry-run"]);
    assert!(
        said.err.contains("post-install Job/right (weight 3)"),
        "{}",
        said.err
    );
    assert_eq!(there(&ns).await, Vec::<String>::new());
}

/// Killed while a hook runs: the next run joins it, and says so; it isn't run twice.
#[tokio::test]
#[ignore = "needs a cluster"]
async fn a_killed_run_does_not_run_its_hook_twice() {
    let ns = Namespace::new("killed-hook").await;
    let folder = tempfile::tempdir().unwrap();
    let hooks = [
        map("quick", &annotations("pre-upgrade", -1, "hook-succeeded")),
        job(
            "slow",
            &annotations("pre-upgrade", 0, "hook-succeeded"),
            "sleep 4",
        ),
    ]
    .join("---\n");
    let path = chart(folder.path(), &hooks);
    let path = path.to_str().unwrap();
    nutkin_ok(&ns, &["install", "r", path]);
    let upgrade = ["upgrade", "r", path, "--set", "v=2"];
    let mut killed = Command::new(env!("CARGO_BIN_EXE_nutkin"))
        .args(upgrade)
        .args(["--namespace", &ns.name])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let slow = nutkin::cluster::ObjectRef::new("batch/v1", "Job", None, "slow");
    let begun = Instant::now();
    let uid = loop {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "no hook was made"
        );
        let journal = ns.nutkin_journal().await;
        if let Some(uid) = journal["hooks"]
            .as_array()
            .and_then(|h| h.iter().find(|h| h["name"] == "slow")?["uid"].as_str())
        {
            break uid.to_owned();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    killed.kill().unwrap();
    killed.wait().unwrap();
    let said = nutkin_ok(&ns, &[&upgrade[..], &["--lock-timeout", "60s"]].concat());
    assert!(
        said.err
            .contains("pre-upgrade hook ConfigMap/quick ran in the run that broke off"),
        "{}",
        said.err
    );
    assert!(
        said.err.contains(
            "pre-upgrade hook Job/slow was begun by the run that broke off; it is awaited"
        ),
        "{}",
        said.err
    );
    assert!(ns.client.find(&slow).await.unwrap().is_none(), "{uid}");
    assert_eq!(there(&ns).await, ["ConfigMap/plain"]);
    let status: Value = serde_json::from_str(&ns.helm(&["status", "r", "-o", "json"])).unwrap();
    assert_eq!(status["info"]["status"], "deployed");
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn who_waited_for_the_lock_goes_on_from_what_the_other_left() {
    let ns = Namespace::new("waits").await;
    let folder = tempfile::tempdir().unwrap();
    let slow = job(
        "slow",
        &annotations("pre-upgrade", 0, "hook-succeeded"),
        "sleep 4",
    );
    let path = chart(folder.path(), &slow);
    let path = path.to_str().unwrap();
    nutkin_ok(&ns, &["install", "r", path]);
    let upgrade = |value| ["upgrade", "r", path, "--set", value];
    let mut first = Command::new(env!("CARGO_BIN_EXE_nutkin"))
        .args(upgrade("v=2"))
        .args(["--namespace", &ns.name])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while ns.nutkin_journal().await["hooks"].as_array().is_none() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "no hook was made"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // What it reads first is a revision that is pending, with a journal.
    let second = [
        &upgrade("v=3")[..],
        &["--no-hooks", "--lock-timeout", "60s"],
    ]
    .concat();
    nutkin_ok(&ns, &second);
    assert!(first.wait().unwrap().success());
    let history: Value = serde_json::from_str(&ns.helm(&["history", "r", "-o", "json"])).unwrap();
    let states: Vec<(&Value, &Value)> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|r| (&r["status"], &r["description"]))
        .collect();
    let (superseded, complete) = (json!("superseded"), json!("Upgrade complete"));
    assert_eq!(
        states,
        [
            (&superseded, &json!("Install complete")),
            (&superseded, &complete),
            (&json!("deployed"), &complete)
        ]
    );
}

/// What helm prints of tests, without the times.
fn without_times(text: &str) -> String {
    text.lines()
        .map(|l| match l.split_once(':') {
            Some((key @ ("LAST DEPLOYED" | "Last Started" | "Last Completed"), _)) => key,
            Some(("NAMESPACE", _)) => "NAMESPACE",
            _ => l,
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn tests_run_as_helm_runs_them() {
    let folder = tempfile::tempdir().unwrap();
    let hooks = [
        pod(
            "good",
            &annotations("test", 0, "before-hook-creation,hook-succeeded"),
            "echo all is well",
        ),
        pod(
            "worse",
            &annotations("test", 5, ""),
            "echo not so well; exit 1",
        ),
    ]
    .join("---\n");
    let chart = chart(folder.path(), &hooks);
    let chart = chart.to_str().unwrap();
    let (theirs, ours) = (
        Namespace::new("test-helm").await,
        Namespace::new("test").await,
    );
    theirs.helm(&["install", "r", chart]);
    nutkin_ok(&ours, &["install", "r", chart]);
    let good = ["test", "r", "--logs", "--filter", "name=good"];
    let helm = theirs.helm(&good);
    let said = nutkin_ok(&ours, &good);
    assert_eq!(without_times(&said.out), without_times(&helm));
    assert!(said.out.contains("all is well"), "{}", said.out);
    assert_eq!(ran(&ours), ran(&theirs));
    let (_, code) = theirs.helm_told(&["test", "r"]);
    assert_eq!(code, 1);
    let said = ours.run(&["test", "r"]);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains("not so well"), "{}", said.err);
    assert!(said.out.contains("Phase:          Failed"), "{}", said.out);
    assert_eq!(ran(&ours), ran(&theirs));
    let said = nutkin_ok(&ours, &["test", "r", "--filter", "!name=worse"]);
    assert!(
        said.out.contains("Phase:          Succeeded"),
        "{}",
        said.out
    );
    assert_eq!(ours.run(&["test", "none"]).code, 66);
}

impl Namespace {
    /// The journal of the release `r`; null where there is none.
    async fn nutkin_journal(&self) -> Value {
        use base64::Engine as _;
        let secret =
            nutkin::cluster::ObjectRef::new("v1", "Secret", None, "nutkin.v1.r.journal.current");
        let Some(live) = self.client.find(&secret).await.unwrap() else {
            return json!(null);
        };
        let text = live["data"]["document"].as_str().unwrap();
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(text)
            .unwrap();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }
}

/// The order of an upgrade: the hooks before it see the job run, the hooks after it see it run again.
#[test]
#[ignore = "needs a cluster"]
fn hooks_of_an_upgrade_see_the_job_run() {
    if std::env::var_os("NUTKIN_TEST_FULL").is_none() {
        println!("left out: NUTKIN_TEST_FULL is not set");
        return;
    }
    let ledger = crate::ledger::Ledger::new("hook-job");
    let folder = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/flink-application");
    let copied = Command::new("cp")
        .arg("-r")
        .arg(&source)
        .arg(folder.path())
        .status()
        .unwrap();
    assert!(copied.success());
    let chart = folder.path().join("flink-application");
    let ask = "exec 3<>/dev/tcp/ledger-rest/8081; printf 'GET /jobs/overview HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3 | tee /dev/stderr | grep '\"state\":\"RUNNING\"'";
    let text = [
        job("before", &annotations("pre-upgrade", 0, ""), ask),
        job(
            "after",
            &annotations("post-install,post-upgrade", 0, ""),
            ask,
        ),
    ]
    .join("---\n");
    std::fs::write(chart.join("templates/hooks.yaml"), text).unwrap();
    let run = |command: &str, version: &str| {
        let overlay = ledger.version(version, &[]);
        let arguments = [
            chart.to_str().unwrap(),
            "-f",
            "values/local.yaml",
            "-f",
            overlay.to_str().unwrap(),
        ];
        crate::ledger::succeeds(&mut ledger.command(command, &arguments))
    };
    run("install", "v1");
    ledger.wait_for_more(300);
    run("upgrade", "v2");
    assert!(ledger.wait_for_more(300).lines_of("v2") > 0);
    crate::ledger::succeeds(&mut ledger.command("uninstall", &[]));
    let last = ledger.check();
    assert!(last.is_clean(), "{last:?}");
}
