//! `rollback`: a new revision from an older one, with the jobs' newest state.

use super::deploy::{Outcome, Proposal};
use super::interrupted::Past;
use super::journal::Operation;
use super::proposal::compare_records;
use super::target::Target;
use super::{Error, Session};
use crate::release::{Status, Stored, Time};

impl Session<'_> {
    /// Rolls the release back to a revision; 0 is the one before the current.
    pub async fn rollback(&self, revision: u32, dry_run: bool) -> Result<Outcome, Error> {
        let past = self.past().await?;
        let proposal = self.propose_rollback(revision, &past).await?;
        self.deploy(proposal, past, None, dry_run).await
    }

    /// The new revision, after what is past.
    pub(crate) async fn propose_rollback(
        &self,
        revision: u32,
        past: &Past,
    ) -> Result<Proposal, Error> {
        let history = &past.history;
        let Some(last) = history.last() else {
            return Err(Error::NotFound(format!(
                "release {:?} not found in namespace {:?}",
                self.release, self.namespace
            )));
        };
        let known = past.revisions();
        let wanted = if revision > 0 {
            revision
        } else {
            let current = current(history, last).release.version;
            // As Helm: the one before; of those that were deployed, for a failed one never ran well.
            known
                .iter()
                .rev()
                .find(|r| r.version < current && r.status == Status::Superseded)
                .map_or_else(|| current.saturating_sub(1), |r| r.version)
        };
        if !known.iter().any(|r| r.version == wanted) {
            let known: Vec<String> = known.iter().map(|r| r.version.to_string()).collect();
            return Err(Error::NotFound(format!(
                "release {:?} has no revision {wanted} (it has {})",
                self.release,
                known.join(", ")
            )));
        }
        let to = match history.iter().find(|s| s.release.version == wanted) {
            Some(to) => to.clone(),
            None => self.store().get(&self.release, wanted).await?,
        };
        let (values, secrets) = compare_records(&current(history, last).release, &to.release);
        self.report.hide(&secrets);
        let mut record = to.release;
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
