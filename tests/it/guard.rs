//! What must not happen to a job: a second run, a needless restart, a lost savepoint, a rewind by Helm.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::ledger::{Ledger, ends_with, succeeds};

/// The id of the only job, once it runs.
fn running_job(ledger: &Ledger) -> String {
    let end = Instant::now() + Duration::from_secs(180);
    loop {
        let jobs = ledger.jobs();
        if let [(id, state)] = jobs.as_slice()
            && state == "RUNNING"
        {
            return id.clone();
        }
        assert!(Instant::now() < end, "no running job: {jobs:?}");
        std::thread::sleep(Duration::from_millis(500));
    }
}

#[test]
#[ignore = "needs a cluster"]
fn who_scales_the_jobmanager_up_in_between_is_named() {
    let ledger = Ledger::new("intruder");
    succeeds(&mut ledger.release("install", &ledger.version("v1", &[]), &[]));
    ledger.wait_for_more(300);
    let mut upgrade = ledger.release("upgrade", &ledger.version("v2", &[]), &[]);
    let mut child = upgrade
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("nutkin runs");
    let mut log = String::new();
    let mut intruded = false;
    for line in BufReader::new(child.stderr.take().expect("its log")).lines() {
        let line = line.expect("a line");
        log.push_str(&line);
        log.push('\n');
        if !intruded && line.contains("waiting for the old pods to be gone") {
            ledger.kubectl(&["scale", "deployment/ledger-jobmanager", "--replicas=1"]);
            intruded = true;
        }
    }
    assert!(child.wait().expect("an end").success() && intruded, "{log}");
    assert!(
        log.contains("scaled up to 1 in between, by \"kubectl\""),
        "{log}"
    );
    ledger.wait_for_more(300);
    succeeds(&mut ledger.command("uninstall", &[]));
    let last = ledger.check();
    assert!(last.is_clean(), "{last:?}\n{log}");
}

#[test]
#[ignore = "needs a cluster"]
fn what_changes_no_pod_leaves_the_job_alone_and_helm_does_not_rewind_it() {
    let ledger = Ledger::new("untouched");
    let v1 = ledger.version("v1", &[]);
    succeeds(&mut ledger.release("install", &v1, &[]));
    let job = running_job(&ledger);

    let same = succeeds(&mut ledger.release("upgrade", &v1, &[]));
    assert!(same.contains("nothing to do"), "{same}");
    let history = succeeds(&mut ledger.command("history", &["-o", "json"]));
    assert_eq!(history.matches("\"revision\"").count(), 1, "{history}");

    // Replicas of the TaskManagers are no part of a pod's template.
    succeeds(&mut ledger.release("upgrade", &v1, &["--set", "taskManager.replicas=2"]));
    assert_eq!(running_job(&ledger), job, "the job went on");
    ledger.wait_for_more(300);

    // A revision that does restart it, and Helm's rollback over it: the job goes on from its newest
    // checkpoint, for the position is not in the text that Helm applies again.
    succeeds(&mut ledger.release("upgrade", &ledger.version("v2", &[]), &[]));
    ledger.wait_for_lines_of("v2", 300);
    let helm = |arguments: &[&str]| {
        succeeds(
            Command::new("helm")
                .args(arguments)
                .args(["--namespace", &ledger.namespace]),
        )
    };
    for arguments in [
        &["list"] as &[&str],
        &["status", "ledger"],
        &["get", "manifest", "ledger"],
        &["get", "values", "ledger"],
    ] {
        assert!(!helm(arguments).is_empty());
    }
    let job = running_job(&ledger);
    let pod = ledger.jobmanager();
    let secrets = ledger.kubectl(&[
        "get",
        "secrets",
        "--selector",
        "owner=helm",
        "--output",
        "jsonpath={range .items[*]}{.metadata.name} {.type} {.metadata.labels.name} {.metadata.labels.version} {.metadata.labels.status}\n{end}",
    ]);
    let expected: String = ["superseded", "superseded", "deployed"]
        .iter()
        .zip(1..)
        .map(|(status, n)| {
            format!("sh.helm.release.v1.ledger.v{n} helm.sh/release.v1 ledger {n} {status}\n")
        })
        .collect();
    assert_eq!(secrets, expected);
    helm(&["rollback", "ledger", "1", "--force-conflicts"]);
    let rolled_back = ledger.wait_for_new_jobmanager(&pod);
    assert_eq!(running_job(&ledger), job, "not rewound to another run");
    ledger.wait_for_more(600);

    // High availability brought the job back as it was, arguments and all; the same text that Helm has
    // applied makes nutkin start it as that text says.
    succeeds(&mut ledger.release("upgrade", &v1, &[]));
    assert_ne!(ledger.jobmanager(), rolled_back);
    ledger.wait_for_lines_of("v1", 300);
    succeeds(&mut ledger.command("uninstall", &[]));
    let last = ledger.check();
    assert!(last.is_clean(), "{last:?}");
}

#[test]
#[ignore = "needs a cluster"]
fn a_release_that_helm_installed_is_upgraded_with_its_state() {
    let ledger = Ledger::new("taken-over");
    let chart = tempfile::tempdir().expect("a folder");
    let plain = |version: &std::path::Path| {
        // The chart of the same name without any template language: what Helm can install too.
        let rendered = succeeds(
            Command::new(env!("CARGO_BIN_EXE_nutkin"))
                .args([
                    "template",
                    "ledger",
                    "charts/flink-application",
                    "-f",
                    "values/local.yaml",
                    "-f",
                ])
                .arg(version)
                .args(["--namespace", &ledger.namespace])
                .current_dir(env!("CARGO_MANIFEST_DIR")),
        );
        let folder = chart.path().join("templates");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("all.yaml"), rendered).expect("a template");
        std::fs::write(
            chart.path().join("Chart.yaml"),
            "apiVersion: v2\nname: flink-application\nversion: 0.1.0\n",
        )
        .expect("a Chart.yaml");
        chart.path().to_str().expect("a path in UTF-8").to_owned()
    };
    let folder = plain(&ledger.version("v1", &[]));
    succeeds(Command::new("helm").args([
        "install",
        "ledger",
        &folder,
        "--namespace",
        &ledger.namespace,
    ]));
    running_job(&ledger);
    ledger.wait_for_more(300);

    let folder = plain(&ledger.version("v2", &[]));
    succeeds(&mut ledger.command("upgrade", &[&folder]));
    let after = ledger.wait_for_more(300);
    assert!(after.lines_of("v2") > 0, "{after:?}");
    succeeds(&mut ledger.command("uninstall", &[]));
    let last = ledger.check();
    assert!(last.is_clean(), "{last:?}");
}

/// Refusals that must come before anything stops.
#[test]
#[ignore = "needs a cluster"]
fn a_savepoint_that_would_be_lost_and_a_missing_ha_are_refused() {
    let ledger = Ledger::new("refused");
    let v1 = ledger.version("v1", &[]);
    let own_disk = [
        "--set",
        "flinkConfiguration.execution\\.checkpointing\\.savepoint-dir=file:///tmp/savepoints",
    ];
    succeeds(&mut ledger.release("install", &v1, &own_disk));
    let job = running_job(&ledger);
    let v2 = ledger.version("v2", &[]);
    let said = ends_with(&mut ledger.release("upgrade", &v2, &own_disk), 78);
    assert!(
        said.contains("own disk") && said.contains("savepoint-dir"),
        "{said}"
    );
    let said = ends_with(
        &mut ledger.release("upgrade", &v2, &["--set", "highAvailability.enabled=false"]),
        78,
    );
    assert!(said.contains("high availability"), "{said}");
    let said = ends_with(&mut ledger.command("uninstall", &[]), 78);
    assert!(said.contains("own disk"), "{said}");
    assert_eq!(running_job(&ledger), job, "nothing was changed");
    // A manifest that the API server rejects changes nothing either.
    let said = ends_with(
        &mut ledger.release("upgrade", &v2, &["--set", "jobManager.cpu=many"]),
        65,
    );
    assert!(!said.is_empty());
    assert_eq!(running_job(&ledger), job, "nothing was changed");

    // Its state is given up by name; what the ledger knows is asked about by the next install.
    succeeds(&mut ledger.command("uninstall", &["--fresh"]));
}

/// `install` over a ledger asks; `--restore latest` goes on from it.
#[test]
#[ignore = "needs a cluster"]
fn an_install_over_a_ledger_asks_what_to_start_from() {
    let ledger = Ledger::new("ledger");
    let v1 = ledger.version("v1", &[]);
    succeeds(&mut ledger.release("install", &v1, &[]));
    ledger.wait_for_more(300);
    let said = succeeds(&mut ledger.command("uninstall", &[]));
    assert!(
        said.contains("savepoint of ledger-jobmanager: file:"),
        "{said}"
    );
    let said = ends_with(&mut ledger.release("install", &v1, &[]), 78);
    assert!(
        said.contains("--restore latest") && said.contains("--fresh"),
        "{said}"
    );
    succeeds(&mut ledger.release("install", &v1, &["--restore", "latest"]));
    ledger.wait_for_more(300);
    // Helm takes no savepoint: what is newest then is the last checkpoint, which Flink's own records
    // of high availability tell.
    succeeds(Command::new("helm").args(["uninstall", "ledger", "--namespace", &ledger.namespace]));
    let said = ends_with(&mut ledger.release("install", &v1, &[]), 78);
    assert!(said.contains("last checkpoint is file:"), "{said}");
    succeeds(&mut ledger.release("install", &v1, &["--restore", "latest"]));
    ledger.wait_for_more(300);
    succeeds(&mut ledger.command("uninstall", &[]));
    let last = ledger.check();
    assert!(last.is_clean(), "{last:?}");
}
