//! The whole story on a real cluster: install, upgrade, an upgrade that fails, rollback, uninstall,
//! and not one number lost or doubled.

use crate::ledger::{Ledger, ends_with, succeeds};

const WAIT: &[&str] = &["--wait"];

#[test]
#[ignore = "needs a cluster"]
fn state_survives_upgrade_failed_upgrade_rollback_and_uninstall() {
    let ledger = Ledger::new("story");
    let v1 = ledger.version("v1", &[]);
    let v2 = ledger.version("v2", &["--parallelism", "2"]);
    let unreadable = ledger.version("v3", &["--drop-operator"]);

    succeeds(&mut ledger.release("install", &v1, WAIT));
    ledger.wait_for_more(500);

    succeeds(&mut ledger.release("upgrade", &v2, WAIT));
    let after = ledger.wait_for_more(500);
    assert!(after.lines_of("v2") > 0, "{after:?}");

    ends_with(&mut ledger.release("upgrade", &unreadable, WAIT), 82);
    let after = ledger.wait_for_more(500);
    assert_eq!(after.lines_of("v3"), 0, "{after:?}");

    succeeds(&mut ledger.command("rollback", &["1", "--wait"]));
    let before = after.lines_of("v1");
    let after = ledger.wait_for_more(500);
    assert!(after.lines_of("v1") > before, "{after:?}");

    // Flink's REST by an address of its own.
    let forward = ledger.forward();
    succeeds(&mut ledger.command("uninstall", &["--flink-rest", &forward.url]));
    let told = forward.end();
    assert!(told.contains("Handling connection"), "{told}");
    let last = ledger.check();
    assert!(last.is_clean(), "{last:?}");
    assert_eq!(ledger.jobs(), []);
    let savepoints = succeeds(&mut ledger.command("savepoint list", &["-o", "json"]));
    let savepoints: serde_json::Value = serde_json::from_str(&savepoints).expect("JSON");
    assert!(
        savepoints.as_array().is_some_and(|l| l.len() >= 4),
        "{savepoints}"
    );
}

#[test]
#[ignore = "needs a cluster"]
fn a_revision_that_commits_and_then_fails_loses_and_doubles_nothing() {
    let ledger = Ledger::new("late");
    succeeds(&mut ledger.release("install", &ledger.version("v1", &[]), WAIT));
    ledger.wait_for_more(500);

    // Runs for some checkpoints (200 numbers a second, one each 2 s), then fails again and again:
    // its sinks have committed, so the savepoint it came from is the wrong one to go back to.
    let failing = ledger.version("v2", &["--fail-after", "1200"]);
    ends_with(
        &mut ledger.release("upgrade", &failing, &["--wait", "--stable-for", "60s"]),
        82,
    );
    let after = ledger.wait_for_more(500);
    assert!(
        after.lines_of("v2") > 0,
        "the new revision committed: {after:?}"
    );

    // The same, but the job fails for good: Flink then takes its records of high availability away, and
    // only REST still tells its last checkpoint.
    let failing = ledger.version("v3", &["--fail-after", "1200"]);
    let no_restart = "flinkConfiguration.restart-strategy\\.type=none";
    ends_with(
        &mut ledger.release(
            "upgrade",
            &failing,
            &["--set", no_restart, "--stable-for", "60s"],
        ),
        82,
    );
    let after = ledger.wait_for_more(500);
    assert!(
        after.lines_of("v3") > 0,
        "the new revision committed: {after:?}"
    );

    succeeds(&mut ledger.command("uninstall", &[]));
    let last = ledger.check();
    assert!(last.is_clean(), "{last:?}");
}
