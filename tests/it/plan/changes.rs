//! What a plan says: each kind of change, with its reason; conflicts and owners; nothing is touched.

use super::{Place, changes, map, step};

/// A Deployment without pods; its selector can't be changed.
fn deployment(app: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: d\nspec:\n  replicas: 0\n  selector:\n    matchLabels: {{app: {app}}}\n  template:\n    metadata:\n      labels: {{app: {app}}}\n    spec:\n      containers: [{{name: c, image: none}}]\n"
    )
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn each_kind_of_change_is_planned_and_nothing_is_touched() {
    let place = Place::new("plan").await;
    let kept = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: kept\n  annotations:\n    helm.sh/resource-policy: keep\n";
    let first = place.chart(
        "one",
        &[
            ("values.yaml", "k: one\nother: 1\n"),
            ("templates/a.yaml", &map("a", "k: \"{{ .Values.k }}\"")),
            ("templates/same.yaml", &map("same", "k: v")),
            ("templates/gone.yaml", &map("gone", "k: v")),
            ("templates/lost.yaml", &map("lost", "k: v")),
            ("templates/kept.yaml", kept),
            ("templates/d.yaml", &deployment("one")),
        ],
    );
    let planned = place
        .nutkin(&["plan", "install", "r", &first, "-o", "json"])
        .ends(0)
        .json();
    assert!(
        changes(&planned).iter().all(|(_, c)| c == "create"),
        "{planned}"
    );
    assert_eq!(planned["revision"], 1);
    place.nutkin(&["install", "r", &first]).ends(0);
    place.kubectl(&["create", "configmap", "theirs", "--from-literal=k=theirs"]);
    place.kubectl(&["delete", "configmap", "lost"]);
    place.kubectl(&["label", "configmap", "same", "by=hand"]);

    let second = place.chart(
        "two",
        &[
            ("values.yaml", "k: one\nother: 1\n"),
            ("templates/a.yaml", &map("a", "k: \"{{ .Values.k }}\"")),
            ("templates/same.yaml", &map("same", "k: v")),
            ("templates/lost.yaml", &map("lost", "k: v")),
            ("templates/d.yaml", &deployment("two")),
            ("templates/theirs.yaml", &map("theirs", "k: ours")),
            ("templates/new.yaml", &map("new", "k: v")),
        ],
    );
    std::fs::write(place.path("prod.yaml"), "# of production\nk: two\n").unwrap();
    let before = place.versions();
    let upgrade = ["plan", "upgrade", "r", &second, "-f", "prod.yaml"];
    let with = |more: &[&str]| place.nutkin(&[&upgrade[..], more].concat());

    // What belongs to nobody is not taken over without a word: shown in the plan, and the plan's end.
    let refused = with(&["-o", "json"]).ends(73).says("--take-ownership");
    let plan = refused.json();
    assert!(
        step(&plan, "ConfigMap", "theirs")["refused"]
            .as_str()
            .unwrap()
            .contains("no release")
    );
    assert_eq!(plan["totals"]["refused"], 1);

    let plan = with(&["--take-ownership", "--force-conflicts", "-o", "json"])
        .ends(0)
        .json();
    let expected = [
        ("ConfigMap/a", "update"),
        ("ConfigMap/gone", "delete"),
        ("ConfigMap/kept", "keep"),
        ("ConfigMap/lost", "create"),
        ("ConfigMap/new", "create"),
        ("ConfigMap/same", "nothing"),
        ("ConfigMap/theirs", "adopt"),
        ("Deployment/d", "recreate"),
    ];
    let found = changes(&plan);
    assert_eq!(
        found
            .iter()
            .map(|(o, c)| (o.as_str(), c.as_str()))
            .collect::<Vec<_>>(),
        expected
    );
    let reason = |kind: &str, name: &str| {
        step(&plan, kind, name)["reason"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(reason("ConfigMap", "lost"), "it went missing");
    assert_eq!(reason("ConfigMap", "a"), "data.k changes");
    assert!(reason("ConfigMap", "kept").contains("resource-policy"));
    assert!(
        reason("Deployment", "d").contains("spec.selector"),
        "{}",
        reason("Deployment", "d")
    );
    let forced = step(&plan, "Deployment", "d")["forcedBy"].to_string();
    assert!(forced.contains("immutable"), "{forced}");
    let a = step(&plan, "ConfigMap", "a");
    assert_eq!(a["causedBy"][0], "k (prod.yaml:2)", "{a}");
    let diff = a["diff"].as_str().unwrap();
    assert!(
        diff.contains("-  k: one") && diff.contains("+  k: two"),
        "{diff}"
    );
    assert!(
        !diff.contains("managedFields") && !diff.contains("uid"),
        "{diff}"
    );
    assert_eq!(plan["values"][0]["path"], "k");
    assert_eq!(plan["values"][0]["setBy"], "prod.yaml:2");

    // For people, and for a merge request.
    let text = with(&["--take-ownership", "--force-conflicts"]).ends(0).out;
    for part in [
        "upgrade of r",
        "goes from revision 1 to 2",
        "± recreate  Deployment/d",
        "k: one → two  (prod.yaml:2)",
        "objects: 2 to create, 1 to update, 1 to recreate, 1 to adopt, 1 to delete, 1 kept, 1 unchanged; jobs: none",
    ] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "no colours where nobody looks");
    let markdown = with(&["--take-ownership", "--force-conflicts", "-o", "markdown"])
        .ends(0)
        .out;
    assert!(
        markdown.contains("| recreate | Deployment/d |") && markdown.contains("```diff"),
        "{markdown}"
    );
    with(&[
        "--take-ownership",
        "--force-conflicts",
        "--detailed-exitcode",
    ])
    .ends(2);
    with(&["--take-ownership", "--force-conflicts", "-o", "yaml"])
        .ends(0)
        .says("change: recreate");
    assert_eq!(place.versions(), before, "a plan touches nothing");

    // Done as planned; then there is nothing to do, and nothing is done.
    place
        .nutkin(&[
            "upgrade",
            "r",
            &second,
            "-f",
            "prod.yaml",
            "--take-ownership",
            "--force-conflicts",
        ])
        .ends(0);
    let history = |count: usize| {
        let json = place.nutkin(&["history", "r", "-o", "json"]).ends(0).json();
        assert_eq!(json.as_array().unwrap().len(), count, "{json}");
    };
    history(2);
    with(&["--detailed-exitcode"]).ends(0).says("nothing to do");
    let before = place.versions();
    place
        .nutkin(&["upgrade", "r", &second, "-f", "prod.yaml"])
        .ends(0)
        .says("nothing to do");
    history(2);
    assert_eq!(
        place.versions(),
        before,
        "an upgrade that changes nothing touches nothing"
    );
    let forced = ["--force-revision", "--detailed-exitcode"];
    with(&forced).ends(2).says("goes from revision 2 to 3");
    place
        .nutkin(&[
            "upgrade",
            "r",
            &second,
            "-f",
            "prod.yaml",
            "--force-revision",
        ])
        .ends(0);
    history(3);

    // The end.
    let plan = place
        .nutkin(&["plan", "uninstall", "r", "-o", "json"])
        .ends(0)
        .json();
    assert!(changes(&plan).iter().all(|(_, c)| c == "delete"), "{plan}");
    assert_eq!(step(&plan, "ConfigMap", "a")["reason"], "the release ends");
    place.nutkin(&["plan", "uninstall", "none"]).ends(66);
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn conflicts_are_shown_with_their_owner_before_anything_is_applied() {
    let place = Place::new("conflicts").await;
    let chart = place.chart(
        "one",
        &[
            ("values.yaml", "k: one\n"),
            ("templates/a.yaml", &map("a", "k: \"{{ .Values.k }}\"")),
            ("templates/b.yaml", &map("b", "k: \"{{ .Values.k }}\"")),
        ],
    );
    place.nutkin(&["install", "r", &chart]).ends(0);
    let patch = "{\"data\":{\"k\":\"theirs\"}}";
    place.kubectl(&[
        "patch",
        "configmap",
        "a",
        "--type=merge",
        "-p",
        patch,
        "--field-manager=somebody",
    ]);
    let plan = ["plan", "upgrade", "r", &chart, "--set", "k=two"];
    let said = place
        .nutkin(&[&plan[..], &["-o", "json"]].concat())
        .ends(73);
    let json = said.json();
    let conflict = &step(&json, "ConfigMap", "a")["conflicts"][0];
    assert_eq!(conflict["field"], ".data.k", "{json}");
    assert!(
        conflict["manager"].as_str().unwrap().contains("somebody"),
        "{json}"
    );
    said.says("--force-conflicts");
    place
        .nutkin(&plan)
        .ends(73)
        .says(".data.k is held by \"somebody\"");
    // The upgrade refuses the same before it changes the other object.
    place
        .nutkin(&["upgrade", "r", &chart, "--set", "k=two"])
        .ends(73)
        .says("somebody");
    assert_eq!(
        place.kubectl(&["get", "configmap", "b", "-o", "jsonpath={.data.k}"]),
        "one"
    );
    place
        .nutkin(&[&plan[..], &["--force-conflicts"]].concat())
        .ends(0)
        .says("somebody");
    place
        .nutkin(&[
            "upgrade",
            "r",
            &chart,
            "--set",
            "k=two",
            "--force-conflicts",
        ])
        .ends(0);
    assert_eq!(
        place.kubectl(&["get", "configmap", "a", "-o", "jsonpath={.data.k}"]),
        "two"
    );
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn revisions_and_releases_are_compared() {
    let place = Place::new("diff").await;
    let chart = place.chart(
        "one",
        &[
            ("values.yaml", "k: one\nextra: false\n"),
            (
                "templates/a.yaml",
                &map("a-{{ .Release.Name }}", "k: \"{{ .Values.k }}\""),
            ),
            (
                "templates/b.yaml",
                &format!(
                    "{{{{ if .Values.extra }}}}\n{}{{{{ end }}}}\n",
                    map("b", "k: v")
                ),
            ),
        ],
    );
    place.nutkin(&["install", "r", &chart]).ends(0);
    place
        .nutkin(&["upgrade", "r", &chart, "--set", "k=two,extra=true"])
        .ends(0);
    let said = place.nutkin(&["diff", "revision", "r", "1", "2"]).ends(0);
    for part in ["-  k: one", "+  k: two", "+ create    ConfigMap/b"] {
        assert!(said.out.contains(part), "no {part:?} in\n{}", said.out);
    }
    place
        .nutkin(&["diff", "revision", "r", "2", "1"])
        .ends(0)
        .says("- delete    ConfigMap/b");
    place
        .nutkin(&["diff", "revision", "r", "2", "--detailed-exitcode"])
        .ends(0);
    place
        .nutkin(&["diff", "revision", "r", "1", "--detailed-exitcode"])
        .ends(2);
    place
        .nutkin(&["diff", "revision", "r", "9"])
        .ends(66)
        .says("no revision 9");
    place
        .nutkin(&["diff", "rollback", "r", "1", "--detailed-exitcode"])
        .ends(2)
        .says("+  k: one");
    place
        .nutkin(&[
            "diff",
            "rollback",
            "r",
            "1",
            "--offline",
            "--detailed-exitcode",
        ])
        .ends(2);
    let upgrade = [
        "diff",
        "upgrade",
        "r",
        &chart,
        "--set",
        "k=three,extra=true",
    ];
    let said = place.nutkin(&upgrade).ends(0).says("+  k: three");
    assert!(!said.out.contains("values that differ"), "{}", said.out);
    // Somebody's change shows against the live object, not against the record.
    place.kubectl(&["delete", "configmap", "b"]);
    place
        .nutkin(&upgrade)
        .ends(0)
        .says("+ create    ConfigMap/b");
    let offline = place
        .nutkin(&[&upgrade[..], &["--offline"]].concat())
        .ends(0);
    assert!(!offline.out.contains("ConfigMap/b"), "{}", offline.out);
    let lines = |context: &str| {
        place
            .nutkin(&[&upgrade[..], &["--offline", "-C", context]].concat())
            .ends(0)
            .out
            .lines()
            .count()
    };
    assert!(lines("0") < lines("9"));
    // Of another release only the name differs.
    let other = place.chart("other", &[("templates/a.yaml", &map("a-r", "k: other"))]);
    place
        .nutkin(&[
            "install",
            "s",
            &other,
            "--take-ownership",
            "--force-conflicts",
        ])
        .ends(0);
    place
        .nutkin(&["diff", "release", "r", "s"])
        .ends(0)
        .says("+  k: other");
    place.nutkin(&["diff", "release", "r", "none"]).ends(66);
}

/// What can't be asked yet: a namespace and a kind that the chart itself brings.
#[tokio::test]
#[ignore = "needs a cluster"]
async fn what_is_not_there_yet_is_unverified_and_checked_by_its_schema() {
    let place = Place::new("unverified").await;
    let group = format!("{}.example.org", place.ns.name);
    let crd = format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: things.{group}\nspec:\n  group: {group}\n  names: {{kind: Thing, plural: things}}\n  scope: Namespaced\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema:\n        type: object\n        properties:\n          spec:\n            type: object\n            required: [size]\n            properties:\n              size: {{type: integer, minimum: 1}}\n"
    );
    let thing = format!(
        "apiVersion: {group}/v1\nkind: Thing\nmetadata:\n  name: t\nspec:\n  size: {{{{ .Values.size }}}}\n"
    );
    let inner = format!("{}-inner", place.ns.name);
    let chart = place.chart(
        "one",
        &[
            ("values.yaml", "size: 1\n"),
            ("crds/thing.yaml", &crd),
            ("templates/thing.yaml", &thing),
            (
                "templates/ns.yaml",
                &format!("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {inner}\n"),
            ),
            (
                "templates/in.yaml",
                &map("in", "k: v").replace("name: in", &format!("name: in\n  namespace: {inner}")),
            ),
        ],
    );
    let plan = place
        .nutkin(&["plan", "install", "r", &chart, "-o", "json"])
        .ends(0)
        .json();
    assert!(
        step(&plan, "Thing", "t")["unverified"]
            .as_str()
            .unwrap()
            .contains("CRD"),
        "{plan}"
    );
    assert!(
        step(&plan, "ConfigMap", "in")["unverified"]
            .as_str()
            .unwrap()
            .contains("namespace"),
        "{plan}"
    );
    assert_eq!(plan["totals"]["unverified"], 2);
    place
        .nutkin(&["plan", "install", "r", &chart, "--set", "size=0"])
        .ends(65)
        .says("spec.size");
    place
        .nutkin(&["plan", "install", "r", &chart, "--set", "size=x"])
        .ends(65);
}
