//! A Helm chart that knows nothing of nutkin, of the shape that guides give for an application
//! cluster: installed, upgraded with its state, rolled back and uninstalled.

use std::process::Command;

use serde_json::json;

use crate::ledger::{Ledger, RELEASE, ends_with, succeeds};

const CHART: &str = "tests/charts/flink-app";

/// The values of one version of the ledger job, for this chart's own keys.
fn values(ledger: &Ledger, tag: &str, arguments: &[&str]) -> String {
    let image = std::env::var("NUTKIN_FLINK_IMAGE").expect("NUTKIN_FLINK_IMAGE");
    let (repository, version) = image.rsplit_once(':').expect("an image with a tag");
    let home = format!("file:///flink-data/{}", ledger.namespace);
    let sink = format!("{home}/sink");
    let mut args = vec!["--output", &sink, "--rate", "200", "--version-tag", tag];
    args.extend(arguments);
    let opens = [
        "io",
        "lang",
        "lang.reflect",
        "net",
        "nio",
        "text",
        "time",
        "util",
    ]
    .map(|part| format!("--add-opens=java.base/java.{part}=ALL-UNNAMED"));
    let resources = json!({"requests": {"cpu": "100m", "memory": "1000Mi"}, "limits": {"cpu": 2, "memory": "1000Mi"}});
    let values = json!({
        "fullnameOverride": RELEASE,
        "image": {"repository": repository, "tag": version},
        "job": {"className": "dev.nutkin.ledger.LedgerJob", "args": args},
        "jobmanager": {"resources": resources},
        "taskmanager": {"replicaCount": 1, "resources": resources},
        "flink": {"conf": {
            "parallelism.default": "1",
            "jobmanager.memory.process.size": "1000m",
            "taskmanager.memory.process.size": "1000m",
            "state.backend.type": "hashmap",
            "execution.checkpointing.interval": "2s",
            "state.checkpoints.dir": format!("{home}/checkpoints"),
            "state.savepoints.dir": format!("{home}/savepoints"),
            "high-availability.storageDir": format!("{home}/ha"),
            "env.java.opts.all": opens.join(" "),
        }},
        "extraVolumes": [
            {"name": "jar", "configMap": {"name": "ledger-jar"}},
            ledger.state_volume("state"),
        ],
        "extraVolumeMounts": [
            {"name": "jar", "mountPath": "/opt/flink/usrlib"},
            {"name": "state", "mountPath": "/flink-data"},
        ],
    });
    ledger.overlay(&format!("guide-{tag}"), &values.to_string())
}

#[test]
#[ignore = "needs a cluster"]
fn a_chart_that_knows_nothing_of_nutkin_keeps_its_state() {
    let ledger = Ledger::new("guide");
    let v1 = values(&ledger, "v1", &[]);
    let v2 = values(&ledger, "v2", &[]);
    let broken = values(&ledger, "v3", &["--drop-operator"]);
    let release = |command: &str, values: &str| ledger.command(command, &[CHART, "-f", values]);

    let theirs = succeeds(
        Command::new("helm")
            .args(["template", RELEASE, CHART, "-f", &v1])
            .args(["--namespace", &ledger.namespace])
            .current_dir(env!("CARGO_MANIFEST_DIR")),
    );
    assert_eq!(succeeds(&mut release("template", &v1)), theirs);

    succeeds(&mut release("install", &v1));
    ledger.wait_for_more(300);
    let same = succeeds(&mut release("upgrade", &v1));
    assert!(same.contains("nothing to do"), "{same}");

    succeeds(&mut release("upgrade", &v2));
    let after = ledger.wait_for_more(300);
    assert!(after.lines_of("v2") > 0, "{after:?}");

    ends_with(&mut release("upgrade", &broken), 82);
    let before = ledger.wait_for_more(300);
    assert_eq!(before.lines_of("v3"), 0, "{before:?}");

    succeeds(&mut ledger.command("rollback", &["1"]));
    let after = ledger.wait_for_more(300);
    assert!(after.lines_of("v1") > before.lines_of("v1"), "{after:?}");

    succeeds(&mut ledger.command("uninstall", &[]));
    let last = ledger.check();
    assert!(last.is_clean(), "{last:?}");
    let left = ledger.kubectl(&["get", "deployments,services,configmaps", "--output", "name"]);
    let ours: Vec<&str> = left
        .lines()
        .filter(|l| !l.ends_with("/kube-root-ca.crt") && !l.ends_with("/ledger-jar"))
        .collect();
    assert!(ours.is_empty(), "left behind: {ours:?}");
}
