//! Our own records of a release: journal, ledger and notes, beside Helm's.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::journal::{Journal, RevisionNote};
use super::ledger::{Entry, Ledger};
use super::{Error, Session};
use crate::release::Stored;
use crate::release::own::{Document, Kind, Own, OwnError};

/// How often an addition to the ledger is tried again when another wrote in between.
const TRIES: u32 = 5;
/// The id of a document of which a release has only one.
const ONLY: &str = "current";

/// The journal of an operation on a release that did not end, or goes on.
///
/// # Errors
/// Those of the request, and of a record that can't be read.
pub async fn journal_of(own: &Own, release: &str) -> Result<Option<Journal>, OwnError> {
    let read: Option<Document<Journal>> = own.get(release, Kind::Journal, ONLY).await?;
    Ok(read.map(|document| Journal {
        version: Some((document.resource_version, document.uid)),
        ..document.content
    }))
}

/// The journal of an operation that had no more to write down than its beginning, as the record that it
/// made has it; `None` where that says nothing, as of a record by another.
pub(super) fn begun(stored: &Stored) -> Option<Journal> {
    let journal: Journal = serde_json::from_str(stored.begun.as_deref()?).ok()?;
    (journal.revision == stored.release.version).then_some(journal)
}

/// That journal, where the operation has not ended.
pub fn unfinished(stored: &Stored) -> Option<Journal> {
    begun(stored).filter(|_| stored.release.info.status.is_pending())
}

impl Session<'_> {
    fn own(&self) -> Own {
        Own::new(self.client.clone(), &self.namespace)
    }

    async fn read<T: DeserializeOwned>(
        &self,
        kind: Kind,
        id: &str,
    ) -> Result<Option<Document<T>>, Error> {
        Ok(self.own().get(&self.release, kind, id).await?)
    }

    /// Writes a document over the one that was read, or anew where there was none.
    async fn write<T: Serialize>(
        &self,
        kind: Kind,
        id: &str,
        content: T,
        before: Option<(String, String)>,
    ) -> Result<Document<T>, OwnError> {
        match before {
            Some((resource_version, uid)) => {
                let document = Document {
                    id: id.to_owned(),
                    content,
                    resource_version,
                    uid,
                };
                self.own().update(&self.release, kind, document).await
            }
            None => self.own().create(&self.release, kind, id, content).await,
        }
    }

    /// Writes the journal; refuses where another operation wrote it since.
    pub(crate) async fn save_journal(&self, journal: &mut Journal) -> Result<(), Error> {
        let mut written = self.write_journal(journal).await;
        // Without the CRDs it can be finished all the same, by who has the chart.
        if let (Err(OwnError::TooLarge { .. }), Some(crds)) = (&written, &mut journal.crds) {
            crds.definitions.clear();
            written = self.write_journal(journal).await;
        }
        journal.version = Some(written?);
        Ok(())
    }

    async fn write_journal(&self, journal: &Journal) -> Result<(String, String), OwnError> {
        let before = journal.version.clone();
        let written = self.write(Kind::Journal, ONLY, journal, before).await?;
        Ok((written.resource_version, written.uid))
    }

    /// Removes the journal: the operation has ended.
    pub(crate) async fn end_journal(&self) -> Result<(), Error> {
        self.free_reserved().await?;
        self.delete_journal().await
    }

    /// Gives the revisions' names free that were kept taken while a job was stopped; before the journal
    /// goes, so that they are found by who goes on from it.
    pub(crate) async fn free_reserved(&self) -> Result<(), Error> {
        Ok(self.store().free(&self.release).await?)
    }

    pub(crate) async fn delete_journal(&self) -> Result<(), Error> {
        self.own()
            .delete(&self.release, Kind::Journal, ONLY, None)
            .await?;
        Ok(())
    }

    /// Removes a journal that was written for nothing, if it is still that one.
    pub(crate) async fn drop_journal(&self, journal: &Journal) -> Result<(), Error> {
        let Some((version, _)) = &journal.version else {
            return Ok(());
        };
        match self
            .own()
            .delete(&self.release, Kind::Journal, ONLY, Some(version))
            .await
        {
            Ok(_) | Err(OwnError::Stale { .. }) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }

    /// The ledger; empty where there is none.
    pub async fn ledger(&self) -> Result<Ledger, Error> {
        Ok(self
            .read(Kind::Ledger, ONLY)
            .await?
            .map(|d: Document<Ledger>| d.content)
            .unwrap_or_default())
    }

    /// Adds an entry to the ledger.
    pub(crate) async fn add_to_ledger(&self, entry: Entry) -> Result<(), Error> {
        for _ in 0..TRIES {
            let (mut ledger, before) = match self.read::<Ledger>(Kind::Ledger, ONLY).await? {
                Some(d) => (d.content, Some((d.resource_version, d.uid))),
                None => (Ledger::default(), None),
            };
            ledger.add(entry.clone());
            match self.write(Kind::Ledger, ONLY, ledger, before).await {
                Err(OwnError::Stale { .. } | OwnError::Exists { .. }) => {}
                Err(e) => return Err(e.into()),
                Ok(_) => return Ok(()),
            }
        }
        Err(Error::Failed(
            "the ledger is changed again and again by another".into(),
        ))
    }

    /// Keeps what became of a revision's jobs.
    pub(crate) async fn save_note(&self, note: &RevisionNote) -> Result<(), Error> {
        let id = format!("v{}", note.revision);
        match self.write(Kind::Revision, &id, note, None).await {
            Err(OwnError::Exists { .. }) => {}
            other => return Ok(other.map(drop)?),
        }
        let before = self.read::<RevisionNote>(Kind::Revision, &id).await?;
        self.write(
            Kind::Revision,
            &id,
            note,
            before.map(|d| (d.resource_version, d.uid)),
        )
        .await?;
        Ok(())
    }

    /// Deletes the notes of revisions that are gone.
    pub(crate) async fn drop_notes(&self, revisions: &[u32]) -> Result<(), Error> {
        let own = self.own();
        let gone = revisions.iter().map(|revision| {
            let own = &own;
            let id = format!("v{revision}");
            async move { own.delete(&self.release, Kind::Revision, &id, None).await }
        });
        futures::future::try_join_all(gone).await?;
        Ok(())
    }

    /// What became of a revision's jobs.
    pub async fn revision_note(&self, revision: u32) -> Result<Option<RevisionNote>, Error> {
        Ok(self
            .read(Kind::Revision, &format!("v{revision}"))
            .await?
            .map(|d| d.content))
    }

    /// What became of the jobs of all revisions that are remembered.
    pub async fn revision_notes(&self) -> Result<Vec<RevisionNote>, Error> {
        let documents = self.own().list(&self.release, Kind::Revision).await?;
        Ok(documents.into_iter().map(|d| d.content).collect())
    }
}
