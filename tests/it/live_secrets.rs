//! Secrets on a real cluster: generated ones are kept across upgrades, marked ones are never printed.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::helm::write_chart;
use crate::ledger::succeeds;

struct Release {
    namespace: String,
    folder: tempfile::TempDir,
}

impl Release {
    fn new(test: &str, files: &[(&str, &str)]) -> Self {
        let namespace = format!("it-{test}-{}", std::process::id());
        succeeds(Command::new("kubectl").args(["create", "namespace", &namespace]));
        let folder = tempfile::tempdir().expect("a folder");
        write_chart(
            folder.path(),
            &[(
                "Chart.yaml",
                "apiVersion: v2\nname: keeper\nversion: 0.1.0\n",
            )],
        );
        write_chart(folder.path(), files);
        Release { namespace, folder }
    }

    fn chart(&self) -> &Path {
        self.folder.path()
    }

    fn nutkin(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_nutkin"))
            .args(arguments)
            .args(["--namespace", &self.namespace])
            .current_dir(self.chart())
            .stdin(Stdio::null())
            .output()
            .expect("nutkin runs")
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.nutkin(arguments);
        let shown = both(&output);
        assert!(output.status.success(), "{arguments:?}: {shown}");
        shown
    }

    /// A key of a live Secret.
    fn live(&self, name: &str, key: &str) -> String {
        let path = format!("jsonpath={{.data.{key}}}");
        let args = [
            "--namespace",
            &self.namespace,
            "get",
            "secret",
            name,
            "--output",
            &path,
        ];
        let encoded = succeeds(Command::new("kubectl").args(args));
        let bytes = STANDARD.decode(encoded.trim()).expect("base64");
        String::from_utf8(bytes).expect("text")
    }
}

impl Drop for Release {
    fn drop(&mut self) {
        let _ = Command::new("kubectl")
            .args(["delete", "namespace", &self.namespace, "--wait=false"])
            .output();
    }
}

fn both(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

#[test]
#[ignore = "needs a cluster"]
fn generated_secrets_are_kept_across_upgrades() {
    let secret = |name: &str, value: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n  labels: {{round: 'ROUND'}}\ndata:\n  password: {value}\n"
        )
    };
    let tera = secret(
        "tera",
        r#"{{ lookup_or_generate(name="tera", key="password", length=24) | b64encode }}"#,
    )
    .replace("ROUND", "{{ values.round }}");
    let go = secret(
        "go",
        r#"{{ $old := lookup "v1" "Secret" .Release.Namespace "go" }}{{ if $old }}{{ $old.data.password }}{{ else }}{{ randAlphaNum 24 | b64enc }}{{ end }}"#,
    )
    .replace("ROUND", "{{ .Values.round }}");
    let list = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: seen}\ndata:\n  own: {{ lookup(api_version=\"v1\", kind=\"Secret\", name=\"tera\") | dig(path=\"metadata.name\", default=\"none\") }}\n  count: {{ lookup(api_version=\"v1\", kind=\"Namespace\") | dig(path=\"items\", default=[]) | length | quote }}\n";
    let release = Release::new(
        "kept",
        &[
            ("values.yaml", "round: one\n"),
            ("templates/tera.yaml.tera", &tera),
            ("templates/go.yaml", &go),
            ("templates/seen.yaml.tera", list),
        ],
    );
    release.ok(&["install", "keeper", "."]);
    let first = (
        release.live("tera", "password"),
        release.live("go", "password"),
    );
    assert_eq!((first.0.len(), first.1.len()), (24, 24));
    assert!(
        first.0.bytes().all(|b| b.is_ascii_alphanumeric()),
        "{first:?}"
    );
    for round in ["two", "three"] {
        let shown = release.ok(&["upgrade", "keeper", ".", "--set", &format!("round={round}")]);
        let now = (
            release.live("tera", "password"),
            release.live("go", "password"),
        );
        assert_eq!(now, first, "after {round}: {shown}");
    }
    let manifest = release.ok(&["get", "manifest", "keeper"]);
    assert!(manifest.contains("own: tera"), "{manifest}");
    // Nothing changed: the same text is made again.
    let shown = release.ok(&["upgrade", "keeper", ".", "--set", "round=three"]);
    assert!(shown.contains("up to date"), "{shown}");
    release.ok(&["uninstall", "keeper"]);
}

#[test]
#[ignore = "needs a cluster"]
fn marked_values_are_printed_by_no_command() {
    let secret = "tOpSecret-9quote";
    let schema = r#"{"properties":{"password":{"type":"string","x-nutkin-secret":true}}}"#;
    let release = Release::new(
        "masked",
        &[
            ("values.yaml", "password: ''\nbad: false\n"),
            ("values.schema.json", schema),
            (
                "templates/map.yaml.tera",
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: map\n  labels: {x: {{ values.password if not values.bad else values.password ~ \"!\" }}}\ndata:\n  url: jdbc:u:{{ values.password }}@db\n",
            ),
            (
                "templates/NOTES.txt.tera",
                "the password is {{ values.password }}\n",
            ),
        ],
    );
    let set = format!("password={secret}");
    let set = ["--set", set.as_str()];
    let with = |args: &[&'static str]| -> Vec<String> {
        args.iter()
            .chain(set.iter())
            .map(|a| (*a).to_owned())
            .collect()
    };
    let plain = |args: &[&str]| -> Vec<String> { args.iter().map(|a| (*a).to_owned()).collect() };
    let commands = [
        with(&["install", "keeper", ".", "--dry-run"]),
        with(&["install", "keeper", ".", "--set", "bad=true"]),
        with(&["install", "keeper", "."]),
        with(&["upgrade", "keeper", ".", "--dry-run"]),
        with(&["upgrade", "keeper", ".", "--set", "bad=true"]),
        with(&["upgrade", "keeper", ".", "-o", "json"]),
        plain(&[
            "upgrade",
            "keeper",
            ".",
            "--reuse-values",
            "--set",
            "round=2",
            "--dry-run",
        ]),
        plain(&["status", "keeper"]),
        plain(&["status", "keeper", "-o", "json"]),
        plain(&["get", "all", "keeper"]),
        plain(&["get", "values", "keeper"]),
        plain(&["get", "values", "keeper", "--all", "-o", "json"]),
        plain(&["get", "manifest", "keeper"]),
        plain(&["get", "notes", "keeper"]),
        plain(&["history", "keeper"]),
        plain(&["rollback", "keeper", "1", "--dry-run"]),
        plain(&["rollback", "keeper", "1"]),
    ];
    let mut searched = 0;
    for command in &commands {
        let args: Vec<&str> = command.iter().map(String::as_str).collect();
        let shown = both(&release.nutkin(&args));
        assert!(!shown.trim().is_empty(), "{command:?} prints nothing");
        let encoded = STANDARD.encode(secret);
        for form in [secret, &encoded] {
            assert!(!shown.contains(form), "{command:?} shows it: {shown}");
        }
        searched += 1;
    }
    println!("{searched} commands searched for secrets");
    let values = release.ok(&["get", "values", "keeper"]);
    assert!(values.contains("password: (hidden)"), "{values}");
    let values = release.ok(&["get", "values", "keeper", "--show-secrets"]);
    assert!(values.contains(secret), "{values}");
    release.ok(&["uninstall", "keeper"]);
}
