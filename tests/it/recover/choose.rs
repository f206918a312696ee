//! For the one who wants to choose: what was broken off is finished, or given up; a revision that Helm
//! left pending is refused, and taken over by name.

use std::process::{Command, Stdio};

use super::Small;
use super::proxy::{Act, Proxy, Seen};

/// Kills an upgrade to the word two when the first of its objects is applied.
fn broken_off(small: &Small, proxy: &Proxy, release: &str) {
    let rule = |seen: &Seen| {
        let applies = seen.method == "PATCH" && seen.path.contains("/configmaps/");
        if applies && seen.changes() {
            Act::KillAfter
        } else {
            Act::Pass
        }
    };
    let set = "word=two,extra=true";
    let ran = proxy.run(
        &mut small.nutkin(&["upgrade", release, "CHART", "--set", set]),
        Box::new(rule),
    );
    assert!(ran.killed, "{}", ran.text());
}

#[test]
#[ignore = "needs a cluster"]
fn what_was_broken_off_is_resumed_or_abandoned() {
    let small = Small::new("choose");
    let proxy = Proxy::start();
    let says = |arguments: &[&str], code: i32| {
        let (text, ended) = small.says(arguments);
        assert_eq!(ended, code, "{arguments:?}: {text}");
        text
    };
    for (release, flag, word) in [
        ("resumed", "--resume", "two"),
        ("given", "--abandon", "one"),
    ] {
        says(&["install", release, "CHART"], 0);
        let nothing = says(&["upgrade", release, flag], 66);
        assert!(nothing.contains("broken off"), "{nothing}");
        broken_off(&small, &proxy, release);
        let status = says(&["status", release], 0);
        assert!(
            status.contains("upgrade of revision 2") && status.contains("--abandon"),
            "{status}"
        );
        says(&["upgrade", release, flag], 0);
        let words = small.words(release);
        let mut ours = words.iter().filter(|(n, _)| n != "hook");
        assert!(ours.all(|(_, w)| w == word), "{words:?}");
        assert_eq!(
            small.statuses(release).last().map(String::as_str),
            Some("deployed")
        );
        assert_eq!(small.traces(release), Vec::<String>::new());
    }
}

#[test]
#[ignore = "needs a cluster"]
fn what_helm_left_pending_is_taken_over_by_name() {
    let small = Small::new("pending-taken");
    let (text, code) = small.says(&["install", "r", "CHART"]);
    assert_eq!(code, 0, "{text}");
    small.write(
        "templates/never.yaml",
        "apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-never
spec:
  containers:
    - name: c
      image: registry.invalid/never:1
",
    );
    let mut helm = Command::new("helm")
        .args(["upgrade", "r", "--wait", "--namespace", &small.namespace])
        .arg(small.chart())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("helm runs");
    let end = std::time::Instant::now() + std::time::Duration::from_secs(120);
    while small.statuses("r").last().map(String::as_str) != Some("pending-upgrade") {
        assert!(std::time::Instant::now() < end, "{:?}", small.statuses("r"));
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    helm.kill().expect("a signal");
    helm.wait().expect("an end");
    std::fs::remove_file(small.chart().join("templates/never.yaml")).expect("a template");
    let upgrade = ["upgrade", "r", "CHART", "--set", "word=two"];
    let (text, code) = small.says(&upgrade);
    assert_eq!(code, 75, "{text}");
    assert!(text.contains("--take-over-pending"), "{text}");
    let mut taking = upgrade.to_vec();
    taking.push("--take-over-pending");
    let (text, code) = small.says(&taking);
    assert_eq!(code, 0, "{text}");
    assert_eq!(small.statuses("r"), ["superseded", "failed", "deployed"]);
    let words = small.words("r");
    let mut ours = words.iter().filter(|(n, _)| n != "hook");
    assert!(ours.all(|(_, w)| w == "two"), "{words:?}");
}
