//! What can be foreseen, and what must not be.

use serde_json::{Value, json};

use super::{Right, is_unchanged, plain, right};

fn entry(operation: &str, fields: &Value) -> Value {
    json!({"manager": "helm", "operation": operation, "apiVersion": "apps/v1", "fieldsV1": fields})
}

fn deployment(image: &str, managed: Vec<Value>) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "d", "namespace": "n", "uid": "u", "labels": {"a": "b", "other": "x"},
            "managedFields": managed},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"a": "b"}},
            "template": {"spec": {"containers": [
                {"name": "side", "image": "s"},
                {"name": "c", "image": image, "terminationMessagePath": "/dev/termination-log",
                 "ports": [{"containerPort": 80, "protocol": "TCP"}]},
            ]}},
        },
        "status": {"replicas": 2},
    })
}

fn fields() -> Value {
    json!({
        "f:metadata": {"f:labels": {"f:a": {}}},
        "f:spec": {
            "f:selector": {},
            "f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"c\"}": {
                ".": {}, "f:name": {}, "f:image": {},
                "f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}},
            }}}},
        },
    })
}

fn wanted() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "d", "namespace": "n", "labels": {"a": "b"}},
        "spec": {
            "selector": {"matchLabels": {"a": "b"}},
            "template": {"spec": {"containers": [
                {"name": "c", "image": "i:1", "ports": [{"containerPort": 80}]},
            ]}},
        },
    })
}

#[test]
fn managed_fields_prove_that_nothing_changes() {
    let live = deployment("i:1", vec![entry("Apply", &fields())]);
    assert!(is_unchanged(&live, &wanted(), &[]));
    // Another's entry beside ours doesn't matter: what it took from us isn't in ours any more.
    let mut other = entry("Update", &json!({"f:spec": {"f:replicas": {}}}));
    other["manager"] = json!("hpa");
    assert!(is_unchanged(
        &deployment("i:1", vec![other.clone(), entry("Apply", &fields())]),
        &wanted(),
        &[]
    ));
    // Unless its fields are to be taken over, or those of a client-side apply.
    let both = |other: Value| deployment("i:1", vec![other, entry("Apply", &fields())]);
    let hpa = ["hpa".to_owned()];
    assert!(!is_unchanged(&both(other.clone()), &wanted(), &hpa));
    other["manager"] = json!("kubectl-client-side-apply");
    assert!(!is_unchanged(&both(other), &wanted(), &[]));
}

#[test]
fn whatever_is_in_doubt_is_asked() {
    let live = |managed: Vec<Value>| deployment("i:1", managed);
    let ours = || entry("Apply", &fields());
    // A value differs; nobody owns anything; an entry of Helm 3; another version's entry.
    assert!(!is_unchanged(
        &deployment("i:2", vec![ours()]),
        &wanted(),
        &[]
    ));
    assert!(!is_unchanged(&live(vec![]), &wanted(), &[]));
    assert!(!is_unchanged(
        &live(vec![ours(), entry("Update", &json!({}))]),
        &wanted(),
        &[]
    ));
    let mut beta = ours();
    beta["apiVersion"] = json!("apps/v1beta1");
    assert!(!is_unchanged(&live(vec![beta]), &wanted(), &[]));
    for change in [
        // What is ours and no longer wanted would go.
        |f: &mut Value, _: &mut Value| f["f:spec"]["f:paused"] = json!({}),
        |f: &mut Value, _: &mut Value| f["f:metadata"]["f:annotations"] = json!({"f:x": {}}),
        // What is wanted and not ours would become ours.
        |_: &mut Value, w: &mut Value| w["spec"]["replicas"] = json!(2),
        |_: &mut Value, w: &mut Value| w["metadata"]["labels"]["other"] = json!("x"),
        |_: &mut Value, w: &mut Value| w["spec"]["selector"]["matchLabels"]["z"] = json!("z"),
        |_: &mut Value, w: &mut Value| w["spec"]["selector"] = Value::Null,
        |_: &mut Value, w: &mut Value| {
            w["spec"]["template"]["spec"]["containers"][0]["command"] = json!(["x"]);
        },
        |_: &mut Value, w: &mut Value| {
            w["spec"]["template"]["spec"]["containers"] =
                json!([{"name": "c", "image": "i:1"}, {"name": "new", "image": "n"}]);
        },
        |_: &mut Value, w: &mut Value| {
            w["spec"]["template"]["spec"]["containers"][0]["ports"][0]["protocol"] = json!("UDP");
        },
    ] {
        let (mut fields, mut wanted) = (fields(), wanted());
        change(&mut fields, &mut wanted);
        assert!(
            !is_unchanged(&live(vec![entry("Apply", &fields)]), &wanted, &[]),
            "{fields} {wanted}"
        );
    }
}

fn object(kind: &str, more: Value) -> Value {
    let mut made = json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": "a", "namespace": "n",
        "labels": {"app.kubernetes.io/name": "x"}, "annotations": {"a/b": "any text: {}"}}});
    if let (Some(made), Some(more)) = (made.as_object_mut(), more.as_object()) {
        made.extend(more.clone());
    }
    made
}

#[test]
fn plain_objects_are_foreseen_and_others_asked() {
    for (kind, more) in [
        (
            "ConfigMap",
            json!({"data": {"a.b-c_d": "x"}, "binaryData": {"e": "eA=="}}),
        ),
        ("ConfigMap", json!({})),
        ("Secret", json!({"data": {"a": "eA=="}, "type": "Opaque"})),
        ("Secret", json!({"stringData": {"a": "x"}})),
        (
            "ServiceAccount",
            json!({"automountServiceAccountToken": false}),
        ),
        (
            "Service",
            json!({"spec": {"selector": {"a": "b"}, "ports": [
            {"name": "a", "port": 80, "targetPort": 8080}, {"name": "b", "port": 81, "protocol": "UDP"}]}}),
        ),
        (
            "Service",
            json!({"spec": {"type": "ClusterIP", "selector": {"a": "b"}, "ports": [{"port": 80}]}}),
        ),
    ] {
        let wanted = object(kind, more);
        assert_eq!(plain(None, &wanted), Some(wanted.clone()), "{wanted}");
    }
    let bad_name = |name: &str| {
        let mut made = object("ConfigMap", json!({}));
        made["metadata"]["name"] = json!(name);
        made
    };
    for wanted in [
        bad_name("Not_Valid"),
        bad_name(""),
        bad_name("-a"),
        bad_name("a..b"),
        object("ConfigMap", json!({"data": {"a b": "x"}})),
        object("ConfigMap", json!({"data": {"..": "x"}})),
        object("ConfigMap", json!({"data": {"a": 1}})),
        object("ConfigMap", json!({"data": {"a": null}})),
        object("ConfigMap", json!({"data": {"a": "x".repeat(2 << 20)}})),
        object(
            "ConfigMap",
            json!({"data": {"a": "x"}, "binaryData": {"a": "eA=="}}),
        ),
        object("ConfigMap", json!({"immutable": true})),
        object("ConfigMap", json!({"dta": {}})),
        object("Secret", json!({"data": {"a": "not base64!"}})),
        object("Secret", json!({"type": "kubernetes.io/tls"})),
        object("ServiceAccount", json!({"imagePullSecrets": []})),
        object(
            "Service",
            json!({"spec": {"selector": {"a": "b"}, "ports": []}}),
        ),
        object(
            "Service",
            json!({"spec": {"selector": {"a": "b"}, "ports": [{"port": 0}]}}),
        ),
        object(
            "Service",
            json!({"spec": {"selector": {"a": "b"}, "ports": [{"port": 80}, {"port": 81}]}}),
        ),
        object(
            "Service",
            json!({"spec": {"type": "NodePort", "selector": {"a": "b"}, "ports": [{"port": 80}]}}),
        ),
        object(
            "Service",
            json!({"spec": {"clusterIP": "None", "selector": {"a": "b"}, "ports": [{"port": 80}]}}),
        ),
        object("Pod", json!({})),
    ] {
        assert_eq!(plain(None, &wanted), None, "{wanted}");
    }
}

#[test]
fn a_plain_object_is_changed_only_where_it_is_ours_alone() {
    let entry = |manager: &str, operation: &str| json!({"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": {}});
    let live = |managed: Vec<Value>, more: Value| {
        let mut live = object("ConfigMap", json!({"data": {"old": "x", "both": "1"}}));
        live["metadata"]["uid"] = json!("u");
        live["metadata"]["managedFields"] = json!(managed);
        if let (Some(live), Some(more)) = (live.as_object_mut(), more.as_object()) {
            live.extend(more.clone());
        }
        live
    };
    let wanted = object("ConfigMap", json!({"data": {"both": "2", "new": "y"}}));
    let alone = live(vec![entry("helm", "Apply")], json!({}));
    let after = plain(Some(&alone), &wanted).expect("foreseen");
    assert_eq!(after["data"], json!({"both": "2", "new": "y"}));
    assert_eq!(after["metadata"]["uid"], "u");
    let mut secret = object(
        "Secret",
        json!({"data": {"a": "eA==", "b": "eQ=="}, "type": "Opaque"}),
    );
    secret["metadata"]["managedFields"] = json!([entry("helm", "Apply")]);
    let texts = object("Secret", json!({"stringData": {"a": "x"}}));
    let after = plain(Some(&secret), &texts).expect("foreseen");
    assert_eq!(after["data"], json!({"a": "eA=="}));
    assert_eq!(after.get("stringData"), None);
    // What is no longer wanted goes.
    let mut account = object(
        "ServiceAccount",
        json!({"automountServiceAccountToken": false}),
    );
    account["metadata"]["managedFields"] = json!([entry("helm", "Apply")]);
    let after = plain(Some(&account), &object("ServiceAccount", json!({}))).expect("foreseen");
    assert_eq!(after.get("automountServiceAccountToken"), None);
    for live in [
        live(vec![], json!({})),
        live(vec![entry("helm", "Update")], json!({})),
        live(
            vec![entry("helm", "Apply"), entry("kubectl-edit", "Update")],
            json!({}),
        ),
        live(vec![entry("helm", "Apply")], json!({"immutable": true})),
    ] {
        assert_eq!(plain(Some(&live), &wanted), None, "{live}");
    }
}

fn role(rules: Value) -> Value {
    object(
        "Role",
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "rules": rules}),
    )
}

fn binding(kind: &str, subjects: Value) -> Value {
    object(
        "RoleBinding",
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": "r"},
            "subjects": subjects,
        }),
    )
}

#[test]
fn roles_and_bindings_are_foreseen_for_who_may_write_any() {
    let rule = json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]});
    let account = json!({"kind": "ServiceAccount", "name": "a", "namespace": "n"});
    let group = json!({"kind": "Group", "name": "system:authenticated", "apiGroup": "rbac.authorization.k8s.io"});
    for (wanted, verb, resource) in [
        (role(json!([])), "escalate", "roles"),
        (role(json!([rule])), "escalate", "roles"),
        (binding("Role", json!([account, group])), "bind", "roles"),
        (binding("ClusterRole", json!([])), "bind", "clusterroles"),
    ] {
        assert_eq!(right(&wanted), Some(Right { verb, resource }), "{wanted}");
        assert_eq!(plain(None, &wanted), Some(wanted.clone()), "{wanted}");
    }
    assert_eq!(right(&object("ConfigMap", json!({}))), None);
    // Another group's kind of that name.
    assert_eq!(
        right(&object("Role", json!({"apiVersion": "other/v1"}))),
        None
    );
    for wanted in [
        object("Role", json!({"apiVersion": "other/v1"})),
        role(json!({})),
        role(json!([{"apiGroups": [""], "resources": ["pods"]}])),
        role(json!([{"apiGroups": [""], "resources": [], "verbs": ["get"]}])),
        role(json!([{"apiGroups": [""], "resources": [1], "verbs": ["get"]}])),
        role(json!([{"nonResourceURLs": ["/"], "verbs": ["get"]}])),
        role(json!([{"apiGroups": [""], "resources": ["a"], "verbs": ["get"], "more": []}])),
        binding("Other", json!([])),
        binding("Role", json!([{"kind": "Robot", "name": "a"}])),
        binding("Role", json!([{"kind": "ServiceAccount", "name": "A"}])),
        binding(
            "Role",
            json!([{"kind": "ServiceAccount", "name": "a", "apiGroup": "x"}]),
        ),
        binding("Role", json!([{"kind": "User", "name": ""}])),
        binding(
            "Role",
            json!([{"kind": "User", "name": "a", "namespace": "n"}]),
        ),
    ] {
        assert_eq!(plain(None, &wanted), None, "{wanted}");
    }
}

#[test]
fn a_binding_keeps_its_role() {
    let managed = json!([{"manager": "helm", "operation": "Apply",
        "apiVersion": "rbac.authorization.k8s.io/v1", "fieldsV1": {}}]);
    let mut live = binding("Role", json!([{"kind": "User", "name": "a"}]));
    live["metadata"]["managedFields"] = managed;
    let mut wanted = binding("Role", json!([]));
    if let Some(map) = wanted.as_object_mut() {
        map.remove("subjects");
    }
    let after = plain(Some(&live), &wanted).expect("foreseen");
    assert_eq!(after.get("subjects"), None);
    wanted["roleRef"]["name"] = json!("another");
    assert_eq!(plain(Some(&live), &wanted), None);
}
