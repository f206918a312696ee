//! `upgrade`: a new revision from a chart, with the jobs' state.

use super::deploy::Outcome;
use super::journal::Operation;
use super::proposal::Source;
use super::{Error, Session};
use crate::release::Status;
use crate::values::UserValues;
use crate::yaml::{Map, Value};

impl Session<'_> {
    /// Upgrades the release to a chart; `install_missing` installs where there is none.
    pub async fn upgrade(
        &self,
        source: &Source,
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
        // As Helm: an upgrade without any values keeps those of the current revision.
        if source.values.value.as_object().is_none_or(Map::is_empty)
            && !current.release.config.is_empty()
        {
            let name = format!("revision {}", current.release.version);
            source.values =
                UserValues::from_value(&name, Value::Object(current.release.config.clone()));
        }
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
