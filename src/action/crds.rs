//! The CRDs in the crds/ of charts: made or upgraded before all else, awaited, never deleted.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};

use super::journal::PendingCrds;
use super::prepare::{JobAction, JobPlan, Planned};
use super::target::Target;
use super::{Error, Session};
use crate::cluster::{self, Apply, DryRun, ObjectRef, PARALLEL};
use crate::plan::crds::{Decision, Mode, decide, served};
use crate::plan::diff;
use crate::plan::objects::Change as ObjectAction;
use crate::plan::steps::Seen;
use crate::yaml::Value;

/// Between two looks whether the kinds of new CRDs are served.
const LOOK: Duration = Duration::from_millis(100);

/// What is done about one CRD.
#[derive(Debug, Clone, PartialEq)]
pub struct CrdPlan {
    /// Its reference.
    pub reference: ObjectRef,
    /// As the chart has it.
    pub wanted: Value,
    /// As it is.
    pub live: Option<Value>,
    /// As it will be, where it is made or upgraded.
    pub after: Option<Value>,
    /// What happens to it.
    pub decision: Decision,
}

impl CrdPlan {
    /// Whether it is made or upgraded.
    pub fn changes(&self) -> bool {
        matches!(self.decision, Decision::Create | Decision::Upgrade)
    }

    /// A line for people; `None` where there is nothing to tell.
    pub fn line(&self) -> Option<String> {
        let object = &self.reference;
        match &self.decision {
            Decision::Create => Some(format!("create    {object}")),
            Decision::Upgrade => Some(format!("upgrade   {object}")),
            Decision::Leave(why) => Some(format!("leave     {object}: {why}")),
            Decision::Refuse(why) => Some(format!("refused   {object}: {why}")),
            Decision::Nothing => None,
        }
    }
}

impl PendingCrds {
    /// Those that are made or upgraded; `None` where there are none.
    pub(super) fn of(plans: &[CrdPlan], mode: Mode) -> Option<PendingCrds> {
        let changing: Vec<&CrdPlan> = plans.iter().filter(|p| p.changes()).collect();
        (!changing.is_empty()).then(|| PendingCrds {
            mode,
            names: changing.iter().map(|p| p.reference.name.clone()).collect(),
            definitions: changing.iter().map(|p| p.wanted.clone()).collect(),
        })
    }
}

impl Session<'_> {
    /// Decides about the CRDs of charts. Reads and dry-runs only.
    ///
    /// # Errors
    /// A CRD whose upgrade would lose objects ([`Error::StateAtRisk`]), that the server refuses, or
    /// whose fields another holds.
    pub(crate) async fn plan_crds(&self, target: &Target) -> Result<Vec<CrdPlan>, Error> {
        let each = target.crds.iter();
        let plans: Vec<CrdPlan> = stream::iter(each.map(|crd| self.plan_crd(crd, target.crd_mode)))
            .buffered(PARALLEL)
            .try_collect()
            .await?;
        if let Some((object, why)) = plans.iter().find_map(|p| match &p.decision {
            Decision::Refuse(why) => Some((&p.reference, why)),
            _ => None,
        }) {
            return Err(Error::StateAtRisk {
                why: format!("{object} can't be upgraded: {why}"),
                hints: vec![
                    "write the objects anew in the new version, then take the old one out of status.storedVersions".into(),
                    "--crds create leaves the CRDs that are there as they are".into(),
                ],
            });
        }
        Ok(plans)
    }

    async fn plan_crd(&self, wanted: &Value, mode: Mode) -> Result<CrdPlan, Error> {
        let reference = ObjectRef::of(wanted)?;
        let (live, hidden) = match self.client.find(&reference).await {
            Ok(live) => (live, None),
            // Who may only change a namespace can still upgrade where the kind is served.
            Err(e @ cluster::Error::Forbidden { .. })
                if mode == Mode::Create && self.is_served(wanted).await? =>
            {
                (None, Some(e))
            }
            Err(e) => return Err(e.into()),
        };
        let mut plan = CrdPlan {
            decision: match hidden {
                Some(why) => Decision::Leave(format!("it is there, and can't be looked at: {why}")),
                None => decide(mode, live.as_ref(), wanted),
            },
            reference,
            wanted: wanted.clone(),
            live,
            after: None,
        };
        if plan.changes() {
            let force = self.options.force_conflicts;
            match self
                .client
                .dry_run(wanted, plan.live.as_ref(), force)
                .await?
            {
                DryRun::After(after) => {
                    if let Some(live) = &plan.live
                        && !diff::differs(live, &after)
                    {
                        plan.decision = Decision::Nothing;
                    }
                    plan.after = Some(after);
                }
                DryRun::Recreate { .. } => {
                    return Err(Error::Invalid(format!(
                        "{}: fields that can't be changed would change",
                        plan.reference
                    )));
                }
            }
        }
        Ok(plan)
    }

    /// A CRD of the chart's crds/, which is made or upgraded before all else.
    pub(super) fn seen_crd<'a>(&'a self, crd: &'a CrdPlan) -> Seen<'a> {
        Seen {
            reference: &crd.reference,
            change: match crd.live {
                Some(_) => ObjectAction::Update,
                None => ObjectAction::Create,
            },
            recorded: None,
            live: crd.live.as_ref(),
            wanted: Some(&crd.wanted),
            after: crd.after.as_ref(),
            causes: &[],
            conflicts: &[],
            unverified: None,
            refused: None,
            ends: false,
            release: (&self.release, &self.namespace),
        }
    }

    /// Makes and upgrades CRDs, waits until they are established and their kinds served. Gives
    /// whether there was anything to do.
    ///
    /// # Errors
    /// Those of the requests; a CRD that isn't established in time.
    pub(crate) async fn apply_crds(&self, plans: &[CrdPlan]) -> Result<bool, Error> {
        let changing: Vec<&CrdPlan> = plans.iter().filter(|p| p.changes()).collect();
        if changing.is_empty() {
            return Ok(false);
        }
        self.step(format!(
            "applying {} CRDs: {}",
            changing.len(),
            changing
                .iter()
                .map(|p| p.reference.name.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        ));
        let how = Apply {
            force: self.options.force_conflicts,
            ..Apply::default()
        };
        stream::iter(changing.iter().map(|plan| async move {
            if let Some(live) = &plan.live {
                self.migrate(live).await?;
            }
            self.apply_over(&plan.wanted, plan.live.as_ref(), how)
                .await?;
            Ok::<_, Error>(())
        }))
        .buffer_unordered(PARALLEL)
        .try_collect::<Vec<()>>()
        .await?;
        let references: Vec<ObjectRef> = changing.iter().map(|p| p.reference.clone()).collect();
        self.await_ready(&references).await?;
        let kinds: Vec<(String, String)> = changing
            .iter()
            .flat_map(|p| served(&p.wanted))
            .map(|(version, kind, ..)| (version, kind))
            .collect();
        self.await_served(&kinds).await?;
        Ok(true)
    }

    /// Whether the server serves any of a CRD's versions.
    async fn is_served(&self, crd: &Value) -> Result<bool, Error> {
        for (api_version, kind, ..) in served(crd) {
            match self.client.resource(&api_version, &kind).await {
                Ok(_) => return Ok(true),
                Err(cluster::Error::NoKind { .. }) => {}
                Err(e) => return Err(e.into()),
            }
        }
        Ok(false)
    }

    /// Makes the Namespaces and CRDs of the manifest itself that others of its objects wait for to be
    /// tried, where a job would have to be stopped: all must have been tried before that. Gives
    /// whether there was anything to do.
    ///
    /// # Errors
    /// Those of the requests; a CRD that isn't established in time.
    pub(super) async fn apply_ahead(&self, planned: &Planned) -> Result<bool, Error> {
        let stops = |j: &JobPlan| matches!(j.action, JobAction::Restart(_) | JobAction::End(_));
        if !planned.jobs.iter().any(stops) || planned.objects.iter().all(|o| o.unverified.is_none())
        {
            return Ok(false);
        }
        let (mut references, mut kinds) = (Vec::new(), Vec::new());
        for plan in &planned.objects {
            let Some(wanted) = plan.wanted.as_ref().filter(|_| plan.live.is_none()) else {
                continue;
            };
            match plan.reference.kind.as_str() {
                "Namespace" => {}
                "CustomResourceDefinition" => {
                    kinds.extend(served(wanted).into_iter().map(|(v, k, ..)| (v, k)));
                }
                _ => continue,
            }
            self.step(format!(
                "applying {}, which others wait for",
                plan.reference
            ));
            self.apply_over(wanted, None, Apply::default()).await?;
            references.push(plan.reference.clone());
        }
        self.await_ready(&references).await?;
        self.await_served(&kinds).await?;
        Ok(!references.is_empty())
    }

    /// Waits until kinds are served: a CRD is established a moment before discovery knows it.
    pub(super) async fn await_served(&self, kinds: &[(String, String)]) -> Result<(), Error> {
        let begun = std::time::Instant::now();
        loop {
            self.client.refresh_discovery().await;
            let mut missing = None;
            for (api_version, kind) in kinds {
                match self.client.resource(api_version, kind).await {
                    Ok(_) => {}
                    Err(e @ cluster::Error::NoKind { .. }) => missing = Some(e),
                    Err(e) => return Err(e.into()),
                }
            }
            match missing {
                None => return Ok(()),
                Some(e) if begun.elapsed() > self.options.timeout => return Err(e.into()),
                Some(e) => self.waiting("new kinds to be served", e.to_string()),
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}
