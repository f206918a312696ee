//! What becomes of a chart's CRDs: made, upgraded, or left as they are. Never made older, never deleted.
//!
//! Helm 4 overwrites CRDs on install, downgrades included, and never touches them afterwards
//! (helm/helm#31027, #7735). A CRD here is older than another
//! 1. if both carry a version (annotation [`VERSION`], else the label `app.kubernetes.io/version`)
//!    and its is lower,
//! 2. else if its highest version, or the one that is stored, is lower (Kubernetes' order:
//!    v1 > v1beta2 > v1beta1 > v1alpha1),
//! 3. else, unless it says by 1 or 2 that it is newer, if a version that both have lacks fields:
//!    the server would drop them from every object that is written.

use std::cmp::Ordering;

use crate::cluster::{annotation, label};
use crate::template::funcs::semver::Version;
use crate::yaml::Value;

/// An annotation that tells CRDs of one name apart: which is newer.
pub const VERSION: &str = "nutkin.dev/crd-version";

/// What is done with the CRDs of charts.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    clap::ValueEnum,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Missing ones are made, those that are there stay as they are
    #[default]
    Create,
    /// Missing ones are made, older ones upgraded
    Upgrade,
    /// Nothing is done about them
    Skip,
}

/// What happens to one CRD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It isn't there.
    Create,
    /// It is there, and older.
    Upgrade,
    /// It is as the chart has it, or nothing is to be done about it.
    Nothing,
    /// It differs, and stays as it is; why.
    Leave(String),
    /// It can't be upgraded without losing objects; why.
    Refuse(String),
}

/// Decides about one CRD.
pub fn decide(mode: Mode, live: Option<&Value>, wanted: &Value) -> Decision {
    let Some(live) = live else {
        return match mode {
            Mode::Skip => Decision::Nothing,
            Mode::Create | Mode::Upgrade => Decision::Create,
        };
    };
    match mode {
        Mode::Skip => Decision::Nothing,
        Mode::Create => match news(live, wanted) {
            Some(what) => {
                Decision::Leave(format!("the chart's has {what}; --crds upgrade brings it"))
            }
            None => Decision::Nothing,
        },
        Mode::Upgrade => {
            let newer = match older(live, wanted) {
                Ok(newer) => newer,
                Err(why) => return Decision::Leave(format!("the chart's is older: {why}")),
            };
            let missing = missing_stored(live, wanted);
            if !missing.is_empty() {
                return Decision::Refuse(format!(
                    "objects are stored as {} (status.storedVersions), which the chart's CRD no longer has",
                    missing.join(", ")
                ));
            }
            if !newer {
                let lost = lost_fields(live, wanted);
                if !lost.is_empty() {
                    return Decision::Leave(format!(
                        "the chart's is older: it lacks {}; an annotation {VERSION} says that it is newer",
                        few(&lost)
                    ));
                }
            }
            Decision::Upgrade
        }
    }
}

/// The API versions that a CRD serves: `(group/version, kind, plural, whether it is namespaced)`.
pub fn served(crd: &Value) -> Vec<(String, String, String, bool)> {
    let text = |pointer: &str| {
        crd.pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let (group, kind, plural) = (
        text("/spec/group"),
        text("/spec/names/kind"),
        text("/spec/names/plural"),
    );
    let namespaced = text("/spec/scope") == "Namespaced";
    versions(crd)
        .filter(|v| v.get("served") == Some(&Value::Bool(true)))
        .map(|v| {
            (
                format!("{group}/{}", name(v)),
                kind.clone(),
                plural.clone(),
                namespaced,
            )
        })
        .collect()
}

fn versions(crd: &Value) -> impl Iterator<Item = &Value> {
    crd.pointer("/spec/versions")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn name(version: &Value) -> &str {
    version
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn version<'a>(crd: &'a Value, wanted: &str) -> Option<&'a Value> {
    versions(crd).find(|v| name(v) == wanted)
}

/// Whether `wanted` says of itself that it is newer than `live`; why it is older.
fn older(live: &Value, wanted: &Value) -> Result<bool, String> {
    if let (Some(there), Some(here)) = (own_version(live), own_version(wanted)) {
        let order = here.partial_cmp(&there).unwrap_or(Ordering::Equal);
        if order == Ordering::Less {
            return Err(format!(
                "version {}, there is {}",
                here.original(),
                there.original()
            ));
        }
        if order == Ordering::Greater {
            return Ok(true);
        }
    }
    let highest = |crd| versions(crd).map(name).max_by_key(|n| rank(n));
    let stored = |crd| {
        versions(crd)
            .find(|v| v.get("storage") == Some(&Value::Bool(true)))
            .map(name)
    };
    let pairs = [
        ("its newest version is", highest(live), highest(wanted)),
        ("it stores", stored(live), stored(wanted)),
    ];
    let mut newer = false;
    for (words, there, here) in pairs {
        if let (Some(there), Some(here)) = (there, here) {
            if rank(here) < rank(there) {
                return Err(format!("{words} {here}, there it is {there}"));
            }
            newer |= rank(here) > rank(there);
        }
    }
    Ok(newer)
}

fn own_version(crd: &Value) -> Option<Version> {
    let text = annotation(crd, VERSION).or_else(|| label(crd, "app.kubernetes.io/version"))?;
    Version::parse(text).ok()
}

/// A version's place in Kubernetes' order (`CompareKubeAwareVersionStrings` of apimachinery):
/// stable, beta, alpha; in each the higher number; then all that isn't named so, by name.
fn rank(version: &str) -> (u8, u64, u64, std::cmp::Reverse<&str>) {
    let unknown = (0, 0, 0, std::cmp::Reverse(version));
    let number = |text: &str| {
        (text.bytes().all(|b| b.is_ascii_digit()))
            .then(|| text.parse::<u64>().ok())
            .flatten()
    };
    let Some(rest) = version.strip_prefix('v') else {
        return unknown;
    };
    let parts = [("beta", 2), ("alpha", 1)]
        .into_iter()
        .find_map(|(word, tier)| Some((rest.split_once(word)?, tier)));
    let found = match parts {
        None => number(rest).map(|major| (3, major, 0)),
        Some(((major, minor), tier)) => number(major)
            .zip(number(minor))
            .map(|(major, minor)| (tier, major, minor)),
    };
    found.map_or(unknown, |(tier, major, minor)| {
        (tier, major, minor, std::cmp::Reverse(""))
    })
}

/// The stored versions of the live CRD that the wanted one no longer has.
fn missing_stored(live: &Value, wanted: &Value) -> Vec<String> {
    live.pointer("/status/storedVersions")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .filter(|stored| version(wanted, stored).is_none())
        .map(str::to_owned)
        .collect()
}

/// What the wanted CRD has and the live one hasn't, in words.
fn news(live: &Value, wanted: &Value) -> Option<String> {
    if let Some(new) = versions(wanted)
        .map(name)
        .find(|n| version(live, n).is_none())
    {
        return Some(format!("version {new}"));
    }
    let gained = lost_fields(wanted, live);
    (!gained.is_empty()).then(|| few(&gained))
}

/// The fields that a version of `from` has and the same version of `to` lacks.
fn lost_fields(from: &Value, to: &Value) -> Vec<String> {
    let mut lost = Vec::new();
    let schema = |v: &Value| v.pointer("/schema/openAPIV3Schema").cloned();
    for before in versions(from) {
        let Some(after) = version(to, name(before)) else {
            continue;
        };
        if let (Some(before_schema), Some(after)) = (schema(before), schema(after)) {
            lost_below(name(before), &before_schema, &after, &mut lost);
        }
    }
    lost
}

fn lost_below(path: &str, before: &Value, after: &Value, lost: &mut Vec<String>) {
    let keeps = after.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true));
    let none = serde_json::Map::new();
    let after_fields = after
        .get("properties")
        .and_then(Value::as_object)
        .unwrap_or(&none);
    let before_fields = before.get("properties").and_then(Value::as_object);
    for (field, schema) in before_fields.into_iter().flatten() {
        let below = format!("{path}.{field}");
        match after_fields.get(field) {
            Some(after) => lost_below(&below, schema, after, lost),
            None if keeps => {}
            // A map of anything takes the field too.
            None if after.get("additionalProperties").is_some() => {}
            None => lost.push(below),
        }
    }
    for (key, mark) in [("items", "[]"), ("additionalProperties", ".*")] {
        if let (Some(before), Some(after)) = (before.get(key), after.get(key)) {
            lost_below(&format!("{path}{mark}"), before, after, lost);
        }
    }
}

fn few(all: &[String]) -> String {
    let shown: Vec<&str> = all.iter().take(3).map(String::as_str).collect();
    match all.len() {
        0..=3 => shown.join(", "),
        more => format!("{} and {} more", shown.join(", "), more - 3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn crd(versions: &[(&str, bool, &[&str])], own: Option<&str>, stored: &[&str]) -> Value {
        let versions: Vec<Value> = versions
            .iter()
            .map(|(name, storage, fields)| {
                let fields: serde_json::Map<String, Value> = fields
                    .iter()
                    .map(|f| ((*f).to_owned(), json!({"type": "string"})))
                    .collect();
                json!({"name": name, "served": true, "storage": storage, "schema":
                    {"openAPIV3Schema": {"properties": {"spec": {"properties": fields}}}}})
            })
            .collect();
        let mut crd = json!({"metadata": {"name": "x.g", "annotations": {}},
            "spec": {"group": "g", "scope": "Namespaced", "versions": versions,
                "names": {"kind": "X", "plural": "xs"}},
            "status": {"storedVersions": stored}});
        if let Some(own) = own {
            crd["metadata"]["annotations"][VERSION] = own.into();
        }
        crd
    }

    #[test]
    fn never_older_never_lossy() {
        let one =
            |fields: &'static [&'static str]| crd(&[("v1beta1", true, fields)], None, &["v1beta1"]);
        let plain = one(&["a"]);
        let up = |live: &Value, wanted: &Value| decide(Mode::Upgrade, Some(live), wanted);
        assert_eq!(decide(Mode::Create, None, &plain), Decision::Create);
        assert_eq!(decide(Mode::Upgrade, None, &plain), Decision::Create);
        assert_eq!(decide(Mode::Skip, None, &plain), Decision::Nothing);
        assert_eq!(
            decide(Mode::Create, Some(&plain), &plain),
            Decision::Nothing
        );
        assert_eq!(
            decide(Mode::Skip, Some(&plain), &one(&["b"])),
            Decision::Nothing
        );
        for (live, wanted, words) in [
            // Fields that would be dropped.
            (one(&["a", "b"]), one(&["a"]), "lacks v1beta1.spec.b"),
            (one(&["a", "b"]), one(&["a", "c"]), "lacks v1beta1.spec.b"),
            // Lower versions.
            (
                crd(
                    &[("v1", true, &["a"]), ("v1beta1", false, &["a"])],
                    None,
                    &["v1"],
                ),
                plain.clone(),
                "its newest version is v1beta1, there it is v1",
            ),
            (
                crd(
                    &[("v1", true, &["a"]), ("v1beta1", false, &["a"])],
                    None,
                    &["v1"],
                ),
                crd(
                    &[("v1", false, &["a"]), ("v1beta1", true, &["a"])],
                    None,
                    &[],
                ),
                "it stores v1beta1, there it is v1",
            ),
            (
                crd(&[("v1", true, &["a"])], Some("1.10.0"), &["v1"]),
                crd(&[("v1", true, &["a", "b"])], Some("1.9.0"), &[]),
                "version 1.9.0, there is 1.10.0",
            ),
        ] {
            let Decision::Leave(why) = up(&live, &wanted) else {
                panic!("{:?}", up(&live, &wanted))
            };
            assert!(why.contains(words), "{why}");
        }
        for (live, wanted) in [
            (plain.clone(), one(&["a", "b"])),
            (plain.clone(), plain.clone()),
            // Newer by its own word: fields may go.
            (
                crd(&[("v1", true, &["a", "b"])], Some("1.9.0"), &["v1"]),
                crd(&[("v1", true, &["a"])], Some("1.10.0"), &[]),
            ),
            // A served version that nothing is stored as may go.
            (
                crd(
                    &[("v1alpha1", false, &["a"]), ("v1", true, &["a"])],
                    None,
                    &["v1"],
                ),
                crd(&[("v1", true, &["a"])], None, &[]),
            ),
        ] {
            assert_eq!(up(&live, &wanted), Decision::Upgrade);
        }
        let live = crd(
            &[("v1alpha1", false, &["a"]), ("v1", true, &["a"])],
            None,
            &["v1alpha1", "v1"],
        );
        assert!(matches!(
            up(&live, &crd(&[("v1", true, &["a"])], None, &[])),
            Decision::Refuse(why) if why.contains("v1alpha1")
        ));
        assert!(matches!(
            decide(Mode::Create, Some(&plain), &one(&["a", "b"])),
            Decision::Leave(why) if why.contains("v1beta1.spec.b") && why.contains("--crds upgrade")
        ));
    }

    #[test]
    fn versions_stand_in_kubernetes_order() {
        let mut all = [
            "v1alpha1",
            "foo10",
            "v2",
            "v10beta3",
            "v1",
            "v3beta1",
            "v11alpha2",
            "foo1",
            "v10",
            "v12alpha1",
            "v11beta2",
        ];
        all.sort_by_key(|v| std::cmp::Reverse(rank(v)));
        assert_eq!(
            all,
            [
                "v10",
                "v2",
                "v1",
                "v11beta2",
                "v10beta3",
                "v3beta1",
                "v12alpha1",
                "v11alpha2",
                "v1alpha1",
                "foo1",
                "foo10"
            ]
        );
    }

    #[test]
    fn what_is_served() {
        let crd = crd(&[("v1", true, &[])], None, &[]);
        assert_eq!(
            served(&crd),
            [("g/v1".to_owned(), "X".to_owned(), "xs".to_owned(), true)]
        );
    }
}
