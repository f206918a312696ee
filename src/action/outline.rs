//! The plan of an operation as a value, before anything is done: for people, programs and plan files.

use serde::{Deserialize, Serialize};

use super::crds::CrdPlan;
use super::deploy::{Proposal, live_objects, same_release};
use super::hooks::events;
use super::journal::Operation;
use super::prepare::{Change, JobAction, JobPlan, ObjectPlan, Planned, pairs};
use super::proposal::{Source, compare_records, recorded_secrets};
use super::target::Target;
use super::{Error, Session};
use crate::cluster::ObjectRef;
use crate::flink::workload::{Workload, recognise};
use crate::plan::hidden::Hidden;
use crate::plan::jobs::{pair_workloads, state_words};
use crate::plan::objects::{Change as ObjectAction, Pair, restart_reasons, scalings};
use crate::plan::state::Source as From;
use crate::plan::steps::{
    HookStep, JobChange, JobStep, ObjectStep, Plan, Seen, Showing, object_step,
};
use crate::plan::values::ValueChange;
use crate::release::{Hook, Release, Status, Stored};
use crate::values::Reuse;
use crate::yaml::Value;

/// What is asked for.
#[derive(Debug, Clone)]
pub enum Request {
    /// A first revision.
    Install(Box<Source>),
    /// A new revision from a chart.
    Upgrade {
        /// The chart and its values.
        source: Box<Source>,
        /// What becomes of the old values.
        reuse: Reuse,
        /// Whether a missing release is installed.
        install_missing: bool,
    },
    /// An older revision again; 0 is the one before.
    Rollback(u32),
    /// The end of the release.
    Uninstall {
        /// Whether its records stay.
        keep_history: bool,
    },
}

/// How a plan is to be looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Look {
    /// Whether live objects and jobs are left out: the last revision stands for them.
    pub offline: bool,
    /// How many lines around a change are shown.
    pub context: usize,
}

/// What is to be done, as far as it can be said without a look at the cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Aim {
    /// A revision.
    Revision {
        /// The operation.
        operation: Operation,
        /// The record as it will be.
        record: Box<Release>,
        /// Whether a revision is made even if nothing changes.
        always: bool,
    },
    /// The end of the release.
    End {
        /// Whether its records stay.
        keep_history: bool,
    },
}

/// A request that was looked into: what it aims at, what it starts from, and the values behind it.
pub(crate) struct Intent {
    pub aim: Aim,
    pub history: Vec<Stored>,
    pub target: Target,
    pub values: Vec<ValueChange>,
    /// The texts of values that are secret.
    pub secrets: Vec<String>,
}

/// A plan, and why it can't be carried out.
pub struct Outline {
    /// The plan.
    pub plan: Plan,
    /// Why it can't be carried out.
    pub refusal: Option<Error>,
    pub(crate) intent: Intent,
    pub(crate) crds: Vec<CrdPlan>,
    pub(crate) planned: Planned,
}

impl Intent {
    pub(crate) fn of_proposal(proposal: Proposal, history: Vec<Stored>) -> Intent {
        Intent {
            aim: Aim::Revision {
                operation: proposal.operation,
                record: Box::new(proposal.record),
                always: proposal.always,
            },
            history,
            target: proposal.target,
            values: proposal.values,
            secrets: proposal.secrets,
        }
    }

    /// The operation.
    pub(crate) fn operation(&self) -> Operation {
        match &self.aim {
            Aim::Revision { operation, .. } => *operation,
            Aim::End { .. } => Operation::Uninstall,
        }
    }

    fn record(&self) -> Option<&Release> {
        match &self.aim {
            Aim::Revision { record, .. } => Some(record),
            Aim::End { .. } => self.history.last().map(|l| &l.release),
        }
    }
}

impl Session<'_> {
    /// Looks into a request: renders, reads the history; changes nothing.
    pub(crate) async fn intend(&self, request: &Request) -> Result<Intent, Error> {
        let (proposal, history) = match request {
            Request::Install(source) => {
                self.propose_install(source, self.options.replace, true)
                    .await?
            }
            Request::Upgrade {
                source,
                reuse,
                install_missing,
            } => {
                self.propose_upgrade(source, *reuse, *install_missing)
                    .await?
            }
            Request::Rollback(revision) => self.propose_rollback(*revision).await?,
            Request::Uninstall { keep_history } => {
                let history = self.history_to_end().await?;
                let secrets = history
                    .iter()
                    .flat_map(|s| recorded_secrets(&s.release))
                    .collect();
                return Ok(Intent {
                    aim: Aim::End {
                        keep_history: *keep_history,
                    },
                    history,
                    target: Target::default(),
                    values: Vec::new(),
                    secrets,
                });
            }
        };
        Ok(Intent::of_proposal(proposal, history))
    }

    /// The plan of a request. Reads and dry-runs only.
    ///
    /// # Errors
    /// When the request itself is wrong, or the cluster can't be asked; what can't be done is a part
    /// of the plan.
    pub async fn outline(&self, request: &Request, look: Look) -> Result<Outline, Error> {
        let intent = self.intend(request).await?;
        if look.offline {
            return self.outline_offline(intent, look);
        }
        self.outline_intent(intent, look).await
    }

    /// The plan of what is intended.
    pub(crate) async fn outline_intent(
        &self,
        intent: Intent,
        look: Look,
    ) -> Result<Outline, Error> {
        let interrupted = self.left(&mut intent.history.clone(), true).await?.open();
        self.check_pending(&intent.history, interrupted.as_ref())?;
        let is_interrupted = interrupted.is_some();
        let change = Change {
            prior: live_objects(&intent.history, &self.namespace)?,
            target: intent.target.clone(),
            interrupted,
            going_back: false,
            ask_all: true,
        };
        let mut planned = self.look_ahead(&change).await?;
        let hidden = Hidden::new(intent.secrets.iter().cloned());
        let showing = Showing {
            hidden: &hidden,
            values: &intent.values,
            context: look.context,
        };
        let ends = intent.operation() == Operation::Uninstall;
        let mut plan = self.frame(&intent);
        let texts: Vec<Option<String>> = planned
            .objects
            .iter()
            .map(|o| o.refusal.as_ref().map(ToString::to_string))
            .collect();
        plan.objects = planned
            .objects
            .iter()
            .zip(&texts)
            .map(|(o, refused)| object_step(&self.seen(o, refused.as_deref(), ends), &showing))
            .collect();
        let (crds, crd_refusal) = match self.plan_crds(&intent.target.crds).await {
            Ok(crds) => (crds, None),
            Err(e) => (Vec::new(), Some(e)),
        };
        let steps = crds
            .iter()
            .filter(|c| c.changes())
            .map(|c| object_step(&self.seen_crd(c), &showing));
        plan.objects.splice(0..0, steps);
        plan.jobs = planned
            .jobs
            .iter()
            .map(|j| self.job_step(j, &planned.objects, &hidden))
            .collect();
        plan.makes_revision = match &intent.aim {
            Aim::End { .. } => false,
            Aim::Revision { record, always, .. } => {
                *always
                    || is_interrupted
                    || !planned.is_empty()
                    || crds.iter().any(CrdPlan::changes)
                    || intent
                        .history
                        .last()
                        .is_none_or(|last| !same_release(&last.release, record))
            }
        };
        if !self.options.hooks {
            plan.hooks.clear();
        }
        if !plan.makes_revision && !ends {
            plan.revision = plan.from_revision;
            plan.hooks.clear();
        }
        plan.count();
        let mut refusal = crd_refusal.or_else(|| planned.take_refusal());
        if refusal.is_none() {
            refusal = self.check_rest(&intent, &planned).await.err();
        }
        Ok(Outline {
            plan,
            refusal,
            intent,
            crds,
            planned,
        })
    }

    /// What else must be right: the order of the objects, and the hooks.
    async fn check_rest(&self, intent: &Intent, planned: &Planned) -> Result<(), Error> {
        self.waves(&planned.objects)?;
        if let Some(record) = intent.record() {
            let of = events(intent.operation());
            self.plan_hooks(&record.hooks, &intent.target, &of).await?;
        }
        Ok(())
    }

    /// The plan's head, objects and jobs yet to come.
    fn frame(&self, intent: &Intent) -> Plan {
        let operation = intent.operation();
        let last = intent.history.last().map_or(0, |l| l.release.version);
        let record = intent.record();
        Plan {
            operation: operation.word().to_owned(),
            release: self.release.clone(),
            namespace: self.namespace.clone(),
            from_revision: last,
            revision: record.map_or(last, |r| r.version),
            hooks: record.map_or_else(Vec::new, |r| hooks(&r.hooks, operation)),
            values: intent.values.clone(),
            ..Plan::default()
        }
    }

    pub(crate) fn seen<'a>(
        &'a self,
        object: &'a ObjectPlan,
        refused: Option<&'a str>,
        ends: bool,
    ) -> Seen<'a> {
        Seen {
            reference: &object.reference,
            change: object.action,
            recorded: object.recorded.as_ref(),
            live: object.live.as_ref(),
            wanted: object.wanted.as_ref(),
            after: object.dry_run.as_ref(),
            causes: &object.causes,
            conflicts: &object.conflicts,
            unverified: object.unverified.as_deref(),
            refused,
            ends,
            release: (&self.release, &self.namespace),
        }
    }

    pub(crate) fn job_step(
        &self,
        job: &JobPlan,
        objects: &[ObjectPlan],
        hidden: &Hidden,
    ) -> JobStep {
        let facts = &job.found.facts;
        let mut reasons = job.reasons.clone();
        let mut state = None;
        let folder = job.folder.as_deref();
        let change = match &job.action {
            JobAction::Untouched => {
                let scalings = match &job.old {
                    Some(old) => scalings(old, &pairs(objects), &self.namespace),
                    None => Vec::new(),
                };
                if scalings.is_empty() {
                    JobChange::Untouched
                } else {
                    reasons.extend(scalings);
                    JobChange::Rescaled
                }
            }
            JobAction::Observe => JobChange::Watched,
            JobAction::Restart(source) => {
                state = Some(state_words(source, folder, false));
                match source {
                    _ if !facts.exists => JobChange::Started,
                    From::Stop { .. } | From::Resume => JobChange::RestartedWithSavepoint,
                    From::Newest {
                        try_stop: Some(_), ..
                    } => JobChange::RestartedWithSavepoint,
                    _ => JobChange::Restarted,
                }
            }
            JobAction::End(source) => {
                state = Some(state_words(source, folder, true));
                JobChange::Stopped
            }
            JobAction::Refused(error) => {
                reasons.push(hidden.text(&error.to_string()));
                JobChange::Refused
            }
        };
        let jobs = facts.jobs.iter().flatten();
        JobStep {
            job_ids: jobs
                .filter(|j| !is_over(&j.state))
                .map(|j| j.id.clone())
                .collect(),
            reasons,
            state,
            ..step_of(job.new.as_ref().or(job.old.as_ref()), change)
        }
    }

    /// The plan of what is intended, against the records alone.
    fn outline_offline(&self, intent: Intent, look: Look) -> Result<Outline, Error> {
        let hidden = Hidden::new(intent.secrets.iter().cloned());
        let showing = Showing {
            hidden: &hidden,
            values: &intent.values,
            context: look.context,
        };
        let prior = live_objects(&intent.history, &self.namespace)?;
        let mut plan = self.frame(&intent);
        plan.offline = true;
        let compared = compare_manifests(
            &prior,
            &intent.target.objects,
            (&self.release, &self.namespace),
            &showing,
            intent.operation() == Operation::Uninstall,
        )?;
        plan.objects = compared.0;
        plan.jobs = compared.1;
        plan.makes_revision = matches!(intent.aim, Aim::Revision { .. });
        plan.count();
        if let Aim::Revision { record, always, .. } = &intent.aim {
            plan.makes_revision = *always
                || plan.changes_objects()
                || intent
                    .history
                    .last()
                    .is_none_or(|last| !same_release(&last.release, record));
        }
        Ok(Outline {
            plan,
            refusal: None,
            intent,
            crds: Vec::new(),
            planned: Planned {
                objects: Vec::new(),
                jobs: Vec::new(),
            },
        })
    }
}

impl Session<'_> {
    /// What differs from one recorded revision to another, of this namespace's releases; `None` is the
    /// last revision.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is no such release or revision.
    pub async fn compare_recorded(
        &self,
        from: (&str, Option<u32>),
        to: (&str, Option<u32>),
        look: Look,
    ) -> Result<Plan, Error> {
        let (before, after) = (self.recorded(from).await?, self.recorded(to).await?);
        let (values, secrets) = compare_records(&before, &after);
        let hidden = Hidden::new(secrets);
        let showing = Showing {
            hidden: &hidden,
            values: &values,
            context: look.context,
        };
        let objects = |release: &Release| -> Result<Vec<Value>, Error> {
            Ok(Target::of_manifest(&release.manifest, &self.namespace)?.objects)
        };
        let (objects, jobs) = compare_manifests(
            &objects(&before)?,
            &objects(&after)?,
            (to.0, &self.namespace),
            &showing,
            false,
        )?;
        let mut plan = Plan {
            operation: "diff".to_owned(),
            release: to.0.to_owned(),
            namespace: self.namespace.clone(),
            from_revision: before.version,
            revision: after.version,
            offline: true,
            objects,
            jobs,
            values,
            ..Plan::default()
        };
        plan.count();
        Ok(plan)
    }

    async fn recorded(&self, (name, revision): (&str, Option<u32>)) -> Result<Release, Error> {
        let mut history = self.store().history(name).await?;
        let Some(wanted) = revision.or(history.last().map(|l| l.release.version)) else {
            return Err(Error::NotFound(format!("release {name:?} not found")));
        };
        match history.iter().position(|s| s.release.version == wanted) {
            Some(at) => Ok(history.swap_remove(at).release),
            None => Err(Error::NotFound(format!(
                "release {name:?} has no revision {wanted}; nutkin history {name} lists them"
            ))),
        }
    }
}

/// Compares two manifests' objects: the steps from one to the other, as far as they tell.
pub(crate) fn compare_manifests(
    before: &[Value],
    after: &[Value],
    release: (&str, &str),
    showing: &Showing<'_>,
    ends: bool,
) -> Result<(Vec<ObjectStep>, Vec<JobStep>), Error> {
    let namespace = release.1;
    let reference = |object: &Value| -> Result<ObjectRef, Error> {
        let mut reference = ObjectRef::of(object)?;
        reference
            .namespace
            .get_or_insert_with(|| namespace.to_owned());
        Ok(reference)
    };
    let mut all: Vec<(ObjectRef, Option<&Value>, Option<&Value>)> = Vec::new();
    for object in after {
        all.push((reference(object)?, None, Some(object)));
    }
    for object in before {
        let reference = reference(object)?;
        match all.iter_mut().find(|(r, ..)| r.key() == reference.key()) {
            Some((_, before, _)) => {
                before.get_or_insert(object);
            }
            None => all.push((reference, Some(object), None)),
        }
    }
    let objects = all
        .iter()
        .map(|(reference, before, after)| {
            let change = match (before, after) {
                (None, _) => ObjectAction::Create,
                (Some(before), Some(after)) => crate::plan::objects::compare(Some(before), after),
                (Some(before), None) => {
                    crate::plan::objects::unwanted(Some(before), release.0, namespace)
                }
            };
            let seen = Seen {
                reference,
                change,
                recorded: None,
                live: *before,
                wanted: *after,
                after: *after,
                causes: &[],
                conflicts: &[],
                unverified: None,
                refused: None,
                ends,
                release,
            };
            object_step(&seen, showing)
        })
        .collect();
    let (old, new) = (recognise(before, namespace), recognise(after, namespace));
    let pairs: Vec<Pair<'_>> = all
        .iter()
        .map(|(_, live, wanted)| Pair {
            live: *live,
            wanted: *wanted,
            recreated: false,
        })
        .collect();
    let jobs = pair_workloads(&old, &new)
        .into_iter()
        .map(|(old, new)| {
            let (change, reasons) = match (old, new) {
                (None, _) => (JobChange::Started, vec!["it is new".to_owned()]),
                (Some(_), None) => (
                    JobChange::Stopped,
                    vec!["it leaves the manifest".to_owned()],
                ),
                (Some(old), Some(_)) => {
                    let restarts = restart_reasons(old, &pairs, namespace);
                    let scales = scalings(old, &pairs, namespace);
                    if !restarts.is_empty() {
                        (JobChange::RestartedWithSavepoint, restarts)
                    } else if scales.is_empty() {
                        (JobChange::Untouched, Vec::new())
                    } else {
                        (JobChange::Rescaled, scales)
                    }
                }
            };
            JobStep {
                reasons,
                ..step_of(new.or(old), change)
            }
        })
        .collect();
    Ok((objects, jobs))
}

fn step_of(workload: Option<&Workload>, change: JobChange) -> JobStep {
    JobStep {
        workload: workload.map_or_else(String::new, |w| w.name.clone()),
        namespace: workload.map_or_else(String::new, |w| w.namespace.clone()),
        mode: workload.map_or_else(String::new, |w| w.mode.words().to_owned()),
        change,
        reasons: Vec::new(),
        state: None,
        job_ids: Vec::new(),
    }
}

/// Whether a job of this state has ended.
pub(crate) fn is_over(state: &str) -> bool {
    matches!(state, "FINISHED" | "CANCELED" | "FAILED")
}

/// The hooks that an operation runs, in the order of their events.
fn hooks(hooks: &[Hook], operation: Operation) -> Vec<HookStep> {
    let event = match operation {
        Operation::Install => "install",
        Operation::Upgrade => "upgrade",
        Operation::Rollback => "rollback",
        Operation::Uninstall => "delete",
    };
    let mut steps = Vec::new();
    for when in ["pre", "post"] {
        let event = format!("{when}-{event}");
        let mut of_event: Vec<&Hook> = hooks.iter().filter(|h| h.events.contains(&event)).collect();
        of_event.sort_by(|a, b| (a.weight, &a.name).cmp(&(b.weight, &b.name)));
        steps.extend(of_event.into_iter().map(|h| HookStep {
            event: event.clone(),
            kind: h.kind.clone(),
            name: h.name.clone(),
        }));
    }
    steps
}

/// Whether a history ended with an uninstall.
pub(crate) fn is_ended(history: &[Stored]) -> bool {
    history
        .last()
        .is_none_or(|l| l.release.info.status == Status::Uninstalled)
}
