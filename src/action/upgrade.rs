//! `upgrade`: a new revision from a chart, with the jobs' state.

use super::deploy::{Outcome, Proposal};
use super::interrupted::Past;
use super::journal::Operation;
use super::outline::is_ended;
use super::proposal::Source;
use super::{Error, Session};
use crate::chart::Chart;
use crate::release::Status;
use crate::values::{Older, Reuse, reuse_values};
use crate::yaml::Value;

impl Session<'_> {
    /// Upgrades the release to a chart; `install_missing` installs where there is none.
    pub async fn upgrade(
        &self,
        source: &Source,
        reuse: Reuse,
        install_missing: bool,
        dry_run: bool,
    ) -> Result<Outcome, Error> {
        let (past, ahead, proposal) = self
            .propose_after(async |past| {
                self.propose_upgrade(source, past, reuse, install_missing)
                    .await
            })
            .await?;
        self.deploy(proposal, past, ahead, dry_run).await
    }

    /// The new revision, after what is past.
    pub(crate) async fn propose_upgrade(
        &self,
        source: &Source,
        past: &Past,
        reuse: Reuse,
        install_missing: bool,
    ) -> Result<Proposal, Error> {
        let history = &past.history;
        if install_missing && is_ended(history) {
            return self.propose_install(source, past, true, true).await;
        }
        let Some(last) = history.last() else {
            return Err(Error::NotFound(format!(
                "release {:?} not found in namespace {:?}; nutkin install makes it",
                self.release, self.namespace
            )));
        };
        if last.release.info.status == Status::Uninstalled {
            return Err(Error::NotFound(format!(
                "release {:?} was uninstalled; nutkin install makes it anew",
                self.release
            )));
        }
        let current = history
            .iter()
            .rev()
            .find(|s| s.release.info.status == Status::Deployed)
            .unwrap_or(last);
        let mut source = source.clone();
        let older = &current.release;
        let old_chart = Chart {
            metadata: older.chart.metadata.clone(),
            values: older.chart.values.clone(),
            ..Chart::default()
        };
        source.values = reuse_values(
            reuse,
            Older {
                config: &Value::Object(older.config.clone()),
                chart: &old_chart,
                name: &format!("revision {}", older.version),
            },
            source.values,
            &mut source.chart,
        )
        .map_err(|e| Error::Invalid(e.to_string()))?;
        self.propose(
            &source,
            Operation::Upgrade,
            last.release.version + 1,
            Some(&current.release),
        )
        .await
    }
}
