//! What `nutkin create` makes, in both languages: it lints clean, and runs a job on a real cluster.

use std::path::Path;
use std::process::Command;

use crate::ledger::{Ledger, succeeds};

/// Makes a chart, lints it strictly, and gives its folder.
fn create(folder: &Path, flags: &[&str]) -> String {
    let nutkin = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nutkin"));
        command
            .args(args)
            .current_dir(folder)
            .env_remove("GITHUB_ACTIONS");
        succeeds(&mut command)
    };
    nutkin(&[&["create", "orders"], flags].concat());
    let found = nutkin(&["lint", "orders", "--strict"]);
    assert_eq!(found, "", "lint finds nothing");
    nutkin(&["template", "orders"]);
    folder.join("orders").display().to_string()
}

fn runs(test: &str, flags: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    let chart = create(folder.path(), flags);
    let ledger = Ledger::new(test);
    let version = ledger.version("v1", &[]).display().to_string();
    let args = [
        chart.as_str(),
        "-f",
        "values/local.yaml",
        "-f",
        &version,
        "--wait",
    ];
    succeeds(&mut ledger.command("install", &args));
    assert!(ledger.wait_for_more(200).is_clean());
    succeeds(&mut ledger.command("uninstall", &[]));
}

#[test]
fn created_charts_lint_clean_in_both_languages() {
    let folder = tempfile::tempdir().expect("a folder");
    create(folder.path(), &[]);
    let other = tempfile::tempdir().expect("a folder");
    create(other.path(), &["--gotmpl"]);
}

#[test]
#[ignore = "needs a cluster"]
fn a_created_chart_runs() {
    runs("created", &[]);
}

#[test]
#[ignore = "needs a cluster"]
fn a_created_chart_in_helms_language_runs() {
    runs("created-go", &["--gotmpl"]);
}
