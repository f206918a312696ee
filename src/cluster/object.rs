//! Kubernetes objects as JSON values, and the reference that names one.

use std::fmt;

use super::error::{Error, Result};
use crate::yaml::{Map, Value};

/// What names an object on a cluster.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct ObjectRef {
    /// The API group; empty for the core group.
    pub group: String,
    /// The version, for instance `v1`.
    pub version: String,
    /// The kind.
    pub kind: String,
    /// The namespace; `None` for cluster-scoped objects, and before defaulting.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

impl ObjectRef {
    /// A reference from `apiVersion` and its parts.
    pub fn new(api_version: &str, kind: &str, namespace: Option<&str>, name: &str) -> Self {
        let (group, version) = split_api_version(api_version);
        ObjectRef {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.filter(|n| !n.is_empty()).map(str::to_owned),
            name: name.to_owned(),
        }
    }

    /// The reference of an object.
    ///
    /// # Errors
    /// [`Error::Malformed`] when apiVersion, kind or metadata.name is missing or no string.
    pub fn of(object: &Value) -> Result<Self> {
        let need = |field: &str| {
            let text = object.get(field).and_then(Value::as_str);
            text.filter(|s| !s.is_empty())
                .ok_or_else(|| Error::Malformed(format!("{field} is missing")))
        };
        let api_version = need("apiVersion")?;
        let kind = need("kind")?;
        let name = metadata_text(object, "name")
            .filter(|s| !s.is_empty())
            .ok_or_else(|| {
                Error::Malformed(format!("metadata.name of a {kind} is missing or empty"))
            })?;
        let namespace = metadata_text(object, "namespace");
        Ok(ObjectRef::new(api_version, kind, namespace, name))
    }

    /// `group/version`, or only the version for the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// The reference without its version: two versions of a group are the same object.
    pub fn key(&self) -> (&str, &str, Option<&str>, &str) {
        (
            &self.group,
            &self.kind,
            self.namespace.as_deref(),
            &self.name,
        )
    }
}

/// `Deployment/orders-jobmanager`, as people write it; the namespace is left out.
impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// Splits `group/version`; the group is empty for `v1`.
pub fn split_api_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// A text of the object's metadata. Called for each object many times; a JSON pointer is taken apart
/// each time.
fn metadata_text<'a>(object: &'a Value, field: &str) -> Option<&'a str> {
    object.get("metadata")?.get(field)?.as_str()
}

/// The object's uid.
pub fn uid(object: &Value) -> Option<&str> {
    metadata_text(object, "uid")
}

/// The object's resourceVersion.
pub fn resource_version(object: &Value) -> Option<&str> {
    metadata_text(object, "resourceVersion")
}

/// A label's value.
pub fn label<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get("metadata")?.get("labels")?.get(key)?.as_str()
}

/// An annotation's value.
pub fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object
        .get("metadata")?
        .get("annotations")?
        .get(key)?
        .as_str()
}

/// The map below `metadata` under this name, made when absent; `None` when the object or its
/// metadata is no map.
pub(crate) fn metadata_map<'a>(object: &'a mut Value, name: &str) -> Option<&'a mut Map> {
    let metadata = object
        .as_object_mut()?
        .entry("metadata")
        .or_insert_with(|| Value::Object(Map::new()))
        .as_object_mut()?;
    let entry = metadata
        .entry(name)
        .or_insert_with(|| Value::Object(Map::new()));
    if entry.is_null() {
        *entry = Value::Object(Map::new());
    }
    entry.as_object_mut()
}

/// The references of a manifest's objects, lists taken apart; what is no object is passed over.
/// Objects without a namespace get `namespace`, though some may be cluster-scoped: a client that
/// locates them takes it off again.
pub fn object_refs(manifest: &str, namespace: &str) -> Vec<ObjectRef> {
    objects(manifest)
        .iter()
        .filter_map(|object| {
            let mut object = ObjectRef::of(object).ok()?;
            object.namespace.get_or_insert_with(|| namespace.to_owned());
            Some(object)
        })
        .collect()
}

/// The objects of a manifest, lists (`v1` `List`) taken apart; documents that can't be read or are
/// no maps are passed over.
pub fn objects(manifest: &str) -> Vec<Value> {
    let mut all = Vec::new();
    for document in crate::yaml::split_documents(manifest) {
        let Ok(mut object) = crate::yaml::parse(document) else {
            continue;
        };
        let is_list = object.get("kind").and_then(Value::as_str) == Some("List");
        match object.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) if is_list => all.extend(items),
            Some(items) => {
                object["items"] = items;
                all.push(object);
            }
            None if object.is_object() => all.push(object),
            None => {}
        }
    }
    all
}
