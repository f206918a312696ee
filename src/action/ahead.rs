//! What is read of the cluster before it is needed: a release's past while its lock is being taken, and the
//! objects that it may have there while the templates are being rendered.

use tokio::task::JoinHandle;

use super::deploy::{Proposal, live_manifests, objects_of};
use super::interrupted::{Left, Past};
use super::journal::Journal;
use super::records::journal_of;
use super::{Error, Session};
use crate::cluster::{Client, Lists, ObjectRef};
use crate::release::{Own, Present, Store};
use crate::yaml::Value;

/// What is being read. It ends unread where nobody takes it.
pub(crate) struct Ahead(JoinHandle<Result<Prior, Error>>);

/// What the cluster may hold of a release.
pub(crate) struct Prior {
    /// The objects of the revisions since the last deployed, as recorded, newer ones first.
    pub objects: Vec<Value>,
    /// What of them was listed.
    pub lists: Lists,
}

impl Prior {
    /// Objects of which nothing was listed yet.
    pub(crate) fn new(objects: Vec<Value>) -> Prior {
        Prior {
            objects,
            lists: Lists::default(),
        }
    }
}

/// The records of a release and its journal.
pub(crate) struct Records {
    pub present: Present,
    pub journal: Option<Journal>,
}

/// The records as they are being read while the lock is not held yet.
pub(crate) struct Early(JoinHandle<Result<Records, Error>>);

/// Whether records that were read early are still so, now that the lock is held.
struct StillSo(Option<JoinHandle<Result<bool, Error>>>);

impl StillSo {
    async fn told(self) -> Result<bool, Error> {
        match self.0 {
            None => Ok(true),
            Some(task) => joined(task).await,
        }
    }
}

impl Session<'_> {
    /// Reads the records.
    pub(crate) async fn records(&self) -> Result<Records, Error> {
        read(&self.client, &self.namespace, &self.release).await
    }

    /// Begins to read the records: before the lock is held, so that they may change until it is.
    pub(crate) fn records_early(&self) -> Early {
        let client = self.client.clone();
        let (namespace, release) = (self.namespace.clone(), self.release.clone());
        Early(tokio::spawn(async move {
            read(&client, &namespace, &release).await
        }))
    }

    /// Reads a release's history, and looks for what an earlier operation left.
    pub(crate) async fn past(&self) -> Result<Past, Error> {
        let (past, still_so) = self.past_so_far().await?;
        match still_so.told().await? {
            true => Ok(past),
            false => Ok(Past::of(self.records().await?)),
        }
    }

    /// As [`Session::past`], but where it was read early it is yet to be told whether it is still so.
    async fn past_so_far(&self) -> Result<(Past, StillSo), Error> {
        let early = match self.early.take() {
            Some(Early(task)) => joined(task).await.ok(),
            None => None,
        };
        let Some(records) = early else {
            return Ok((Past::of(self.records().await?), StillSo(None)));
        };
        let versions = records.present.versions.clone();
        let journal = records.journal.as_ref().and_then(|j| j.version.clone());
        let client = self.client.clone();
        let (namespace, release) = (self.namespace.clone(), self.release.clone());
        let looked = tokio::spawn(async move {
            let store = Store::new(client.clone(), &namespace);
            let own = Own::new(client, &namespace);
            let records = async { Ok(store.versions(&release).await?) };
            let written = async { Ok::<_, Error>(journal_of(&own, &release).await?) };
            let (now, written) = tokio::try_join!(records, written)?;
            Ok(now == versions && written.and_then(|j| j.version) == journal)
        });
        Ok((Past::of(records), StillSo(Some(looked))))
    }

    /// Proposes a revision after what is past; again where that has changed while the lock was being taken.
    /// What the cluster may hold of the release is read meanwhile.
    pub(crate) async fn propose_after(
        &self,
        propose: impl AsyncFn(&Past) -> Result<Proposal, Error>,
    ) -> Result<(Past, Option<Ahead>, Proposal), Error> {
        let (past, still_so) = self.past_so_far().await?;
        let ahead = self.read_ahead(&past);
        let proposal = propose(&past).await;
        if still_so.told().await? {
            return Ok((past, ahead, proposal?));
        }
        let past = Past::of(self.records().await?);
        let ahead = self.read_ahead(&past);
        let proposal = propose(&past).await?;
        Ok((past, ahead, proposal))
    }

    /// Begins to read what a release may have, on the thread of the connections; `None` where that is for
    /// nothing.
    fn read_ahead(&self, past: &Past) -> Option<Ahead> {
        let manifests = live_manifests(&past.history);
        // What is yet to be ended says otherwise afterwards.
        if self.options.client_only || manifests.is_empty() || matches!(past.left, Left::Ended(_)) {
            return None;
        }
        let manifests: Vec<String> = manifests.into_iter().map(str::to_owned).collect();
        let client = self.client.clone();
        let namespace = self.namespace.clone();
        Some(Ahead(tokio::spawn(async move {
            let objects = objects_of(manifests.iter().map(String::as_str), &namespace)?;
            let references: Result<Vec<ObjectRef>, _> = objects.iter().map(ObjectRef::of).collect();
            let references = references?;
            let lists = client.list_all(&references).await?;
            Ok(Prior { objects, lists })
        })))
    }
}

impl Ahead {
    /// What was read.
    ///
    /// # Errors
    /// Those of the records and of the requests.
    pub(crate) async fn take(self) -> Result<Prior, Error> {
        joined(self.0).await
    }
}

async fn read(client: &Client, namespace: &str, release: &str) -> Result<Records, Error> {
    let store = Store::new(client.clone(), namespace);
    let own = Own::new(client.clone(), namespace);
    let present = async { Ok::<_, Error>(store.present(release).await?) };
    let journal = async { Ok::<_, Error>(journal_of(&own, release).await?) };
    let (present, journal) = tokio::try_join!(present, journal)?;
    Ok(Records { present, journal })
}

async fn joined<T>(task: JoinHandle<Result<T, Error>>) -> Result<T, Error> {
    task.await
        .unwrap_or_else(|e| Err(Error::Failed(format!("the reading ahead broke off: {e}"))))
}
