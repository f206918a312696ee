//! What an operation does, or would do, in a line for each object and job.

use super::Session;
use super::prepare::{JobAction, JobPlan, ObjectPlan, Planned};
use crate::plan::objects::{Change, stays};

/// An object that stays though its release lets go of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// `KIND/NAME`.
    pub object: String,
    /// Why it stays.
    pub reason: String,
}

impl Session<'_> {
    /// A plan in lines: what changes, what stays and why, and what happens to each job and why.
    pub(super) fn summary(&self, planned: &Planned) -> Vec<String> {
        let object = |plan: &ObjectPlan| {
            let line = format!("{:<9} {}", plan.action.word(), plan.reference);
            match self.kept(plan) {
                Some(kept) => format!("{line}: {}", kept.reason),
                None => line,
            }
        };
        let changed = |plan: &&ObjectPlan| plan.action != Change::Nothing;
        let objects = planned.objects.iter().filter(changed).map(object);
        objects.chain(planned.jobs.iter().map(job_line)).collect()
    }

    /// What stays of the objects that left the manifest, or whose release ends.
    pub(super) fn all_kept(&self, planned: &Planned) -> Vec<Kept> {
        planned
            .objects
            .iter()
            .filter_map(|o| self.kept(o))
            .collect()
    }

    fn kept(&self, plan: &ObjectPlan) -> Option<Kept> {
        let live = plan.live.as_ref().filter(|_| plan.action == Change::Keep)?;
        let why = stays(live, (&self.release, &self.namespace), &[])?;
        Some(Kept {
            object: plan.reference.to_string(),
            reason: why.words(&plan.reference),
        })
    }
}

fn job_line(job: &JobPlan) -> String {
    let workload = job.new.as_ref().or(job.old.as_ref());
    let name = workload.map_or("", |w| w.name.as_str());
    let what = match &job.action {
        JobAction::Untouched => "goes on",
        JobAction::Observe => "is watched until stable",
        JobAction::Restart(_) if job.found.facts.exists => "is restarted with its state",
        JobAction::Restart(_) => "is started",
        JobAction::End(_) => "is stopped with a savepoint",
        JobAction::Refused(_) => "would have to be stopped",
    };
    let why = if job.reasons.is_empty() {
        String::new()
    } else {
        format!(": {}", job.reasons.join("; "))
    };
    format!("job       {name} {what}{why}")
}
