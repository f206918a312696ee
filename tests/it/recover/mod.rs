//! What is left when nutkin is killed, or the API server fails, between any two steps: the next
//! command finishes or undoes it.

mod choose;
mod flink;
mod paused;
pub mod proxy;
mod seeds;
mod table;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A namespace and a chart without Flink: ConfigMaps of all kinds of change, a Secret, a Role, a hook.
pub struct Small {
    /// The namespace.
    pub namespace: String,
    folder: TempDir,
}

impl Small {
    /// Makes the namespace and writes the chart.
    pub fn new(test: &str) -> Self {
        let namespace = format!("it-{test}-{}", std::process::id());
        crate::ledger::succeeds(Command::new("kubectl").args(["create", "namespace", &namespace]));
        let small = Small {
            namespace,
            folder: tempfile::tempdir().expect("a folder"),
        };
        small.write(
            "Chart.yaml",
            "apiVersion: v2\nname: small\nversion: 0.1.0\ndescription: Small\n",
        );
        small.write("values.yaml", "word: one\nextra: false\n");
        small.write(
            "templates/maps.yaml",
            "{{- range $i, $part := list \"always\" (ternary \"late\" \"early\" .Values.extra) }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ $.Release.Name }}-{{ $part }}
data:
  word: {{ $.Values.word }}
{{- end }}
---
apiVersion: v1
kind: Secret
metadata:
  name: {{ .Release.Name }}-secret
stringData:
  word: {{ .Values.word }}
",
        );
        small.write(
            "templates/hook.yaml",
            "apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-hook
  annotations:
    helm.sh/hook: pre-install,pre-upgrade,pre-rollback,pre-delete
data:
  word: {{ .Values.word }}
",
        );
        small
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.chart().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }

    /// The chart's folder.
    pub fn chart(&self) -> &Path {
        self.folder.path()
    }

    /// `nutkin` with these arguments in the namespace; `CHART` among them is the chart's folder.
    pub fn nutkin(&self, arguments: &[&str]) -> Command {
        let chart: PathBuf = self.chart().to_owned();
        let mut nutkin = Command::new(env!("CARGO_BIN_EXE_nutkin"));
        for argument in arguments {
            if *argument == "CHART" {
                nutkin.arg(&chart);
            } else {
                nutkin.arg(argument);
            }
        }
        nutkin
            .args(["--namespace", &self.namespace])
            .stdin(Stdio::null());
        nutkin
    }

    /// Runs nutkin past the proxy: what it printed, and its exit code.
    pub fn says(&self, arguments: &[&str]) -> (String, i32) {
        let output = self.nutkin(arguments).output().expect("nutkin runs");
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        (text, output.status.code().unwrap_or(-1))
    }

    /// The names of a kind's objects that begin with the release's name and a dash, with their word.
    pub fn words(&self, release: &str) -> Vec<(String, String)> {
        let mut all = Vec::new();
        for kind in ["configmaps", "secrets"] {
            let text = self.kubectl(&["get", kind, "--output", "json"]);
            let list: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            for item in list["items"].as_array().expect("a list") {
                let name = item["metadata"]["name"].as_str().expect("a name");
                if let Some(part) = name.strip_prefix(&format!("{release}-")) {
                    let word = item["data"]["word"].as_str().unwrap_or_default();
                    let word = match word {
                        "b25l" => "one",
                        "dHdv" => "two",
                        word => word,
                    };
                    all.push((part.to_owned(), word.to_owned()));
                }
            }
        }
        all.sort();
        all
    }

    /// The names of our own records of a release that speak of an operation under way, its lock among
    /// them.
    pub fn traces(&self, release: &str) -> Vec<String> {
        let text = self.kubectl(&["get", "secrets,leases", "--output", "name"]);
        text.lines()
            .filter(|n| {
                n.ends_with(&format!("/nutkin.{release}"))
                    || n.contains(&format!("nutkin.v1.{release}.journal"))
            })
            .map(str::to_owned)
            .collect()
    }

    /// The statuses of a release's revisions, oldest first; empty where there is none.
    pub fn statuses(&self, release: &str) -> Vec<String> {
        let (text, code) = self.says(&["history", release, "-o", "json"]);
        if code != 0 {
            return Vec::new();
        }
        let history: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        history
            .as_array()
            .expect("a list")
            .iter()
            .map(|r| r["status"].as_str().expect("a status").to_owned())
            .collect()
    }

    fn kubectl(&self, arguments: &[&str]) -> String {
        crate::ledger::succeeds(
            Command::new("kubectl")
                .args(["--namespace", &self.namespace])
                .args(arguments),
        )
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let gone = ["delete", "namespace", &self.namespace, "--wait=false"];
        let _ = Command::new("kubectl").args(gone).output();
    }
}
