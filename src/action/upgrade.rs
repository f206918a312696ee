//! `upgrade`: a new revision from a chart, with the jobs' state.

use super::deploy::{Outcome, Proposal};
use super::journal::Operation;
use super::outline::is_ended;
use super::proposal::Source;
use super::{Error, Session};
use crate::chart::Chart;
use crate::release::{Status, Stored};
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
        if install_missing && !dry_run && is_ended(&self.history().await?) {
            return self.install_over(source, true, dry_run).await;
        }
        let (proposal, history) = self.propose_upgrade(source, reuse, install_missing).await?;
        self.deploy(proposal, history, dry_run).await
    }

    /// The new revision, and the history that it follows.
    pub(crate) async fn propose_upgrade(
        &self,
        source: &Source,
        reuse: Reuse,
        install_missing: bool,
    ) -> Result<(Proposal, Vec<Stored>), Error> {
        let history = self.history().await?;
        if install_missing && is_ended(&history) {
            return self.propose_install(source, true, true).await;
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
        let proposal = self
            .propose(
                &source,
                Operation::Upgrade,
                last.release.version + 1,
                Some(&current.release),
            )
            .await?;
        Ok((proposal, history))
    }
}
