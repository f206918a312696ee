//! `install`: the first revision of a release.

use super::deploy::Outcome;
use super::journal::Operation;
use super::proposal::Source;
use super::{Error, Session};
use crate::release::{Status, validate_name};

impl Session<'_> {
    /// Installs a chart as the release.
    pub async fn install(&self, source: &Source, dry_run: bool) -> Result<Outcome, Error> {
        validate_name(&self.release).map_err(|e| Error::Invalid(e.to_string()))?;
        if !dry_run {
            self.ensure_namespace().await?;
        }
        let history = self.history().await?;
        let revision = match history.last().map(|l| &l.release) {
            None => 1,
            Some(last) if last.info.status == Status::Uninstalled => last.version + 1,
            // A first install that broke off: finished by the same command.
            Some(last)
                if history.iter().all(|s| {
                    matches!(
                        s.release.info.status,
                        Status::Failed | Status::PendingInstall | Status::Uninstalled
                    )
                }) && self.journal().await?.is_some() =>
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
        let proposal = self
            .propose(source, Operation::Install, revision, None)
            .await?;
        self.deploy(proposal, history, dry_run).await
    }
}
