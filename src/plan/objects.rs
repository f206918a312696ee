//! What an apply will do to each object, from the live one and the server's dry run of the wanted one.

use serde::{Deserialize, Serialize};

use super::diff;
use crate::cluster::{DryRun, ObjectRef, Owner, holds_data, is_named, ownership, prune};
use crate::flink::manifest::{self, at};
use crate::flink::workload::Workload;
use crate::yaml::Value;

/// What happens to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It isn't there yet.
    Create,
    /// It is there and will differ.
    Update,
    /// It is there, and fields would change that can't be changed: it is deleted and made anew.
    Recreate,
    /// It is there, belongs to no release or to another, and is taken over, changed or not.
    Adopt,
    /// It is as it is wanted.
    Nothing,
    /// It has left the manifest.
    Delete,
    /// It has left the manifest and stays; see [`Stays`].
    Keep,
}

impl Change {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Change::Create => "create",
            Change::Update => "update",
            Change::Recreate => "recreate",
            Change::Adopt => "adopt",
            Change::Nothing => "unchanged",
            Change::Delete => "delete",
            Change::Keep => "keep",
        }
    }
}

/// Compares a live object with the server's dry run of the wanted one.
///
/// The dry run has the server's defaults and merges in it, so what differs is what will change;
/// what the server itself keeps (managedFields, resourceVersion, generation, status) does not count.
pub fn compare(live: Option<&Value>, dry_run: &Value) -> Change {
    match live {
        None => Change::Create,
        Some(live) if diff::differs(live, dry_run) => Change::Update,
        Some(_) => Change::Nothing,
    }
}

/// Decides about an object that is wanted, from the live one and what a dry run said; `None` where
/// the server could not be asked, or refused. `foreign`: it belongs to another, or to nobody.
pub fn wanted(live: Option<&Value>, dry_run: Option<&DryRun>, foreign: bool) -> Change {
    match (live, dry_run) {
        (_, Some(DryRun::Recreate { .. })) => Change::Recreate,
        (Some(_), _) if foreign => Change::Adopt,
        (live, Some(DryRun::After(after))) => compare(live, after),
        (Some(_), None) => Change::Update,
        (None, None) => Change::Create,
    }
}

/// Why an object stays that left the manifest, or whose release ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stays {
    /// It says so itself, by `helm.sh/resource-policy`.
    Policy,
    /// It belongs to another release by now, or at least not to this one.
    Others(Owner),
    /// It holds data, and is not named (design, decision 10).
    Data,
}

impl Stays {
    /// The reason in words.
    pub fn words(&self, object: &ObjectRef) -> String {
        match self {
            Stays::Policy => "helm.sh/resource-policy keeps it".to_owned(),
            Stays::Others(owner) => format!("it belongs to {owner} now"),
            Stays::Data => format!("it holds data; --delete-data {object} deletes it"),
        }
    }
}

/// Why a live object stays that the release (name and namespace) does not want any more; `None` where
/// it goes. `named` are the objects with data that are to go too, each `KIND/NAME`.
pub fn stays(live: &Value, release: (&str, &str), named: &[String]) -> Option<Stays> {
    if prune::is_kept(live) {
        return Some(Stays::Policy);
    }
    // Without the marks of any release it is still what the record says: ours.
    if !ownership::is_owned(live, release.0, release.1)
        && crate::cluster::annotation(live, "meta.helm.sh/release-name").is_some()
    {
        return Some(Stays::Others(ownership::owner(live)));
    }
    let is_named = || ObjectRef::of(live).is_ok_and(|object| is_named(named, &object));
    (holds_data(live) && !is_named()).then_some(Stays::Data)
}

/// Decides about an object that is not wanted any more; see [`stays`].
pub fn unwanted(live: Option<&Value>, release: (&str, &str), named: &[String]) -> Change {
    match live {
        None => Change::Nothing,
        Some(live) if stays(live, release, named).is_some() => Change::Keep,
        Some(_) => Change::Delete,
    }
}

/// Whether an object is another's: another release's, or nobody's where no revision of ours had it.
pub fn is_foreign(live: &Value, is_recorded: bool, release: &str, namespace: &str) -> bool {
    match ownership::owner(live) {
        Owner::Release {
            name,
            namespace: theirs,
        } => (name.as_str(), theirs.as_str()) != (release, namespace),
        // The marks of our own object may have been taken off; Helm puts them back too.
        Owner::Nobody => !is_recorded,
    }
}

/// One object before and after.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// The object as it is; `None` where it isn't there.
    pub live: Option<&'a Value>,
    /// The object as it will be; `None` where it will go.
    pub wanted: Option<&'a Value>,
    /// Whether it is deleted and made anew, and its pods with it.
    pub recreated: bool,
}

impl<'a> Pair<'a> {
    fn any(self) -> &'a Value {
        self.live.or(self.wanted).unwrap_or(&Value::Null)
    }
}

/// Why a workload's pods must be restarted for the change; empty where they may go on.
///
/// A change that touches neither a pod template nor the content of a ConfigMap or Secret that the
/// pods use leaves them alone (design, decision 8).
pub fn restart_reasons(
    workload: &Workload,
    pairs: &[Pair<'_>],
    default_namespace: &str,
) -> Vec<String> {
    let mut reasons = Vec::new();
    let mut used = Vec::new();
    for pair in pairs {
        let object = pair.any();
        let is_owner = workload.owners().any(|o| {
            o.kind == manifest::kind(object)
                && o.name == manifest::name(object)
                && workload.namespace == manifest::namespace(object, default_namespace)
        });
        if !is_owner {
            continue;
        }
        let (live, wanted) = (template(pair.live), template(pair.wanted));
        let name = format!("{}/{}", manifest::kind(object), manifest::name(object));
        match (live, wanted) {
            (Some(_), Some(_)) if pair.recreated => {
                reasons.push(format!("{name} is made anew"));
            }
            (Some(live), Some(wanted)) if live != wanted => {
                reasons.push(format!(
                    "the pod template of {name} changes: {}",
                    first_difference(live, wanted)
                ));
            }
            (Some(_), None) => reasons.push(format!("{name} leaves the manifest")),
            _ => {}
        }
        if let Some(template) = live.or(wanted) {
            used.extend(manifest::references(template));
        }
    }
    for pair in pairs {
        let object = pair.any();
        let is_used = used
            .iter()
            .any(|(kind, name)| *kind == manifest::kind(object) && name == manifest::name(object))
            && workload.namespace == manifest::namespace(object, default_namespace);
        let Pair {
            live: Some(live),
            wanted: Some(wanted),
            ..
        } = *pair
        else {
            continue;
        };
        if !is_used {
            continue;
        }
        let keys: Vec<String> = ["data", "binaryData", "stringData"]
            .iter()
            .filter_map(|section| differing_keys(live.get(section), wanted.get(section)))
            .collect();
        if !keys.is_empty() {
            reasons.push(format!(
                "the content of {}/{} changes: {}",
                manifest::kind(object),
                manifest::name(object),
                keys.join(", ")
            ));
        }
    }
    reasons
}

/// Which objects of a workload that goes on get another number of pods; a line each.
pub fn scalings(workload: &Workload, pairs: &[Pair<'_>], default_namespace: &str) -> Vec<String> {
    let replicas = |object: Option<&Value>| at(object?, &["spec", "replicas"])?.as_i64();
    pairs
        .iter()
        .filter(|pair| {
            let object = pair.any();
            workload.taskmanagers.iter().any(|o| {
                o.kind == manifest::kind(object)
                    && o.name == manifest::name(object)
                    && workload.namespace == manifest::namespace(object, default_namespace)
            })
        })
        .filter_map(|pair| {
            let (was, is) = (replicas(pair.live)?, replicas(pair.wanted)?);
            let object = pair.any();
            (was != is).then(|| {
                format!(
                    "{}/{} goes from {was} to {is} pods",
                    manifest::kind(object),
                    manifest::name(object)
                )
            })
        })
        .collect()
}

fn template(owner: Option<&Value>) -> Option<&Value> {
    at(owner?, &["spec", "template"])
}

/// The names of a map's keys whose values differ.
fn differing_keys(live: Option<&Value>, wanted: Option<&Value>) -> Option<String> {
    let empty = serde_json::Map::new();
    let live = live.and_then(Value::as_object).unwrap_or(&empty);
    let wanted = wanted.and_then(Value::as_object).unwrap_or(&empty);
    let mut keys: Vec<&str> = live
        .keys()
        .chain(wanted.keys())
        .filter(|key| live.get(*key) != wanted.get(*key))
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    keys.dedup();
    (!keys.is_empty()).then(|| keys.join(", "))
}

/// The path of the first field in which two values differ.
fn first_difference(live: &Value, wanted: &Value) -> String {
    fn walk(path: &mut String, live: &Value, wanted: &Value) {
        let at = path.len();
        match (live, wanted) {
            (Value::Object(a), Value::Object(b)) => {
                let differs = a.keys().chain(b.keys()).find(|k| a.get(*k) != b.get(*k));
                if let Some(key) = differs {
                    if at > 0 {
                        path.push('.');
                    }
                    path.push_str(key);
                    if let (Some(a), Some(b)) = (a.get(key), b.get(key)) {
                        walk(path, a, b);
                    }
                }
            }
            (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
                if let Some(index) = a.iter().zip(b).position(|(a, b)| a != b) {
                    path.push_str(&format!("[{index}]"));
                    walk(path, &a[index], &b[index]);
                }
            }
            _ => {}
        }
    }
    let mut path = String::new();
    walk(&mut path, live, wanted);
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flink::workload::recognise;
    use serde_json::json;

    fn deployment(image: &str, replicas: u32) -> Value {
        json!({"kind": "Deployment", "metadata": {"name": "jm", "resourceVersion": image}, "spec": {"replicas": replicas,
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": {
                "containers": [{"image": image, "args": ["standalone-job"], "volumeMounts": [{"name": "c", "mountPath": "/opt/flink/conf"}]}],
                "volumes": [{"name": "c", "configMap": {"name": "conf"}}]}}}})
    }

    fn config(text: &str) -> Value {
        json!({"kind": "ConfigMap", "metadata": {"name": "conf"}, "data": {"config.yaml": text}})
    }

    #[test]
    fn only_templates_and_used_content_restart() {
        let live = [
            deployment("a:1", 1),
            config("x: 1"),
            json!({"kind": "ConfigMap", "metadata": {"name": "other"}, "data": {"k": "v"}}),
        ];
        let workload = recognise(&live, "ns").remove(0);
        let reasons = |wanted: [Value; 3]| {
            let pairs: Vec<Pair<'_>> = live
                .iter()
                .zip(&wanted)
                .map(|(l, w)| Pair {
                    live: Some(l),
                    wanted: Some(w),
                    recreated: false,
                })
                .collect();
            restart_reasons(&workload, &pairs, "ns")
        };
        let other = json!({"kind": "ConfigMap", "metadata": {"name": "other"}, "data": {"k": "w"}});
        assert_eq!(
            reasons([deployment("a:1", 3), config("x: 1"), other.clone()]),
            Vec::<String>::new()
        );
        assert_eq!(
            reasons([deployment("a:2", 1), config("x: 2"), other]),
            [
                "the pod template of Deployment/jm changes: spec.containers[0].image",
                "the content of ConfigMap/conf changes: config.yaml"
            ]
        );
    }

    #[test]
    fn each_case_of_a_wanted_object() {
        let live = config("x: 1");
        let after = |text: &str| DryRun::After(config(text));
        let recreate = DryRun::Recreate {
            causes: Vec::new(),
            after: config("x: 2"),
        };
        for (live, dry_run, foreign, change) in [
            (None, Some(after("x: 1")), false, Change::Create),
            (None, None, false, Change::Create),
            (Some(&live), Some(after("x: 1")), false, Change::Nothing),
            (Some(&live), Some(after("x: 2")), false, Change::Update),
            (Some(&live), Some(after("x: 1")), true, Change::Adopt),
            (Some(&live), Some(after("x: 2")), true, Change::Adopt),
            (Some(&live), Some(recreate.clone()), false, Change::Recreate),
            (Some(&live), Some(recreate), true, Change::Recreate),
            (Some(&live), None, false, Change::Update),
        ] {
            assert_eq!(
                super::wanted(live, dry_run.as_ref(), foreign),
                change,
                "{dry_run:?} {foreign}"
            );
        }
    }

    #[test]
    fn each_case_of_an_object_that_left() {
        let of = |kind: &str, release: Option<&str>, policy: Option<&str>| {
            let api_version = match kind {
                "CustomResourceDefinition" => "apiextensions.k8s.io/v1",
                _ if kind.starts_with("Flink") => "flink.apache.org/v1beta1",
                _ => "v1",
            };
            let mut object =
                json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"}});
            if let Some(release) = release {
                ownership::stamp(&mut object, release, "ns");
            }
            if let Some(policy) = policy {
                object["metadata"]["annotations"]["helm.sh/resource-policy"] = json!(policy);
            }
            object
        };
        let others = || {
            Some(Stays::Others(Owner::Release {
                name: "other".into(),
                namespace: "ns".into(),
            }))
        };
        let release = ("r", "ns");
        for (live, reason, foreign) in [
            (of("ConfigMap", Some("r"), None), None, false),
            (of("ConfigMap", None, None), None, false),
            (of("ConfigMap", Some("other"), None), others(), true),
            (
                of("ConfigMap", Some("r"), Some("keep")),
                Some(Stays::Policy),
                false,
            ),
            (of("FlinkDeployment", Some("other"), None), others(), true),
            (
                of("FlinkDeployment", Some("r"), Some("keep")),
                Some(Stays::Policy),
                false,
            ),
        ] {
            assert_eq!(stays(&live, release, &[]), reason, "{live}");
            // Naming it changes nothing here: it isn't its data that keeps it.
            let named = [format!("{}/a", manifest::kind(&live))];
            assert_eq!(stays(&live, release, &named), reason, "{live}");
            let change = match reason {
                Some(_) => Change::Keep,
                None => Change::Delete,
            };
            assert_eq!(unwanted(Some(&live), release, &[]), change, "{live}");
            assert_eq!(is_foreign(&live, true, "r", "ns"), foreign, "{live}");
        }
        for kind in [
            "PersistentVolumeClaim",
            "PersistentVolume",
            "Namespace",
            "CustomResourceDefinition",
            "FlinkDeployment",
            "FlinkSessionJob",
            "FlinkStateSnapshot",
            "FlinkBlueGreenDeployment",
        ] {
            for release_mark in [Some("r"), None] {
                let live = of(kind, release_mark, None);
                let named = |name: &str| [format!("{kind}/{name}")];
                assert_eq!(stays(&live, release, &[]), Some(Stays::Data), "{live}");
                assert_eq!(
                    unwanted(Some(&live), release, &named("b")),
                    Change::Keep,
                    "{live}"
                );
                assert_eq!(
                    unwanted(Some(&live), release, &named("a")),
                    Change::Delete,
                    "{live}"
                );
            }
        }
        assert_eq!(unwanted(None, release, &[]), Change::Nothing);
        assert!(is_foreign(&of("ConfigMap", None, None), false, "r", "ns"));
    }

    #[test]
    fn other_pods_of_a_cluster_that_goes_on() {
        let of = |replicas: u32| {
            let mut tm = deployment("a:1", replicas);
            tm["metadata"]["name"] = json!("tm");
            tm["spec"]["template"]["spec"]["containers"][0]["args"] = json!(["taskmanager"]);
            [deployment("a:1", 1), tm]
        };
        let (live, wanted) = (of(1), of(3));
        let workload = recognise(&live, "ns").remove(0);
        let pairs: Vec<Pair<'_>> = live
            .iter()
            .zip(&wanted)
            .map(|(l, w)| Pair {
                live: Some(l),
                wanted: Some(w),
                recreated: false,
            })
            .collect();
        assert_eq!(
            scalings(&workload, &pairs, "ns"),
            ["Deployment/tm goes from 1 to 3 pods"]
        );
        assert!(restart_reasons(&workload, &pairs, "ns").is_empty());
    }

    #[test]
    fn what_the_server_keeps_is_no_change() {
        let live = deployment("a:1", 1);
        let mut dry = live.clone();
        dry["metadata"]["resourceVersion"] = json!("9");
        dry["status"] = json!({"replicas": 1});
        assert_eq!(compare(Some(&live), &dry), Change::Nothing);
        assert_eq!(compare(None, &dry), Change::Create);
        assert_eq!(compare(Some(&live), &deployment("a:1", 2)), Change::Update);
    }
}
