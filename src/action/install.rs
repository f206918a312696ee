//! `install`: the first revision of a release.

use super::deploy::{Outcome, Proposal};
use super::interrupted::{Left, Past};
use super::journal::Operation;
use super::proposal::Source;
use super::{Error, Session};
use crate::release::{Status, validate_name};

impl Session<'_> {
    /// Installs a chart as the release.
    pub async fn install(&self, source: &Source, dry_run: bool) -> Result<Outcome, Error> {
        let replace = self.options.replace;
        let (past, ahead, proposal) = self
            .propose_after(async |past| self.propose_install(source, past, replace, dry_run).await)
            .await?;
        self.deploy(proposal, past, ahead, dry_run).await
    }

    /// The first revision, after what is past; `replace` also where the name has a history, of a release
    /// that was uninstalled or that failed, as Helm's `--replace`.
    pub(crate) async fn propose_install(
        &self,
        source: &Source,
        past: &Past,
        replace: bool,
        dry_run: bool,
    ) -> Result<Proposal, Error> {
        validate_name(&self.release).map_err(|e| Error::Invalid(e.to_string()))?;
        let Past { history, left, .. } = past;
        let revision = match history.last().map(|l| &l.release) {
            None => 1,
            Some(last)
                if last.info.status == Status::Uninstalled && (replace || dry_run)
                    || last.info.status == Status::Failed && replace =>
            {
                last.version + 1
            }
            Some(last) if last.info.status == Status::Uninstalled => {
                return Err(Error::Taken {
                    why: format!(
                        "release {:?} was uninstalled in namespace {:?}, and its history is kept (to revision {})",
                        self.release, self.namespace, last.version
                    ),
                    hints: vec![
                        "--replace goes on from its history".into(),
                        format!("nutkin uninstall {} deletes its history", self.release),
                    ],
                });
            }
            // A first install that failed or broke off: the same command may try again.
            Some(last)
                if history.iter().all(|s| match s.release.info.status {
                    Status::Failed | Status::Uninstalled => true,
                    Status::PendingInstall => matches!(left, Left::Open(_)),
                    _ => false,
                }) =>
            {
                last.version + 1
            }
            // One that was killed when all but its last records was done: the same command again is
            // right, and finds nothing to do.
            Some(last)
                if matches!(left, Left::Ended(j) if j.operation == Operation::Install)
                    && last.info.status == Status::Deployed =>
            {
                last.version + 1
            }
            Some(last) => {
                return Err(Error::Taken {
                    why: format!(
                        "release {:?} exists in namespace {:?} (revision {}, {})",
                        self.release, self.namespace, last.version, last.info.status
                    ),
                    hints: vec![
                        format!("nutkin upgrade {} CHART makes a new revision", self.release),
                        format!("nutkin uninstall {} ends it", self.release),
                    ],
                });
            }
        };
        self.propose(source, Operation::Install, revision, None)
            .await
    }
}
