//! Bad input: a message with file, line or object, the cause and what to try, its exit code, and
//! nothing changed. A small chart without Flink is enough for it.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::ledger::{ends_with, succeeds};

struct Small {
    namespace: String,
    folder: tempfile::TempDir,
}

impl Small {
    fn new(test: &str) -> Self {
        let namespace = format!("it-{test}-{}", std::process::id());
        succeeds(Command::new("kubectl").args(["create", "namespace", &namespace]));
        let small = Small {
            namespace,
            folder: tempfile::tempdir().expect("a folder"),
        };
        small.write(
            "Chart.yaml",
            "apiVersion: v2\nname: small\nversion: 0.1.0\n",
        );
        small.write("values.yaml", "word: hello\n");
        small.template("metadata: {name: small}\ndata: {word: {{ values.word }}}");
        small
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }

    fn template(&self, body: &str) {
        self.write(
            "templates/map.yaml.tera",
            &format!("apiVersion: v1\nkind: ConfigMap\n{body}\n"),
        );
    }

    fn chart(&self) -> &Path {
        self.folder.path()
    }

    fn nutkin(&self, arguments: &[&str]) -> Command {
        let mut nutkin = Command::new(env!("CARGO_BIN_EXE_nutkin"));
        nutkin
            .args(arguments)
            .args(["--namespace", &self.namespace])
            .stdin(Stdio::null());
        nutkin
    }

    fn install(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = self.nutkin(&["install", name]);
        command.arg(self.chart()).args(arguments);
        command
    }

    /// What is there, but for the ConfigMap that a controller puts into each namespace in its own time.
    fn objects(&self) -> String {
        let all = succeeds(Command::new("kubectl").args([
            "--namespace",
            &self.namespace,
            "get",
            "configmaps,secrets,leases",
            "--output",
            "jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.resourceVersion}{\"\\n\"}{end}",
        ]));
        let ours = all.lines().filter(|l| !l.contains("/kube-root-ca.crt "));
        ours.map(|l| format!("{l}\n")).collect()
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("kubectl")
            .args(["delete", "namespace", &self.namespace, "--wait=false"])
            .output();
    }
}

fn said(output: &str, words: &[&str]) {
    for word in words {
        assert!(output.contains(word), "{word:?} is not in:\n{output}");
    }
}

#[test]
#[ignore = "needs a cluster"]
fn each_kind_has_its_code_and_changes_nothing() {
    let small = Small::new("bad");
    let before = small.objects();

    said(
        &ends_with(&mut small.nutkin(&["install", "x", "./no/such/chart"]), 66),
        &["no/such/chart"],
    );
    said(&ends_with(&mut small.nutkin(&["install"]), 64), &["Usage"]);
    said(
        &ends_with(&mut small.install("Not_A_Name", &[]), 64),
        &["Not_A_Name"],
    );
    said(
        &ends_with(
            &mut small.nutkin(&["upgrade", "x", &small.chart().display().to_string()]),
            66,
        ),
        &["x"],
    );
    said(
        &ends_with(&mut small.nutkin(&["rollback", "x"]), 66),
        &["x"],
    );
    said(
        &ends_with(&mut small.nutkin(&["uninstall", "x"]), 66),
        &["x"],
    );

    small.write("bad.yaml", "a: b\nc: [1, 2\nd: e\n");
    let bad = small.chart().join("bad.yaml").display().to_string();
    said(
        &ends_with(&mut small.install("x", &["-f", &bad]), 65),
        &["bad.yaml", "3"],
    );

    small.template("metadata: {name: small}\ndata: {word: {{ values.wrod }}}");
    said(
        &ends_with(&mut small.install("x", &[]), 65),
        &["map.yaml.tera", "wrod", "4"],
    );

    small.template("metadata: {name: small}\ndata: {word: {{ values.word }}}");
    let schema = r#"{"properties": {"word": {"type": "string", "description": "one word"}}}"#;
    small.write("values.schema.json", schema);
    said(
        &ends_with(&mut small.install("x", &["--set", "word=5"]), 65),
        &["word", "string"],
    );

    // By the API server: a ConfigMap's data are strings.
    small.template("metadata: {name: small}\ndata: {word: [1]}");
    said(
        &ends_with(&mut small.install("x", &[]), 65),
        &["ConfigMap/small"],
    );
    small.template("metadata: {name: small}\ndata: {word: {{ values.word }}}");

    said(
        &ends_with(&mut small.install("x", &["--kube-as-user", "nobody"]), 77),
        &["nobody"],
    );
    said(
        &ends_with(
            &mut small.install("x", &["--kube-apiserver", "https://127.0.0.1:1"]),
            69,
        ),
        &["127.0.0.1:1"],
    );
    assert_eq!(small.objects(), before, "nothing was changed");

    succeeds(&mut small.install("first", &[]));
    said(
        &ends_with(&mut small.install("first", &[]), 73),
        &["first", "upgrade"],
    );
    let before = small.objects();
    said(
        &ends_with(&mut small.install("second", &[]), 73),
        &["ConfigMap/small", "first"],
    );
    assert_eq!(small.objects(), before, "nothing was changed");
    succeeds(&mut small.nutkin(&["uninstall", "first"]));
}

/// Ctrl-C while it waits for another's lock: it ends at once, and has touched nothing.
#[test]
#[ignore = "needs a cluster"]
fn an_interrupt_before_anything_was_done_leaves_everything() {
    let small = Small::new("interrupt");
    succeeds(&mut small.install("first", &[]));
    let lease = serde_json::json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "nutkin.first", "namespace": small.namespace},
        "spec": {"holderIdentity": "another", "leaseDurationSeconds": 600},
    });
    small.write("lease.json", &lease.to_string());
    let file = small.chart().join("lease.json");
    succeeds(
        Command::new("kubectl")
            .args(["apply", "--filename"])
            .arg(file),
    );
    let before = small.objects();
    let mut command = small.nutkin(&["upgrade", "first"]);
    command.arg(small.chart()).args(["--set", "word=other"]);
    let mut child = command
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("nutkin runs");
    let log = std::io::BufReader::new(child.stderr.take().expect("its log"));
    let mut lines = std::io::BufRead::lines(log);
    let waits = lines.any(|line| line.expect("a line").contains("waiting for the lock"));
    assert!(waits, "it never waited for the lock");
    succeeds(Command::new("kill").args(["-INT", &child.id().to_string()]));
    assert_eq!(child.wait().expect("an end").code(), Some(130));
    assert_eq!(small.objects(), before, "nothing was changed");
}
