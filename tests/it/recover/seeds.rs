//! An API server that is busy, fails, answers by half and loses connections: every command ends right
//! or with a clear error, and the next run heals it. A life of a release is eleven commands; one is lived
//! for each ten of `NUTKIN_TEST_SEEDS`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::Small;
use super::proxy::{Proxy, faults};

/// The life of one release under the faults of one seed; how many commands failed on the way.
fn life(small: &Small, proxy: &Proxy, seed: u64) -> Result<(usize, usize), String> {
    let release = &format!("s{}", seed % 1_000_000);
    let set = "word=two,extra=true";
    let commands: &[&[&str]] = &[
        &["install", release, "CHART"],
        &["status", release],
        &["upgrade", release, "CHART", "--set", set],
        &["get", "all", release],
        &["upgrade", release, "CHART", "--set", set],
        &["list", "-o", "json"],
        &["rollback", release, "1"],
        &["history", release],
        &["savepoint", "list", release],
        &[
            "upgrade",
            release,
            "CHART",
            "--set",
            "word=two",
            "--dry-run",
        ],
        &["uninstall", release],
    ];
    let mut failed = 0;
    for (index, command) in commands.iter().enumerate() {
        let ran = proxy.run(
            &mut small.nutkin(command),
            faults(seed * 100 + index as u64),
        );
        let wrong = |what: &str, text: &str| Err(format!("{command:?}: {what}\n{text}"));
        let text = ran.text();
        if ran.code() != Some(0) {
            failed += 1;
            // A clear error, no bug of ours.
            if ran.code().is_none_or(|c| matches!(c, 70 | 101)) || !text.contains("Error: ") {
                return wrong(&format!("ended with {:?}", ran.code()), &text);
            }
            let (healed, code) = small.says(command);
            let done = match command[0] {
                "install" => code == 73 && small.statuses(release) == ["deployed"],
                "uninstall" => code == 66 && small.statuses(release).is_empty(),
                _ => false,
            };
            if code != 0 && !done {
                return wrong(&format!("then, without faults: {code}\n{healed}"), &text);
            }
        }
        let words: Vec<(String, String)> = small
            .words(release)
            .into_iter()
            .filter(|(n, _)| n != "hook")
            .collect();
        let expected: &[(&str, &str)] = match index {
            0 | 1 | 6..=9 => &[("always", "one"), ("early", "one"), ("secret", "one")],
            2..=5 => &[("always", "two"), ("late", "two"), ("secret", "two")],
            _ => &[],
        };
        if !words
            .iter()
            .map(|(n, w)| (n.as_str(), w.as_str()))
            .eq(expected.iter().copied())
        {
            return wrong(&format!("then there is {words:?}, not {expected:?}"), &text);
        }
        let deployed = small
            .statuses(release)
            .iter()
            .filter(|s| *s == "deployed")
            .count();
        if deployed != usize::from(!expected.is_empty()) {
            return wrong(&format!("history: {:?}", small.statuses(release)), &text);
        }
        let traces = small.traces(release);
        if !traces.is_empty() {
            return wrong(&format!("left behind: {traces:?}"), &text);
        }
    }
    Ok((commands.len(), failed))
}

#[test]
#[ignore = "needs a cluster"]
fn every_command_ends_right_or_is_healed_by_the_next() {
    let seeds: u64 = std::env::var("NUTKIN_TEST_SEEDS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(30_u64)
        .div_ceil(10);
    // Other seeds each day.
    let first = u64::try_from(jiff::Timestamp::now().as_second()).unwrap() / 86_400 * 1_000;
    let first = std::env::var("NUTKIN_TEST_FIRST_SEED")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(first);
    println!("seeds {first} to {}", first + seeds - 1);
    let small = Small::new("seeds");
    let next = AtomicUsize::new(0);
    let (runs, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let failures = std::sync::Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let proxy = Proxy::start();
                loop {
                    let index = next.fetch_add(1, Ordering::SeqCst) as u64;
                    if index >= seeds {
                        return;
                    }
                    match life(&small, &proxy, first + index) {
                        Ok((all, bad)) => {
                            runs.fetch_add(all, Ordering::SeqCst);
                            failed.fetch_add(bad, Ordering::SeqCst);
                        }
                        Err(wrong) => failures
                            .lock()
                            .expect("the list")
                            .push(format!("seed {}: {wrong}", first + index)),
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("the list");
    println!(
        "{} runs under faults, of which {} ended with an error that the next run healed; {} lives failed",
        runs.into_inner(),
        failed.into_inner(),
        failures.len()
    );
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
