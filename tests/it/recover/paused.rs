//! A holder of the lock that is stopped beyond its expiry, and wakes up after another has done its
//! work: it must see that the lock is gone, and overwrite nothing.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::Small;
use super::proxy::{Act, Proxy, kill_at};

/// How many are paused at once: each costs the time that a lock takes to expire.
const AT_ONCE: usize = 8;

fn upgrade<'a>(release: &'a str, word: &'a str) -> [&'a str; 5] {
    ["upgrade", release, "CHART", "--set", word]
}

#[test]
#[ignore = "needs a cluster"]
fn a_holder_that_wakes_up_late_overwrites_nothing() {
    let small = Small::new("paused");
    let says = |arguments: &[&str]| {
        let (text, code) = small.says(arguments);
        assert_eq!(code, 0, "{arguments:?}: {text}");
    };
    says(&["install", "count", "CHART"]);
    let counted = Proxy::start().run(
        &mut small.nutkin(&upgrade("count", "word=late")),
        kill_at(usize::MAX - 1, Act::Pass),
    );
    assert_eq!(counted.code(), Some(0), "{}", counted.text());
    let points = counted.changes.len();
    // Before the first request it holds nothing yet.
    let next = AtomicUsize::new(1);
    let failures = std::sync::Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                let proxy = Proxy::start();
                loop {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    if at >= points {
                        return;
                    }
                    let release = format!("p{at}");
                    let (text, code) = small.says(&["install", &release, "CHART"]);
                    assert_eq!(code, 0, "{text}");
                    let mut other = (String::new(), 0);
                    let ran = proxy.run_paused(
                        &mut small.nutkin(&upgrade(&release, "word=late")),
                        kill_at(at, Act::Pause),
                        || other = small.says(&upgrade(&release, "word=two")),
                    );
                    let told = format!(
                        "paused at {at} ({}), which ended with {:?}:\n{}\nthe other one, with {}:\n{}",
                        counted.changes[at].short(),
                        ran.code(),
                        ran.text(),
                        other.1,
                        other.0
                    );
                    // At the very end the first one is done, and waking up finds nothing to do.
                    let (deployed, words) = (small.statuses(&release), small.words(&release));
                    let fine = other.1 == 0
                        && deployed.iter().filter(|s| *s == "deployed").count() == 1
                        && deployed.last().is_some_and(|s| s == "deployed")
                        && words.iter().filter(|(n, _)| n != "hook").all(|(_, w)| w == "two")
                        && small.traces(&release).is_empty();
                    if !fine {
                        failures.lock().expect("the list").push(format!(
                            "{told}\n{deployed:?} {words:?} {:?}",
                            small.traces(&release)
                        ));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("the list");
    println!("paused at {points} points, {} wrong", failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
