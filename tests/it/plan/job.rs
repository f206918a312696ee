//! Plans with a job: what happens to it and why; a plan is stale when the job is another.

use serde_json::Value;

use crate::ledger::{Ledger, ends_with, succeeds};

fn plan(ledger: &Ledger, version: &std::path::Path, more: &[&str]) -> Value {
    let all = [more, &["-o", "json"]].concat();
    let said = succeeds(&mut ledger.release("plan upgrade", version, &all));
    let plan: Value = serde_json::from_str(&said).expect("JSON");
    plan["jobs"][0].clone()
}

#[test]
#[ignore = "needs a cluster"]
fn a_plan_says_what_happens_to_the_job() {
    let ledger = Ledger::new("plan-job");
    let (v1, v2) = (ledger.version("v1", &[]), ledger.version("v2", &[]));
    let said = succeeds(&mut ledger.release("plan install", &v1, &["--no-diff"]));
    assert!(said.contains("ledger-jobmanager: started"), "{said}");
    succeeds(&mut ledger.release("install", &v1, &[]));
    ledger.wait_for_more(300);
    let (id, _) = ledger.jobs().remove(0);

    let same = plan(&ledger, &v1, &[]);
    assert_eq!(same["change"], "untouched", "{same}");
    let rescaled = plan(&ledger, &v1, &["--set", "taskManager.replicas=2"]);
    assert_eq!(rescaled["change"], "rescaled", "{rescaled}");
    assert!(
        rescaled["reasons"][0]
            .as_str()
            .unwrap()
            .contains("from 1 to 2 pods"),
        "{rescaled}"
    );
    let restarted = plan(&ledger, &v2, &[]);
    assert_eq!(
        restarted["change"], "restarted-with-savepoint",
        "{restarted}"
    );
    assert!(
        restarted["state"].as_str().unwrap().contains(&id),
        "{restarted}"
    );
    assert!(
        restarted["reasons"][0]
            .as_str()
            .unwrap()
            .contains("pod template"),
        "{restarted}"
    );
    assert_eq!(restarted["jobIds"][0], id.as_str());

    // What can't be done safely is a part of the plan, and its end.
    let own_disk = ["--set", "highAvailability.enabled=false"];
    let said = ends_with(&mut ledger.release("plan upgrade", &v2, &own_disk), 78);
    assert!(said.contains("refused"), "{said}");

    // Saved, and done exactly.
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("p.plan");
    let file = file.to_str().expect("UTF-8");
    succeeds(&mut ledger.release("plan upgrade", &v2, &["--out", file]));
    let apply = |code: i32| {
        let mut nutkin = std::process::Command::new(env!("CARGO_BIN_EXE_nutkin"));
        nutkin.args(["apply", file]);
        ends_with(&mut nutkin, code)
    };
    let said = apply(0);
    assert!(
        said.contains(&format!("job {id} of ledger-jobmanager")),
        "{said}"
    );
    let after = ledger.wait_for_more(300);
    assert!(after.lines_of("v2") > 0, "{after:?}");
    // The history tells what became of each revision's job.
    let history = succeeds(&mut ledger.command("history", &["-o", "json"]));
    let history: Value = serde_json::from_str(&history).expect("JSON");
    let (old, new) = (&history[0]["jobs"][0], &history[1]["jobs"][0]);
    assert_eq!(old["job_id"], id.as_str(), "{history}");
    assert_eq!(old["state"], "STOPPED", "{history}");
    assert_eq!(new["state"], "RUNNING", "{history}");
    let savepoint = old["savepoint"].as_str().expect("a path");
    assert!(savepoint.contains("savepoint-"), "{history}");
    assert_eq!(new["restored_from"], savepoint, "{history}");
    let table = succeeds(&mut ledger.command("history", &[]));
    assert!(
        table.contains("STOPPED") && table.contains(savepoint) && table.contains("RUNNING"),
        "{table}"
    );

    // The job is another by then: cancelled by somebody.
    succeeds(&mut ledger.release("plan upgrade", &v1, &["--out", file]));
    let (id, _) = ledger.jobs().remove(0);
    ledger.rest(&format!("/jobs/{id}/yarn-cancel"));
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while ledger.jobs().iter().any(|(_, state)| state == "RUNNING") {
        assert!(std::time::Instant::now() < end, "it still runs");
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    let said = apply(80);
    assert!(said.contains("its job was"), "{said}");
    succeeds(&mut ledger.command("uninstall", &["--fresh"]));
}
