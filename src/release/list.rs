//! Listing releases: the newest revision of each, the others neither fetched nor decoded.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::codec::{self, CodecError};
use super::record::{Status, Time};
use super::store::{Result, Secret};
use crate::cluster::{self, Client, ObjectRef, Query};

/// What a listing shows of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The release's name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The revision.
    pub revision: u32,
    /// When it was deployed.
    pub updated: Option<Time>,
    /// Its state.
    pub status: Status,
    /// `name-version` of its chart.
    pub chart: String,
    /// The chart's appVersion.
    pub app_version: String,
}

/// The outcome of a listing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// The releases, in no particular order.
    pub releases: Vec<Summary>,
    /// Secrets that hold no readable record, and why.
    pub unreadable: Vec<(String, CodecError)>,
}

/// What of a record a listing needs; the rest is passed over.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    name: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    version: u32,
    #[serde(default)]
    info: Option<HeadInfo>,
    #[serde(default)]
    chart: Option<HeadChart>,
}

#[derive(Deserialize, Default)]
struct HeadInfo {
    #[serde(default)]
    status: Status,
    #[serde(default)]
    last_deployed: Option<Time>,
}

#[derive(Deserialize, Default)]
struct HeadChart {
    metadata: Option<HeadMetadata>,
}

#[derive(Deserialize)]
struct HeadMetadata {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default, rename = "appVersion")]
    app_version: Option<String>,
}

fn summary(secret: &Secret) -> std::result::Result<Summary, CodecError> {
    let json = codec::unpack(&secret.record()?)?;
    let head: Head = serde_json::from_slice(&json).map_err(|e| CodecError::Json(e.to_string()))?;
    let info = head.info.unwrap_or_default();
    let metadata = head.chart.and_then(|c| c.metadata);
    // Helm prints MISSING where a record has no chart (helm/helm#1347).
    let (chart, app_version) = match metadata {
        Some(m) => (
            format!("{}-{}", m.name, m.version),
            m.app_version.unwrap_or_default(),
        ),
        None => ("MISSING".to_owned(), "MISSING".to_owned()),
    };
    Ok(Summary {
        name: head.name,
        namespace: if head.namespace.is_empty() {
            secret.metadata.namespace.clone()
        } else {
            head.namespace
        },
        revision: head.version,
        updated: info.last_deployed.filter(|t| !t.0.is_empty()),
        status: info.status,
        chart,
        app_version,
    })
}

/// Namespace and name of a release.
type Key = (String, String);

fn key(secret: &Secret) -> Key {
    (
        secret.metadata.namespace.clone(),
        secret.metadata.label("name").to_owned(),
    )
}

/// Lists the newest revision of each release of a namespace (`None`: of all), those matching a
/// label selector where one is given. As in Helm the selector is held against the newest revision.
///
/// # Errors
/// Those of the requests; an invalid selector is the server's to refuse.
pub async fn list(
    client: &Client,
    namespace: Option<&str>,
    selector: Option<&str>,
) -> Result<Listing> {
    let query = |labels: String, metadata_only| Query {
        labels: Some(labels),
        metadata_only,
        ..Query::default()
    };
    // Nearly always the newest revision is the one that isn't superseded; of those that are, the
    // labels tell whether one is newest after all.
    let current = query("owner=helm,status!=superseded".into(), false);
    let past = query("owner=helm,status=superseded".into(), true);
    let mut newest: HashMap<Key, Secret> = HashMap::new();
    let mut superseded: HashMap<Key, Secret> = HashMap::new();
    let keep = |into: &mut HashMap<Key, Secret>, page: Vec<Secret>| {
        for secret in page {
            let key = key(&secret);
            if into
                .get(&key)
                .is_none_or(|known| known.metadata.version() < secret.metadata.version())
            {
                into.insert(key, secret);
            }
        }
    };
    let (listed, listed_past) = tokio::join!(
        client.list_pages("v1", "Secret", namespace, &current, |page| keep(
            &mut newest,
            page
        )),
        client.list_pages("v1", "Secret", namespace, &past, |page| keep(
            &mut superseded,
            page
        )),
    );
    listed?;
    listed_past?;
    for (key, secret) in superseded {
        let is_newest = newest
            .get(&key)
            .is_none_or(|known| known.metadata.version() < secret.metadata.version());
        if is_newest {
            let object = ObjectRef::new("v1", "Secret", Some(&key.0), &secret.metadata.name);
            if let Some(value) = client.find(&object).await? {
                newest.insert(key, Secret::of(value)?);
            }
        }
    }
    if let Some(selector) = selector {
        let matching = query(format!("owner=helm,{selector}"), true);
        let mut names: HashSet<(String, String)> = HashSet::new();
        client
            .list_pages::<Secret>("v1", "Secret", namespace, &matching, |page| {
                names.extend(
                    page.into_iter()
                        .map(|s| (s.metadata.namespace, s.metadata.name)),
                );
            })
            .await
            .map_err(|e| match e {
                cluster::Error::Invalid {
                    message, causes, ..
                } => cluster::Error::Invalid {
                    object: format!("the selector {selector:?}"),
                    message,
                    causes,
                },
                other => other,
            })?;
        newest.retain(|_, s| {
            names.contains(&(s.metadata.namespace.clone(), s.metadata.name.clone()))
        });
    }
    Ok(decode(newest.into_values().collect()))
}

/// Lists all superseded revisions, which is what Helm shows for `--superseded` alone.
///
/// # Errors
/// Those of the requests.
pub async fn list_superseded(client: &Client, namespace: Option<&str>) -> Result<Listing> {
    let query = Query {
        labels: Some("owner=helm,status=superseded".into()),
        ..Query::default()
    };
    let mut secrets: Vec<Secret> = Vec::new();
    client
        .list_pages("v1", "Secret", namespace, &query, |page| {
            secrets.extend::<Vec<Secret>>(page);
        })
        .await?;
    Ok(decode(secrets))
}

/// Decodes records on all processors.
fn decode(secrets: Vec<Secret>) -> Listing {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let share = secrets.len().div_ceil(workers).max(1);
    let decoded: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = secrets
            .chunks(share)
            .map(|chunk| scope.spawn(|| chunk.iter().map(|s| (s, summary(s))).collect::<Vec<_>>()))
            .collect();
        threads
            .into_iter()
            .flat_map(|t| t.join().unwrap_or_default())
            .collect()
    });
    let mut listing = Listing::default();
    for (secret, result) in decoded {
        match result {
            Ok(summary) => listing.releases.push(summary),
            Err(cause) => listing
                .unreadable
                .push((secret.metadata.name.clone(), cause)),
        }
    }
    listing
}
