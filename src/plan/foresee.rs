//! What an apply will do, where that can be told without asking the server. Pure.
//!
//! A dry run costs the server as much as the apply itself. Two answers need none:
//!
//! - Nothing changes, which managedFields prove. Such an object is not applied either, so a forecast
//!   can't turn out wrong: always used.
//! - A plain object (ConfigMap, Secret, ServiceAccount, a simple Service; a Role or RoleBinding of
//!   somebody who may write any) is made or changed, whose rules are few enough to be checked here. What can't be checked here is what a cluster adds of its
//!   own: webhooks and policies that change or refuse an object, quotas. A forecast that is wrong would
//!   be found by the apply, when other objects are changed already. So it is only used where that can
//!   be seen to be impossible, and where it could do no harm but that:
//!   - not where a plan is shown, saved or was approved: it is the server's own,
//!   - not where a Flink job is part of the release, be it by Flink's operator: everything is tried
//!     before one is stopped (design, decision 11),
//!   - not where a webhook or a policy (`admissionregistration.k8s.io`) may meet such a kind, where the
//!     namespace has a quota, or where this can't be read,
//!   - not for the first object of each kind and namespace: it shows whether they may be written at
//!     all (rights, the namespace, an API server's own plugins that no object tells of),
//!   - and not for so few objects that asking is as fast as looking.
//!
//! What is left are releases of many plain objects and no job; without forecasts their installs and
//! full changes would take twice as long as the writes themselves.

mod rbac;

pub use rbac::{GROUP as RBAC, Right, right};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::cluster::FIELD_MANAGER;
use crate::cluster::migrate::{is_to_be_migrated, managed_fields};
use crate::yaml::{Map, Value};

/// The fields of plain objects that go when they are no longer wanted.
const OURS: [&str; 5] = [
    "data",
    "binaryData",
    "automountServiceAccountToken",
    "rules",
    "subjects",
];

/// The API server's limit for the data of a ConfigMap or Secret.
const MAX_DATA: usize = 1 << 20;

/// Whether applying `wanted` would leave `live` as it is: our own entry in managedFields names exactly
/// the fields of `wanted`, and each holds the wanted value. A field that is in doubt makes it `false`,
/// and so does an entry that the apply would take over, of client-side applies or of `take_over`.
pub fn is_unchanged(live: &Value, wanted: &Value, take_over: &[String]) -> bool {
    if is_to_be_migrated(live, take_over) {
        return false;
    }
    let mut ours = None;
    for entry in managed_fields(live) {
        if entry.get("manager").and_then(Value::as_str) != Some(FIELD_MANAGER) {
            continue;
        }
        let applied = entry.get("operation").and_then(Value::as_str) == Some("Apply");
        if !applied || ours.is_some() || entry.get("apiVersion") != wanted.get("apiVersion") {
            return false;
        }
        ours = entry.get("fieldsV1");
    }
    let (Some(Value::Object(fields)), Some(wanted), Some(live)) =
        (ours, wanted.as_object(), live.as_object())
    else {
        return false;
    };
    let nothing = Map::new();
    let metadata_fields = match fields.get("f:metadata") {
        Some(Value::Object(map)) => map,
        Some(_) => return false,
        None => &nothing,
    };
    let (Some(Value::Object(wanted_metadata)), Some(Value::Object(live_metadata))) =
        (wanted.get("metadata"), live.get("metadata"))
    else {
        return false;
    };
    // Identity is no field of anyone's.
    same_map(
        metadata_fields,
        wanted_metadata,
        live_metadata,
        &["name", "namespace"],
    ) && same_map(fields, wanted, live, &["apiVersion", "kind", "metadata"])
}

/// Whether the fields are those of `wanted`, but for some keys, and each has its value.
fn same_map(fields: &Map, wanted: &Map, live: &Map, but: &[&str]) -> bool {
    let counts = |key: &str| !but.contains(&key);
    let count = wanted.keys().filter(|k| counts(k)).count();
    let mut owned = 0;
    fields.iter().all(|(name, field)| {
        if name == "." {
            return true;
        }
        let Some(key) = name.strip_prefix("f:") else {
            return false;
        };
        if !counts(key) {
            return true;
        }
        owned += 1;
        match (wanted.get(key), live.get(key)) {
            (Some(wanted), Some(live)) => same(field, wanted, live),
            _ => false,
        }
    }) && owned == count
}

fn same(fields: &Value, wanted: &Value, live: &Value) -> bool {
    let Some(fields) = fields.as_object() else {
        return false;
    };
    if fields.is_empty() {
        // A leaf: a scalar, or something that is replaced as a whole.
        return !wanted.is_null() && wanted == live;
    }
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) => same_map(fields, wanted, live, &[]),
        (Value::Array(wanted), Value::Array(live)) => same_list(fields, wanted, live),
        _ => false,
    }
}

/// A list whose items have fields of their own, by their keys or values.
fn same_list(fields: &Map, wanted: &[Value], live: &[Value]) -> bool {
    let owned: Vec<(&String, &Value)> = fields.iter().filter(|(k, _)| *k != ".").collect();
    owned.len() == wanted.len()
        && owned.iter().all(|(key, fields)| {
            let find = |items: &[Value]| items.iter().find(|i| is_item(key, i)).cloned();
            let (Some(wanted), Some(live)) = (find(wanted), find(live)) else {
                return false;
            };
            match fields.as_object() {
                Some(map) if map.is_empty() => wanted == live,
                Some(_) => same(fields, &wanted, &live),
                None => false,
            }
        })
}

/// Whether a list's item is the one that a key of fieldsV1 names: `k:{"name":"c"}` by its key fields
/// (a port's protocol is TCP where none is given), `v:"text"` by its value.
fn is_item(key: &str, item: &Value) -> bool {
    let parse = |text: &str| serde_json::from_str::<Value>(text).ok();
    if let Some(Value::Object(keys)) = key.strip_prefix("k:").and_then(parse) {
        keys.iter().all(|(name, value)| match item.get(name) {
            Some(have) => have == value,
            None => name == "protocol" && value == "TCP",
        })
    } else if let Some(value) = key.strip_prefix("v:").and_then(parse) {
        *item == value
    } else {
        false
    }
}

/// What will be of a plain object after an apply; `None` where the server has to be asked. Of an object
/// with a [`right`] it is true for those who have that.
pub fn plain(live: Option<&Value>, wanted: &Value) -> Option<Value> {
    let kind = plain_kind(wanted)?;
    match live {
        None => Some(wanted.clone()),
        Some(live) if may_change(live, wanted, kind) => Some(overlaid(live, wanted)),
        Some(_) => None,
    }
}

/// Whether what will be of an object can be told where nobody else has to do with it.
pub fn is_plain(wanted: &Value) -> bool {
    plain_kind(wanted).is_some()
}

/// The kind of an object whose rules are checked here, if it keeps to them.
fn plain_kind(wanted: &Value) -> Option<&str> {
    let map = wanted.as_object()?;
    let kind = map.get("kind")?.as_str()?;
    let allowed: &[&str] = match (map.get("apiVersion")?.as_str()?, kind) {
        ("v1", "ConfigMap") => &["data", "binaryData"],
        ("v1", "Secret") => &["data", "stringData", "type"],
        ("v1", "ServiceAccount") => &["automountServiceAccountToken"],
        ("v1", "Service") => &["spec"],
        ("rbac.authorization.k8s.io/v1", "Role") => &["rules"],
        ("rbac.authorization.k8s.io/v1", "RoleBinding") => &["roleRef", "subjects"],
        _ => return None,
    };
    let known = |key: &String| {
        matches!(key.as_str(), "apiVersion" | "kind" | "metadata")
            || allowed.contains(&key.as_str())
    };
    let fine = map.keys().all(known)
        && metadata_is_fine(map.get("metadata")?, kind)
        && match kind {
            "ConfigMap" | "Secret" => data_is_fine(map),
            "Service" => spec_is_fine(map.get("spec")?),
            "Role" => rbac::rules_are_fine(map),
            "RoleBinding" => rbac::binding_is_fine(map),
            _ => map
                .get("automountServiceAccountToken")
                .is_none_or(Value::is_boolean),
        };
    fine.then_some(kind)
}

fn metadata_is_fine(metadata: &Value, kind: &str) -> bool {
    let Some(metadata) = metadata.as_object() else {
        return false;
    };
    let name = metadata
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let named = match kind {
        "Service" => is_label_name(name) && name.starts_with(|c: char| c.is_ascii_lowercase()),
        _ => is_subdomain(name),
    };
    let texts = |key: &str, fits: fn(&str, &str) -> bool| match metadata.get(key) {
        None => true,
        Some(Value::Object(map)) => map
            .iter()
            .all(|(k, v)| is_key(k) && v.as_str().is_some_and(|v| fits(k, v))),
        Some(_) => false,
    };
    named
        && metadata
            .keys()
            .all(|k| matches!(k.as_str(), "name" | "namespace" | "labels" | "annotations"))
        && texts("labels", |_, value| is_label_value(value))
        && texts("annotations", |_, value| value.len() <= 64 << 10)
}

/// A DNS name.
fn is_subdomain(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_label_name)
}

/// A part of a DNS name.
fn is_label_name(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// `name`, or `domain/name`.
fn is_key(key: &str) -> bool {
    let (domain, name) = match key.split_once('/') {
        Some((domain, name)) => (Some(domain), name),
        None => (None, key),
    };
    domain.is_none_or(is_subdomain) && !name.is_empty() && is_label_value(name)
}

fn is_label_value(value: &str) -> bool {
    let ends = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    value.len() <= 63
        && value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        && ends(value.chars().next())
        && ends(value.chars().last())
}

fn data_is_fine(object: &Map) -> bool {
    let mut size = 0;
    let mut names: Vec<&String> = Vec::new();
    for (field, is_binary) in [
        (
            "data",
            object.get("kind").and_then(Value::as_str) == Some("Secret"),
        ),
        ("binaryData", true),
        ("stringData", false),
    ] {
        let Some(value) = object.get(field) else {
            continue;
        };
        let Some(map) = value.as_object() else {
            return false;
        };
        for (key, value) in map {
            let Some(text) = value.as_str() else {
                return false;
            };
            let fits = (1..=253).contains(&key.len())
                && key
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
                && !matches!(key.as_str(), "." | "..")
                && !key.starts_with("..");
            if !fits || is_binary && BASE64.decode(text).is_err() || names.contains(&key) {
                return false;
            }
            names.push(key);
            size += text.len();
        }
    }
    let plain_type = object
        .get("type")
        .is_none_or(|t| t.as_str() == Some("Opaque"));
    size <= MAX_DATA && plain_type
}

/// A Service of the default kind, by selector and ports.
fn spec_is_fine(spec: &Value) -> bool {
    let Some(spec) = spec.as_object() else {
        return false;
    };
    let selector = spec.get("selector").and_then(Value::as_object);
    let selected = selector.is_some_and(|s| {
        s.iter()
            .all(|(k, v)| is_key(k) && v.as_str().is_some_and(is_label_value))
    });
    let ports = spec.get("ports").and_then(Value::as_array);
    let mut seen: Vec<(&str, u64, &str)> = Vec::new();
    let ported = ports.is_some_and(|ports| {
        !ports.is_empty()
            && ports.iter().all(|port| {
                let Some(port) = port.as_object() else {
                    return false;
                };
                let number = |v: &Value| v.as_u64().filter(|n| (1..=65535).contains(n));
                let name = port.get("name").map_or(Some(""), Value::as_str);
                let protocol = port.get("protocol").map_or(Some("TCP"), Value::as_str);
                let (Some(name), Some(protocol), Some(at)) =
                    (name, protocol, port.get("port").and_then(number))
                else {
                    return false;
                };
                let unique = seen
                    .iter()
                    .all(|(n, a, p)| *n != name && (*a, *p) != (at, protocol));
                seen.push((name, at, protocol));
                let target = port.get("targetPort").is_none_or(|t| number(t).is_some());
                let known =
                    |k: &String| matches!(k.as_str(), "name" | "port" | "protocol" | "targetPort");
                unique
                    && target
                    && matches!(protocol, "TCP" | "UDP")
                    && (is_label_name(name) || name.is_empty() && ports.len() == 1)
                    && port.keys().all(known)
            })
    });
    let typed = spec
        .get("type")
        .is_none_or(|t| t.as_str() == Some("ClusterIP"));
    let known = |k: &String| matches!(k.as_str(), "selector" | "ports" | "type");
    selected && ported && typed && spec.keys().all(known)
}

/// Whether nothing of the live object stands in the way of a change: nobody else has fields of it, and
/// nothing that can't be changed would change.
fn may_change(live: &Value, wanted: &Value, kind: &str) -> bool {
    let entries = managed_fields(live);
    let ours = |entry: &Value| {
        entry.get("manager").and_then(Value::as_str) == Some(FIELD_MANAGER)
            && entry.get("operation").and_then(Value::as_str) == Some("Apply")
            && entry.get("apiVersion") == wanted.get("apiVersion")
    };
    let alone = !entries.is_empty() && entries.iter().all(ours);
    let fixed = live.get("immutable") == Some(&Value::Bool(true))
        || live
            .get("metadata")
            .is_some_and(|m| m.get("deletionTimestamp").is_some());
    let fits = match kind {
        "Secret" => live.get("type").and_then(Value::as_str) == Some("Opaque"),
        "Service" => live.pointer("/spec/type").and_then(Value::as_str) == Some("ClusterIP"),
        "RoleBinding" => live.get("roleRef") == wanted.get("roleRef"),
        _ => true,
    };
    alone && !fixed && fits
}

/// The live object with the wanted one over it: a plain object's maps belong to us alone, so what is
/// missing in them goes.
fn overlaid(live: &Value, wanted: &Value) -> Value {
    let mut after = live.clone();
    let (Some(map), Some(wanted)) = (after.as_object_mut(), wanted.as_object()) else {
        return after;
    };
    for field in OURS {
        map.remove(field);
    }
    for (key, value) in wanted {
        // The server keeps what is written as text in data.
        if key == "stringData" {
            continue;
        }
        match (key.as_str(), map.get_mut(key), value) {
            ("metadata" | "spec", Some(Value::Object(live)), Value::Object(wanted)) => {
                if key == "metadata" {
                    live.remove("labels");
                    live.remove("annotations");
                }
                for (k, v) in wanted {
                    live.insert(k.clone(), v.clone());
                }
            }
            _ => {
                map.insert(key.clone(), value.clone());
            }
        }
    }
    if let Some(texts) = wanted.get("stringData").and_then(Value::as_object) {
        let data = map
            .entry("data")
            .or_insert_with(|| Value::Object(Map::new()));
        if let Some(data) = data.as_object_mut() {
            for (key, text) in texts {
                let encoded = BASE64.encode(text.as_str().unwrap_or_default());
                data.insert(key.clone(), encoded.into());
            }
        }
    }
    after
}

#[cfg(test)]
mod tests;
