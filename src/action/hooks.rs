//! Hooks: what a chart wants run at an event of its release. One after another, awaited, cleaned up.

mod one;

use super::journal::{Journal, Operation};
use super::objects::is_admitted_with;
use super::target::Target;
use super::{Error, Session};
use crate::cluster::{self, DryRun, ObjectRef};
use crate::flink::manifest;
use crate::plan::hooks::{HookRecord, goes_before, order};
use crate::plan::state::Reached;
use crate::release::{Hook, Stored};
use crate::yaml::{self, Value};

/// A hook that a plan will run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookPlan {
    /// The event.
    pub event: &'static str,
    /// Its weight.
    pub weight: i32,
    /// The object.
    pub reference: ObjectRef,
    /// Why the server can't be asked yet.
    pub unverified: Option<String>,
}

impl HookPlan {
    /// A line for people.
    pub fn line(&self) -> String {
        let unverified = match &self.unverified {
            Some(why) => format!(" (unverified: {why})"),
            None => String::new(),
        };
        format!(
            "hook      {} {} (weight {}){unverified}",
            self.event, self.reference, self.weight
        )
    }
}

/// The events before and after an operation, in Helm's words.
pub(crate) fn events(operation: Operation) -> [&'static str; 2] {
    match operation {
        Operation::Install => ["pre-install", "post-install"],
        Operation::Upgrade => ["pre-upgrade", "post-upgrade"],
        Operation::Rollback => ["pre-rollback", "post-rollback"],
        Operation::Uninstall => ["pre-delete", "post-delete"],
    }
}

/// How the hooks of an event ran.
pub(crate) struct Ran {
    /// Those that succeeded, in their order; their objects are still there.
    pub succeeded: Vec<HookRecord>,
    /// The one that failed, where its object was made, and why.
    pub failed: Option<(Option<HookRecord>, Error)>,
}

impl Session<'_> {
    /// Tries the hooks of events on the server, to which nothing happens.
    ///
    /// # Errors
    /// A hook that the server refuses.
    pub(crate) async fn plan_hooks(
        &self,
        hooks: &[Hook],
        target: &Target,
        of: &[&'static str],
    ) -> Result<Vec<HookPlan>, Error> {
        let mut plans = Vec::new();
        if !self.options.hooks {
            return Ok(plans);
        }
        let others = hooks.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        for event in of {
            for index in order(hooks, event) {
                let Some(hook) = hooks.get(index) else {
                    continue;
                };
                let object = read(hook)?;
                let reference = self.reference(&object, target).await?;
                let unverified = self
                    .try_hook(hook, &object, &reference, target, &others)
                    .await?;
                plans.push(HookPlan {
                    event,
                    weight: hook.weight,
                    reference,
                    unverified,
                });
            }
        }
        Ok(plans)
    }

    async fn try_hook(
        &self,
        hook: &Hook,
        object: &Value,
        reference: &ObjectRef,
        target: &Target,
        others: &[Value],
    ) -> Result<Option<String>, Error> {
        let live = self.client.find(reference).await?;
        let result = match &live {
            Some(_) if goes_before(hook, object) => self.client.dry_run_new(object).await.map(drop),
            live => match self.client.dry_run(object, live.as_ref(), false).await {
                Ok(DryRun::Recreate { causes, .. }) => Err(cluster::Error::Invalid {
                    object: reference.to_string(),
                    message: format!(
                        "fields that can't be changed would change: {}",
                        causes
                            .iter()
                            .map(|c| c.field.as_str())
                            .collect::<Vec<_>>()
                            .join(", ")
                    ),
                    causes,
                }),
                other => other.map(drop),
            },
        };
        let (api_version, kind) = (reference.api_version(), reference.kind.as_str());
        match result {
            Ok(()) => Ok(None),
            Err(cluster::Error::NoNamespace { namespace, .. })
                if self.options.create_namespace && namespace == self.namespace =>
            {
                Ok(Some(format!("the namespace {namespace} is yet to be made")))
            }
            Err(cluster::Error::NoKind { .. }) if target.brings(&api_version, kind).is_some() => {
                Ok(Some(format!("the CRD of {kind} is yet to be made")))
            }
            Err(e @ cluster::Error::Forbidden { .. })
                if is_admitted_with(object, &target.objects)
                    || is_admitted_with(object, others) =>
            {
                Ok(Some(e.to_string()))
            }
            Err(e @ (cluster::Error::Invalid { .. } | cluster::Error::NoKind { .. })) => {
                Err(Error::Invalid(format!("hook {}: {e}", hook.path)))
            }
            Err(e) => Err(e.into()),
        }
    }

    /// Runs the hooks of an event and cleans up after them.
    ///
    /// # Errors
    /// The first hook that fails, or a signal that came meanwhile; hooks after it don't run.
    pub(crate) async fn run_hooks(
        &self,
        event: &'static str,
        stored: &mut Stored,
        journal: &mut Journal,
    ) -> Result<(), Error> {
        if !self.options.hooks {
            return Ok(());
        }
        let ran = self
            .execute_hooks(event, |_| true, stored, Some(journal))
            .await?;
        self.clean_hooks(ran).await
    }

    /// Runs the hooks of an event that a filter lets through; their objects stay for now.
    ///
    /// # Errors
    /// Those of the records; a hook's own failure is part of what is returned.
    pub(crate) async fn execute_hooks(
        &self,
        event: &'static str,
        takes: impl Fn(&Hook) -> bool,
        stored: &mut Stored,
        mut journal: Option<&mut Journal>,
    ) -> Result<Ran, Error> {
        let mut ran = Ran {
            succeeded: Vec::new(),
            failed: None,
        };
        for index in order(&stored.release.hooks, event) {
            let Some(hook) = stored.release.hooks.get(index).filter(|h| takes(h)) else {
                continue;
            };
            let hook = hook.clone();
            if !self.is_unstoppable(journal.as_deref())
                && let Err(e) = self.signals.check()
            {
                ran.failed = Some((None, e));
                break;
            }
            let (record, outcome) = self
                .run_hook(event, &hook, index, stored, journal.as_deref_mut())
                .await?;
            match outcome {
                Ok(()) => ran.succeeded.extend(record),
                Err(e) => {
                    ran.failed = Some((record, e));
                    break;
                }
            }
        }
        Ok(ran)
    }

    /// Deletes what hooks left, as their policies say; gives back the failure.
    pub(crate) async fn clean_hooks(&self, ran: Ran) -> Result<(), Error> {
        if let Some((Some(record), _)) = &ran.failed {
            self.clean_hook(record, false).await;
        }
        for record in ran.succeeded.iter().rev() {
            self.clean_hook(record, true).await;
        }
        match ran.failed {
            Some((_, error)) => Err(error),
            None => Ok(()),
        }
    }

    /// Deletes a hook's object where its policy says so. What can't be deleted is told, and fails
    /// nothing: the work is done.
    async fn clean_hook(&self, record: &HookRecord, succeeded: bool) {
        if record.goes_after(succeeded)
            && let Err(e) = self.delete_hook(record).await
        {
            self.warn(format!("{} stays behind: {e}", record.reference()));
        }
    }

    /// Ends and cleans what a run that broke off left of its hooks: those that won't run again under
    /// the same name. One that still runs is awaited first, for two at once may harm.
    pub(crate) async fn settle_hooks(
        &self,
        stored: &Stored,
        journal: &mut Journal,
        of: &[&'static str],
    ) -> Result<(), Error> {
        if journal.hooks.is_empty() {
            return Ok(());
        }
        let mut coming = Vec::new();
        if self.options.hooks {
            for event in of {
                for index in order(&stored.release.hooks, event) {
                    if let Some(hook) = stored.release.hooks.get(index) {
                        coming.push((*event, hook.kind.clone(), hook.name.clone()));
                    }
                }
            }
        }
        let (stay, gone): (Vec<HookRecord>, Vec<HookRecord>) = std::mem::take(&mut journal.hooks)
            .into_iter()
            .partition(|r| {
                coming
                    .iter()
                    .any(|(e, kind, name)| *e == r.event && *kind == r.kind && *name == r.name)
            });
        for record in &gone {
            self.settle_hook(record).await?;
        }
        journal.hooks = stay;
        self.save_journal(journal).await
    }

    /// Whether signals wait: while a job is stopped, what brings it back is finished first.
    fn is_unstoppable(&self, journal: Option<&Journal>) -> bool {
        journal.is_some_and(|j| {
            j.jobs.iter().any(|job| {
                job.reached >= Some(Reached::Saved) && job.reached < Some(Reached::Applied)
            })
        })
    }
}

/// The object of a hook.
pub(crate) fn read(hook: &Hook) -> Result<Value, Error> {
    let object = yaml::parse(&hook.manifest)
        .map_err(|e| Error::Invalid(format!("hook {} can't be read: {e}", hook.path)))?;
    if manifest::name(&object).is_empty() {
        return Err(Error::Invalid(format!(
            "hook {} ({}) has no metadata.name",
            hook.path, hook.kind
        )));
    }
    Ok(object)
}
