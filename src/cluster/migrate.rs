//! From client-side to server-side apply: fields that Helm or kubectl own by updates become our applied ones.
//!
//! Without this a field that left the manifest would stay for ever, since its old owner still holds
//! it (client-go's `csaupgrade` does the same for kubectl, kubernetes/kubernetes#112905).

use serde_json::json;

use super::client::Client;
use super::error::Result;
use super::object::{ObjectRef, resource_version};
use super::rw::FIELD_MANAGER;
use crate::yaml::{Map, Value};

/// Managers whose updates were the release's own: Helm with client-side apply (and our scaling,
/// which the server books as an update of `helm`), and `kubectl apply`.
const CLIENT_SIDE: &[&str] = &["helm", "Helm", "kubectl-client-side-apply"];

fn text<'a>(entry: &'a Value, field: &str) -> &'a str {
    entry.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// Whether an entry of managedFields is to be taken over. Its subresource may be `scale`; what
/// controllers write to `status` is theirs. Programs that have Helm built in write under their own
/// names (Helm's default is the program's): who set the mark of a release is one of them.
fn is_client_side(entry: &Value, take_over: &[String]) -> bool {
    let manager = text(entry, "manager");
    let marks = || {
        let fields = entry.get("fieldsV1")?.get("f:metadata")?;
        fields
            .get("f:annotations")?
            .get("f:meta.helm.sh/release-name")
    };
    let is_own = text(entry, "operation") == "Update"
        && (CLIENT_SIDE.contains(&manager) || marks().is_some());
    (is_own || take_over.iter().any(|name| name == manager))
        && matches!(text(entry, "subresource"), "" | "scale")
}

fn is_ours(entry: &Value) -> bool {
    text(entry, "operation") == "Apply"
        && text(entry, "manager") == FIELD_MANAGER
        && text(entry, "subresource").is_empty()
}

/// The entries of an object's managedFields.
pub fn managed_fields(live: &Value) -> &[Value] {
    let entries = live.get("metadata").and_then(|m| m.get("managedFields"));
    entries.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Whether a live object has entries of managedFields that an apply takes over first: those of
/// client-side applies, and of the managers `take_over`.
pub fn is_to_be_migrated(live: &Value, take_over: &[String]) -> bool {
    managed_fields(live)
        .iter()
        .any(|e| is_client_side(e, take_over))
}

/// The managedFields that a live object should have before it is applied, decided by what they say
/// now; `None` when nothing is to be changed. The entries of the managers `take_over` become ours too.
pub fn migrated(live: &Value, take_over: &[String]) -> Option<Value> {
    if !is_to_be_migrated(live, take_over) {
        return None;
    }
    let mut fields = Value::Object(Map::new());
    let mut ours: Option<Value> = None;
    let mut others = Vec::new();
    for entry in managed_fields(live) {
        if is_client_side(entry, take_over) || is_ours(entry) {
            if let Some(set) = entry.get("fieldsV1") {
                unite(&mut fields, set);
            }
            // Of several the applied one gives time and version; else the first.
            if ours.is_none() || is_ours(entry) {
                ours = Some(entry.clone());
            }
        } else {
            others.push(entry.clone());
        }
    }
    // kubectl's copy of the last manifest is of no use to server-side apply, and is left alone.
    if let Some(annotations) = fields
        .pointer_mut("/f:metadata/f:annotations")
        .and_then(Value::as_object_mut)
    {
        annotations.remove("f:kubectl.kubernetes.io/last-applied-configuration");
    }
    let mut entry = ours?;
    let map = entry.as_object_mut()?;
    map.insert("manager".into(), FIELD_MANAGER.into());
    map.insert("operation".into(), "Apply".into());
    map.insert("fieldsV1".into(), fields);
    map.remove("subresource");
    others.push(entry);
    Some(Value::Array(others))
}

/// The fields of a live object that the release holds by client-side entries; `None` without such.
pub(super) fn client_side_fields(live: &Value, take_over: &[String]) -> Option<Value> {
    let mut sets = managed_fields(live)
        .iter()
        .filter(|e| is_client_side(e, take_over))
        .filter_map(|e| e.get("fieldsV1"))
        .peekable();
    sets.peek()?;
    let mut fields = Value::Object(Map::new());
    sets.for_each(|set| unite(&mut fields, set));
    Some(fields)
}

/// The managers of those entries.
pub(super) fn client_side_managers<'a>(live: &'a Value, take_over: &[String]) -> Vec<&'a str> {
    managed_fields(live)
        .iter()
        .filter(|e| is_client_side(e, take_over))
        .map(|e| text(e, "manager"))
        .collect()
}

/// The field sets of all others.
pub(super) fn other_fields<'a>(live: &'a Value, take_over: &[String]) -> Vec<&'a Value> {
    managed_fields(live)
        .iter()
        .filter(|e| !is_client_side(e, take_over) && !is_ours(e))
        .filter_map(|e| e.get("fieldsV1"))
        .collect()
}

/// Puts all fields of one set into another.
fn unite(into: &mut Value, set: &Value) {
    if let (Value::Object(into), Value::Object(set)) = (into, set) {
        for (key, value) in set {
            unite(
                into.entry(key.clone())
                    .or_insert_with(|| Value::Object(Map::new())),
                value,
            );
        }
    }
}

impl Client {
    /// Rewrites a live object's managedFields where it needs that, and returns whether it did. The
    /// object's content doesn't change. Fails when the object was changed since it was read.
    ///
    /// # Errors
    /// [`super::Error::Stale`] and those of the request.
    pub async fn migrate(&self, live: &Value) -> Result<bool> {
        self.take_over(live, &[]).await
    }

    /// As [`Client::migrate`], with the fields of these managers too.
    pub async fn take_over(&self, live: &Value, managers: &[String]) -> Result<bool> {
        let Some(fields) = migrated(live, managers) else {
            return Ok(false);
        };
        let object = ObjectRef::of(live)?;
        let version = resource_version(live).unwrap_or_default();
        let patch = json!([
            { "op": "replace", "path": "/metadata/managedFields", "value": fields },
            { "op": "replace", "path": "/metadata/resourceVersion", "value": version },
        ]);
        self.json_patch(&object, &patch).await?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(entries: Value) -> Value {
        json!({"metadata": {"managedFields": entries}})
    }

    #[test]
    fn only_client_side_entries_need_a_migration() {
        let applied = json!({"manager": "helm", "operation": "Apply", "fieldsV1": {"f:a": {}}});
        let edited =
            json!({"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {"f:b": {}}});
        let controller = json!({"manager": "kube-controller-manager", "operation": "Update",
            "subresource": "status", "fieldsV1": {"f:status": {}}});
        for (entries, needed) in [
            (json!([]), false),
            (json!([applied]), false),
            (json!([applied, edited, controller]), false),
            (
                json!([{"manager": "helm", "operation": "Update", "fieldsV1": {}}]),
                true,
            ),
            (
                json!([applied, {"manager": "helm", "operation": "Update", "subresource": "scale",
                "fieldsV1": {}}]),
                true,
            ),
            (
                json!([{"manager": "helm", "operation": "Update", "subresource": "status",
                "fieldsV1": {}}]),
                false,
            ),
            (
                json!([{"manager": "helm-controller", "operation": "Update", "fieldsV1":
                {"f:metadata": {"f:annotations": {"f:meta.helm.sh/release-name": {}}}}}]),
                true,
            ),
            (
                json!([{"manager": "kubectl-edit", "operation": "Update", "fieldsV1":
                {"f:metadata": {"f:annotations": {"f:mine": {}}}}}]),
                false,
            ),
        ] {
            assert_eq!(
                migrated(&live(entries.clone()), &[]).is_some(),
                needed,
                "{entries}"
            );
        }
    }

    #[test]
    fn fields_are_united_and_others_stay() {
        let edited =
            json!({"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {"f:b": {}}});
        let after = migrated(
            &live(json!([
                {"manager": "helm", "operation": "Update", "apiVersion": "apps/v1", "time": "t1",
                 "fieldsV1": {"f:spec": {"f:replicas": {}, "f:paused": {}}}},
                edited,
                {"manager": "helm", "operation": "Apply", "apiVersion": "apps/v1", "time": "t2",
                 "fieldsV1": {"f:spec": {"f:replicas": {}, "f:template": {"f:x": {}}}}},
                {"manager": "kubectl-client-side-apply", "operation": "Update",
                 "fieldsV1": {"f:metadata": {"f:annotations": {
                    "f:kubectl.kubernetes.io/last-applied-configuration": {}, "f:own": {}}}}},
            ])),
            &[],
        )
        .unwrap();
        assert_eq!(
            after,
            json!([
                edited,
                {"manager": "helm", "operation": "Apply", "apiVersion": "apps/v1", "time": "t2",
                 "fieldsV1": {
                    "f:spec": {"f:replicas": {}, "f:paused": {}, "f:template": {"f:x": {}}},
                    "f:metadata": {"f:annotations": {"f:own": {}}}}},
            ])
        );
    }
}
