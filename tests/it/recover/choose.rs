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

/// A CRD of this test's own, deleted when the test ends.
struct Crd(String);

impl Drop for Crd {
    fn drop(&mut self) {
        let gone = ["delete", "crd", &self.0, "--ignore-not-found"];
        let _ = Command::new("kubectl").args(gone).output();
    }
}

#[test]
#[ignore = "needs a cluster"]
fn what_broke_off_before_its_crds_is_resumed_with_them() {
    let small = Small::new("resume-crds");
    let proxy = Proxy::start();
    let group = format!("resume{}.nutkin.test", std::process::id());
    let crd = Crd(format!("things.{group}"));
    // A subchart's: no record of a release has it.
    small.write(
        "charts/sub/Chart.yaml",
        "apiVersion: v2\nname: sub\nversion: 0.1.0\n",
    );
    small.write(
        "charts/sub/crds/thing.yaml",
        &format!(
            "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: things.{group}
spec:
  group: {group}
  scope: Namespaced
  names: {{kind: Thing, plural: things}}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}
"
        ),
    );
    small.write(
        "templates/thing.yaml",
        &format!("apiVersion: {group}/v1\nkind: Thing\nmetadata:\n  name: {{{{ .Release.Name }}}}-thing\n"),
    );
    let is_there = || {
        let mut kubectl = Command::new("kubectl");
        let asked = kubectl.args(["get", "crd", &crd.0]).output();
        asked.expect("kubectl runs").status.success()
    };
    let rule = |seen: &Seen| {
        let makes = seen.changes() && seen.path.contains("/customresourcedefinitions/");
        if makes { Act::KillBefore } else { Act::Pass }
    };
    let ran = proxy.run(
        &mut small.nutkin(&["install", "r", "CHART"]),
        Box::new(rule),
    );
    assert!(ran.killed, "{}", ran.text());
    assert!(!is_there());
    let (status, code) = small.says(&["status", "r"]);
    assert_eq!(code, 0, "{status}");
    assert!(status.contains(&crd.0), "{status}");
    let (text, code) = small.says(&["upgrade", "r", "--resume"]);
    assert_eq!(code, 0, "{text}");
    assert!(is_there());
    let thing = small.kubectl(&["get", &crd.0, "--output", "name"]);
    assert!(thing.contains("r-thing"), "{thing}");
    assert_eq!(small.statuses("r"), ["failed", "deployed"]);
    assert_eq!(small.traces("r"), Vec::<String>::new());
}
