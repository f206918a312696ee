//! The flags of rendering beside the real helm: what template and a dry run of install print, post-renderers, names.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::helm::{binary, write_chart};

/// A chart with all that the flags are about: hooks, tests, CRDs, notes, subcharts, Secrets.
const CHART: &[(&str, &str)] = &[
    (
        "Chart.yaml",
        "apiVersion: v2\nname: shop\nversion: 1.2.3\nappVersion: '9'\n",
    ),
    ("values.yaml", "replicas: 1\n"),
    (
        "crds/things.yaml",
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: things.example.com\n",
    ),
    (
        "templates/NOTES.txt",
        "Notes of {{ .Chart.Name }} in {{ .Release.Namespace }}.\n",
    ),
    (
        "templates/deployment.yaml",
        "# why\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ .Release.Name }}\n  annotations:\n    upgrade: \"{{ .Release.IsUpgrade }}\"\n    revision: \"{{ .Release.Revision }}\"\n    kube: {{ .Capabilities.KubeVersion.Version }}\n    has: \"{{ .Capabilities.APIVersions.Has \"example.com/v1\" }}\"\nspec:\n  replicas: {{ .Values.replicas }}\n  template:\n    spec:\n      containers:\n        - name: a\n          args: ['x', \"y\"]\n",
    ),
    (
        "templates/secrets.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: one\nstringData: {a: b}\n---\n# only a comment\n---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: two\nstringData: {a: b}\n",
    ),
    (
        "templates/hook.yaml",
        "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: migrate\n  annotations:\n    helm.sh/hook: pre-install,pre-upgrade\n    helm.sh/hook-weight: \"-1\"\nspec: {}\n",
    ),
    (
        "templates/tests/test.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: try\n  annotations:\n    helm.sh/hook: test\nspec: {}\n",
    ),
    (
        "charts/db/Chart.yaml",
        "apiVersion: v2\nname: db\nversion: 0.1.0\n",
    ),
    (
        "charts/db/templates/NOTES.txt",
        "Notes of {{ .Chart.Name }}.\n",
    ),
    (
        "charts/db/templates/service.yaml",
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: db\n",
    ),
];

struct Both {
    home: tempfile::TempDir,
}

impl Both {
    fn new() -> Both {
        let home = tempfile::tempdir().expect("a folder");
        write_chart(&home.path().join("shop"), CHART);
        Both { home }
    }

    fn run(&self, program: &Path, args: &[&str]) -> Output {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("HELM_")) {
            command.env_remove(name);
        }
        let home = self.home.path();
        command
            .args(args)
            .env_remove("KUBECONFIG")
            .env("HOME", home)
            .env("HELM_PLUGINS", home.join("plugins"))
            .current_dir(home)
            .output()
            .expect("it runs")
    }

    fn nutkin(&self, args: &[&str]) -> Output {
        self.run(Path::new(env!("CARGO_BIN_EXE_nutkin")), args)
    }

    fn helm(&self, args: &[&str]) -> Output {
        self.run(&binary(), args)
    }

    /// Both outputs, after both succeeded or both failed.
    fn outputs(&self, args: &[&str]) -> (String, String) {
        let (ours, theirs) = (self.nutkin(args), self.helm(args));
        assert_eq!(
            ours.status.success(),
            theirs.status.success(),
            "{args:?}\nnutkin: {}\nhelm: {}",
            String::from_utf8_lossy(&ours.stderr),
            String::from_utf8_lossy(&theirs.stderr)
        );
        (text(ours), text(theirs))
    }
}

fn text(output: Output) -> String {
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn template_prints_what_helm_prints() {
    let both = Both::new();
    let cases = "
        shop
        r shop -n elsewhere
        r shop --include-crds
        r shop --include-crds --skip-crds
        r shop --no-hooks
        r shop --skip-tests
        r shop --is-upgrade
        r shop --kube-version 1.30
        r shop --kube-version v1.29.4-gke.100
        r shop --kube-version nonsense
        r shop -a example.com/v1
        r shop --api-versions example.com/v1,other/v2 --api-versions third/v1
        r shop -s templates/deployment.yaml
        r shop -s templates/deployment.yaml -s templates/hook.yaml
        r shop -s templates/hook.yaml -s templates/deployment.yaml
        r shop -s templates/hook.yaml --no-hooks
        r shop -s templates/tests/test.yaml --skip-tests
        r shop -s templates/s*.yaml
        r shop -s templates/*.yaml
        r shop -s templates/*/*.yaml
        r shop -s charts/db/templates/service.yaml
        r shop -s charts/*/templates/*
        r shop -s */*.yaml
        r shop -s templates/*.yaml -s templates/secrets.yaml
        r shop -s templates/secrets.yaml
        r shop -s crds/things.yaml
        r shop -s crds/things.yaml --include-crds
        r shop -s templates/NOTES.txt
        r shop -s templates/none.yaml
        r shop -s templates/deployment.yaml -s templates/none.yaml
        r shop -s shop/templates/deployment.yaml
        r shop -s templates/[a-d]*.yaml
        r shop -s templates/{deployment,hook}.yaml
        -g shop
        r -g shop
        --name-template made-{{\"A\"|lower}}-{{add\u{a0}1\u{a0}2}} shop
        --name-template {{fail\u{a0}\"no\"}} shop
        --name-template {{include\u{a0}\"x\"\u{a0}.}} shop
        --name-template a r shop
        a b shop
        r shop --create-namespace --description d --force-conflicts --replace --take-ownership --timeout 3m --wait
        r shop --wait=legacy --wait-for-jobs --labels a=b -l c=d --server-side --rollback-on-failure
        r shop --disable-openapi-validation --enable-dns
        r shop --dry-run=client
        r shop --output-dir out
        r shop --output-dir out --release-name
        r shop --output-dir out --include-crds --no-hooks
        r shop --set replicas=3 --set-string a=1 --set-json b={\"c\":1} --set-literal d=e
        R_ shop
        none/ shop2
        r missing";
    let mut compared = 0;
    for case in cases.lines().map(str::trim).filter(|c| !c.is_empty()) {
        let words: Vec<String> = case
            .split(' ')
            .map(|word| word.replace('\u{a0}', " "))
            .collect();
        let mut args = vec!["template"];
        args.extend(words.iter().map(String::as_str));
        let out = both.home.path().join("out");
        let run = |program: &dyn Fn(&[&str]) -> Output| {
            let _ = fs::remove_dir_all(&out);
            let output = program(&args);
            (output.status.success(), text(output), files(&out))
        };
        let ours = run(&|args| both.nutkin(args));
        let theirs = run(&|args| both.helm(args));
        assert_eq!(ours, theirs, "{case}");
        compared += 1;
    }
    println!("{compared} command lines of template");
}

/// The files below a folder and their texts.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let text = fs::read_to_string(&path).expect("text");
            found.insert(path.display().to_string(), text);
        }
    }
    found
}

/// A manifest without what a record of ours leaves out: blank lines, and documents of comments alone.
fn recorded(text: &str) -> String {
    let comment = "---\n# Source: shop/templates/secrets.yaml\n# only a comment\n";
    let lines: Vec<&str> = text.lines().filter(|l| !l.is_empty()).collect();
    format!("{}\n", lines.join("\n")).replace(comment, "")
}

#[test]
fn a_dry_run_of_install_prints_what_helm_prints() {
    let both = Both::new();
    let cases: &[&[&str]] = &[
        &["r", "shop"],
        &["r", "shop", "-n", "elsewhere"],
        &["r", "shop", "--render-subchart-notes"],
        &["r", "shop", "--hide-notes"],
        &["--name-template", "made", "shop"],
        &["r", "shop", "--labels", "team=a,tier=b"],
        &["shop"],
        &["-g", "r", "shop"],
        &["R_", "shop"],
    ];
    let same = |text: &str| -> Vec<String> {
        let mut lines: Vec<String> = recorded(text)
            .lines()
            .filter(|l| !l.starts_with("LAST DEPLOYED: "))
            .map(str::to_owned)
            .collect();
        // Helm prints the notes of several charts in an order that changes from run to run.
        let notes = lines
            .iter()
            .position(|l| l == "NOTES:")
            .unwrap_or(lines.len());
        lines[notes..].sort();
        lines
    };
    for case in cases {
        let args = [&["install", "--dry-run=client"], *case].concat();
        let (ours, theirs) = both.outputs(&args);
        assert_eq!(same(&ours), same(&theirs), "{case:?}");
    }
    let args = ["install", "--dry-run=client", "r", "shop", "-o", "json"];
    let (ours, theirs) = both.outputs(&args);
    let read = |text: &str| -> Value {
        let mut record: Value = serde_json::from_str(text).expect("JSON");
        for time in ["first_deployed", "last_deployed"] {
            record["info"].as_object_mut().expect("info").remove(time);
        }
        record["chart"] = Value::Null;
        record
    };
    let (ours, theirs) = (read(&ours), read(&theirs));
    assert_eq!(
        recorded(ours["manifest"].as_str().expect("text")),
        recorded(theirs["manifest"].as_str().expect("text"))
    );
    for part in [
        "name",
        "namespace",
        "version",
        "info",
        "apply_method",
        "config",
    ] {
        assert_eq!(ours[part], theirs[part], "{part}");
    }
    println!(
        "{} command lines of install --dry-run=client",
        cases.len() + 1
    );
}

#[test]
fn secrets_of_a_dry_run_can_be_hidden() {
    let both = Both::new();
    let args = ["install", "--dry-run=client", "--hide-secret", "r", "shop"];
    let (ours, theirs) = both.outputs(&args);
    let hidden = |text: &str| {
        text.matches("# HIDDEN: The Secret output has been suppressed")
            .count()
    };
    assert_eq!((hidden(&ours), hidden(&theirs)), (2, 2), "{ours}");
    assert!(!ours.contains("stringData"), "{ours}");
    let output = both.nutkin(&["install", "--hide-secret", "r", "shop"]);
    assert_eq!(output.status.code(), Some(64));
}

/// Sources and objects of a manifest.
fn objects(text: &str) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for document in text.split("---\n").filter(|d| !d.trim().is_empty()) {
        let source = document.lines().next().unwrap_or_default().to_owned();
        let object: Value = nutkin::yaml::parse(document).expect("YAML");
        found.push((source, object));
    }
    found
}

#[cfg(unix)]
fn script(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(path, text).expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("set");
}

#[test]
fn a_plugin_post_renders_as_in_helm() {
    let both = Both::new();
    let plugins = both.home.path().join("plugins");
    let plugin = |name: &str, command: &str, text: &str| {
        script(&plugins.join(name).join("run.sh"), text);
        let yaml = format!(
            "apiVersion: v1\nname: {name}\ntype: postrenderer/v1\nversion: 0.1.0\nruntime: subprocess\nconfig: {{}}\nruntimeConfig:\n  platformCommand:\n  - command: {command}\n    args: [\"${{HELM_PLUGIN_NAME}}\"]\n"
        );
        fs::write(plugins.join(name).join("plugin.yaml"), yaml).expect("written");
    };
    let own = "$HELM_PLUGIN_DIR/run.sh own";
    plugin("same", own, "#!/bin/sh\ncat\n");
    plugin(
        "scale",
        own,
        "#!/bin/sh\nsed \"s/replicas: 1/replicas: $#/\"\n",
    );
    plugin(
        "add",
        own,
        "#!/bin/sh\ncat\nprintf -- '---\\napiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: %s-%s-%s}\\n' \"$@\"\n",
    );
    plugin(
        "hooks",
        own,
        "#!/bin/sh\nsed 's/name: migrate/name: renamed/'\n",
    );
    plugin("nothing", own, "#!/bin/sh\ncat >/dev/null\n");
    plugin("fails", own, "#!/bin/sh\necho broken >&2\nexit 3\n");
    plugin("garbage", own, "#!/bin/sh\necho 'a: [b'\n");
    let cases: &[&[&str]] = &[
        &["--post-renderer", "same"],
        &["--post-renderer", "scale"],
        &[
            "--post-renderer",
            "scale",
            "--post-renderer-args",
            "a",
            "--post-renderer-args=--b",
        ],
        &["--post-renderer", "add", "--post-renderer-args", "third"],
        &["--post-renderer", "hooks"],
        &["--post-renderer", "hooks", "--no-hooks", "--include-crds"],
        &["--post-renderer", "nothing"],
        &["--post-renderer", "fails"],
        &["--post-renderer", "garbage"],
        &["--post-renderer", "unknown"],
    ];
    for case in cases {
        for command in ["template", "install --dry-run=client"] {
            let mut args: Vec<&str> = command.split(' ').collect();
            args.extend(["r", "shop"]);
            args.extend(case.iter());
            if command != "template" && case.contains(&"--include-crds") {
                continue;
            }
            let (ours, theirs) = both.outputs(&args);
            if command == "template" {
                assert_eq!(objects(&ours), objects(&theirs), "{args:?}");
            } else if !theirs.is_empty() {
                let renamed = |text: &str| text.contains("name: renamed");
                assert_eq!(renamed(&ours), renamed(&theirs), "{args:?}");
            }
        }
    }
    println!("{} command lines with a post-renderer", cases.len() * 2 - 1);
}

#[test]
fn a_program_post_renders_as_in_helm_3() {
    let both = Both::new();
    let path = both.home.path().join("bin/post");
    script(&path, "#!/bin/sh\nsed \"s/replicas: 1/replicas: $1/\"\n");
    let output = both.nutkin(&[
        "template",
        "r",
        "shop",
        "--post-renderer",
        "./bin/post",
        "--post-renderer-args",
        "7",
    ]);
    let text = text(output);
    assert!(text.contains("replicas: 7"), "{text}");
    // What it left alone is as the chart has it.
    assert!(text.contains("stringData: {a: b}"), "{text}");
    script(&path, "#!/bin/sh\necho because >&2\nexit 4\n");
    let output = both.nutkin(&["template", "r", "shop", "--post-renderer", "./bin/post"]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(65));
    assert!(
        error.contains("because") && error.contains("exit status: 4"),
        "{error}"
    );
}

#[test]
fn env_version_and_man() {
    let both = Both::new();
    let (ours, theirs) = both.outputs(&["env"]);
    let read = |text: &str| -> BTreeMap<String, String> {
        text.lines()
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    };
    let (ours, theirs) = (read(&ours), read(&theirs));
    let mut compared = 0;
    for (name, value) in &ours {
        if name != "HELM_BIN" {
            assert_eq!(Some(value), theirs.get(name), "{name}");
            compared += 1;
        }
    }
    println!("{compared} variables");
    assert!(compared > 15);
    let short = text(both.nutkin(&["version", "--short"]));
    assert_eq!(short, format!("v{}\n", env!("CARGO_PKG_VERSION")));
    let made = text(both.nutkin(&["version", "--template", "{{ .HelmVersion | upper }}"]));
    assert_eq!(made, "V4.3.1");
    let page = text(both.nutkin(&["man", "savepoint", "list"]));
    assert!(
        page.contains(".TH nutkin-savepoint-list 1")
            || page.contains(".TH nutkin\\-savepoint\\-list 1"),
        "{page}"
    );
    let output = both.nutkin(&["man", "--dir", "pages"]);
    assert!(output.status.success());
    assert!(both.home.path().join("pages/nutkin-template.1").is_file());
}
