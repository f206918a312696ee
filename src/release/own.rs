//! Our own records beside Helm's: JSON documents in Secrets that Helm never touches.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::codec;
use super::store::{MAX_DATA, Secret};
use crate::cluster::{self, Client, Delete, ObjectRef, Query};

/// Documents up to this size are stored as plain JSON, so that `kubectl` shows them; larger ones gzipped.
const PLAIN: usize = 8 << 10;

/// What a document is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The operation that is going on: its intent and its steps.
    Journal,
    /// What Helm's record has no room for: the manifest as rendered, workloads, plan, origins, outcome.
    Revision,
    /// The savepoints of a release; outlives it.
    Ledger,
}

impl Kind {
    /// The word in names and labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Journal => "journal",
            Kind::Revision => "revision",
            Kind::Ledger => "ledger",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What can go wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OwnError {
    /// A document of that key is there already.
    #[error("the {key} exists already: another operation made it")]
    Exists {
        /// Kind, id and release.
        key: String,
    },
    /// The document was changed, replaced or deleted since it was read.
    #[error("the {key} was changed by another since it was read")]
    Stale {
        /// Kind, id and release.
        key: String,
    },
    /// A document that can't be read.
    #[error("the {key} can't be read: {cause}")]
    Unreadable {
        /// Kind, id and release.
        key: String,
        /// What is wrong.
        cause: String,
    },
    /// Larger than a Secret may be.
    #[error("the {key} is too large for a Secret: {size} bytes of at most {MAX_DATA}")]
    TooLarge {
        /// Kind, id and release.
        key: String,
        /// Its size, packed.
        size: usize,
    },
    /// An id that can't be part of a Secret's name.
    #[error("{0:?} can't be the id of a record: at most 63 lower-case letters, digits and '-'")]
    Id(String),
    /// A request failed.
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
}

/// The result of anything here.
pub type Result<T> = std::result::Result<T, OwnError>;

/// A document with what is needed to change it safely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document<T> {
    /// Its id within release and kind.
    pub id: String,
    /// Its content.
    pub content: T,
    /// The Secret's resourceVersion when it was read or written.
    pub resource_version: String,
    /// The Secret's uid.
    pub uid: String,
}

/// The documents of a namespace, keyed by release, kind and id.
#[derive(Debug, Clone)]
pub struct Own {
    client: Client,
    namespace: String,
}

/// `nutkin.v1.<release>.<kind>.<id>`: kind and id have no dots, so two keys never share a name.
fn secret_name(release: &str, kind: Kind, id: &str) -> String {
    format!("nutkin.v1.{release}.{kind}.{id}")
}

fn key(release: &str, kind: Kind, id: &str) -> String {
    format!("{kind} {id:?} of release {release:?}")
}

fn check_id(id: &str) -> Result<()> {
    let fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if (1..=63).contains(&id.len())
        && id.bytes().all(fine)
        && !id.starts_with('-')
        && !id.ends_with('-')
    {
        Ok(())
    } else {
        Err(OwnError::Id(id.to_owned()))
    }
}

impl Own {
    /// The documents of a namespace.
    pub fn new(client: Client, namespace: &str) -> Self {
        Own {
            client,
            namespace: namespace.to_owned(),
        }
    }

    fn object(&self, release: &str, kind: Kind, id: &str) -> ObjectRef {
        ObjectRef::new(
            "v1",
            "Secret",
            Some(&self.namespace),
            &secret_name(release, kind, id),
        )
    }

    fn body<T: Serialize>(
        &self,
        release: &str,
        kind: Kind,
        id: &str,
        content: &T,
    ) -> Result<serde_json::Value> {
        check_id(id)?;
        let unreadable = |cause: String| OwnError::Unreadable {
            key: key(release, kind, id),
            cause,
        };
        let mut bytes = serde_json::to_vec(content).map_err(|e| unreadable(e.to_string()))?;
        if bytes.len() > PLAIN {
            bytes = codec::pack(&bytes).map_err(|e| unreadable(e.to_string()))?;
        }
        if bytes.len() > MAX_DATA {
            return Err(OwnError::TooLarge {
                key: key(release, kind, id),
                size: bytes.len(),
            });
        }
        Ok(json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": secret_name(release, kind, id),
                "namespace": self.namespace,
                "labels": {
                    "nutkin.dev/release": release,
                    "nutkin.dev/kind": kind.as_str(),
                    "nutkin.dev/id": id,
                },
            },
            "type": format!("nutkin.dev/{kind}"),
            "data": { "document": BASE64.encode(bytes) },
        }))
    }

    fn written<T>(id: &str, content: T, made: serde_json::Value) -> Result<Document<T>> {
        let secret = Secret::of(made)?;
        Ok(Document {
            id: id.to_owned(),
            content,
            resource_version: secret.metadata.resource_version,
            uid: secret.metadata.uid,
        })
    }

    /// Writes a new document.
    ///
    /// # Errors
    /// [`OwnError::Exists`], [`OwnError::TooLarge`], [`OwnError::Id`] and those of the request.
    pub async fn create<T: Serialize>(
        &self,
        release: &str,
        kind: Kind,
        id: &str,
        content: T,
    ) -> Result<Document<T>> {
        let body = self.body(release, kind, id, &content)?;
        match self.client.create(&body, false).await {
            Ok(made) => Self::written(id, content, made),
            Err(cluster::Error::Exists { .. }) => Err(OwnError::Exists {
                key: key(release, kind, id),
            }),
            Err(e) => Err(e.into()),
        }
    }

    /// Rewrites a document, if nobody else did since it was read or written.
    ///
    /// # Errors
    /// [`OwnError::Stale`], [`OwnError::TooLarge`] and those of the request.
    pub async fn update<T: Serialize>(
        &self,
        release: &str,
        kind: Kind,
        document: Document<T>,
    ) -> Result<Document<T>> {
        let mut body = self.body(release, kind, &document.id, &document.content)?;
        body["metadata"]["resourceVersion"] = document.resource_version.into();
        body["metadata"]["uid"] = document.uid.into();
        match self.client.replace(&body).await {
            Ok(made) => Self::written(&document.id, document.content, made),
            Err(cluster::Error::Stale { .. } | cluster::Error::NotFound { .. }) => {
                Err(OwnError::Stale {
                    key: key(release, kind, &document.id),
                })
            }
            Err(e) => Err(e.into()),
        }
    }

    fn read<T: DeserializeOwned>(release: &str, kind: Kind, secret: Secret) -> Result<Document<T>> {
        let id = secret.metadata.label("nutkin.dev/id").to_owned();
        let unreadable = |cause: String| OwnError::Unreadable {
            key: key(release, kind, &id),
            cause,
        };
        let data = secret.data.get("document").map_or("", String::as_str);
        let bytes = BASE64.decode(data).map_err(|e| unreadable(e.to_string()))?;
        let json = codec::gunzip(&bytes).map_err(|e| unreadable(e.to_string()))?;
        let content = serde_json::from_slice(&json).map_err(|e| unreadable(e.to_string()))?;
        Ok(Document {
            id,
            content,
            resource_version: secret.metadata.resource_version,
            uid: secret.metadata.uid,
        })
    }

    /// Reads a document; `None` when there is none.
    ///
    /// # Errors
    /// [`OwnError::Unreadable`], [`OwnError::Id`] and those of the request.
    pub async fn get<T: DeserializeOwned>(
        &self,
        release: &str,
        kind: Kind,
        id: &str,
    ) -> Result<Option<Document<T>>> {
        check_id(id)?;
        match self.client.find(&self.object(release, kind, id)).await? {
            Some(value) => Self::read(release, kind, Secret::of(value)?).map(Some),
            None => Ok(None),
        }
    }

    /// Reads all documents of a kind of a release, by id.
    ///
    /// # Errors
    /// [`OwnError::Unreadable`] and those of the request.
    pub async fn list<T: DeserializeOwned>(
        &self,
        release: &str,
        kind: Kind,
    ) -> Result<Vec<Document<T>>> {
        let query = Query {
            labels: Some(format!(
                "nutkin.dev/release={release},nutkin.dev/kind={kind}"
            )),
            ..Query::default()
        };
        let mut secrets: Vec<Secret> = Vec::new();
        self.client
            .list_pages("v1", "Secret", Some(&self.namespace), &query, |page| {
                secrets.extend::<Vec<Secret>>(page);
            })
            .await?;
        let mut documents = secrets
            .into_iter()
            .map(|s| Self::read(release, kind, s))
            .collect::<Result<Vec<Document<T>>>>()?;
        documents.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(documents)
    }

    /// Deletes a document; `false` when there was none. With a version only if it is still that one.
    ///
    /// # Errors
    /// [`OwnError::Stale`] and those of the request.
    pub async fn delete(
        &self,
        release: &str,
        kind: Kind,
        id: &str,
        resource_version: Option<&str>,
    ) -> Result<bool> {
        let how = Delete {
            resource_version: resource_version.map(str::to_owned),
            ..Delete::default()
        };
        match self
            .client
            .delete(&self.object(release, kind, id), &how)
            .await
        {
            Err(cluster::Error::Stale { .. }) => Err(OwnError::Stale {
                key: key(release, kind, id),
            }),
            other => Ok(other?),
        }
    }
}
