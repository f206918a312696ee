//! The ledger job on the cluster that KUBECONFIG names: its values, the commands run on it, Flink's
//! REST, and the verdict of the checker.
//!
//! Tests with it are `#[ignore]`d, for they need a cluster; `scripts/test` runs them. They know the
//! cluster by KUBECONFIG, NUTKIN_FLINK_IMAGE and NUTKIN_LEDGER_JAR (compiled against that Flink).

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// The release's name in all tests; the namespaces differ.
pub const RELEASE: &str = "ledger";

/// The numbers a second that the job emits.
const RATE: &str = "200";

/// A namespace with the job's jar, gone when the test ends.
pub struct Ledger {
    /// The namespace.
    pub namespace: String,
    folder: TempDir,
}

/// What the checker says of the sink's committed files.
#[derive(Debug, Clone)]
pub struct Verdict(pub Value);

impl Verdict {
    /// How many different numbers are committed.
    pub fn numbers(&self) -> u64 {
        self.count("numbers")
    }

    /// The number of lines that a version of the job wrote.
    pub fn lines_of(&self, version: &str) -> u64 {
        let seen = self.0["versions"].as_array().expect("a list of versions");
        let found = seen.iter().find(|v| v["version"] == version);
        found.map_or(0, |v| v["lines"].as_u64().expect("a number"))
    }

    /// Whether no number is missing or there twice, and no count jumps.
    pub fn is_clean(&self) -> bool {
        ["missing", "duplicated", "countJumps", "malformed"]
            .iter()
            .all(|fault| self.count(fault) == 0)
    }

    fn count(&self, name: &str) -> u64 {
        self.0[name]
            .as_u64()
            .unwrap_or_else(|| panic!("no {name} in {}", self.0))
    }
}

impl Ledger {
    /// Makes a namespace for one test, with the jar in a ConfigMap.
    pub fn new(test: &str) -> Self {
        let namespace = format!("it-{test}-{}", std::process::id());
        let folder = tempfile::tempdir().expect("a folder");
        let ledger = Ledger { namespace, folder };
        ledger.kubectl(&["create", "namespace", &ledger.namespace]);
        let jar = variable("NUTKIN_LEDGER_JAR");
        ledger.kubectl(&[
            "create",
            "configmap",
            "ledger-jar",
            &format!("--from-file={jar}"),
        ]);
        ledger
    }

    /// Writes the overlay of one version of the job: its tag and its further arguments.
    pub fn version(&self, tag: &str, arguments: &[&str]) -> PathBuf {
        let image = variable("NUTKIN_FLINK_IMAGE");
        let (repository, version) = image.rsplit_once(':').expect("an image with a tag");
        let sink = self.volume(&["sink"]);
        let mut args = vec![
            "--output",
            sink.trim(),
            "--rate",
            RATE,
            "--version-tag",
            tag,
        ];
        args.extend(arguments);
        let values = serde_json::json!({
            "image": {"repository": repository, "tag": version},
            "job": {
                "className": "dev.nutkin.ledger.LedgerJob",
                "jarConfigMap": "ledger-jar",
                "args": args,
            },
        });
        let path = self.folder.path().join(format!("{tag}.yaml"));
        // JSON is YAML, and the volume's part is one line of it.
        let text = format!(
            "image: {}\njob: {}\n{}",
            values["image"],
            values["job"],
            self.volume(&["values"])
        );
        std::fs::write(&path, text).expect("a written overlay");
        path
    }

    /// Writes an overlay of other values; its path.
    pub fn overlay(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(format!("{name}.yaml"));
        std::fs::write(&path, text).expect("a written overlay");
        path.to_str().expect("a path in UTF-8").to_owned()
    }

    /// The pods' volume for the job's state, for charts that don't make it themselves: the claim is
    /// made here.
    pub fn state_volume(&self, name: &str) -> Value {
        let values = nutkin::yaml::parse(&self.volume(&["values"])).expect("YAML");
        let volume = &values["state"]["volume"];
        if volume["kind"] == "hostPath" {
            return serde_json::json!({"name": name, "hostPath": {"path": volume["hostPath"]}});
        }
        let claim = serde_json::json!({
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "ledger-state"},
            "spec": {
                "accessModes": volume["accessModes"],
                "resources": {"requests": {"storage": volume["size"]}},
            },
        });
        self.kubectl(&[
            "apply",
            "--filename",
            &self.overlay("claim", &claim.to_string()),
        ]);
        serde_json::json!({"name": name, "persistentVolumeClaim": {"claimName": "ledger-state"}})
    }

    /// The uid of the JobManager's pod that is not going; empty where there is none.
    pub fn jobmanager(&self) -> String {
        let all = self.kubectl(&[
            "get",
            "pods",
            "--selector",
            "app.kubernetes.io/component=jobmanager",
            "--output",
            "json",
        ]);
        let all: Value = serde_json::from_str(&all).expect("JSON");
        let mut pods = all["items"].as_array().expect("a list").iter();
        let stays = pods.find(|p| p["metadata"]["deletionTimestamp"].is_null());
        stays
            .map_or("", |p| p["metadata"]["uid"].as_str().expect("a uid"))
            .to_owned()
    }

    /// Waits until the JobManager's pod is another one; its uid.
    pub fn wait_for_new_jobmanager(&self, old: &str) -> String {
        let end = Instant::now() + Duration::from_secs(180);
        loop {
            let pod = self.jobmanager();
            if !pod.is_empty() && pod != old {
                return pod;
            }
            assert!(Instant::now() < end, "no new JobManager in time");
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// Waits until a version of the job has committed `more` lines than it has now; its latest verdict.
    pub fn wait_for_lines_of(&self, version: &str, more: u64) -> Verdict {
        let wanted = self.check().lines_of(version) + more;
        self.wait_until(&format!("{wanted} lines of {version}"), |verdict| {
            verdict.lines_of(version) >= wanted
        })
    }

    /// `nutkin COMMAND ledger …` in the test's namespace, with what follows the release's name.
    pub fn command(&self, command: &str, arguments: &[&str]) -> Command {
        let mut nutkin = Command::new(env!("CARGO_BIN_EXE_nutkin"));
        nutkin
            .args(command.split(' '))
            .arg(RELEASE)
            .args(arguments)
            .args(["--namespace", &self.namespace])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdin(Stdio::null());
        nutkin
    }

    /// `nutkin install` or `upgrade` with the chart, the local overlay and a version's.
    pub fn release(&self, command: &str, version: &Path, arguments: &[&str]) -> Command {
        let version = version.to_str().expect("a path in UTF-8");
        let mut all = vec![
            "charts/flink-application",
            "-f",
            "values/local.yaml",
            "-f",
            version,
        ];
        all.extend(arguments);
        self.command(command, &all)
    }

    /// Runs kubectl in the namespace and gives its output; it must succeed.
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        let mut kubectl = Command::new("kubectl");
        kubectl
            .args(["--namespace", &self.namespace])
            .args(arguments);
        succeeds(&mut kubectl)
    }

    /// GET of Flink's REST through the API server; `None` while nobody answers.
    pub fn rest(&self, path: &str) -> Option<Value> {
        let url = format!(
            "/api/v1/namespaces/{}/services/{RELEASE}-rest:rest/proxy{path}",
            self.namespace
        );
        let output = Command::new("kubectl")
            .args(["get", "--raw", &url, "--request-timeout=5s"])
            .output()
            .expect("kubectl runs");
        serde_json::from_slice(&output.stdout)
            .ok()
            .filter(|_| output.status.success())
    }

    /// The jobs that Flink lists: id and state.
    pub fn jobs(&self) -> Vec<(String, String)> {
        let overview = self.rest("/jobs/overview").unwrap_or_default();
        let text = |job: &Value, key: &str| job[key].as_str().expect("a text").to_owned();
        let jobs = overview["jobs"].as_array().cloned().unwrap_or_default();
        jobs.iter()
            .map(|job| (text(job, "jid"), text(job, "state")))
            .collect()
    }

    /// The checker's verdict now.
    pub fn check(&self) -> Verdict {
        // Faults are in the verdict; the script's own failures leave it empty.
        let output = self
            .volume_command(&["check"])
            .arg("--json")
            .output()
            .expect("it runs");
        let verdict = serde_json::from_slice(&output.stdout);
        Verdict(verdict.unwrap_or_else(|_| panic!("no verdict: {}", text(&output.stderr))))
    }

    /// Waits until the job has committed `more` numbers beyond those that are there now; faults on
    /// the way are errors. The job's latest verdict.
    pub fn wait_for_more(&self, more: u64) -> Verdict {
        let wanted = self.check().numbers() + more;
        self.wait_until(&format!("{wanted} numbers"), |verdict| {
            verdict.numbers() >= wanted
        })
    }

    /// Waits for a verdict without a fault of which something holds.
    fn wait_until(&self, what: &str, holds: impl Fn(&Verdict) -> bool) -> Verdict {
        let end = Instant::now() + Duration::from_secs(180);
        loop {
            let verdict = self.check();
            if verdict.is_clean() && holds(&verdict) {
                return verdict;
            }
            assert!(
                Instant::now() < end,
                "not {what}, all clean, in time: {}",
                verdict.0
            );
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    fn volume_command(&self, arguments: &[&str]) -> Command {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ledger/volume");
        let (first, rest) = arguments.split_first().expect("a command");
        let mut volume = Command::new(script);
        volume.arg(first).arg(&self.namespace).args(rest);
        volume
    }

    fn volume(&self, arguments: &[&str]) -> String {
        succeeds(&mut self.volume_command(arguments))
    }
}

/// A port of this machine that `kubectl port-forward` hands on, until this is dropped.
pub struct Forward {
    kubectl: Child,
    out: BufReader<ChildStdout>,
    /// The address of Flink's REST.
    pub url: String,
}

impl Forward {
    /// Ends it; what kubectl told, a line for each connection.
    pub fn end(mut self) -> String {
        let _ = self.kubectl.kill();
        let mut told = String::new();
        self.out.read_to_string(&mut told).expect("text");
        told
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        let _ = self.kubectl.kill();
        let _ = self.kubectl.wait();
    }
}

impl Ledger {
    /// Flink's REST on a port of this machine, as an Ingress or a user's port-forward gives it.
    pub fn forward(&self) -> Forward {
        let mut kubectl = Command::new("kubectl")
            .args(["--namespace", &self.namespace, "port-forward"])
            .args(["service/ledger-rest", ":8081", "--address", "127.0.0.1"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("kubectl runs");
        let mut said = String::new();
        let mut out = BufReader::new(kubectl.stdout.take().expect("a pipe"));
        out.read_line(&mut said).expect("a line");
        // `Forwarding from 127.0.0.1:40123 -> 8081`
        let address = said.split(' ').find(|word| word.starts_with("127."));
        let url = format!("http://{}", address.unwrap_or_else(|| panic!("{said}")));
        Forward { kubectl, out, url }
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let objects = "pods,deployments,configmaps,leases,events";
            let role = "app.kubernetes.io/component=jobmanager";
            let commands: [&[&str]; 2] = [
                &["get", objects],
                &["logs", "--tail=60", "--selector", role],
            ];
            for command in commands {
                let mut kubectl = Command::new("kubectl");
                kubectl.args(["--namespace", &self.namespace]).args(command);
                if let Ok(output) = kubectl.output() {
                    println!("{}", text(&output.stdout));
                }
            }
        }
        // Nothing here may panic: a second panic would hide the first. The Deployments go first, so
        // that no job writes while its folder is removed.
        let scale: &[&str] = &[
            "delete",
            "deployments",
            "--all",
            "--wait",
            "--cascade=foreground",
        ];
        let _ = Command::new("kubectl")
            .args(["--namespace", &self.namespace])
            .args(scale)
            .output();
        let _ = self.volume_command(&["clean"]).output();
        let gone: &[&str] = &["delete", "namespace", &self.namespace, "--wait=false"];
        let _ = Command::new("kubectl").args(gone).output();
    }
}

/// The output of a command that must succeed.
pub fn succeeds(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(
        output.status.success(),
        "{command:?} failed:\n{}",
        both(&output)
    );
    text(&output.stdout)
}

/// Runs a command that must end with this exit code; gives both its outputs.
pub fn ends_with(command: &mut Command, code: i32) -> String {
    let output = command
        .output()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert_eq!(
        output.status.code(),
        Some(code),
        "{command:?}:\n{}",
        both(&output)
    );
    both(&output)
}

fn both(output: &Output) -> String {
    text(&output.stdout) + &text(&output.stderr)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run scripts/test"))
}
