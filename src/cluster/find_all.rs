//! Reading many objects with few requests: those of one kind and namespace come in one list.

use std::collections::HashMap;

use futures::StreamExt;
use http::Method;
use serde::Deserialize;

use super::client::{Client, PARALLEL, Request, Target};
use super::error::{Error, Result};
use super::object::ObjectRef;
use crate::yaml::Value;

/// From how many objects of a kind and namespace on a list costs less than reading each.
const WORTH: usize = 4;
/// A list brings what others have there too: it is asked for at most this many more than wanted.
const MORE: usize = 100;

/// One page of a list.
#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    metadata: Metadata,
    items: Option<Vec<Value>>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default, rename = "continue")]
    next: String,
}

/// What was listed, by kind and namespace.
#[derive(Debug, Default)]
pub struct Lists(HashMap<Group, Listed>);

/// An API version, a kind, a namespace.
type Group = (String, String, Option<String>);

/// What a list has told.
#[derive(Debug)]
enum Listed {
    /// Everything there is, by name.
    All(HashMap<String, Value>),
    /// Some of it: what is missing here may exist.
    Some(HashMap<String, Value>),
    /// Nothing: it may not be listed.
    Nothing,
}

/// What the lists say of an object.
enum Found {
    /// That it is so, or isn't there.
    Known(Option<Value>),
    /// Nothing.
    Unknown,
}

impl Lists {
    /// What was listed of each object, in their order. They are handed over, not copied, but for one
    /// that is asked for again later.
    fn look_up(self, objects: &[Option<ObjectRef>]) -> Vec<Found> {
        let Lists(mut lists) = self;
        let places = objects.iter().enumerate();
        let last: HashMap<&ObjectRef, usize> = places
            .filter_map(|(at, object)| Some((object.as_ref()?, at)))
            .collect();
        let found = objects.iter().enumerate().map(|(at, object)| {
            let Some(object) = object else {
                return Found::Known(None);
            };
            let take = |items: &mut HashMap<String, Value>| match last.get(object) {
                Some(last) if *last == at => items.remove(&object.name),
                _ => items.get(&object.name).cloned(),
            };
            match lists.get_mut(&group(object)) {
                Some(Listed::All(items)) if !is_left_out(object) => Found::Known(take(items)),
                Some(Listed::All(items) | Listed::Some(items)) => match take(items) {
                    None => Found::Unknown,
                    item => Found::Known(item),
                },
                Some(Listed::Nothing) | None => Found::Unknown,
            }
        });
        found.collect()
    }
}

impl Client {
    /// Lists what [`Client::find_all`] would list of the objects.
    ///
    /// # Errors
    /// Those of the requests.
    pub async fn list_all(&self, objects: &[ObjectRef]) -> Result<Lists> {
        let located = self.locate_all(objects).await?;
        let mut lists = Lists::default();
        self.list_missing(&located, &mut lists).await?;
        Ok(lists)
    }

    /// Reads many objects, in their order; `None` where [`Client::find`] has none. What was listed before is not
    /// asked for again.
    ///
    /// # Errors
    /// Those of the requests.
    pub async fn find_all(
        &self,
        objects: &[ObjectRef],
        mut listed: Lists,
    ) -> Result<Vec<Option<Value>>> {
        let located = self.locate_all(objects).await?;
        self.list_missing(&located, &mut listed).await?;
        let found =
            located
                .iter()
                .zip(listed.look_up(&located))
                .map(|(object, found)| async move {
                    match (found, object) {
                        (Found::Known(item), _) => Ok(item),
                        (Found::Unknown, Some(object)) => self.find(object).await,
                        (Found::Unknown, None) => Ok(None),
                    }
                });
        futures::stream::iter(found)
            .buffered(PARALLEL)
            .collect::<Vec<_>>()
            .await
            .into_iter()
            .collect()
    }

    async fn locate_all(&self, objects: &[ObjectRef]) -> Result<Vec<Option<ObjectRef>>> {
        let mut located = Vec::with_capacity(objects.len());
        for object in objects {
            located.push(match self.locate(object).await {
                Ok((located, _)) => Some(located),
                Err(e) if e.is_absent() => None,
                Err(e) => return Err(e),
            });
        }
        Ok(located)
    }

    async fn list_missing(&self, objects: &[Option<ObjectRef>], lists: &mut Lists) -> Result<()> {
        let Lists(lists) = lists;
        let mut groups: HashMap<Group, usize> = HashMap::new();
        for object in objects.iter().flatten() {
            *groups.entry(group(object)).or_default() += 1;
        }
        groups.retain(|group, count| *count >= WORTH && !lists.contains_key(group));
        let pages = groups.into_iter().map(|(group, count)| async move {
            let (api_version, kind, namespace) = &group;
            let listed = self
                .page(api_version, kind, namespace.as_deref(), count)
                .await?;
            Ok((group, listed))
        });
        let pages: Vec<Result<(Group, Listed)>> = futures::stream::iter(pages)
            .buffer_unordered(PARALLEL)
            .collect()
            .await;
        for page in pages {
            let (group, listed) = page?;
            lists.insert(group, listed);
        }
        Ok(())
    }

    /// The first page of what is there of a kind.
    async fn page(
        &self,
        api_version: &str,
        kind: &str,
        namespace: Option<&str>,
        wanted: usize,
    ) -> Result<Listed> {
        let resource = self.resource(api_version, kind).await?;
        let mut request = Request::new(
            Method::GET,
            resource.path(namespace),
            "list",
            Target::Other(resource.plural.clone()),
        )
        .query("limit", (wanted + MORE).to_string());
        if kind == "Secret" && api_version == "v1" {
            request = request.query("fieldSelector", RECORDS);
        }
        let page: Page = match self.send(&request).await {
            Ok(page) => page,
            // Single objects may be readable all the same.
            Err(Error::Forbidden { .. } | Error::NotFound { .. }) => return Ok(Listed::Nothing),
            Err(e) if e.is_absent() => return Ok(Listed::Nothing),
            Err(e) => return Err(e),
        };
        let items = page.items.unwrap_or_default().into_iter().map(|mut item| {
            if let Some(map) = item.as_object_mut() {
                map.insert("apiVersion".into(), api_version.into());
                map.insert("kind".into(), kind.into());
            }
            let name = item.pointer("/metadata/name").and_then(Value::as_str);
            (name.unwrap_or_default().to_owned(), item)
        });
        let items = items.collect();
        Ok(if page.metadata.next.is_empty() {
            Listed::All(items)
        } else {
            Listed::Some(items)
        })
    }
}

/// Records of releases are large, and no objects of theirs.
const RECORDS: &str = "type!=helm.sh/release.v1,type!=nutkin.dev/parts";

/// Whether an object may be one that [`RECORDS`] leaves out.
fn is_left_out(object: &ObjectRef) -> bool {
    object.kind == "Secret"
        && ["sh.helm.release.", "nutkin."]
            .iter()
            .any(|prefix| object.name.starts_with(prefix))
}

fn group(object: &ObjectRef) -> Group {
    (
        object.api_version(),
        object.kind.clone(),
        object.namespace.clone(),
    )
}
