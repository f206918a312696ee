//! Helm's release Secrets: create, update, read, list, delete, prune.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::json;

use super::codec::{self, CodecError};
use super::packed::Packed;
use super::parts;
use super::record::{Release, Status};
use crate::cluster::{self, Client, Delete, ObjectRef, Query, set_annotation};
use crate::yaml::{Map, Value};

/// The API server's limit for the values of a Secret's data together, before their base64.
pub const MAX_DATA: usize = 1 << 20;

/// The Secret type of Helm 3 and 4.
const SECRET_TYPE: &str = "helm.sh/release.v1";

/// The type of a Secret that only keeps a revision's name taken.
const RESERVED_TYPE: &str = "nutkin.dev/reserved";

/// Where a record says what operation it was made by. Helm drops annotations when it rewrites a record, and
/// copies none to another.
const BEGUN: &str = "nutkin.dev/begun";

/// Labels that are Helm's own; user labels may not use them.
const SYSTEM_LABELS: &[&str] = &[
    "name",
    "owner",
    "status",
    "version",
    "createdAt",
    "modifiedAt",
];

/// What can go wrong with records.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// No release of that name in the namespace.
    #[error("release {name:?} not found in namespace {namespace:?}")]
    NoRelease {
        /// The release's name.
        name: String,
        /// Where it was looked for.
        namespace: String,
    },
    /// The release has no such revision.
    #[error("release {name:?} has no revision {revision}")]
    NoRevision {
        /// The release's name.
        name: String,
        /// The revision asked for.
        revision: u32,
    },
    /// The release has no deployed revision.
    #[error("release {name:?} has no deployed revision")]
    NoneDeployed {
        /// The release's name.
        name: String,
    },
    /// The revision's Secret is there already: another operation was faster.
    #[error("revision {revision} of release {name:?} exists already: another operation made it")]
    Exists {
        /// The release's name.
        name: String,
        /// The revision.
        revision: u32,
    },
    /// The record was rewritten by another since it was read.
    #[error("the record of revision {revision} of release {name:?} was changed by another")]
    Stale {
        /// The release's name.
        name: String,
        /// The revision.
        revision: u32,
    },
    /// A record that can't be read.
    #[error("the Secret {secret} holds no readable release: {cause}")]
    Unreadable {
        /// The Secret's name.
        secret: String,
        /// What is wrong.
        cause: CodecError,
    },
    /// The record is larger than a Secret may be, even without templates and files.
    #[error(
        "the record of release {name:?} is too large for a Secret: {size} bytes of at most {MAX_DATA}, \
         without the chart's templates and files"
    )]
    TooLarge {
        /// The release's name.
        name: String,
        /// The size of its encoding.
        size: usize,
    },
    /// A user label with one of Helm's own keys.
    #[error(
        "the label {0:?} is one of Helm's own (name, owner, status, version, createdAt, modifiedAt)"
    )]
    SystemLabel(String),
    /// A request failed.
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
}

/// The result of anything here.
pub type Result<T> = std::result::Result<T, StoreError>;

/// A record with what is needed to rewrite it safely.
#[derive(Debug, Clone, Default)]
pub struct Stored {
    /// The record.
    pub release: Release,
    /// The Secret's resourceVersion when it was read or written.
    pub resource_version: String,
    /// The Secret's uid.
    pub uid: String,
    /// All labels of the Secret, Helm's own among them.
    pub secret_labels: BTreeMap<String, String>,
    /// What was written down of the operation that made it, when that began.
    pub begun: Option<String>,
    /// Its large part, where that is known to be packed.
    pub packed: Option<Arc<Packed>>,
}

impl PartialEq for Stored {
    /// How it is packed makes no difference.
    fn eq(&self, other: &Self) -> bool {
        let of = |s: &Self| (s.resource_version.clone(), s.uid.clone(), s.begun.clone());
        self.release == other.release
            && of(self) == of(other)
            && self.secret_labels == other.secret_labels
    }
}

/// What metadata alone says of a revision: its labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// The revision.
    pub version: u32,
    /// The status as labelled.
    pub status: Status,
}

/// The revisions of a release.
#[derive(Debug, Clone)]
pub struct Present {
    /// What the labels say of the oldest, which say nothing of what the cluster holds now.
    pub settled: Vec<Revision>,
    /// The others, oldest first.
    pub stored: Vec<Stored>,
    /// The resourceVersions of all of them.
    pub versions: Vec<String>,
}

/// The releases of a namespace.
#[derive(Debug, Clone)]
pub struct Store {
    pub(super) client: Client,
    pub(super) namespace: String,
}

/// The Secret's name of a revision.
pub fn secret_name(release: &str, revision: u32) -> String {
    format!("sh.helm.release.v1.{release}.v{revision}")
}

/// A Secret as far as the store reads it.
#[derive(Deserialize)]
pub(super) struct Secret {
    pub(super) metadata: Metadata,
    #[serde(default)]
    pub(super) data: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    pub(super) name: String,
    #[serde(default)]
    pub(super) namespace: String,
    #[serde(default)]
    pub(super) labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) annotations: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) uid: String,
    #[serde(default)]
    pub(super) resource_version: String,
}

impl Metadata {
    pub(super) fn label(&self, key: &str) -> &str {
        self.labels.get(key).map_or("", String::as_str)
    }

    pub(super) fn version(&self) -> u32 {
        self.label("version").parse().unwrap_or(0)
    }

    fn revision(&self) -> Revision {
        Revision {
            version: self.version(),
            status: Status::parse(self.label("status")),
        }
    }
}

impl Secret {
    pub(super) fn of(value: Value) -> cluster::Result<Self> {
        serde_json::from_value(value).map_err(|e| cluster::Error::Answer {
            action: "read a Secret".into(),
            cause: e.to_string(),
        })
    }

    /// The record's text: what Helm wrote, the Secret's own base64 taken off.
    pub(super) fn record(&self) -> std::result::Result<Vec<u8>, CodecError> {
        let data = self
            .data
            .get("release")
            .ok_or_else(|| CodecError::Json("the key \"release\" is missing".into()))?;
        BASE64
            .decode(data)
            .map_err(|e| CodecError::Base64(e.to_string()))
    }

    /// The record, to be read.
    fn into_stored(self) -> Result<Stored> {
        let decoded = self.record().and_then(|text| codec::decode(&text));
        self.stored(decoded.map(|release| (release, None)))
    }

    /// The record, to be written again with another status.
    fn into_present(self) -> Result<Stored> {
        let decoded = self.record().and_then(|text| codec::decode_packed(&text));
        self.stored(decoded)
    }

    fn stored(
        mut self,
        decoded: std::result::Result<(Release, Option<Packed>), CodecError>,
    ) -> Result<Stored> {
        let (mut release, packed) = decoded.map_err(|cause| StoreError::Unreadable {
            secret: self.metadata.name.clone(),
            cause,
        })?;
        release.labels = user_labels(&self.metadata.labels);
        // Records of old Helm versions may lack what the Secret's place says.
        if release.namespace.is_empty() {
            release.namespace = self.metadata.namespace;
        }
        Ok(Stored {
            begun: self.metadata.annotations.remove(BEGUN),
            packed: packed.map(Arc::new),
            release,
            resource_version: self.metadata.resource_version,
            uid: self.metadata.uid,
            secret_labels: self.metadata.labels,
        })
    }
}

fn check_labels(release: &Release) -> Result<()> {
    let mut keys = release.labels.keys();
    match keys.find(|key| SYSTEM_LABELS.contains(&key.as_str())) {
        Some(key) => Err(StoreError::SystemLabel(key.clone())),
        None => Ok(()),
    }
}

fn user_labels(labels: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    labels
        .iter()
        .filter(|(key, _)| !SYSTEM_LABELS.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

fn now() -> String {
    jiff::Timestamp::now().as_second().to_string()
}

impl Store {
    /// The store of a namespace.
    pub fn new(client: Client, namespace: &str) -> Self {
        Store {
            client,
            namespace: namespace.to_owned(),
        }
    }

    /// The namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    pub(super) fn secret_ref(&self, name: &str) -> ObjectRef {
        ObjectRef::new("v1", "Secret", Some(&self.namespace), name)
    }

    /// Says whether a record fits, before anything is done: whole, or with templates, files and schema
    /// in further Secrets. What is packed for that is what a create takes.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`], [`StoreError::SystemLabel`].
    pub fn check(release: &Release) -> Result<Packed> {
        check_labels(release)?;
        let packed = parts::pack(release)?;
        parts::split(release, &packed)?;
        Ok(packed)
    }

    /// Writes a new revision, which [`Store::check`] has packed. Parts that don't fit the main Secret are
    /// written first. `begun` is what shall stand by it of the operation that makes it.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when the revision is there; those of the check and of the request.
    pub async fn create(
        &self,
        release: &Release,
        packed: Packed,
        begun: Option<&str>,
    ) -> Result<Stored> {
        let split = parts::split(release, &packed)?;
        parts::write(&self.client, &self.namespace, release, &split.parts).await?;
        let mut labels = Map::new();
        for (key, value) in &release.labels {
            labels.insert(key.clone(), value.as_str().into());
        }
        labels.insert("name".into(), release.name.as_str().into());
        labels.insert("owner".into(), "helm".into());
        labels.insert("status".into(), release.info.status.as_str().into());
        labels.insert("version".into(), release.version.to_string().into());
        labels.insert("createdAt".into(), now().into());
        let mut secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": secret_name(&release.name, release.version),
                "namespace": self.namespace,
                "labels": labels,
            },
            "type": SECRET_TYPE,
            "data": { "release": BASE64.encode(split.main) },
        });
        if let Some(begun) = begun {
            set_annotation(&mut secret, BEGUN, begun);
        }
        let mut made = self.client.create(&secret, false).await;
        if matches!(made, Err(cluster::Error::Exists { .. })) {
            // It may be only the name that is taken, by ourselves.
            self.free(&release.name).await?;
            made = self.client.create(&secret, false).await;
        }
        match made {
            Ok(made) => {
                if !split.parts.is_empty() {
                    self.collect_parts(&release.name).await?;
                }
                self.stored(release, Arc::new(packed), made)
            }
            Err(cluster::Error::Exists { .. }) => Err(StoreError::Exists {
                name: release.name.clone(),
                revision: release.version,
            }),
            Err(e) => Err(e.into()),
        }
    }

    /// Keeps the name of a revision taken, so that no other can make that revision: a rollback of
    /// Helm's heeds no pending one, and would run a job that is stopped (design, decision 7).
    ///
    /// # Errors
    /// Those of the request; where the name is taken already nothing is done.
    pub async fn reserve(&self, name: &str, revision: u32) -> Result<()> {
        let secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": secret_name(name, revision),
                "namespace": self.namespace,
                "labels": { "nutkin.dev/release": name, "nutkin.dev/kind": "reserved" },
            },
            "type": RESERVED_TYPE,
        });
        match self.client.create(&secret, false).await {
            Ok(_) | Err(cluster::Error::Exists { .. }) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }

    /// Gives the names free that [`Store::reserve`] took for a release.
    ///
    /// # Errors
    /// Those of the requests.
    pub async fn free(&self, name: &str) -> Result<()> {
        let labels = format!("nutkin.dev/kind=reserved,nutkin.dev/release={name}");
        let query = Query {
            labels: Some(labels),
            ..Query::default()
        };
        let found = self
            .client
            .list("v1", "Secret", Some(&self.namespace), &query)
            .await?;
        for secret in found {
            let taken = Secret::of(secret)?;
            let how = Delete {
                uid: Some(taken.metadata.uid),
                ..Delete::default()
            };
            let object = self.secret_ref(&taken.metadata.name);
            self.client.delete(&object, &how).await?;
        }
        Ok(())
    }

    /// Rewrites a revision's record, if nobody else did since it was read. Chart, values and manifest
    /// must be as they were: no operation changes them.
    ///
    /// # Errors
    /// [`StoreError::Stale`], [`StoreError::NoRevision`]; those of [`Store::check`] and of the request.
    pub async fn update(&self, stored: &Stored) -> Result<Stored> {
        let release = &stored.release;
        let packed = match &stored.packed {
            Some(packed) => Arc::clone(packed),
            None => Arc::new(parts::pack(release)?),
        };
        let split = parts::split(release, &packed)?;
        parts::write(&self.client, &self.namespace, release, &split.parts).await?;
        let patch = json!({
            "metadata": {
                "resourceVersion": stored.resource_version,
                "labels": {
                    "status": release.info.status.as_str(),
                    "modifiedAt": now(),
                },
            },
            "data": { "release": BASE64.encode(split.main) },
        });
        let object = self.secret_ref(&secret_name(&release.name, release.version));
        match self.client.merge_patch(&object, None, &patch).await {
            Ok(made) => self.stored(release, packed, made),
            Err(cluster::Error::Stale { .. }) => Err(StoreError::Stale {
                name: release.name.clone(),
                revision: release.version,
            }),
            Err(e) if e.is_not_found() => Err(StoreError::NoRevision {
                name: release.name.clone(),
                revision: release.version,
            }),
            Err(e) => Err(e.into()),
        }
    }

    fn stored(&self, release: &Release, packed: Arc<Packed>, made: Value) -> Result<Stored> {
        let mut secret = Secret::of(made)?;
        Ok(Stored {
            begun: secret.metadata.annotations.remove(BEGUN),
            packed: Some(packed),
            release: release.clone(),
            resource_version: secret.metadata.resource_version,
            uid: secret.metadata.uid,
            secret_labels: secret.metadata.labels,
        })
    }

    /// Reads one revision.
    ///
    /// # Errors
    /// [`StoreError::NoRevision`], [`StoreError::Unreadable`] and those of the request.
    pub async fn get(&self, name: &str, revision: u32) -> Result<Stored> {
        let object = self.secret_ref(&secret_name(name, revision));
        match self.client.get(&object).await {
            Ok(value) => Secret::of(value)?.into_stored(),
            Err(e) if e.is_absent() => Err(StoreError::NoRevision {
                name: name.to_owned(),
                revision,
            }),
            Err(e) => Err(e.into()),
        }
    }

    /// The revisions of a release, oldest first, by their labels alone; empty when there is no such
    /// release.
    pub async fn revisions(&self, name: &str) -> Result<Vec<Revision>> {
        let metadata = self.metadata(name).await?;
        Ok(metadata.iter().map(Metadata::revision).collect())
    }

    /// What stands beside a release's records, the oldest revision first.
    async fn metadata(&self, name: &str) -> Result<Vec<Metadata>> {
        let query = Query {
            labels: Some(format!("owner=helm,name={name}")),
            metadata_only: true,
            ..Query::default()
        };
        let mut all: Vec<Metadata> = Vec::new();
        self.client
            .list_pages::<Secret>("v1", "Secret", Some(&self.namespace), &query, |page| {
                all.extend(page.into_iter().map(|s| s.metadata));
            })
            .await?;
        all.sort_by_key(Metadata::version);
        Ok(all)
    }

    /// All revisions of a release, oldest first, decoded.
    ///
    /// # Errors
    /// [`StoreError::NoRelease`], [`StoreError::Unreadable`] and those of the request.
    pub async fn history(&self, name: &str) -> Result<Vec<Stored>> {
        let secrets = self.secrets(name).await?;
        if secrets.is_empty() {
            return Err(self.no_release(name));
        }
        secrets.into_iter().map(Secret::into_stored).collect()
    }

    /// The revisions of a release, empty when there is no such release. To decode a large one takes
    /// milliseconds, and of ten mostly one is needed; see [`super::settled`].
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] and those of the request.
    pub async fn present(&self, name: &str) -> Result<Present> {
        let mut secrets = self.secrets(name).await?;
        let versions = secrets.iter();
        let versions = versions
            .map(|s| s.metadata.resource_version.clone())
            .collect();
        let mut revisions: Vec<Revision> = secrets.iter().map(|s| s.metadata.revision()).collect();
        revisions.truncate(super::settled(&revisions));
        let present = secrets.split_off(revisions.len());
        let present: Result<Vec<Stored>> = present.into_iter().map(Secret::into_present).collect();
        Ok(Present {
            settled: revisions,
            stored: present?,
            versions,
        })
    }

    /// The resourceVersions of a release's records, the oldest revision first: as long as they are the
    /// same, so are the records.
    ///
    /// # Errors
    /// Those of the request.
    pub async fn versions(&self, name: &str) -> Result<Vec<String>> {
        let metadata = self.metadata(name).await?;
        Ok(metadata.into_iter().map(|m| m.resource_version).collect())
    }

    /// The Secrets of a release, oldest revision first.
    async fn secrets(&self, name: &str) -> Result<Vec<Secret>> {
        let query = Query {
            labels: Some(format!("owner=helm,name={name}")),
            ..Query::default()
        };
        let mut secrets: Vec<Secret> = Vec::new();
        self.client
            .list_pages("v1", "Secret", Some(&self.namespace), &query, |page| {
                secrets.extend::<Vec<Secret>>(page);
            })
            .await?;
        secrets.sort_by_key(|s| s.metadata.version());
        Ok(secrets)
    }

    fn no_release(&self, name: &str) -> StoreError {
        StoreError::NoRelease {
            name: name.to_owned(),
            namespace: self.namespace.clone(),
        }
    }

    /// The newest revision.
    ///
    /// # Errors
    /// [`StoreError::NoRelease`], [`StoreError::Unreadable`] and those of the request.
    pub async fn last(&self, name: &str) -> Result<Stored> {
        match self.revisions(name).await?.last() {
            Some(newest) => self.get(name, newest.version).await,
            None => Err(self.no_release(name)),
        }
    }

    /// The newest revision whose status is deployed.
    ///
    /// # Errors
    /// [`StoreError::NoRelease`], [`StoreError::NoneDeployed`], [`StoreError::Unreadable`] and those
    /// of the request.
    pub async fn deployed(&self, name: &str) -> Result<Stored> {
        let revisions = self.revisions(name).await?;
        if revisions.is_empty() {
            return Err(self.no_release(name));
        }
        match revisions
            .iter()
            .rev()
            .find(|r| r.status == Status::Deployed)
        {
            Some(deployed) => self.get(name, deployed.version).await,
            None => Err(StoreError::NoneDeployed {
                name: name.to_owned(),
            }),
        }
    }

    /// The chart's templates, files and schema of a record whose main Secret had no room for them;
    /// returns at once when the record is whole.
    ///
    /// # Errors
    /// Those of the request.
    pub async fn complete(&self, stored: &mut Stored) -> Result<()> {
        parts::read(&self.client, &self.namespace, &mut stored.release).await
    }
}
