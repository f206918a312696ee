//! What can't be stopped in the ordinary way: kill -9 and then another wish, a job that crashes, Ctrl-C.
//! The table of all points at which an upgrade may be killed is in `recover::flink`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::ledger::{Ledger, ends_with, succeeds};

/// Runs an upgrade and kills it -9 when its log shows `line` for the first time; what it logged.
fn killed_at(ledger: &Ledger, version: &std::path::Path, line: &str) -> String {
    let mut command = ledger.release("upgrade", version, &[]);
    let mut child: Child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("nutkin runs");
    let log = BufReader::new(child.stderr.take().expect("its log"));
    let mut seen = String::new();
    for text in log.lines() {
        let text = text.expect("a line");
        seen.push_str(&text);
        seen.push('\n');
        if text.contains(line) {
            child.kill().expect("a signal");
            break;
        }
    }
    let status = child.wait().expect("an end");
    assert!(
        !status.success() && seen.contains(line),
        "never came to {line:?}:\n{seen}"
    );
    seen
}

/// Between the stop and the apply a different wish: it starts from the killed run's savepoint too.
#[test]
#[ignore = "needs a cluster"]
fn another_version_goes_on_from_the_killed_runs_savepoint() {
    let ledger = Ledger::new("kill-other");
    succeeds(&mut ledger.release("install", &ledger.version("v1", &[]), &[]));
    ledger.wait_for_more(300);
    killed_at(&ledger, &ledger.version("v2", &[]), "from 1 to 0");
    let said = ends_with(&mut ledger.command("status", &[]), 0);
    assert!(
        said.contains("has not ended") && said.contains("ledger-jobmanager: "),
        "{said}"
    );
    // Helm's rollback heeds no pending revision: it must not start the stopped job.
    let helm = Command::new("helm")
        .args(["rollback", "ledger", "1", "--namespace", &ledger.namespace])
        .output()
        .expect("helm runs");
    assert!(!helm.status.success(), "{helm:?}");
    succeeds(&mut ledger.command("rollback", &["1"]));
    let after = ledger.wait_for_more(300);
    assert_eq!(after.lines_of("v2"), 0, "{after:?}");
    succeeds(&mut ledger.command("uninstall", &[]));
    assert!(ledger.check().is_clean(), "{:?}", ledger.check());
}

/// A job that can't give a savepoint: 81 and nothing changed; its last checkpoint is the way on.
#[test]
#[ignore = "needs a cluster"]
fn a_crash_looping_job_is_refused_and_goes_on_from_its_last_checkpoint() {
    let ledger = Ledger::new("crash-loop");
    // Stable for a while; from this number on, 20 s later, it fails again and again: it comes back to
    // it within the 2 s from one checkpoint to the next.
    let failing = ledger.version("v1", &["--fail-on-record", "4000"]);
    succeeds(&mut ledger.release("install", &failing, &["--stable-for", "1s"]));
    let end = std::time::Instant::now() + std::time::Duration::from_secs(120);
    while !ledger
        .jobs()
        .iter()
        .any(|(_, state)| state == "RESTARTING" || state == "FAILING")
    {
        assert!(
            std::time::Instant::now() < end,
            "it does not fail: {:?}",
            ledger.jobs()
        );
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    let v2 = ledger.version("v2", &[]);
    let before = ledger.kubectl(&[
        "get",
        "deployments",
        "--output",
        "jsonpath={.items[*].metadata.generation}",
    ]);
    let refused = ends_with(&mut ledger.release("upgrade", &v2, &[]), 81);
    assert!(refused.contains("--from-checkpoint latest"), "{refused}");
    let after = ledger.kubectl(&[
        "get",
        "deployments",
        "--output",
        "jsonpath={.items[*].metadata.generation}",
    ]);
    assert_eq!(before, after, "nothing was changed");
    succeeds(&mut ledger.release("upgrade", &v2, &["--from-checkpoint", "latest"]));
    let after = ledger.wait_for_more(300);
    assert!(after.lines_of("v2") > 0, "{after:?}");
    succeeds(&mut ledger.command("uninstall", &[]));
    assert!(ledger.check().is_clean(), "{:?}", ledger.check());
}

/// Ctrl-C after the stop: it brings the new version up before it ends. Twice: it leaves at once, and
/// the next command goes on.
#[test]
#[ignore = "needs a cluster"]
fn an_interrupt_after_the_stop_finishes_and_a_second_one_leaves_at_once() {
    let ledger = Ledger::new("interrupts");
    succeeds(&mut ledger.release("install", &ledger.version("v1", &[]), &[]));
    ledger.wait_for_more(300);
    for (version, signals) in [("v2", 1), ("v3", 2)] {
        let overlay = ledger.version(version, &[]);
        let mut command = ledger.release("upgrade", &overlay, &[]);
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("nutkin runs");
        let mut log = BufReader::new(child.stderr.take().expect("its log")).lines();
        let stopped = log.any(|line| line.expect("a line").contains("from 1 to 0"));
        assert!(stopped, "it never stopped the job");
        for _ in 0..signals {
            succeeds(std::process::Command::new("kill").args(["-INT", &child.id().to_string()]));
            std::thread::sleep(std::time::Duration::from_millis(300));
        }
        let rest: String = log.map_while(Result::ok).map(|line| line + "\n").collect();
        let code = child.wait().expect("an end").code();
        assert_eq!(code, Some(if signals == 1 { 0 } else { 130 }), "{rest}");
        if signals == 2 {
            succeeds(&mut ledger.release("upgrade", &overlay, &[]));
        }
        let after = ledger.wait_for_more(300);
        assert!(after.lines_of(version) > 0, "{after:?}");
    }
    succeeds(&mut ledger.command("uninstall", &[]));
    assert!(ledger.check().is_clean(), "{:?}", ledger.check());
}
