//! Kills between the steps that touch a job's state, on real Flink: at each, the same upgrade again
//! brings the new version up with not one number lost or doubled.
//!
//! Which requests there are is counted on an undisturbed upgrade. Always tried: right after the trigger
//! was sent, after the stop and before the apply, after the apply. Each day tries another one beside
//! them, `NUTKIN_TEST_FULL` all.

use crate::ledger::{Ledger, ends_with, succeeds};

use super::proxy::{Act, Proxy, Seen, kill_at};

/// Whether a request belongs to the steps that touch the state: not the lock, nor what comes after
/// the job is proven.
fn touches_state(seen: &Seen) -> bool {
    !seen.path.contains("/coordination.k8s.io/") && !seen.path.contains("/checkpoints")
}

#[test]
#[ignore = "needs a cluster"]
fn after_a_kill_anywhere_the_job_goes_on() {
    let ledger = Ledger::new("kills");
    let proxy = Proxy::start();
    succeeds(&mut ledger.release("install", &ledger.version("v0", &[]), &[]));
    ledger.wait_for_more(100);
    let counted = proxy.run(
        &mut ledger.release("upgrade", &ledger.version("v1", &[]), &[]),
        kill_at(usize::MAX - 1, Act::Pass),
    );
    assert_eq!(counted.code(), Some(0), "{}", counted.text());
    let mut points = Vec::new();
    for (at, seen) in counted.changes.iter().enumerate() {
        println!(
            "  {at:>2} {}",
            seen.short().replace(&ledger.namespace, "NS")
        );
        if touches_state(seen) {
            points.extend([(at, Act::KillBefore), (at, Act::KillAfter)]);
        }
    }
    let all = points.len();
    let where_is = |what: &dyn Fn(&Seen) -> bool| {
        let found = counted.changes.iter().position(what);
        found.expect("a request of that kind")
    };
    let stop = where_is(&|seen| seen.path.ends_with("/stop"));
    let applies = |seen: &Seen| seen.path.contains("/deployments/") && seen.method == "PATCH";
    let last_apply = counted.changes.iter().rposition(applies).expect("an apply");
    if std::env::var_os("NUTKIN_TEST_FULL").is_none() {
        let day = usize::try_from(jiff::Timestamp::now().as_second()).unwrap() / 86_400;
        points = vec![
            (stop, Act::KillAfter),
            (where_is(&applies), Act::KillAfter),
            (last_apply, Act::KillAfter),
            points[day % all],
        ];
    }
    println!("{} of {all} points: {points:?}", points.len());
    for (round, (at, act)) in points.iter().enumerate() {
        let tag = format!("v{}", round + 2);
        let overlay = ledger.version(&tag, &[]);
        let ran = proxy.run(
            &mut ledger.release("upgrade", &overlay, &[]),
            kill_at(*at, *act),
        );
        let told = format!("{act:?} {at}:\n{}", ran.text());
        // The number of requests varies a little; a point that was not reached is no kill.
        assert!(ran.killed || ran.code() == Some(0), "{told}");
        succeeds(&mut ledger.command("status", &[]));
        let again = ledger
            .release("upgrade", &overlay, &[])
            .output()
            .expect("nutkin runs");
        let again_text = format!(
            "{}{}",
            String::from_utf8_lossy(&again.stdout),
            String::from_utf8_lossy(&again.stderr)
        );
        assert!(again.status.success(), "{told}\nthen:\n{again_text}");
        let after = ledger.wait_for_more(100);
        assert!(
            after.lines_of(&tag) > 0,
            "{told}\nthen:\n{again_text}\n{after:?}"
        );
        println!("{act:?} {at}: the job went on");
    }
    // The last one the other way: killed, and then the release is taken down.
    let overlay = ledger.version("last", &[]);
    let ran = proxy.run(
        &mut ledger.release("upgrade", &overlay, &[]),
        kill_at(stop + 1, Act::KillBefore),
    );
    assert!(ran.killed, "{}", ran.text());
    let said = ends_with(&mut ledger.command("uninstall", &[]), 0);
    assert!(said.contains("savepoint of ledger-jobmanager"), "{said}");
    let last = ledger.check();
    assert!(last.is_clean(), "{last:?}\n{said}");
}
