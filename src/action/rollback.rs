//! `rollback`: a new revision from an older one, with the jobs' newest state.

use super::deploy::{Outcome, Proposal};
use super::journal::Operation;
use super::proposal::compare_records;
use super::target::Target;
use super::{Error, Session};
use crate::release::{Status, Stored, Time};

impl Session<'_> {
    /// Rolls the release back to a revision; 0 is the one before the current.
    pub async fn rollback(&self, revision: u32, dry_run: bool) -> Result<Outcome, Error> {
        let past = self.past().await?;
        let proposal = self.propose_rollback(revision, &past.history)?;
        self.deploy(proposal, past, None, dry_run).await
    }

    /// The new revision, after a history.
    pub(crate) fn propose_rollback(
        &self,
        revision: u32,
        history: &[Stored],
    ) -> Result<Proposal, Error> {
        let Some(last) = history.last() else {
            return Err(Error::NotFound(format!(
                "release {:?} not found in namespace {:?}",
                self.release, self.namespace
            )));
        };
        let wanted = if revision > 0 {
            revision
        } else {
            let current = current(history, last);
            // As Helm: the one before; of those that were deployed, for a failed one never ran well.
            history
                .iter()
                .rev()
                .map(|s| &s.release)
                .find(|r| {
                    r.version < current.release.version && r.info.status == Status::Superseded
                })
                .map_or_else(|| current.release.version.saturating_sub(1), |r| r.version)
        };
        let Some(to) = history.iter().find(|s| s.release.version == wanted) else {
            let known: Vec<String> = history
                .iter()
                .map(|s| s.release.version.to_string())
                .collect();
            return Err(Error::NotFound(format!(
                "release {:?} has no revision {wanted} (it has {})",
                self.release,
                known.join(", ")
            )));
        };
        let (values, secrets) = compare_records(&current(history, last).release, &to.release);
        self.report.hide(&secrets);
        let mut record = to.release.clone();
        let target = Target::of_manifest(&record.manifest, &self.namespace)?;
        record.manifest.clone_from(&target.manifest);
        record.version = last.release.version + 1;
        record.info.rollback_revision = wanted;
        record.info.last_deployed = Some(Time::now());
        record.info.description = format!("Rollback to {wanted}");
        record.apply_method = crate::release::SERVER_SIDE.to_owned();
        Ok(Proposal {
            operation: Operation::Rollback,
            record,
            target,
            always: true,
            values,
            secrets,
            approved: None,
            from: self.options.origin.clone(),
        })
    }
}

/// The revision that is deployed; where there is none, the last.
fn current<'a>(history: &'a [Stored], last: &'a Stored) -> &'a Stored {
    history
        .iter()
        .rev()
        .find(|s| s.release.info.status == Status::Deployed)
        .unwrap_or(last)
}
