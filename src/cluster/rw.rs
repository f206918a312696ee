//! Reading and writing single objects and lists.

use http::Method;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::client::{Client, Request, Target};
use super::error::{Error, Result};
use super::object::{ObjectRef, metadata_map};
use crate::yaml::Value;

/// Helm 4's field manager; ours too, so that both own one set of fields.
pub const FIELD_MANAGER: &str = "helm";

/// How often a write is sent again on a conflict that nothing explains.
const CONFLICTS: u32 = 4;

/// How an object is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Apply {
    /// Take fields from other managers instead of failing with [`Error::Conflict`].
    pub force: bool,
    /// Let the server do everything but keep the result.
    pub dry_run: bool,
}

/// What becomes of an object's dependents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum Propagation {
    /// They are collected afterwards.
    #[default]
    Background,
    /// They go first.
    Foreground,
    /// They stay.
    Orphan,
}

impl Propagation {
    fn policy(self) -> &'static str {
        match self {
            Propagation::Background => "Background",
            Propagation::Foreground => "Foreground",
            Propagation::Orphan => "Orphan",
        }
    }
}

/// How an object is deleted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delete {
    /// What becomes of its dependents.
    pub propagation: Propagation,
    /// Only if it still has this uid, else [`Error::Stale`].
    pub uid: Option<String>,
    /// Only if it still has this resourceVersion, else [`Error::Stale`].
    pub resource_version: Option<String>,
    /// How many seconds a pod gets to end by itself, instead of its own number.
    pub grace_period: Option<u32>,
    /// Let the server do everything but keep the object.
    pub dry_run: bool,
}

/// What a list holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// A label selector.
    pub labels: Option<String>,
    /// A field selector.
    pub fields: Option<String>,
    /// Only metadata: content stays on the server.
    pub metadata_only: bool,
}

/// Objects in a page of a list: few enough that a page of large Secrets stays bearable.
const PAGE: usize = 250;
/// The same where only metadata comes.
const METADATA_PAGE: usize = 2000;

#[derive(serde::Deserialize)]
struct Page<T> {
    #[serde(default)]
    metadata: PageMetadata,
    items: Option<Vec<T>>,
}

#[derive(Default, serde::Deserialize)]
struct PageMetadata {
    #[serde(default, rename = "continue")]
    next: String,
    #[serde(default, rename = "resourceVersion")]
    resource_version: String,
}

const METADATA_LIST: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

impl Client {
    /// Reads an object.
    ///
    /// # Errors
    /// [`Error::NotFound`] and those of the request.
    pub async fn get(&self, object: &ObjectRef) -> Result<Value> {
        let (object, path) = self.locate(object).await?;
        self.send(&Request::new(
            Method::GET,
            path,
            "get",
            Target::Object(object),
        ))
        .await
    }

    /// Reads an object; `None` when it, its namespace or its kind isn't there.
    pub async fn find(&self, object: &ObjectRef) -> Result<Option<Value>> {
        match self.get(object).await {
            Ok(value) => Ok(Some(value)),
            Err(e) if e.is_absent() => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Lists a kind in a namespace (`None`: over all, or of a cluster-scoped kind), page by page.
    /// Items carry apiVersion and kind. A list that expires between two pages is begun anew.
    ///
    /// # Errors
    /// Those of the request.
    pub async fn list(
        &self,
        api_version: &str,
        kind: &str,
        namespace: Option<&str>,
        query: &Query,
    ) -> Result<Vec<Value>> {
        let mut items: Vec<Value> = Vec::new();
        let mut first = self
            .list_pages(api_version, kind, namespace, query, |page| {
                items.extend(page)
            })
            .await;
        if matches!(first, Err(Error::Expired { .. })) {
            items.clear();
            first = self
                .list_pages(api_version, kind, namespace, query, |page| {
                    items.extend(page)
                })
                .await;
        }
        first?;
        for item in &mut items {
            if let Some(map) = item.as_object_mut() {
                map.insert("apiVersion".into(), api_version.into());
                map.insert("kind".into(), kind.into());
            }
        }
        Ok(items)
    }

    /// Lists like [`Client::list`], each page handed on as it comes, items read into any type.
    /// Returns the list's resourceVersion, from which a watch can go on.
    ///
    /// # Errors
    /// Those of the request, [`Error::Expired`] among them when the listing takes too long.
    pub async fn list_pages<T: DeserializeOwned>(
        &self,
        api_version: &str,
        kind: &str,
        namespace: Option<&str>,
        query: &Query,
        mut each: impl FnMut(Vec<T>),
    ) -> Result<String> {
        let resource = self.resource(api_version, kind).await?;
        let mut token = String::new();
        loop {
            let mut request = Request::new(
                Method::GET,
                resource.path(namespace),
                "list",
                Target::Other(resource.plural.clone()),
            )
            .query(
                "limit",
                if query.metadata_only {
                    METADATA_PAGE
                } else {
                    PAGE
                }
                .to_string(),
            );
            if let Some(labels) = &query.labels {
                request = request.query("labelSelector", labels);
            }
            if let Some(fields) = &query.fields {
                request = request.query("fieldSelector", fields);
            }
            if !token.is_empty() {
                request = request.query("continue", &token);
            }
            if query.metadata_only {
                request = request.accept(METADATA_LIST);
            }
            let page: Page<T> = self.send(&request).await?;
            each(page.items.unwrap_or_default());
            token = page.metadata.next;
            if token.is_empty() {
                return Ok(page.metadata.resource_version);
            }
        }
    }

    /// Applies an object server-side as field manager `helm` and returns it as it is afterwards. A
    /// uid in its metadata makes the server refuse when the object vanished or was replaced.
    ///
    /// # Errors
    /// [`Error::Conflict`], [`Error::Invalid`], [`Error::NoNamespace`], [`Error::NoKind`],
    /// [`Error::Stale`] and the rest.
    pub async fn apply(&self, object: &Value, how: Apply) -> Result<Value> {
        self.apply_as(object.clone(), how).await
    }

    /// As [`Client::apply`], but of the object as it is afterwards only what `T` has is read.
    ///
    /// # Errors
    /// As there.
    pub async fn apply_as<T: DeserializeOwned>(&self, mut body: Value, how: Apply) -> Result<T> {
        let wanted = ObjectRef::of(&body)?;
        let (located, path) = self.locate(&wanted).await?;
        set_namespace(&mut body, located.namespace.as_deref());
        if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
            // The server refuses an apply that carries them.
            metadata.remove("managedFields");
        }
        let mut request = Request::new(Method::PATCH, path, "apply", Target::Object(located))
            .query("fieldManager", FIELD_MANAGER)
            .query("force", how.force.to_string())
            // An apply with fields that the kind's schema doesn't know is refused in any case. What a
            // stricter validation adds is to read the text once more for keys that stand twice
            // (apiserver/pkg/endpoints/handlers/patch.go, Kubernetes 1.37), which ours can't have.
            .query("fieldValidation", "Ignore")
            .body(
                "application/apply-patch+yaml",
                body.to_string().into_bytes(),
            );
        if how.dry_run {
            request = request.query("dryRun", "All");
        }
        self.send_over(&request, &wanted, Over::Written(&body))
            .await
    }

    /// Creates an object.
    ///
    /// # Errors
    /// [`Error::Exists`] and those of the request.
    pub async fn create(&self, object: &Value, dry_run: bool) -> Result<Value> {
        let wanted = ObjectRef::of(object)?;
        let (located, path) = self.locate(&wanted).await?;
        let collection = path.rsplit_once('/').map_or("", |(c, _)| c).to_owned();
        let mut body = object.clone();
        set_namespace(&mut body, located.namespace.as_deref());
        let mut request = Request::new(
            Method::POST,
            collection,
            "create",
            Target::Object(located.clone()),
        )
        .query("fieldManager", FIELD_MANAGER)
        .json(&body);
        if dry_run {
            request = request.query("dryRun", "All");
        }
        let mut unsure = false;
        for _ in 0..CONFLICTS {
            let (result, told) = self.send_told(&request).await;
            unsure |= told;
            match result {
                // A race within the server: nothing says that it is there.
                Err(Error::Stale { .. }) => unsure = true,
                Err(exists @ Error::Exists { .. }) if unsure => {
                    return self.unless_done(&located, body, exists).await;
                }
                result => return result,
            }
        }
        self.send(&request).await
    }

    /// Replaces an object. With a resourceVersion in its metadata only if it still has that one.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::NotFound`] and those of the request.
    pub async fn replace(&self, object: &Value) -> Result<Value> {
        let (located, path) = self.locate(&ObjectRef::of(object)?).await?;
        let mut body = object.clone();
        set_namespace(&mut body, located.namespace.as_deref());
        let request = Request::new(Method::PUT, path, "update", Target::Object(located.clone()))
            .query("fieldManager", FIELD_MANAGER)
            .json(&body);
        self.send_over(&request, &located, Over::Written(&body))
            .await
    }

    /// Sends a write that may name a uid and a resourceVersion as preconditions. A conflict
    /// may mean that they hold no longer, or that the write got through unseen the first time; where
    /// neither is so, the server lost a race within itself (kubernetes/apiserver's GuaranteedUpdate
    /// gives up after some tries), and the write is sent again.
    async fn send_over<T: DeserializeOwned>(
        &self,
        request: &Request,
        object: &ObjectRef,
        over: Over<'_>,
    ) -> Result<T> {
        let mut unsure = false;
        for _ in 0..CONFLICTS {
            let (result, told) = self.send_told(request).await;
            unsure |= told;
            let stale = match result {
                Err(stale @ Error::Stale { .. }) => stale,
                result => return result,
            };
            match self.find(object).await? {
                Some(found) if met(&found, over.conditions()) => {}
                Some(_) if unsure && let Over::Written(written) = over => {
                    return self.unless_done(object, written.clone(), stale).await;
                }
                // An apply that makes it.
                None if matches!(over, Over::Written(new) if met(&Value::Null, new)) => {}
                // What a deletion finds is not deleted.
                _ => return Err(stale),
            }
        }
        self.send(request).await
    }

    /// After a write that may have got through unseen and then failed when sent again: the object
    /// if it holds what was written, else the failure.
    async fn unless_done<T: DeserializeOwned>(
        &self,
        object: &ObjectRef,
        mut written: Value,
        failure: Error,
    ) -> Result<T> {
        if let Some(metadata) = written.get_mut("metadata").and_then(Value::as_object_mut) {
            for moving in ["resourceVersion", "managedFields", "generation"] {
                metadata.remove(moving);
            }
        }
        let found = self.get(object).await?;
        if !holds(&found, &written) {
            return Err(failure);
        }
        serde_json::from_value(found).map_err(|e| Error::Answer {
            action: "read".into(),
            cause: e.to_string(),
        })
    }

    /// Changes an object by a JSON merge patch, in the object itself or in a subresource
    /// (`scale`, `status`). A uid or resourceVersion in the patch's metadata is a precondition.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::NotFound`] and those of the request.
    pub async fn merge_patch(
        &self,
        object: &ObjectRef,
        subresource: Option<&str>,
        patch: &Value,
    ) -> Result<Value> {
        self.patch(object, subresource, "application/merge-patch+json", patch)
            .await
    }

    /// Changes an object by a JSON patch (RFC 6902).
    ///
    /// # Errors
    /// [`Error::Invalid`] when a `test` fails, [`Error::Stale`], [`Error::NotFound`] and the rest.
    pub async fn json_patch(&self, object: &ObjectRef, patch: &Value) -> Result<Value> {
        self.patch(object, None, "application/json-patch+json", patch)
            .await
    }

    async fn patch(
        &self,
        object: &ObjectRef,
        subresource: Option<&str>,
        media_type: &'static str,
        patch: &Value,
    ) -> Result<Value> {
        let (located, mut path) = self.locate(object).await?;
        if let Some(subresource) = subresource {
            path.push('/');
            path.push_str(subresource);
        }
        let request = Request::new(
            Method::PATCH,
            path,
            "patch",
            Target::Object(located.clone()),
        )
        .query("fieldManager", FIELD_MANAGER)
        .body(media_type, patch.to_string().into_bytes());
        if subresource.is_some() || !patch.is_object() {
            return self.send(&request).await;
        }
        self.send_over(&request, &located, Over::Written(patch))
            .await
    }

    /// Sets the replicas of a Deployment, StatefulSet or ReplicaSet by its `scale` subresource. With a
    /// uid only if the object still has it.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::NotFound`] and those of the request.
    pub async fn scale(
        &self,
        object: &ObjectRef,
        replicas: u32,
        with_uid: Option<&str>,
    ) -> Result<()> {
        let mut patch = serde_json::json!({ "spec": { "replicas": replicas } });
        if let Some(uid) = with_uid {
            patch["metadata"] = serde_json::json!({ "uid": uid });
        }
        self.merge_patch(object, Some("scale"), &patch).await?;
        Ok(())
    }

    /// Deletes an object; `false` when it wasn't there. Returns when the server has accepted: wait
    /// for its end with [`Client::wait_gone`].
    ///
    /// # Errors
    /// [`Error::Stale`] when a precondition doesn't hold, and those of the request.
    pub async fn delete(&self, object: &ObjectRef, how: &Delete) -> Result<bool> {
        let (located, path) = match self.locate(object).await {
            Err(Error::NoKind { .. }) => return Ok(false),
            other => other?,
        };
        let mut options = serde_json::json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": how.propagation.policy(),
        });
        if how.uid.is_some() || how.resource_version.is_some() {
            let mut preconditions = crate::yaml::Map::new();
            if let Some(uid) = &how.uid {
                preconditions.insert("uid".into(), uid.as_str().into());
            }
            if let Some(version) = &how.resource_version {
                preconditions.insert("resourceVersion".into(), version.as_str().into());
            }
            options["preconditions"] = Value::Object(preconditions);
        }
        if let Some(seconds) = how.grace_period {
            options["gracePeriodSeconds"] = seconds.into();
        }
        if how.dry_run {
            options["dryRun"] = serde_json::json!(["All"]);
        }
        let request = Request::new(
            Method::DELETE,
            path,
            "delete",
            Target::Object(located.clone()),
        )
        .json(&options);
        let conditions = serde_json::json!({ "metadata": options["preconditions"] });
        let over = Over::Deleted(&conditions);
        match self.send_over::<IgnoredAny>(&request, &located, over).await {
            Ok(_) => Ok(true),
            Err(e) if e.is_absent() => Ok(false),
            // Gone since, whoever deleted it.
            Err(Error::Stale { .. }) if self.find(&located).await?.is_none() => Ok(false),
            Err(e) => Err(e),
        }
    }
}

/// What a request that may be sent again does to an object.
#[derive(Clone, Copy)]
enum Over<'a> {
    /// It holds this afterwards.
    Written(&'a Value),
    /// It is gone afterwards, if it met these conditions.
    Deleted(&'a Value),
}

impl<'a> Over<'a> {
    /// A value whose metadata may name a uid and a resourceVersion as preconditions.
    fn conditions(self) -> &'a Value {
        match self {
            Over::Written(value) | Over::Deleted(value) => value,
        }
    }
}

/// Writes the namespace that the server expects; removes it from cluster-scoped objects.
fn set_namespace(object: &mut Value, namespace: Option<&str>) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else {
        return;
    };
    match namespace {
        Some(namespace) => {
            metadata.insert("namespace".into(), namespace.into());
        }
        None => {
            metadata.remove("namespace");
        }
    }
}

/// Whether an object still has the uid and resourceVersion that a write names, where it names them.
fn met(found: &Value, written: &Value) -> bool {
    ["uid", "resourceVersion"].iter().all(|field| {
        let of = |object: &Value| {
            let value = object.get("metadata")?.get(field)?;
            value.as_str().map(str::to_owned)
        };
        of(written).is_none_or(|wanted| of(found) == Some(wanted))
    })
}

/// Whether `found` holds everything that `sent` has.
fn holds(found: &Value, sent: &Value) -> bool {
    match (found, sent) {
        // What is sent as nothing is left out.
        (Value::Object(found), Value::Object(sent)) => sent
            .iter()
            .all(|(key, value)| holds(found.get(key).unwrap_or(&Value::Null), value)),
        (found, sent) => found == sent,
    }
}

/// Adds a label to an object.
pub fn set_label(object: &mut Value, key: &str, value: &str) {
    if let Some(labels) = metadata_map(object, "labels") {
        labels.insert(key.into(), value.into());
    }
}

/// Adds an annotation to an object.
pub fn set_annotation(object: &mut Value, key: &str, value: &str) {
    if let Some(annotations) = metadata_map(object, "annotations") {
        annotations.insert(key.into(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_as_nothing_need_not_be_there() {
        for (found, sent, expected) in [
            (json!({"a": 1, "b": {"c": 2}}), json!({"b": {"c": 2}}), true),
            (json!({"a": 1}), json!({"a": 1, "b": null}), true),
            (json!({"a": 1, "b": 2}), json!({"b": null}), false),
            (json!({"a": 1}), json!({"b": {"c": null}}), false),
            (json!({"a": 1}), json!({"a": 2}), false),
        ] {
            assert_eq!(holds(&found, &sent), expected, "{found} {sent}");
        }
    }
}
