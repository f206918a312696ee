//! What a saved plan is bound to: each object by its uid and the digest of its difference, each job by its
//! id; and what has moved since.

use serde::{Deserialize, Serialize};

use super::fields;
use super::objects::Change;
use super::steps::{JobChange, JobStep, Seen, changed_fields};
use crate::cluster::{ObjectRef, uid};

/// All that a plan is bound to, besides cluster and revision.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bonds {
    /// The objects.
    pub objects: Vec<ObjectBond>,
    /// The Flink clusters.
    pub jobs: Vec<JobBond>,
}

/// An object's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectBond {
    /// The object.
    pub object: ObjectRef,
    /// What happens to it.
    pub change: Change,
    /// Its uid; `None` where it isn't there.
    pub uid: Option<String>,
    /// The digest of what changes in it.
    pub digest: String,
}

/// A Flink cluster's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobBond {
    /// The workload.
    pub workload: String,
    /// What happens to it.
    pub change: JobChange,
    /// The jobs that run.
    pub job_ids: Vec<String>,
    /// Where its state comes from.
    pub state: Option<String>,
}

impl ObjectBond {
    /// The bond of an object as it is seen now.
    pub fn of(seen: &Seen<'_>) -> ObjectBond {
        let digest = match seen.change {
            // Nothing in them changes: the uid is enough.
            Change::Delete | Change::Keep | Change::Nothing => String::new(),
            Change::Create | Change::Update | Change::Recreate | Change::Adopt => {
                fields::digest(&changed_fields(seen), seen.wanted)
            }
        };
        ObjectBond {
            object: seen.reference.clone(),
            change: seen.change,
            uid: seen.live.and_then(uid).map(str::to_owned),
            digest,
        }
    }
}

impl From<&JobStep> for JobBond {
    fn from(step: &JobStep) -> Self {
        let mut job_ids = step.job_ids.clone();
        job_ids.sort();
        JobBond {
            workload: step.workload.clone(),
            change: step.change,
            job_ids,
            state: step.state.clone(),
        }
    }
}

/// What has moved from one look to the next, a line each; empty where the plan still fits.
pub fn moved(then: &Bonds, now: &Bonds) -> Vec<String> {
    let mut lines = Vec::new();
    for old in &then.objects {
        let new = now
            .objects
            .iter()
            .find(|o| o.object.key() == old.object.key());
        let object = &old.object;
        match new {
            None => lines.push(format!("{object} is no part of the change any more")),
            Some(new) if new.uid != old.uid => lines.push(match (&old.uid, &new.uid) {
                (None, _) => format!("{object} has appeared"),
                (_, None) => format!("{object} is gone"),
                _ => format!("{object} was deleted and made anew"),
            }),
            Some(new) if new.change != old.change => lines.push(format!(
                "{object}: planned was {}, now it would be {}",
                old.change.word(),
                new.change.word()
            )),
            Some(new) if new.digest != old.digest => {
                lines.push(format!(
                    "{object} was changed: what the plan does to it would be another change now"
                ));
            }
            Some(_) => {}
        }
    }
    for new in &now.objects {
        if !then
            .objects
            .iter()
            .any(|o| o.object.key() == new.object.key())
        {
            lines.push(format!("{} is not in the plan", new.object));
        }
    }
    for old in &then.jobs {
        let workload = &old.workload;
        match now.jobs.iter().find(|j| j.workload == *workload) {
            None => lines.push(format!("the Flink cluster {workload} is gone")),
            Some(new) if new.job_ids != old.job_ids => {
                let ids = |ids: &[String]| {
                    if ids.is_empty() {
                        "none".to_owned()
                    } else {
                        ids.join(", ")
                    }
                };
                lines.push(format!(
                    "{workload}: its job was {}, now it is {}",
                    ids(&old.job_ids),
                    ids(&new.job_ids)
                ));
            }
            Some(new) if new.change != old.change => lines.push(format!(
                "{workload}: planned was that its job is {}, now it would be {}",
                old.change.words(),
                new.change.words()
            )),
            Some(new) if new.state != old.state => lines.push(format!(
                "{workload}: planned was to start from {}, now it would be {}",
                old.state.as_deref().unwrap_or("no state"),
                new.state.as_deref().unwrap_or("no state")
            )),
            Some(_) => {}
        }
    }
    for new in &now.jobs {
        if !then.jobs.iter().any(|j| j.workload == new.workload) {
            lines.push(format!(
                "the Flink cluster {} is not in the plan",
                new.workload
            ));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str, change: Change, uid: Option<&str>, digest: &str) -> ObjectBond {
        ObjectBond {
            object: ObjectRef::new("v1", "ConfigMap", Some("ns"), name),
            change,
            uid: uid.map(str::to_owned),
            digest: digest.to_owned(),
        }
    }

    fn job(change: JobChange, ids: &[&str], state: Option<&str>) -> JobBond {
        JobBond {
            workload: "w".into(),
            change,
            job_ids: ids.iter().map(|i| (*i).to_owned()).collect(),
            state: state.map(str::to_owned),
        }
    }

    #[test]
    fn what_moved_is_told() {
        let base = Bonds {
            objects: vec![
                object("a", Change::Update, Some("1"), "x"),
                object("b", Change::Create, None, "y"),
            ],
            jobs: vec![job(JobChange::RestartedWithSavepoint, &["j1"], Some("s"))],
        };
        let with = |change: &dyn Fn(&mut Bonds)| {
            let mut now = base.clone();
            change(&mut now);
            moved(&base, &now)
        };
        type Row<'a> = (&'a dyn Fn(&mut Bonds), &'a [&'a str]);
        let table: [Row<'_>; 11] = [
            (&|_| {}, &[]),
            (
                &|b| b.objects[0].digest = "z".into(),
                &["ConfigMap/a was changed: what the plan does to it would be another change now"],
            ),
            (
                &|b| b.objects[0].uid = Some("2".into()),
                &["ConfigMap/a was deleted and made anew"],
            ),
            (&|b| b.objects[0].uid = None, &["ConfigMap/a is gone"]),
            (
                &|b| b.objects[1].uid = Some("3".into()),
                &["ConfigMap/b has appeared"],
            ),
            (
                &|b| b.objects[0].change = Change::Nothing,
                &["ConfigMap/a: planned was update, now it would be unchanged"],
            ),
            (
                &|b| drop(b.objects.pop()),
                &["ConfigMap/b is no part of the change any more"],
            ),
            (
                &|b| b.objects.push(object("c", Change::Delete, Some("4"), "")),
                &["ConfigMap/c is not in the plan"],
            ),
            (
                &|b| b.jobs[0].job_ids = vec!["j2".into()],
                &["w: its job was j1, now it is j2"],
            ),
            (
                &|b| b.jobs[0].change = JobChange::Refused,
                &[
                    "w: planned was that its job is restarted with savepoint, now it would be refused",
                ],
            ),
            (&|b| b.jobs.clear(), &["the Flink cluster w is gone"]),
        ];
        for (change, lines) in table {
            assert_eq!(with(change), lines);
        }
    }
}
