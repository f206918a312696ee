//! Drift: what people did is told and brought back; what controllers did is left to them.

use super::{Place, changes, map, step};

#[tokio::test]
#[ignore = "needs a cluster"]
async fn each_kind_of_drift_is_told_and_brought_back() {
    let place = Place::new("drift").await;
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: d\nspec:\n  replicas: 0\n  paused: true\n  selector:\n    matchLabels: {app: d}\n  template:\n    metadata:\n      labels: {app: d}\n    spec:\n      containers:\n      - name: c\n        image: none\n        resources:\n          requests: {cpu: 1000m}\n";
    let chart = place.chart(
        "one",
        &[
            ("templates/a.yaml", &map("a", "k: v")),
            ("templates/b.yaml", &map("b", "k: v")),
            ("templates/c.yaml", &map("c", "k: v")),
            ("templates/d.yaml", deployment),
        ],
    );
    place.nutkin(&["install", "r", &chart]).ends(0);
    let drift = |more: &[&str]| place.nutkin(&[&["drift", "r"][..], more].concat());
    // Notations and defaults of the server are no drift.
    drift(&["--detailed-exitcode"])
        .ends(0)
        .says("is as revision 1 says");

    place.kubectl(&["delete", "configmap", "a"]);
    place.kubectl(&[
        "patch",
        "configmap",
        "b",
        "--type=merge",
        "-p",
        "{\"data\":{\"k\":\"w\",\"more\":\"x\"}}",
        "--field-manager=kubectl-edit",
    ]);
    place.kubectl(&["label", "configmap", "c", "by=hand"]);
    // An autoscaler, through the subresource; and the same fields by a person elsewhere.
    place.kubectl(&[
        "patch",
        "deployment",
        "d",
        "--subresource=scale",
        "--type=merge",
        "-p",
        "{\"spec\":{\"replicas\":3}}",
        "--field-manager=kube-controller-manager",
    ]);
    let json = drift(&["--detailed-exitcode", "-o", "json"]).ends(2).json();
    let plan = &json["plan"];
    assert_eq!(
        changes(plan),
        [
            ("ConfigMap/a".to_owned(), "create".to_owned()),
            ("ConfigMap/b".into(), "update".into()),
            ("ConfigMap/c".into(), "update".into()),
            ("Deployment/d".into(), "nothing".into()),
        ]
    );
    assert_eq!(step(plan, "ConfigMap", "a")["reason"], "it went missing");
    let reason = step(plan, "ConfigMap", "b")["reason"].as_str().unwrap();
    assert!(
        reason.contains("data.k") && reason.contains("data.more"),
        "{reason}"
    );
    assert_eq!(json["left"][0]["object"], "Deployment/d");
    assert_eq!(json["left"][0]["field"], "spec.replicas");
    assert_eq!(json["left"][0]["manager"], "kube-controller-manager");
    drift(&[]).ends(0).says("held by kube-controller-manager");
    // Whose changes count can be said.
    let json = drift(&["--ignore-manager", "kubectl-label", "-o", "json"])
        .ends(0)
        .json();
    assert_eq!(step(&json["plan"], "ConfigMap", "c")["change"], "nothing");

    drift(&["--fix"]).ends(0).says("REVISION: 2");
    drift(&["--detailed-exitcode"]).ends(0);
    assert_eq!(
        place.kubectl(&["get", "configmap", "b", "-o", "jsonpath={.data}"]),
        "{\"k\":\"v\"}"
    );
    assert_eq!(
        place.kubectl(&[
            "get",
            "configmap",
            "c",
            "-o",
            "jsonpath={.metadata.labels.by}"
        ]),
        ""
    );
    assert_eq!(
        place.kubectl(&["get", "configmap", "a", "-o", "jsonpath={.data.k}"]),
        "v"
    );
    assert_eq!(
        place.kubectl(&["get", "deployment", "d", "-o", "jsonpath={.spec.replicas}"]),
        "3"
    );
    drift(&["--fix"]).ends(0).says("is as revision 2 says");
    let history = place.ns.helm(&["history", "r", "-o", "json"]);
    assert!(
        history.contains("Drift from revision 1 corrected"),
        "{history}"
    );

    // A person's scaling is drift.
    place.kubectl(&["scale", "deployment", "d", "--replicas=2"]);
    let json = drift(&["-o", "json"]).ends(0).json();
    assert_eq!(
        step(&json["plan"], "Deployment", "d")["change"],
        "update",
        "{json}"
    );
    place.nutkin(&["drift", "none"]).ends(66);
}
