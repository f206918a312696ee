//! The plan of an operation as a value, before anything is done: for people, programs and plan files.

use std::cell::Cell;

use serde::{Deserialize, Serialize};

use super::compare::{compare_manifests, step_of};
use super::crds::CrdPlan;
use super::deploy::{Proposal, live_objects, same_release};
use super::hooks::events;
use super::interrupted::Past;
use super::journal::Operation;
use super::prepare::{Change, JobAction, JobPlan, ObjectPlan, Planned, pairs};
use super::proposal::{Source, recorded_secrets};
use super::target::Target;
use super::{Error, Session};
use crate::plan::hidden::Hidden;
use crate::plan::jobs::state_words;
use crate::plan::objects::scalings;
use crate::plan::state::Source as From;
use crate::plan::steps::{HookStep, JobChange, JobStep, Plan, Seen, Showing, object_step};
use crate::plan::values::ValueChange;
use crate::release::{Hook, Release, Status, Stored};
use crate::values::Reuse;

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
    pub past: Past,
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
    pub(crate) fn of_proposal(proposal: Proposal, past: Past) -> Intent {
        Intent {
            aim: Aim::Revision {
                operation: proposal.operation,
                record: Box::new(proposal.record),
                always: proposal.always,
            },
            past,
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
            Aim::End { .. } => self.past.history.last().map(|l| &l.release),
        }
    }
}

impl Session<'_> {
    /// Looks into a request: renders, reads the history; changes nothing.
    pub(crate) async fn intend(&self, request: &Request) -> Result<Intent, Error> {
        let past = self.past().await?;
        let proposal = match request {
            Request::Install(source) => {
                self.propose_install(source, &past, self.options.replace, true)
                    .await?
            }
            Request::Upgrade {
                source,
                reuse,
                install_missing,
            } => {
                self.propose_upgrade(source, &past, *reuse, *install_missing)
                    .await?
            }
            Request::Rollback(revision) => self.propose_rollback(*revision, &past).await?,
            Request::Uninstall { keep_history } => {
                let past = self.to_end(past)?;
                let history = past.history.iter();
                let secrets = history.flat_map(|s| recorded_secrets(&s.release));
                return Ok(Intent {
                    aim: Aim::End {
                        keep_history: *keep_history,
                    },
                    secrets: secrets.collect(),
                    past,
                    target: Target::default(),
                    values: Vec::new(),
                });
            }
        };
        Ok(Intent::of_proposal(proposal, past))
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
        let interrupted = intent.past.left.open();
        self.check_pending(&intent.past.history, interrupted.as_ref())?;
        let is_interrupted = interrupted.is_some();
        let change = Change {
            prior: live_objects(&intent.past.history, &self.namespace)?,
            listed: Cell::default(),
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
        let (crds, crd_refusal) = match self.plan_crds(&intent.target).await {
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
                        .past
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
        let last = intent.past.history.last().map_or(0, |l| l.release.version);
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
        let prior = live_objects(&intent.past.history, &self.namespace)?;
        let mut plan = self.frame(&intent);
        plan.offline = true;
        let compared = compare_manifests(
            &prior,
            &intent.target.objects,
            (&self.release, &self.namespace),
            &showing,
            intent.operation() == Operation::Uninstall,
            &self.options.delete_data,
        )?;
        plan.objects = compared.0;
        plan.jobs = compared.1;
        plan.makes_revision = matches!(intent.aim, Aim::Revision { .. });
        plan.count();
        if let Aim::Revision { record, always, .. } = &intent.aim {
            plan.makes_revision = *always
                || plan.changes_objects()
                || intent
                    .past
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
