//! Drift: how the live objects differ from the deployed revision's record, and bringing them back.

use serde::Serialize;

use super::deploy::{Outcome, Proposal};
use super::journal::Operation;
use super::outline::{Aim, Intent};
use super::proposal::recorded_secrets;
use super::target::Target;
use super::{Error, Look, Session};
use crate::cluster::{Lists, ObjectRef};
use crate::plan::Plan;
use crate::plan::drift::sort;
use crate::release::{Status, Time};

/// How a release has drifted.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// The revision that is deployed.
    pub revision: u32,
    /// Whether something has drifted.
    pub drifted: bool,
    /// What bringing it back would do.
    pub plan: Plan,
    /// The fields that differ and are left to the controllers that hold them.
    pub left: Vec<Left>,
}

/// A field that is left to its controller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Left {
    /// The object.
    pub object: String,
    /// The field.
    pub field: String,
    /// The controller.
    pub manager: String,
}

impl Session<'_> {
    /// Compares the live objects with the deployed revision's record. `ignored` are managers whose
    /// changes don't count.
    ///
    /// # Errors
    /// [`Error::NotFound`] where nothing is deployed, and those of a plan; also when bringing back
    /// could not be done.
    pub async fn drift(&mut self, ignored: &[String], look: Look) -> Result<Drift, Error> {
        let (intent, revision, left) = self.sort_drift(ignored).await?;
        let outline = self.outline_intent(intent, look).await?;
        let plan = outline.plan;
        Ok(Drift {
            revision,
            drifted: plan.changes_objects() || plan.totals.refused > 0,
            plan,
            left,
        })
    }

    /// Brings drifted objects back to what the deployed revision's record says, as a new revision.
    pub async fn fix_drift(&mut self, ignored: &[String]) -> Result<Outcome, Error> {
        let (intent, revision, _) = self.sort_drift(ignored).await?;
        let Aim::Revision { record, .. } = intent.aim else {
            return Err(Error::Failed("drift of an end".into()));
        };
        self.options
            .description
            .get_or_insert_with(|| format!("Drift from revision {revision} corrected"));
        let proposal = Proposal {
            operation: Operation::Upgrade,
            record: *record,
            target: intent.target,
            always: false,
            values: Vec::new(),
            secrets: intent.secrets,
            approved: None,
            from: self.options.origin.clone(),
        };
        self.deploy(proposal, intent.past, None, false).await
    }

    /// The deployed revision as what is wanted, without the fields that are left to controllers; whose
    /// changes are taken back is set in the options.
    async fn sort_drift(&mut self, ignored: &[String]) -> Result<(Intent, u32, Vec<Left>), Error> {
        let past = self.to_end(self.past().await?)?;
        let history = &past.history;
        let (Some(deployed), Some(last)) = (
            history
                .iter()
                .rev()
                .find(|s| s.release.info.status == Status::Deployed),
            history.last(),
        ) else {
            return Err(Error::NotFound(format!(
                "no revision of release {:?} is deployed: there is nothing to compare with",
                self.release
            )));
        };
        let revision = deployed.release.version;
        let mut record = deployed.release.clone();
        record.version = last.release.version + 1;
        record.info.last_deployed = Some(Time::now());
        let mut target = Target::of_manifest(&record.manifest, &self.namespace)?;
        let mut references: Vec<ObjectRef> = Vec::new();
        for object in &target.objects {
            let mut reference = ObjectRef::of(object)?;
            reference
                .namespace
                .get_or_insert_with(|| self.namespace.clone());
            references.push(reference);
        }
        let live = self.client.find_all(&references, Lists::default()).await?;
        let (mut left, mut changed_by) = (Vec::new(), Vec::new());
        for ((object, live), reference) in target.objects.iter_mut().zip(&live).zip(&references) {
            let Some(live) = live else { continue };
            let sorted = sort(object, live, ignored);
            *object = sorted.wanted;
            left.extend(sorted.left.into_iter().map(|l| Left {
                object: reference.to_string(),
                field: l.field,
                manager: l.manager,
            }));
            changed_by.extend(sorted.changed_by);
        }
        changed_by.sort();
        changed_by.dedup();
        self.options.take_over = changed_by;
        let secrets = recorded_secrets(&record);
        let intent = Intent {
            aim: Aim::Revision {
                operation: Operation::Upgrade,
                record: Box::new(record),
                always: false,
            },
            past,
            target,
            values: Vec::new(),
            secrets,
        };
        Ok((intent, revision, left))
    }
}
