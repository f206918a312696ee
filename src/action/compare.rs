//! What differs between manifests as recorded, without a look at the cluster.

use super::outline::Look;
use super::proposal::compare_records;
use super::target::Target;
use super::{Error, Session};
use crate::cluster::ObjectRef;
use crate::flink::workload::{Workload, recognise};
use crate::plan::hidden::Hidden;
use crate::plan::jobs::pair_workloads;
use crate::plan::objects::{self, Change, Pair, restart_reasons, scalings};
use crate::plan::steps::{JobChange, JobStep, ObjectStep, Plan, Seen, Showing, object_step};
use crate::release::Release;
use crate::yaml::Value;

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
            &[],
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
    delete_data: &[String],
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
                (None, _) => Change::Create,
                (Some(before), Some(after)) => objects::compare(Some(before), after),
                (Some(before), None) => objects::unwanted(Some(before), release, delete_data),
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

/// A job's step, its reasons and state yet to come.
pub(super) fn step_of(workload: Option<&Workload>, change: JobChange) -> JobStep {
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
