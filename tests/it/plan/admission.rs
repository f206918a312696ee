//! What a cluster's own policies refuse is a part of the plan, and known before anything is stopped or
//! applied, however many objects there are.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nutkin::cluster::{Apply, Client, Delete, ObjectRef};
use serde_json::{Value, json};

use super::{Place, changes, map, step};
use crate::cluster::{config_map, connect};
use crate::ledger::{Ledger, ends_with, succeeds};
use crate::recover::proxy::{Act, Proxy, Seen};

/// How many ConfigMaps: more than are tried one and all.
const MANY: usize = 40;

/// Objects of one name that are no namespace's, gone when the test ends.
struct ClusterWide {
    kinds: &'static str,
    name: String,
}

impl ClusterWide {
    /// A policy that refuses a namespace's ConfigMaps whose data hold `refused-word`, when they are made
    /// or only when they are changed.
    async fn policy(client: &Client, namespace: &str, operations: &[&str]) -> ClusterWide {
        let name = format!("{namespace}.nutkin.test");
        let api_version = "admissionregistration.k8s.io/v1";
        let policy = json!({"apiVersion": api_version, "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {"failurePolicy": "Fail",
                "matchConstraints": {
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                    "resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"],
                        "operations": operations, "resources": ["configmaps"]}]},
                "validations": [{"message": "not with that word", "expression":
                    "!has(object.data) || !object.data.exists(k, object.data[k].contains('refused-word'))"}]}});
        let binding = json!({"apiVersion": api_version, "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name, "validationActions": ["Deny"]}});
        let policy_and_binding = [policy, binding];
        let policy = ClusterWide {
            kinds: "validatingadmissionpolicybinding,validatingadmissionpolicy",
            name,
        };
        for object in policy_and_binding {
            client.apply(&object, Apply::default()).await.unwrap();
        }
        // It holds a moment after it is made.
        let end = Instant::now() + Duration::from_secs(60);
        let probe = config_map("policy-probe", json!({"k": "fine"}));
        client.apply(&probe, Apply::default()).await.unwrap();
        let probe = config_map("policy-probe", json!({"k": "refused-word"}));
        loop {
            let how = Apply {
                dry_run: true,
                ..Apply::default()
            };
            if client.apply(&probe, how).await.is_err() {
                break;
            }
            assert!(Instant::now() < end, "the policy does not hold");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let gone = ObjectRef::of(&probe).unwrap();
        client.delete(&gone, &Delete::default()).await.unwrap();
        policy
    }
}

impl Drop for ClusterWide {
    fn drop(&mut self) {
        let gone = ["delete", self.kinds, &self.name, "--ignore-not-found"];
        let _ = Command::new("kubectl").args(gone).output();
    }
}

fn maps(place: &Place, name: &str, word: &str) -> String {
    let files: Vec<(String, String)> = (0..MANY)
        .map(|n| {
            let line = if n == MANY - 2 {
                format!("k: {word}")
            } else {
                format!("k: {name}-{n}")
            };
            (format!("templates/m{n}.yaml"), map(&format!("m{n}"), &line))
        })
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(f, t)| (f.as_str(), t.as_str()))
        .collect();
    place.chart(name, &files)
}

fn words(place: &Place) -> Vec<Value> {
    let all = place.kubectl(&["get", "configmaps", "-o", "json"]);
    let all: Value = serde_json::from_str(&all).unwrap();
    let items = all["items"].as_array().unwrap().clone();
    let ours = |o: &Value| o["metadata"]["name"].as_str().unwrap().starts_with('m');
    let data = |o: Value| o["data"]["k"].clone();
    items.into_iter().filter(ours).map(data).collect()
}

/// How many objects a command tries on the server.
fn dry_runs(place: &Place, arguments: &[&str]) -> usize {
    let count = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&count);
    let rule = move |seen: &Seen| {
        if seen.method == "PATCH" && seen.path.contains("dryRun=All") {
            counting.fetch_add(1, Ordering::SeqCst);
        }
        Act::Pass
    };
    let mut nutkin = Command::new(env!("CARGO_BIN_EXE_nutkin"));
    nutkin.args(arguments).args(["--namespace", &place.ns.name]);
    let ran = Proxy::start().run(&mut nutkin, Box::new(rule));
    assert_eq!(ran.code(), Some(0), "{}", ran.text());
    count.load(Ordering::SeqCst)
}

/// Whether the cluster has no webhook and no policy, be it another test's.
fn nobody_judges(place: &Place) -> bool {
    let kinds =
        "validatingwebhookconfigurations,mutatingwebhookconfigurations,validatingadmissionpolicies";
    place
        .kubectl(&["get", kinds, "-o", "name"])
        .trim()
        .is_empty()
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn what_a_policy_refuses_is_known_before_anything_is_applied() {
    let place = Place::new("policy").await;
    let fine = maps(&place, "fine", "any");
    let bad = maps(&place, "bad", "refused-word");
    let refused = format!("m{}", MANY - 2);
    // Where nothing can stand in the way, one is enough to ask for.
    let tried = dry_runs(&place, &["install", "free", &fine]);
    if nobody_judges(&place) {
        assert_eq!(tried, 1);
    }
    place.nutkin(&["uninstall", "free"]).ends(0);
    let policy = ClusterWide::policy(&place.ns.client, &place.ns.name, &["CREATE", "UPDATE"]).await;
    let plan = place.nutkin(&["plan", "install", "r", &bad, "-o", "json"]);
    let plan = plan.ends(65).says("not with that word").json();
    let of = step(&plan, "ConfigMap", &refused);
    assert!(
        of["refused"]
            .as_str()
            .unwrap()
            .contains("not with that word"),
        "{of}"
    );
    assert_eq!(plan["totals"]["refused"], 1);
    // The install itself finds it before the first object is made.
    place
        .nutkin(&["install", "r", &bad])
        .ends(65)
        .says("not with that word");
    assert_eq!(words(&place), Vec::<Value>::new());
    // So does an upgrade.
    assert_eq!(dry_runs(&place, &["install", "r", &fine]), MANY);
    let before = words(&place);
    assert_eq!(before.len(), MANY);
    place
        .nutkin(&["upgrade", "r", &bad])
        .ends(65)
        .says("not with that word");
    assert_eq!(words(&place), before);
    drop(policy);
}

/// A user, by the name of its roles, who may write Roles of the namespace, read the cluster's own rules,
/// and grant nothing.
async fn clerk(place: &Place) -> ClusterWide {
    let api_version = "rbac.authorization.k8s.io/v1";
    let name = format!("{}.clerk", place.ns.name);
    let subjects = json!([{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": name}]);
    let role =
        |kind: &str| json!({"kind": kind, "apiGroup": "rbac.authorization.k8s.io", "name": name});
    let clerk = ClusterWide {
        kinds: "clusterrolebinding,clusterrole",
        name: name.clone(),
    };
    let writes = ["get", "list", "create", "update", "patch", "delete"];
    let kinds = ["configmaps", "secrets", "roles", "leases", "resourcequotas"];
    for object in [
        json!({"apiVersion": api_version, "kind": "Role", "metadata": {"name": name},
            "rules": [{"apiGroups": ["*"], "resources": kinds, "verbs": writes}]}),
        json!({"apiVersion": api_version, "kind": "RoleBinding", "metadata": {"name": name},
            "roleRef": role("Role"), "subjects": subjects}),
        json!({"apiVersion": api_version, "kind": "ClusterRole", "metadata": {"name": name},
            "rules": [{"apiGroups": ["admissionregistration.k8s.io"], "resources": ["*"], "verbs": ["list"]}]}),
        json!({"apiVersion": api_version, "kind": "ClusterRoleBinding", "metadata": {"name": name},
            "roleRef": role("ClusterRole"), "subjects": subjects}),
    ] {
        place
            .ns
            .client
            .apply(&object, Apply::default())
            .await
            .unwrap();
    }
    clerk
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn who_may_not_grant_is_refused_before_anything_is_applied() {
    const ROLES: usize = 4;
    let place = Place::new("grant").await;
    let clerk = clerk(&place).await;
    let mut files: Vec<(String, String)> = (0..MANY)
        .map(|n| {
            (
                format!("templates/m{n}.yaml"),
                map(&format!("m{n}"), "k: v"),
            )
        })
        .collect();
    files.extend((0..ROLES).map(|n| {
        let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
            "metadata": {"name": format!("r{n}")},
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["create"]}]});
        (format!("templates/r{n}.yaml"), role.to_string())
    }));
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(f, t)| (f.as_str(), t.as_str()))
        .collect();
    let chart = place.chart("roles", &files);
    place
        .nutkin(&["install", "r", &chart, "--as", &clerk.name])
        .ends(77)
        .says("attempting to grant RBAC permissions not currently held");
    assert_eq!(words(&place), Vec::<Value>::new());
    // Who may grant anything is asked for one of each kind.
    let tried = dry_runs(&place, &["install", "r", &chart]);
    if nobody_judges(&place) {
        assert_eq!(tried, 2);
    }
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn a_policys_refusal_of_a_change_is_no_reason_to_make_it_anew() {
    let place = Place::new("policyup").await;
    let first = place.chart("one", &[("templates/a.yaml", &map("a", "k: v"))]);
    let second = place.chart("two", &[("templates/a.yaml", &map("a", "k: refused-word"))]);
    place.nutkin(&["install", "r", &first]).ends(0);
    // Under another name it could be made so.
    let policy = ClusterWide::policy(&place.ns.client, &place.ns.name, &["UPDATE"]).await;
    let plan = place.nutkin(&["plan", "upgrade", "r", &second, "-o", "json"]);
    let plan = plan.ends(65).says("not with that word").json();
    assert_eq!(
        changes(&plan),
        [("ConfigMap/a".to_owned(), "update".to_owned())]
    );
    drop(policy);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster"]
async fn what_a_policy_refuses_is_known_before_a_job_is_stopped() {
    let ledger = Ledger::new("policy-job");
    let (v1, v2) = (ledger.version("v1", &[]), ledger.version("v2", &[]));
    succeeds(&mut ledger.release("install", &v1, &[]));
    ledger.wait_for_more(100);
    let job = ledger.jobs().remove(0);
    let client = connect(nutkin::cluster::Options {
        namespace: Some(ledger.namespace.clone()),
        ..Default::default()
    })
    .await;
    let policy = ClusterWide::policy(&client, &ledger.namespace, &["UPDATE"]).await;
    let refused = ["--set", "flinkConfiguration.test\\.key=refused-word"];
    let said = ends_with(&mut ledger.release("plan upgrade", &v2, &refused), 65);
    assert!(said.contains("not with that word"), "{said}");
    let said = ends_with(&mut ledger.release("upgrade", &v2, &refused), 65);
    assert!(said.contains("not with that word"), "{said}");
    // The same job runs, and was never asked for a savepoint.
    assert_eq!(ledger.jobs().remove(0), job);
    assert_eq!(job.1, "RUNNING");
    let savepoints = succeeds(&mut ledger.command("savepoint list", &["-o", "json"]));
    assert_eq!(savepoints.trim(), "[]");
    ledger.wait_for_more(100);
    drop(policy);
    succeeds(&mut ledger.command("uninstall", &["--fresh"]));
}
