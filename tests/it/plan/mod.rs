//! Plans on a real cluster: each kind of change, saved plans, stale ones, secrets, drift.

mod admission;
mod changes;
mod data;
mod drift;
mod job;
mod saved;
mod secrets;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::cluster::Namespace;
use crate::helm::write_chart;

/// A namespace with a folder for charts.
pub struct Place {
    pub ns: Namespace,
    pub folder: TempDir,
}

/// What a command said.
#[derive(Debug)]
pub struct Said {
    pub out: String,
    pub err: String,
    pub code: i32,
}

impl Said {
    fn of(output: &Output) -> Said {
        Said {
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code().unwrap_or(-1),
        }
    }

    /// The output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// Asserts the exit code.
    pub fn ends(self, code: i32) -> Said {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self
    }

    /// Asserts that a text is in what was said.
    pub fn says(self, text: &str) -> Said {
        assert!(
            self.out.contains(text) || self.err.contains(text),
            "no {text:?} in:\n{}\n{}",
            self.out,
            self.err
        );
        self
    }
}

impl Place {
    pub async fn new(test: &str) -> Place {
        Place {
            ns: Namespace::new(test).await,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Writes a chart of this name, each file by its path; Chart.yaml is made where there is none.
    pub fn chart(&self, name: &str, files: &[(&str, &str)]) -> String {
        let folder = self.folder.path().join(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder).unwrap();
        }
        write_chart(
            &folder,
            &[(
                "Chart.yaml",
                "apiVersion: v2\nname: sample\nversion: 0.1.0\n",
            )],
        );
        write_chart(&folder, files);
        folder.to_str().unwrap().to_owned()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn nutkin(&self, arguments: &[&str]) -> Said {
        let output = Command::new(env!("CARGO_BIN_EXE_nutkin"))
            .args(arguments)
            .args(["--namespace", &self.ns.name])
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        Said::of(&output)
    }

    pub fn kubectl(&self, arguments: &[&str]) -> String {
        let output = Command::new("kubectl")
            .args(["--namespace", &self.ns.name])
            .args(arguments)
            .output()
            .expect("kubectl runs");
        let said = Said::of(&output);
        assert_eq!(said.code, 0, "kubectl {arguments:?}: {}", said.err);
        said.out
    }

    /// The versions of all ConfigMaps, Secrets and Deployments: what was written shows in them.
    pub fn versions(&self) -> String {
        self.kubectl(&[
            "get",
            "configmaps,secrets,deployments",
            "-o",
            "jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.uid} {.metadata.generation} {.data} {.metadata.labels}{\"\\n\"}{end}",
        ])
    }
}

/// The changes of a plan by object.
pub fn changes(plan: &Value) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = plan["objects"]
        .as_array()
        .unwrap_or_else(|| panic!("no objects: {plan}"))
        .iter()
        .map(|o| {
            (
                format!(
                    "{}/{}",
                    o["kind"].as_str().unwrap(),
                    o["name"].as_str().unwrap()
                ),
                o["change"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    all.sort();
    all
}

/// An object's step.
pub fn step<'p>(plan: &'p Value, kind: &str, name: &str) -> &'p Value {
    plan["objects"]
        .as_array()
        .unwrap()
        .iter()
        .find(|o| o["kind"] == kind && o["name"] == name)
        .unwrap_or_else(|| panic!("no {kind}/{name} in {plan}"))
}

/// The file's mode.
pub fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// A ConfigMap's template with one line of data.
pub fn map(name: &str, line: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  {line}\n")
}
