use super::*;
use crate::chart::File;

fn chart(files: &[(&str, &str)]) -> Chart {
    let mut chart = Chart {
        values: Value::Object(Map::new()),
        ..Chart::default()
    };
    chart.metadata.name = "c".to_owned();
    chart.metadata.version = "1.0.0".to_owned();
    chart.templates = files
        .iter()
        .map(|(name, text)| File {
            name: format!("templates/{name}"),
            data: text.as_bytes().to_vec(),
        })
        .collect();
    chart
}

fn release() -> ReleaseOptions {
    ReleaseOptions {
        name: "r".to_owned(),
        namespace: "ns".to_owned(),
        revision: 1,
        is_upgrade: false,
    }
}

fn run(chart: &Chart, values: Value) -> Result<Rendered, Error> {
    render(
        chart,
        &values,
        &release(),
        &Capabilities::default(),
        &Options::default(),
    )
}

fn object(kind: &str, name: &str) -> String {
    format!("apiVersion: v1\nkind: {kind}\nmetadata:\n  name: {name}\n")
}

#[test]
fn documents_are_in_the_order_of_installation() {
    let all = [
        object("FlinkDeployment", "z"),
        object("Deployment", "b"),
        object("Aardvark", "q"),
        object("ConfigMap", "m"),
        object("Deployment", "a"),
        object("Namespace", "ns"),
    ]
    .join("---\n");
    let rendered = run(
        &chart(&[
            ("b.yaml.tera", &all),
            ("a.yaml.tera", &object("ConfigMap", "x")),
        ]),
        Value::Null,
    )
    .unwrap();
    let names: Vec<&str> = rendered.documents.iter().map(Document::name).collect();
    assert_eq!(names, ["ns", "x", "m", "b", "a", "q", "z"]);
    assert!(
        rendered.manifest().starts_with(
            "---\n# Source: c/templates/b.yaml.tera\napiVersion: v1\nkind: Namespace\n"
        )
    );
}

#[test]
fn hooks_leave_the_manifest() {
    let hook = |name: &str, annotations: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n  annotations:\n{annotations}"
        )
    };
    let chart = chart(&[
        (
            "a.yaml.tera",
            &hook(
                "late",
                "    helm.sh/hook: pre-install, Post-Upgrade\n    helm.sh/hook-weight: \"5\"\n    helm.sh/hook-delete-policy: hook-succeeded,before-hook-creation\n",
            ),
        ),
        (
            "b.yaml.tera",
            &hook(
                "early",
                "    helm.sh/hook: pre-install\n    helm.sh/hook-weight: \"-5\"\n    helm.sh/hook-output-log-policy: hook-failed\n",
            ),
        ),
        (
            "c.yaml.tera",
            &hook("test", "    helm.sh/hook: test-success\n"),
        ),
        ("d.yaml.tera", &object("Pod", "plain")),
    ]);
    let rendered = run(&chart, Value::Null).unwrap();
    assert_eq!(rendered.documents.len(), 1);
    assert_eq!(rendered.hooks.len(), 3);
    let names = |event: &str| -> Vec<String> {
        rendered
            .hooks_for(event)
            .iter()
            .map(|h| h.document.name().to_owned())
            .collect()
    };
    assert_eq!(names("pre-install"), ["early", "late"]);
    assert_eq!(names("post-upgrade"), ["late"]);
    assert_eq!(names("test"), ["test"]);
    let late = rendered.hooks_for("post-upgrade")[0];
    assert_eq!(
        late.delete_policies,
        ["hook-succeeded", "before-hook-creation"]
    );
    assert_eq!(
        rendered.hooks_for("pre-install")[0].output_log_policies,
        ["hook-failed"]
    );
}

#[test]
fn notes_are_those_of_the_root_chart() {
    let mut root = chart(&[
        ("NOTES.txt.tera", "Hello {{ release.name }}\n"),
        ("_p.tera", "{{ nothing }}"),
    ]);
    let mut child = chart(&[
        ("NOTES.txt.tera", "child"),
        (
            "x.yaml.tera",
            &object("Pod", "{{ values.a }}-{{ values.global.g }}"),
        ),
    ]);
    child.metadata.name = "sub".to_owned();
    root.dependencies.push(child);
    let values = serde_json::json!({"sub": {"a": 1.0, "global": {"g": "x"}}});
    let rendered = run(&root, values).unwrap();
    assert_eq!(rendered.notes, "Hello r\n");
    assert_eq!(
        rendered.documents[0].source,
        "c/charts/sub/templates/x.yaml.tera"
    );
    assert_eq!(rendered.documents[0].name(), "1-x");
}

#[test]
fn the_nearer_component_counts() {
    let library = |name: &str, text: &str| {
        let mut library = chart(&[(
            "_l.tera",
            &format!("{{% component who() %}}{text}{{% endcomponent %}}"),
        )]);
        library.metadata.name = name.to_owned();
        library.metadata.kind = "library".to_owned();
        library
    };
    let caller = object("Pod", "{{ <who /> }}");
    let mut root = chart(&[("a.yaml.tera", &caller)]);
    let mut child = chart(&[("b.yaml.tera", &caller)]);
    child.metadata.name = "sub".to_owned();
    child.dependencies.push(library("lib", "old"));
    root.dependencies.push(child);
    root.dependencies.push(library("lib", "new"));
    let rendered = run(&root, Value::Null).unwrap();
    let names: Vec<&str> = rendered.documents.iter().map(Document::name).collect();
    assert_eq!(names, ["old", "new"]);
}

#[test]
fn what_is_no_object_is_an_error_with_its_line() {
    for (text, line, reason) in [
        ("a: 1\n", 1, "has no apiVersion"),
        (
            "---\n\n# c\napiVersion: v1\nmetadata: {name: x}\n",
            3,
            "has no kind",
        ),
        ("apiVersion: v1\nkind: A\n", 1, "has no metadata.name"),
        (
            "apiVersion: v1\nkind: A\nmetadata: {name: n}\n",
            1,
            "has a metadata.name that is no text: quote it",
        ),
        ("- a\n", 1, "is not a map"),
    ] {
        let error = run(&chart(&[("a.yaml.tera", text)]), Value::Null).unwrap_err();
        let Error::Object {
            file,
            line: at,
            reason: why,
            ..
        } = &error
        else {
            panic!("{error}")
        };
        assert_eq!(
            (file.as_str(), *at, why.as_str()),
            ("c/templates/a.yaml.tera", line, reason)
        );
    }
    let generated = "apiVersion: v1\nkind: A\nmetadata: {generateName: x}\n---\n# nothing\n";
    let documents = run(&chart(&[("a.yaml.tera", generated)]), Value::Null)
        .unwrap()
        .documents;
    // comments alone are no object, and stand in the manifest as in Helm's
    let mut objects: Vec<bool> = documents.iter().map(|d| d.object.is_object()).collect();
    objects.sort_unstable();
    assert_eq!(objects, [false, true]);
}

#[test]
fn a_misspelt_hook_is_an_error() {
    let text = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\n  annotations: {helm.sh/hook: pre-instal}\n";
    let error = run(&chart(&[("a.yaml.tera", text)]), Value::Null)
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "c/templates/a.yaml.tera: Pod \"x\" has an unknown helm.sh/hook \"pre-instal\"; did you mean \"pre-install\"?"
    );
}

#[test]
fn the_version_of_kubernetes_is_checked() {
    let mut chart = chart(&[]);
    chart.metadata.kube_version = ">=1.40.0-0".to_owned();
    let error = run(&chart, Value::Null).unwrap_err();
    assert!(matches!(error, Error::KubeVersion { .. }), "{error}");
    chart.metadata.kube_version = ">=1.37".to_owned();
    let capabilities = Capabilities::default()
        .with_kube_version("1.37.2-gke.100")
        .unwrap();
    assert!(
        render(
            &chart,
            &Value::Null,
            &release(),
            &capabilities,
            &Options::default()
        )
        .is_ok()
    );
    assert!(Capabilities::default().with_kube_version("latest").is_err());
}
