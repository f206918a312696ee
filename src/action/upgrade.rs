//! `upgrade`: a new revision from a chart, with the jobs' state.

use super::deploy::Outcome;
use super::journal::Operation;
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
        let history = self.history().await?;
        let Some(last) = history.last() else {
            if install_missing {
                return self.install(source, dry_run).await;
            }
            return Err(Error::NotFound(format!(
                "release {:?} not found in namespace {:?}; nutkin install makes it",
                self.release, self.namespace
            )));
        };
        if last.release.info.status == Status::Uninstalled {
            if install_missing {
                return self.install(source, dry_run).await;
            }
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
        self.deploy(proposal, history, dry_run).await
    }
}
