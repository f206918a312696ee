//! Deciding a change: dry run of all objects, a look at all jobs, and what follows from both.

use std::cell::Cell;

use super::facts::Found;
use super::folder::shared_folder;
use super::journal::Journal;
use super::target::Target;
use super::{Error, Session};
use crate::cluster::{self, Cause, FieldConflict, Lists, ObjectRef};
use crate::flink::config;
use crate::flink::inject;
use crate::flink::manifest::pod_template;
use crate::flink::workload::{Mode, Workload, recognise};
use crate::plan::jobs::pair_workloads;
use crate::plan::objects::{Change as ObjectAction, Pair, restart_reasons};
use crate::plan::state::{Decision, Facts, JobRecord, Progress, Reached, Source, Wish, decide};
use crate::release::Status;
use crate::yaml::Value;

/// What is to be brought about.
pub(crate) struct Change {
    /// What the cluster may hold of the release: the objects of the revisions since the last deployed.
    pub prior: Vec<Value>,
    /// What of it was listed before: for who plans first. Who plans again reads again.
    pub listed: Cell<Lists>,
    /// What it shall hold.
    pub target: Target,
    /// The journal of an operation that did not end.
    pub interrupted: Option<Journal>,
    /// Whether this change undoes one that failed: then a job that doesn't run is no obstacle.
    pub going_back: bool,
    /// Whether the server is asked about each object, even where its answer can be foreseen: a plan
    /// that is shown or was approved is the server's own.
    pub ask_all: bool,
}

/// One object's part of the plan.
pub(crate) struct ObjectPlan {
    /// Its reference.
    pub reference: ObjectRef,
    /// As the newest revision that has it records it.
    pub recorded: Option<Value>,
    /// As it is.
    pub live: Option<Value>,
    /// As it is to be applied; `None` for what leaves the manifest.
    pub wanted: Option<Value>,
    /// As the server would make it; `None` where that can't be asked yet, or is refused.
    pub dry_run: Option<Value>,
    /// What happens to it.
    pub action: ObjectAction,
    /// The fields that can't be changed, and so force a recreate.
    pub causes: Vec<Cause>,
    /// The fields of other managers that the apply takes, or would have to take.
    pub conflicts: Vec<FieldConflict>,
    /// Whether it binds a role that need not be there first: it is there already, or who applies it may
    /// bind any.
    pub binds_freely: bool,
    /// Why the server can't be asked yet: its namespace or its kind isn't there.
    pub unverified: Option<String>,
    /// Why it can't be done.
    pub refusal: Option<cluster::Error>,
}

impl ObjectPlan {
    /// The object as it will be, as far as that is known.
    pub fn after(&self) -> Option<&Value> {
        match self.action {
            ObjectAction::Delete => None,
            ObjectAction::Keep => self.live.as_ref(),
            _ => self.dry_run.as_ref().or(match self.refusal {
                Some(_) => self.live.as_ref(),
                None => self.wanted.as_ref(),
            }),
        }
    }
}

/// The objects as they are and as they will be.
pub(crate) fn pairs(objects: &[ObjectPlan]) -> Vec<Pair<'_>> {
    objects
        .iter()
        .map(|o| Pair {
            live: o.live.as_ref(),
            wanted: o.after(),
            recreated: o.action == ObjectAction::Recreate,
        })
        .filter(|p| p.live.is_some() || p.wanted.is_some())
        .collect()
}

/// One workload's part of the plan.
pub(crate) struct JobPlan {
    /// The workload as it was.
    pub old: Option<Workload>,
    /// The workload as it will be.
    pub new: Option<Workload>,
    /// What happens to its job.
    pub action: JobAction,
    /// Why.
    pub reasons: Vec<String>,
    /// How it was found.
    pub found: Found,
    /// The folder for its savepoint.
    pub folder: Option<String>,
}

/// What happens to a workload's job.
pub(crate) enum JobAction {
    /// It goes on.
    Untouched,
    /// It was started by an operation that did not end, and is to be proven.
    Observe,
    /// It is stopped (where it runs) and started again from there.
    Restart(Source),
    /// It leaves: stopped for good.
    End(Source),
    /// It would have to be stopped, and that can't be done safely.
    Refused(Error),
}

/// All of the plan.
pub(crate) struct Planned {
    /// The objects, in the target's order, then those that leave.
    pub objects: Vec<ObjectPlan>,
    /// The workloads.
    pub jobs: Vec<JobPlan>,
}

impl Planned {
    /// Whether nothing would be changed.
    pub fn is_empty(&self) -> bool {
        self.objects
            .iter()
            .all(|o| matches!(o.action, ObjectAction::Nothing | ObjectAction::Keep))
            && self
                .jobs
                .iter()
                .all(|j| matches!(j.action, JobAction::Untouched))
    }

    /// Takes out why the plan can't be carried out, the objects' refusals first; of several one, and
    /// how many more there are.
    pub fn take_refusal(&mut self) -> Option<Error> {
        let objects = self.objects.iter_mut().filter_map(|o| o.refusal.take());
        let mut refusals: Vec<Error> = objects.map(Error::from).collect();
        for job in &mut self.jobs {
            if matches!(job.action, JobAction::Refused(_))
                && let JobAction::Refused(e) =
                    std::mem::replace(&mut job.action, JobAction::Untouched)
            {
                refusals.push(e);
            }
        }
        let mut refusals = refusals.into_iter();
        let first = refusals.next()?;
        Some(first.and_more(refusals.map(|e| e.to_string()).collect()))
    }
}

impl Session<'_> {
    /// Decides what a change does to each object and each job, and refuses what can't be done. Reads
    /// and dry-runs only.
    pub(crate) async fn plan(&self, change: &Change) -> Result<Planned, Error> {
        let mut planned = self.look_ahead(change).await?;
        match planned.take_refusal() {
            Some(refusal) => Err(refusal),
            None => Ok(planned),
        }
    }

    /// As [`Session::plan`], with what can't be done as a part of the plan.
    pub(crate) async fn look_ahead(&self, change: &Change) -> Result<Planned, Error> {
        let objects = self.plan_objects(change).await?;
        // What is there is recognised as it is there, whatever a record says of it.
        let live = objects.iter().filter_map(|o| o.live.as_ref());
        let live: Vec<Value> = match live.clone().any(|o| pod_template(o).is_some()) {
            true => live.cloned().collect(),
            // Nothing that could run a job.
            false => Vec::new(),
        };
        let old = recognise(&live, &self.namespace);
        let mut jobs = Vec::new();
        for (old, new) in pair_workloads(&old, &change.target.workloads) {
            jobs.push(self.plan_job(change, &objects, &live, old, new).await?);
        }
        Ok(Planned { objects, jobs })
    }

    async fn plan_job(
        &self,
        change: &Change,
        objects: &[ObjectPlan],
        live: &[Value],
        old: Option<&Workload>,
        new: Option<&Workload>,
    ) -> Result<JobPlan, Error> {
        let Some(either) = old.or(new) else {
            return Err(nobody());
        };
        let record = change
            .interrupted
            .as_ref()
            .and_then(|j| j.job(&either.name));
        // Going back doesn't wait for a job that failed: its last checkpoint is as good as a savepoint.
        let found = if change.going_back {
            self.look_once(either, record).await?
        } else {
            self.look(either, record).await?
        };
        let mut reasons = if found.facts.exists {
            restart_reasons(either, &pairs(objects), &self.namespace)
        } else {
            vec!["it does not exist yet".to_owned()]
        };
        let mut plan = JobPlan {
            old: old.cloned(),
            new: new.cloned(),
            action: JobAction::Untouched,
            reasons: Vec::new(),
            folder: None,
            found,
        };
        let reached = record.and_then(|r| r.reached);
        let facts = &plan.found.facts;
        let forced = matches!(
            self.options.wish,
            Wish::Path(_) | Wish::Latest | Wish::Fresh
        ) && !change.going_back;
        if new.is_none() && is_kept(objects, either) {
            return Ok(plan);
        } else if new.is_none() {
            reasons = vec!["it leaves the manifest".to_owned()];
        } else if reached >= Some(Reached::Positioned) && reasons.is_empty() && facts.up && !forced
        {
            plan.action = JobAction::Observe;
            plan.reasons = vec!["an earlier run started it and did not see it stable".into()];
            return Ok(plan);
        } else if reached.is_some_and(|r| r < Reached::Positioned) {
            reasons.insert(0, "an earlier run did not end".into());
        } else if reached.is_some() && reasons.is_empty() {
            reasons.push("an earlier run started it, and it is not up".into());
        } else if forced && reasons.is_empty() {
            reasons.push("its state was named".into());
        }
        let goes_on = reasons.is_empty() && !change.going_back && plan.found.position.is_some();
        if let (true, Some(new)) = (goes_on, new) {
            reasons.extend(self.runs_as_before(new).await?);
        }
        if reasons.is_empty() {
            return Ok(plan);
        }
        plan.reasons = reasons;
        match self.start_from(change, live, &plan, record) {
            Ok((source, folder)) => {
                plan.folder = folder;
                plan.action = if new.is_some() {
                    JobAction::Restart(source)
                } else {
                    JobAction::End(source)
                };
            }
            Err(refusal) => plan.action = JobAction::Refused(refusal),
        }
        Ok(plan)
    }

    /// Why a job does not run as its pods say: another than nutkin has changed them, and high
    /// availability brought the job back as it was before. Flink keeps the job's graph there, with the
    /// arguments in it, and does not make it anew (seen on 2.3.0).
    async fn runs_as_before(&self, workload: &Workload) -> Result<Option<String>, Error> {
        if workload.mode != Mode::StandaloneApplication || !workload.configuration.has_ha() {
            return Ok(None);
        }
        let revisions = self.store().revisions(&self.release).await?;
        let Some(last) = revisions.last().filter(|r| r.status == Status::Deployed) else {
            return Ok(None);
        };
        let ours: Vec<u32> = self
            .revision_notes()
            .await?
            .iter()
            .map(|n| n.revision)
            .collect();
        if ours.contains(&last.version) {
            return Ok(None);
        }
        let before = revisions.iter().rev().find(|r| {
            ours.contains(&r.version) && matches!(r.status, Status::Superseded | Status::Deployed)
        });
        let Some(before) = before else {
            return Ok(None);
        };
        let mut templates = Vec::new();
        for version in [before.version, last.version] {
            let stored = self.store().get(&self.release, version).await?;
            let target = Target::of_manifest(&stored.release.manifest, &self.namespace)?;
            let jobmanager = &workload.jobmanager;
            let object = target.find(&jobmanager.kind, &jobmanager.name, &workload.namespace);
            templates.push(object.and_then(|o| o.pointer("/spec/template").cloned()));
        }
        let same = templates.first() == templates.last();
        Ok((!same).then(|| {
            format!(
                "revision {} was not made by nutkin, and its job still runs as revision {} had it",
                last.version, before.version
            )
        }))
    }

    /// What a workload that must be stopped or started begins from, and the folder for its savepoint.
    fn start_from(
        &self,
        change: &Change,
        live: &[Value],
        plan: &JobPlan,
        record: Option<&JobRecord>,
    ) -> Result<(Source, Option<String>), Error> {
        let (old, new) = (plan.old.as_ref(), plan.new.as_ref());
        let facts = &plan.found.facts;
        let Some(either) = old.or(new) else {
            return Err(nobody());
        };
        self.check_mode(either, plan)?;
        let wish = if change.going_back {
            Wish::Carry
        } else {
            self.options.wish.clone()
        };
        let has_ended = facts.jobs.as_ref().is_some_and(|jobs| {
            !jobs.is_empty()
                && jobs
                    .iter()
                    .all(|j| matches!(j.state.as_str(), "FINISHED" | "CANCELED"))
        });
        if new.is_none() && has_ended && record.is_none() {
            // A bounded job that has done its work leaves no state behind.
            let why = "its job has ended".into();
            return Ok((Source::Nothing { why }, None));
        }
        let source = match decide(facts, record, &wish) {
            Decision::From(source) => source,
            Decision::NoSavepoint { why } => {
                return Err(Error::NoSavepoint {
                    why: format!("{}: {why}", either.name),
                    hints: super::stop::no_savepoint_hints(),
                });
            }
            Decision::Refuse { why, hints } => {
                return Err(Error::StateAtRisk {
                    why: format!("{}: {why}", either.name),
                    hints,
                });
            }
        };
        let source = self.first_path(change, either, source, record);
        self.check_ha(old, new)?;
        match old {
            Some(old) => self.check_state_is_kept(change, live, old, new, source, facts),
            None => Ok((source, None)),
        }
    }

    /// A first start takes the savepoint that the chart's own arguments name.
    fn first_path(
        &self,
        change: &Change,
        workload: &Workload,
        source: Source,
        record: Option<&JobRecord>,
    ) -> Source {
        if record.is_some()
            || !matches!(source, Source::Nothing { .. })
            || self.options.wish == Wish::Fresh
        {
            return source;
        }
        let kind = &workload.jobmanager.kind;
        let named = change
            .target
            .find(kind, &workload.jobmanager.name, &workload.namespace)
            .and_then(|o| inject::initial_path(o, workload.jobmanager.container));
        match named {
            Some(path) => Source::Path {
                path,
                number: None,
                named: true,
                why: "named by the chart's --fromSavepoint".into(),
            },
            None => source,
        }
    }

    /// Refuses the modes whose jobs can't be carried over.
    fn check_mode(&self, workload: &Workload, plan: &JobPlan) -> Result<(), Error> {
        if workload.mode == Mode::StandaloneApplication
            || !plan.found.facts.exists
            || self.options.wish == Wish::Fresh
        {
            return Ok(());
        }
        Err(Error::StateAtRisk {
            why: format!(
                "{} is a {} cluster and would be restarted ({}); the state of its jobs can't be carried over by this version",
                workload.name,
                workload.mode.words(),
                plan.reasons.join("; ")
            ),
            hints: vec![
                "take savepoints of its jobs yourself, then run this again with --fresh".into(),
            ],
        })
    }

    /// Refuses a start that the loss of a JobManager would undo.
    fn check_ha(&self, old: Option<&Workload>, new: Option<&Workload>) -> Result<(), Error> {
        let Some(new) = new else { return Ok(()) };
        if new.mode != Mode::StandaloneApplication
            || new.configuration.has_ha()
            || self.options.allow_no_ha
            || (old.is_none() && new.configuration.get(config::CHECKPOINT_INTERVAL).is_none())
        {
            return Ok(());
        }
        Err(at_risk(
            format!(
                "{} has no high availability: if its JobManager is lost, the job goes back to the savepoint that it was started from, and what its sinks have committed since comes twice",
                new.name
            ),
            "set high-availability.type: kubernetes and high-availability.storageDir, or give --allow-no-ha",
        ))
    }

    /// Refuses a restart whose state would be lost with the old pods, or that the new ones could not
    /// read; gives the folder for the savepoint.
    fn check_state_is_kept(
        &self,
        change: &Change,
        live: &[Value],
        old: &Workload,
        new: Option<&Workload>,
        source: Source,
        facts: &Facts,
    ) -> Result<(Source, Option<String>), Error> {
        let name = &old.name;
        // Where the old pods write it and the new ones, if any, read it.
        let kept = |folder: Option<&str>| -> Result<String, String> {
            let written = shared_folder(old, live, folder)?;
            if let Some(new) = new {
                let read = shared_folder(new, &change.target.objects, folder)?;
                if !read.is_where(&written) {
                    return Err(format!(
                        "the new pods see another volume at {} than the old ones",
                        written.folder
                    ));
                }
            }
            Ok(written.folder)
        };
        if let Source::Newest { try_stop: None, .. } = &source
            && let Progress::Reached(mark) = &facts.progress
            && let Err(why) = kept(Some(&mark.path))
        {
            return Err(at_risk(
                format!("{name}: its last checkpoint would be lost: {why}"),
                "set execution.checkpointing.dir to a folder that all pods share (s3://…, or a mounted volume)",
            ));
        }
        let stops = matches!(
            source,
            Source::Stop { .. }
                | Source::Newest {
                    try_stop: Some(_),
                    ..
                }
        );
        if !stops {
            return Ok((source, None));
        }
        // A revision may keep its savepoints elsewhere than the one before.
        let mut why = None;
        for of in [Some(old), new].into_iter().flatten() {
            match kept(of.configuration.get(config::SAVEPOINT_DIR)) {
                Ok(folder) => return Ok((source, Some(folder))),
                Err(e) => why = why.or(Some(e)),
            }
        }
        if let (Source::Newest { fallback, .. }, true, true) =
            (&source, change.going_back, facts.has_ha)
        {
            let source = Source::Newest {
                fallback: fallback.clone(),
                try_stop: None,
            };
            return self.check_state_is_kept(change, live, old, new, source, facts);
        }
        let why = why.unwrap_or_default();
        Err(at_risk(
            format!("{name}: {why}"),
            "set execution.checkpointing.savepoint-dir to a folder that all pods share (s3://…, or a mounted volume)",
        ))
    }
}

/// Whether the objects of a workload that leaves the manifest stay, and its job with them.
fn is_kept(objects: &[ObjectPlan], workload: &Workload) -> bool {
    let jobmanager = &workload.jobmanager;
    objects.iter().any(|o| {
        o.action == ObjectAction::Keep
            && o.reference.kind == jobmanager.kind
            && o.reference.name == jobmanager.name
            && o.reference.namespace.as_deref() == Some(&workload.namespace)
    })
}

/// There is no such workload; it keeps the type from lying.
fn nobody() -> Error {
    Error::Failed("a workload that is neither old nor new".into())
}

fn at_risk(why: String, hint: &str) -> Error {
    Error::StateAtRisk {
        why,
        hints: vec![hint.to_owned()],
    }
}
