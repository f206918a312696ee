//! Whose an object is: Helm's label and annotations, as its `pkg/action/validate.go` checks and sets them.

use super::error::{Error, Owner, Result};
use super::object::{ObjectRef, annotation, label};
use super::rw::{set_annotation, set_label};
use crate::yaml::Value;

const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
const HELM: &str = "Helm";
const RELEASE_NAME: &str = "meta.helm.sh/release-name";
const RELEASE_NAMESPACE: &str = "meta.helm.sh/release-namespace";

/// Writes a release's ownership into an object that is about to be applied. The stored manifest
/// doesn't carry it, and hooks get none, as in Helm.
pub fn stamp(object: &mut Value, release: &str, namespace: &str) {
    set_label(object, MANAGED_BY, HELM);
    set_annotation(object, RELEASE_NAME, release);
    set_annotation(object, RELEASE_NAMESPACE, namespace);
}

/// Takes a release's ownership out of an object again, as [`stamp`] put it in.
pub fn unstamp(object: &mut Value) {
    for (map, keys) in [
        ("labels", &[MANAGED_BY] as &[&str]),
        ("annotations", &[RELEASE_NAME, RELEASE_NAMESPACE]),
    ] {
        if let Some(map) = object
            .get_mut("metadata")
            .and_then(|m| m.get_mut(map))
            .and_then(Value::as_object_mut)
        {
            for key in keys {
                // Key order is kept: it shows in diffs.
                map.shift_remove(*key);
            }
        }
    }
}

/// Whose a live object is. An object that names a release but lacks the label belongs to nobody,
/// as for Helm, which would not import it either.
pub fn owner(live: &Value) -> Owner {
    match (
        label(live, MANAGED_BY),
        annotation(live, RELEASE_NAME),
        annotation(live, RELEASE_NAMESPACE),
    ) {
        (Some(HELM), Some(name), Some(namespace)) => Owner::Release {
            name: name.to_owned(),
            namespace: namespace.to_owned(),
        },
        _ => Owner::Nobody,
    }
}

/// Whether a live object belongs to this release.
pub fn is_owned(live: &Value, release: &str, namespace: &str) -> bool {
    owner(live)
        == Owner::Release {
            name: release.to_owned(),
            namespace: namespace.to_owned(),
        }
}

/// Refuses a live object that belongs to another release or to nobody.
///
/// # Errors
/// [`Error::Taken`] with the owner.
pub fn check(object: &ObjectRef, live: &Value, release: &str, namespace: &str) -> Result<()> {
    if is_owned(live, release, namespace) {
        return Ok(());
    }
    Err(Error::Taken {
        object: object.to_string(),
        owner: owner(live),
    })
}
