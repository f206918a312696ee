//! The kill table: nutkin is killed before and after each request that changes something, in all
//! four operations; the next command must finish or undo it, alone.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::Small;
use super::proxy::{Act, Proxy, kill_at};

/// How many rows are tried at once.
const AT_ONCE: usize = 3;

/// One row of the table: which operation, killed where, and what is run next.
#[derive(Debug, Clone)]
struct Row {
    operation: &'static str,
    at: usize,
    act: Act,
    next: &'static str,
}

/// Brings a release to where the operation begins.
fn prepare(small: &Small, operation: &str, release: &str) {
    let run = |arguments: &[&str]| {
        let (text, code) = small.says(arguments);
        assert_eq!(code, 0, "{arguments:?}: {text}");
    };
    if operation == "install" {
        return;
    }
    run(&["install", release, "CHART"]);
    if operation == "rollback" {
        run(&upgrade(release));
    }
}

fn upgrade(release: &str) -> [&str; 6] {
    [
        "upgrade",
        release,
        "CHART",
        "--set",
        "word=two,extra=true",
        "--install",
    ]
}

fn arguments<'a>(operation: &str, release: &'a str) -> Vec<&'a str> {
    match operation {
        "install" => vec!["install", release, "CHART"],
        "upgrade" => upgrade(release).to_vec(),
        "rollback" => vec!["rollback", release, "1"],
        _ => vec!["uninstall", release],
    }
}

/// What the objects say when an operation is done.
fn objects(operation: &str) -> Vec<(String, String)> {
    let all = match operation {
        "upgrade" => vec![("always", "two"), ("late", "two"), ("secret", "two")],
        "uninstall" => vec![],
        _ => vec![("always", "one"), ("early", "one"), ("secret", "one")],
    };
    all.into_iter()
        .map(|(n, w)| (n.to_owned(), w.to_owned()))
        .collect()
}

/// Without the hook, which stays after an operation, as in Helm.
fn without_hook(words: Vec<(String, String)>) -> Vec<(String, String)> {
    words.into_iter().filter(|(n, _)| n != "hook").collect()
}

/// Tries one row; what is wrong with its end.
fn try_row(small: &Small, proxy: &Proxy, row: &Row, release: &str) -> Result<(), String> {
    prepare(small, row.operation, release);
    let ran = proxy.run(
        &mut small.nutkin(&arguments(row.operation, release)),
        kill_at(row.at, row.act),
    );
    if !ran.killed {
        return Err(format!("it was never killed:\n{}", ran.text()));
    }
    let wrong = |what: &str, text: &str| Err(format!("{what}:\n{text}"));
    // What reads, reports.
    for command in [&["status", release] as &[&str], &["history", release]] {
        let (text, code) = small.says(command);
        // 66: killed before its first record, or after its last.
        if code != 0 && code != 66 {
            return wrong(&format!("{command:?} ended with {code}"), &text);
        }
    }
    // What changes, changes: alone, and at once.
    let (text, code) = small.says(&arguments(row.next, release));
    let nothing_left = code == 66 && matches!(row.next, "uninstall" | "rollback");

    // Killed when only the lock was left: it was installed, and says so.
    let done = code == 73 && row.next == "install" && small.statuses(release) == ["deployed"];
    if code != 0 && !nothing_left && !done {
        return wrong(&format!("{} ended with {code}", row.next), &text);
    }
    let words = without_hook(small.words(release));
    let expected = if nothing_left && row.operation != "uninstall" && row.next == "rollback" {
        // Nothing was there to roll back.
        words.clone()
    } else {
        objects(row.next)
    };
    if words != expected {
        return wrong(&format!("{words:?}, not {expected:?}"), &text);
    }
    let statuses = small.statuses(release);
    let deployed = statuses.iter().filter(|s| *s == "deployed").count();
    let pending = statuses
        .iter()
        .any(|s| s.starts_with("pending") || s == "uninstalling");
    if pending || deployed != usize::from(!expected.is_empty()) {
        return wrong(&format!("history: {statuses:?}"), &text);
    }
    let traces = small.traces(release);
    if !traces.is_empty() {
        return wrong(&format!("left behind: {traces:?}"), &text);
    }
    Ok(())
}

#[test]
#[ignore = "needs a cluster"]
fn after_a_kill_anywhere_the_next_command_finishes_or_undoes() {
    let small = Small::new("kill-table");
    let counting = Proxy::start();
    let mut rows = Vec::new();
    for (operation, others) in [
        ("install", &["upgrade", "uninstall"] as &[&str]),
        ("upgrade", &["rollback", "uninstall"]),
        ("rollback", &["upgrade", "uninstall"]),
        ("uninstall", &["upgrade"]),
    ] {
        let release = format!("count-{operation}");
        prepare(&small, operation, &release);
        let ran = counting.run(
            &mut small.nutkin(&arguments(operation, &release)),
            kill_at(usize::MAX - 1, Act::Pass),
        );
        assert_eq!(ran.code(), Some(0), "{}", ran.text());
        println!(
            "{operation}: {} requests change something",
            ran.changes.len()
        );
        for (at, seen) in ran.changes.iter().enumerate() {
            println!("  {at:>2} {}", seen.short().replace(&release, "NAME"));
            for act in [Act::KillBefore, Act::KillAfter] {
                rows.push(Row {
                    operation,
                    at,
                    act,
                    next: operation,
                });
                // A different wish, one for each point in turn.
                let next = others[(at + usize::from(act == Act::KillAfter)) % others.len()];
                rows.push(Row {
                    operation,
                    at,
                    act,
                    next,
                });
            }
        }
    }
    let all = rows.len();
    if std::env::var_os("NUTKIN_TEST_FULL").is_none() {
        // A third of them each day.
        let day = usize::try_from(jiff::Timestamp::now().as_second()).unwrap() / 86_400;
        let mut index = 0;
        rows.retain(|_| {
            index += 1;
            (index + day) % 3 == 0
        });
    }
    let next_row = AtomicUsize::new(0);
    let failures = std::sync::Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                let proxy = Proxy::start();
                loop {
                    let index = next_row.fetch_add(1, Ordering::SeqCst);
                    let Some(row) = rows.get(index) else { return };
                    let release = format!("r{index}");
                    if let Err(wrong) = try_row(&small, &proxy, row, &release) {
                        failures
                            .lock()
                            .expect("the list")
                            .push(format!("{row:?}: {wrong}"));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("the list");
    println!(
        "kill table: {} of {all} rows, {} failed",
        rows.len(),
        failures.len()
    );
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
