//! Deleting records: one revision, all of a release, what is beyond its limit.

use futures::{StreamExt, TryStreamExt};

use super::parts;
use super::store::{Result, Store, secret_name};
use crate::cluster::{Delete, PARALLEL};

impl Store {
    /// Deletes all revisions and their parts, the newest revision last: as long as it is there, the
    /// release is. Returns those deleted.
    ///
    /// # Errors
    /// Those of the requests.
    pub async fn delete_all(&self, name: &str) -> Result<Vec<u32>> {
        let revisions = self.revisions(name).await?;
        let versions: Vec<u32> = revisions.iter().map(|r| r.version).collect();
        if let Some((newest, older)) = versions.split_last() {
            self.delete_records(name, older).await?;
            self.delete_records(name, &[*newest]).await?;
        }
        self.delete_parts(name, |_| true).await?;
        Ok(versions)
    }

    /// Deletes parts that belong to no revision: they are written first, and a process may have been
    /// killed then.
    pub(super) async fn collect_parts(&self, name: &str) -> Result<()> {
        let revisions = self.revisions(name).await?;
        let kept: Vec<u32> = revisions.iter().map(|r| r.version).collect();
        self.delete_parts(name, |v| !kept.contains(&v)).await
    }

    /// Deletes revisions and their parts; nothing happens where they aren't there.
    ///
    /// # Errors
    /// Those of the requests.
    pub async fn delete(&self, name: &str, gone: &[u32]) -> Result<()> {
        tokio::try_join!(
            self.delete_records(name, gone),
            self.delete_parts(name, |v| gone.contains(&v)),
        )?;
        Ok(())
    }

    /// Deletes the parts of those revisions that are `gone`.
    async fn delete_parts(&self, name: &str, gone: impl Fn(u32) -> bool) -> Result<()> {
        parts::collect(&self.client, &self.namespace, name, gone).await
    }

    /// Deletes the main Secrets of revisions.
    async fn delete_records(&self, name: &str, revisions: &[u32]) -> Result<()> {
        let delete = revisions.iter().map(|revision| {
            let object = self.secret_ref(&secret_name(name, *revision));
            async move { self.client.delete(&object, &Delete::default()).await }
        });
        futures::stream::iter(delete)
            .buffer_unordered(PARALLEL)
            .try_collect::<Vec<bool>>()
            .await?;
        Ok(())
    }
}
