//! Chart repositories, registries and dependencies, with real servers and beside the real helm.

mod access;
mod dependencies;
mod oci;
mod repositories;
mod server;
mod trusted;
mod web;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use nutkin::chart;

/// A home whose Helm files both helm and nutkin use.
pub struct Home {
    folder: tempfile::TempDir,
}

/// What a command printed.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Ran {
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self
    }
}

impl Home {
    pub fn new() -> Self {
        Home {
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn join(&self, below: &str) -> PathBuf {
        self.path().join(below)
    }

    pub fn read(&self, below: &str) -> String {
        let path = self.join(below);
        fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    fn command(&self, program: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(self.path())
            .env("HOME", self.path())
            .env("HELM_CACHE_HOME", self.join("cache"))
            .env("HELM_CONFIG_HOME", self.join("config"))
            .env("HELM_DATA_HOME", self.join("data"));
        for name in [
            "KUBECONFIG",
            "HELM_REPOSITORY_CONFIG",
            "HELM_REPOSITORY_CACHE",
            "HELM_REGISTRY_CONFIG",
            "HELM_CONTENT_CACHE",
            "HELM_NAMESPACE",
            "DOCKER_CONFIG",
            "SOURCE_DATE_EPOCH",
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "http_proxy",
            "https_proxy",
            "ALL_PROXY",
            "all_proxy",
        ] {
            command.env_remove(name);
        }
        command
    }

    /// Runs nutkin in the home.
    pub fn nutkin(&self, args: &[&str]) -> Ran {
        let program = Path::new(env!("CARGO_BIN_EXE_nutkin"));
        let output = self.command(program, args).output();
        output.expect("nutkin runs").into()
    }

    /// Runs the real helm in the home.
    pub fn helm(&self, args: &[&str]) -> Ran {
        let output = self.command(&crate::helm::binary(), args).output();
        output.expect("helm runs").into()
    }

    /// Runs nutkin with something on its standard input.
    pub fn nutkin_reads(&self, input: &str, args: &[&str]) -> Ran {
        self.nutkin_with(&[], input, args)
    }

    /// The same with variables of its own.
    pub fn nutkin_with(&self, vars: &[(&str, &str)], input: &str, args: &[&str]) -> Ran {
        use std::io::Write as _;
        let program = Path::new(env!("CARGO_BIN_EXE_nutkin"));
        let mut child = self
            .command(program, args)
            .envs(vars.iter().copied())
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("nutkin runs");
        let mut stdin = child.stdin.take().expect("stdin");
        // A command that doesn't read has ended before.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        child.wait_with_output().expect("nutkin ends").into()
    }
}

/// A chart's Chart.yaml.
pub fn chart_yaml(name: &str, version: &str, more: &str) -> String {
    format!("apiVersion: v2\nname: {name}\nversion: {version}\n{more}")
}

/// Writes a chart's folder with one template.
pub fn write_chart(folder: &Path, chart_yaml: &str) {
    fs::create_dir_all(folder.join("templates")).expect("a folder");
    fs::write(folder.join("Chart.yaml"), chart_yaml).expect("written");
    fs::write(folder.join("values.yaml"), "key: value\n").expect("written");
    let template = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-{{ .Chart.Name }}\n\
                    data:\n  version: {{ .Chart.Version }}\n";
    fs::write(folder.join("templates/map.yaml"), template).expect("written");
}

/// Packs a chart with one template into a folder; the archive's path.
pub fn pack(into: &Path, name: &str, version: &str, more: &str) -> PathBuf {
    let scratch = tempfile::tempdir().expect("a folder");
    let folder = scratch.path().join(name);
    write_chart(&folder, &chart_yaml(name, version, more));
    let loaded = chart::load(&folder).expect("a chart");
    let bytes = chart::package(&loaded, chart::DEFAULT_MTIME).expect("a package");
    fs::create_dir_all(into).expect("a folder");
    let path = into.join(chart::package_name(&loaded));
    fs::write(&path, bytes).expect("written");
    path
}

/// The names in a folder, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .map(|list| {
            list.map(|e| {
                e.expect("an entry")
                    .file_name()
                    .into_string()
                    .expect("UTF-8")
            })
            .collect()
        })
        .unwrap_or_default();
    names.sort();
    names
}
