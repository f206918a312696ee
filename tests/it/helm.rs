//! The real helm, the oracle of these tests.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// The folder of the real tools: what `scripts/tools helm` prints.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/tools");
        let output = Command::new(&script)
            .arg("helm")
            .output()
            .expect("scripts/tools runs");
        let text = String::from_utf8(output.stdout).expect("a path");
        let line = text.lines().last().unwrap_or_default();
        assert!(output.status.success(), "scripts/tools helm failed");
        PathBuf::from(line)
    })
}

/// The real helm's path.
pub fn binary() -> PathBuf {
    folder().join("helm")
}

/// Runs helm with arguments; nothing of the user's own configuration is read.
pub fn helm(home: &Path, args: &[&str]) -> Output {
    Command::new(folder().join("helm"))
        .args(args)
        .env_remove("KUBECONFIG")
        .env("HOME", home)
        .env("HELM_CACHE_HOME", home.join("cache"))
        .env("HELM_CONFIG_HOME", home.join("config"))
        .env("HELM_DATA_HOME", home.join("data"))
        .current_dir(home)
        .output()
        .expect("helm runs")
}

/// Runs helm and gives what it prints, or panics with what it complains about.
pub fn helm_ok(home: &Path, args: &[&str]) -> String {
    let output = helm(home, args);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "helm {args:?}: {errors}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Writes a chart: its files by name.
pub fn write_chart(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("written");
        std::fs::write(path, text).expect("written");
    }
}

/// Evaluates a template expression for many inputs in one run of helm. In it, `$v` is the input (JSON,
/// decoded as Helm decodes values) and the outcome is text. Answers in the order of the inputs.
pub fn evaluate(expression: &str, inputs: &[Value]) -> Vec<String> {
    let home = tempfile::tempdir().expect("a folder");
    let chart = home.path().join("oracle");
    let template = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\ndata:\n\
         {{{{- range $i, $c := .Values.cases }}}}\n\
         {{{{- $v := index (fromJson (b64dec $c)) \"v\" }}}}\n  \
         c{{{{ $i }}}}: {{{{ {expression} | b64enc | quote }}}}\n\
         {{{{- end }}}}\n"
    );
    let cases: Vec<String> = inputs
        .iter()
        .map(|v| STANDARD.encode(serde_json::json!({ "v": v }).to_string()))
        .collect();
    let values = serde_json::json!({ "cases": cases }).to_string();
    write_chart(
        &chart,
        &[
            (
                "Chart.yaml",
                "apiVersion: v2\nname: oracle\nversion: 1.0.0\n",
            ),
            ("values.yaml", &values),
            ("templates/x.yaml", &template),
        ],
    );
    let text = helm_ok(home.path(), &["template", "x", "oracle"]);
    let answers: Vec<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("  c")?.split_once(": "))
        .map(|(_, answer)| {
            let bytes = STANDARD.decode(answer.trim_matches('"')).expect("base64");
            String::from_utf8(bytes).expect("UTF-8")
        })
        .collect();
    assert_eq!(answers.len(), inputs.len(), "one answer for each input");
    answers
}
