//! Charts that fail: where helm fails nutkin fails, with helm's text (chain of includes, line and column), and with
//! the line of source that helm doesn't show.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::vectors::helm;

/// A chart that fails: its files, the root's Chart.yaml left out where it is the usual one.
type Case = (&'static str, &'static [(&'static str, &'static str)]);

const CHART: &str = "apiVersion: v2\nname: app\nversion: 1.0.0\n";
const SUB: &str = "apiVersion: v2\nname: sub\nversion: 1.0.0\n";
const LIB: &str = "apiVersion: v2\nname: lib\nversion: 1.0.0\ntype: library\n";

const CASES: &[Case] = &[
    (
        "nil pointer in an include of a helper",
        &[
            (
                "templates/_h.tpl",
                "{{/* head */}}\n{{- define \"labels\" -}}\na: b\nc: {{ .Values.x.y.z }}\n{{- end -}}\n",
            ),
            (
                "templates/a.yaml",
                "kind: A\nmetadata:\n  labels:\n    {{- include \"labels\" . | nindent 4 }}\n",
            ),
        ],
    ),
    (
        "three includes deep, across a library chart",
        &[
            ("charts/lib/Chart.yaml", LIB),
            (
                "charts/lib/templates/_l.tpl",
                "{{- define \"lib.a\" -}}\n{{ include \"lib.b\" . }}\n{{- end }}\n{{- define \"lib.b\" -}}\n\n  {{ index .Values.list 3 }}\n{{- end }}\n",
            ),
            ("values.yaml", "list: [1]\n"),
            (
                "templates/_h.tpl",
                "{{ define \"app.a\" }}{{ template \"lib.a\" . }}{{ end }}",
            ),
            ("templates/a.yaml", "x: {{ include \"app.a\" . }}\n"),
        ],
    ),
    (
        "required in a subchart",
        &[
            ("charts/sub/Chart.yaml", SUB),
            (
                "charts/sub/templates/a.yaml",
                "kind: A\n\nv: {{ required \"sub.v is needed\\nin any case\" .Values.v }}\n",
            ),
        ],
    ),
    (
        "fail below tpl",
        &[
            ("values.yaml", "t: |\n  line\n  {{ include \"bad\" . }}\n"),
            (
                "templates/_h.tpl",
                "{{ define \"bad\" }}{{ fail \"no good\" }}{{ end }}",
            ),
            ("templates/a.yaml", "a: 1\nb: {{ tpl .Values.t . }}\n"),
        ],
    ),
    (
        "a template in values that can't be parsed",
        &[
            ("values.yaml", "t: \"{{ .Values.a }\"\n"),
            ("templates/a.yaml", "a: 1\nb: {{ tpl .Values.t . }}\n"),
        ],
    ),
    (
        "a function that isn't",
        &[("templates/a.yaml", "a: 1\n\n  {{ toYamll .Values }}\n")],
    ),
    (
        "an action that isn't closed",
        &[("templates/a.yaml", "a: 1\nb: {{ .Values.a\nc: 2\n")],
    ),
    (
        "an if without an end",
        &[("templates/a.yaml", "a: 1\n{{- if .Values.a }}\nc: 2\n")],
    ),
    (
        "an end too many",
        &[("templates/a.yaml", "a: 1\n{{- end }}\nc: 2\n")],
    ),
    (
        "no such template",
        &[("templates/a.yaml", "a: {{ include \"nope\" . }}\n")],
    ),
    (
        "wrong type for a function",
        &[
            ("values.yaml", "n: 5\n"),
            ("templates/a.yaml", "a: 1\nb: {{ .Values.n | trunc 3 }}\n"),
        ],
    ),
    (
        "a field of a text",
        &[
            ("values.yaml", "s: text\n"),
            (
                "templates/a.yaml",
                "a: 1\n{{ with .Values.s }}\n{{ .field.of }}\n{{ end }}\n",
            ),
        ],
    ),
    (
        "comparison of kinds that don't compare",
        &[
            ("values.yaml", "s: text\nn: 5\n"),
            (
                "templates/a.yaml",
                "a: 1\n{{- if gt .Values.s .Values.n }}\nb: 2\n{{- end }}\n",
            ),
        ],
    ),
    (
        "output that is no YAML",
        &[("templates/a.yaml", "kind: A\na: {{ \"x: y\" }}\nb\n")],
    ),
    (
        "output that is no UTF-8",
        &[("templates/a.yaml", "kind: A\na: {{ b64dec \"//4=\" }}\n")],
    ),
    (
        "output that is a list",
        &[("templates/a.yaml", "- a\n- b\n")],
    ),
    ("output that is a text", &[("templates/a.yaml", "Hello\n")]),
    (
        "a kind that is a map",
        &[("templates/a.yaml", "kind: {a: b}\n")],
    ),
    (
        "annotations that are a list",
        &[(
            "templates/a.yaml",
            "kind: A\nmetadata:\n  annotations: [a]\n",
        )],
    ),
    (
        "two documents, the second broken",
        &[("templates/a.yaml", "kind: A\n---\nkind: B\n  c: d\n")],
    ),
    (
        "the last template in order of names fails first",
        &[
            ("templates/a.yaml", "{{ fail \"a\" }}"),
            ("templates/b.yaml", "{{ fail \"b\" }}"),
            ("templates/x/a.yaml", "{{ fail \"deep\" }}"),
        ],
    ),
    (
        "NOTES.txt fails too",
        &[("templates/NOTES.txt", "one\n{{ .Values.a.b.c }}\n")],
    ),
    (
        "a version of Kubernetes that isn't wanted",
        &[(
            "Chart.yaml",
            "apiVersion: v2\nname: app\nversion: 1.0.0\nkubeVersion: \">=1.99\"\n",
        )],
    ),
    (
        "a dependency that isn't there",
        &[(
            "Chart.yaml",
            "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies:\n- {name: gone, version: 1.x, repository: \"https://example.org\"}\n",
        )],
    ),
    ("a library chart by itself", &[("Chart.yaml", LIB)]),
    (
        "values that the schema refuses",
        &[
            ("values.yaml", "replicas: many\n"),
            (
                "values.schema.json",
                "{\"properties\": {\"replicas\": {\"type\": \"integer\"}}, \"required\": [\"name\"]}",
            ),
            ("templates/a.yaml", "a: 1\n"),
        ],
    ),
    (
        "values.yaml that is no YAML",
        &[("values.yaml", "a: 1\n b: [\n")],
    ),
    (
        "a chart of a kind that isn't known",
        &[("Chart.yaml", "apiVersion: v9\nname: app\nversion: 1.0.0\n")],
    ),
    (
        "a version that is none",
        &[("Chart.yaml", "apiVersion: v2\nname: app\nversion: one\n")],
    ),
    (
        "a version that YAML reads as a number",
        &[(
            "Chart.yaml",
            "apiVersion: v2\nname: app\nversion: 7.2445e+06\n",
        )],
    ),
    (
        "division by zero inside a pipeline",
        &[("templates/a.yaml", "a: {{ 0 | div 4 | add 1 }}\n")],
    ),
    (
        "semver and regex that can't be read",
        &[(
            "templates/a.yaml",
            "a: 1\n{{- if semverCompare \">= one\" \"1.0.0\" }}\nb: 1\n{{- end }}\n",
        )],
    ),
    (
        "fromYaml of a text inside, then a field of it",
        &[(
            "templates/a.yaml",
            "a: {{ (fromYaml \"x: [\").Error | quote }}\nb: {{ (fromYaml \"x: 1\").x.y }}\n",
        )],
    ),
    (
        "endless recursion",
        &[
            (
                "templates/_h.tpl",
                "{{ define \"again\" }}{{ include \"again\" . }}{{ end }}",
            ),
            ("templates/a.yaml", "a: 1\nb: {{ include \"again\" . }}\n"),
        ],
    ),
];

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gotmpl/errors.json")
}

/// What a program says of a chart that it can't render.
fn complaint(program: &Path, case: &Case) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join("app").join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("written");
    };
    write("Chart.yaml", CHART);
    for (name, text) in case.1 {
        write(name, text);
    }
    let output = Command::new(program)
        .args(["template", "rel", "app"])
        .current_dir(folder.path())
        .output()
        .expect("it runs");
    assert!(!output.status.success(), "{}: it renders", case.0);
    assert!(output.stdout.is_empty(), "{}", case.0);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let text = text.split("\n\nUse --debug flag").next().unwrap_or(&text);
    let start = text.find("Error: ").map_or(0, |at| at + "Error: ".len());
    text.get(start..).unwrap_or(text).trim_end().to_owned()
}

/// The places of templates in a message: `app/templates/a.yaml:3:5`.
fn places(text: &str) -> Vec<&str> {
    let is_place = |word: &&str| {
        let mut parts = word.split(':');
        let file = parts.next().unwrap_or_default();
        let line = parts.next().unwrap_or_default();
        file.contains("/templates/") && !line.is_empty() && line.bytes().all(|b| b.is_ascii_digit())
    };
    let words = text.split(|c: char| c.is_whitespace() || "()\"<>".contains(c));
    words
        .map(|word| word.trim_end_matches(':'))
        .filter(is_place)
        .collect()
}

#[test]
fn charts_fail_where_helm_fails() {
    let recorded = std::fs::read_to_string(data()).expect("run scripts/vectors");
    let recorded: std::collections::BTreeMap<String, String> =
        serde_json::from_str(&recorded).expect("recorded");
    let mut located = 0;
    for case in CASES {
        let helm = &recorded[case.0];
        let ours = complaint(env!("CARGO_BIN_EXE_nutkin").as_ref(), case);
        let wanted = places(helm);
        if wanted.is_empty() {
            // a template without a line is named at least
            let template = helm
                .split([' ', ':'])
                .find(|word| word.contains("/templates/"));
            assert!(
                template.is_none_or(|name| ours.contains(name)),
                "{}\n{helm}\n{ours}",
                case.0
            );
            continue;
        }
        located += 1;
        assert!(
            ours.starts_with(helm.as_str()),
            "{}\nhelm: {helm}\nours: {ours}",
            case.0
        );
        assert!(
            ours.contains(" |"),
            "{}: no line of source:\n{ours}",
            case.0
        );
    }
    println!(
        "{} charts that fail, {located} of them at a line of a template",
        CASES.len()
    );
}

/// Records what helm says; run by `scripts/vectors`.
#[test]
#[ignore = "records; run by scripts/vectors"]
fn record_errors() {
    let helm = helm().expect("helm in PATH or where NUTKIN_HELM says");
    let all: std::collections::BTreeMap<&str, String> = CASES
        .iter()
        .map(|case| (case.0, complaint(&helm.0, case)))
        .collect();
    let text = serde_json::to_string_pretty(&all).expect("text") + "\n";
    std::fs::write(data(), text).expect("written");
}
