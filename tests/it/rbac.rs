//! The files of docs/rbac are enough: every command, by a service account that has no other rights.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ledger::{Ledger, ends_with, succeeds};

/// A service account of the namespace with one of docs/rbac's Roles, and a kubeconfig for it.
fn kubeconfig(ledger: &Ledger, folder: &Path, role: &str) -> PathBuf {
    let file = format!("{}/docs/rbac/{role}.yaml", env!("CARGO_MANIFEST_DIR"));
    ledger.kubectl(&["apply", "--filename", &file]);
    ledger.kubectl(&["create", "serviceaccount", role]);
    ledger.kubectl(&[
        "create",
        "rolebinding",
        role,
        &format!("--role=nutkin-{role}"),
        &format!("--serviceaccount={}:{role}", ledger.namespace),
    ]);
    let token = ledger.kubectl(&["create", "token", role, "--duration=2h"]);
    let view = ledger.kubectl(&[
        "config",
        "view",
        "--raw",
        "--flatten",
        "--minify",
        "-o",
        "json",
    ]);
    let mut config: serde_json::Value = serde_json::from_str(&view).expect("JSON");
    config["users"][0]["user"] = serde_json::json!({ "token": token.trim() });
    let path = folder.join(format!("{role}.kubeconfig"));
    std::fs::write(&path, config.to_string()).expect("a written kubeconfig");
    path
}

#[test]
#[ignore = "needs a cluster"]
fn the_roles_of_the_docs_are_enough_and_no_more_is_done_without_them() {
    let ledger = Ledger::new("rbac");
    let folder = tempfile::tempdir().expect("a folder");
    let reader = kubeconfig(&ledger, folder.path(), "reader");
    let releaser = kubeconfig(&ledger, folder.path(), "releaser");
    let by = |mut command: Command, who: &Path| {
        command.env("KUBECONFIG", who);
        command
    };
    let v1 = ledger.version("v1", &[]);
    let v2 = ledger.version("v2", &[]);

    // Who may only read changes nothing, and is told what is missing.
    let said = ends_with(&mut by(ledger.release("install", &v1, &[]), &reader), 77);
    assert!(said.contains("forbidden"), "{said}");

    succeeds(&mut by(
        ledger.release("install", &v1, &["--wait"]),
        &releaser,
    ));
    ledger.wait_for_more(300);
    succeeds(&mut by(
        ledger.release("upgrade", &v2, &["--wait"]),
        &releaser,
    ));
    ledger.wait_for_more(300);
    for command in [
        "status",
        "history",
        "get all",
        "get values",
        "savepoint list",
    ] {
        succeeds(&mut by(ledger.command(command, &[]), &reader));
    }
    let mut list = Command::new(env!("CARGO_BIN_EXE_nutkin"));
    list.args(["list", "--namespace", &ledger.namespace]);
    assert!(succeeds(&mut by(list, &reader)).contains("ledger"));
    let said = ends_with(&mut by(ledger.command("uninstall", &[]), &reader), 77);
    assert!(said.contains("forbidden"), "{said}");
    succeeds(&mut by(
        ledger.command("rollback", &["1", "--wait"]),
        &releaser,
    ));
    ledger.wait_for_more(300);
    succeeds(&mut by(ledger.command("uninstall", &[]), &releaser));
    let last = ledger.check();
    assert!(last.is_clean(), "{last:?}");
}
