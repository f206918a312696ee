//! Bringing a workload's pods down, and seeing that nothing runs its job from an older state.

use std::time::{Duration, Instant};

use serde_json::json;

use super::journal::Journal;
use super::{Error, Session};
use crate::cluster::{self, Delete, ObjectRef};
use crate::flink::manifest::{at, list, text};
use crate::flink::workload::Workload;
use crate::plan::state::{SECOND_RUN_HINTS, second_run};
use crate::yaml::Value;

/// Between two looks at the pods.
const LOOK: Duration = Duration::from_millis(250);
/// How often pods that come back in between are brought down again.
const INTRUSIONS: u32 = 3;

impl Session<'_> {
    /// Scales a workload's objects to 0 and waits until their pods are gone; notices who scales them
    /// up in between.
    pub(crate) async fn bring_down(
        &self,
        old: &Workload,
        journal: &mut Journal,
    ) -> Result<(), Error> {
        let mut scaled: Vec<String> = Vec::new();
        let mut intrusions = 0_u32;
        let begun = Instant::now();
        loop {
            for owner in old.owners() {
                let reference = self.owner_ref(old, owner);
                let Some(live) = self.client.find(&reference).await? else {
                    continue;
                };
                if owner.kind == "Job" {
                    self.client.delete(&reference, &Delete::default()).await?;
                    continue;
                }
                let replicas = at(&live, &["spec", "replicas"])
                    .and_then(Value::as_i64)
                    .unwrap_or(1);
                if replicas == 0 {
                    continue;
                }
                let key = reference.to_string();
                if scaled.contains(&key) {
                    intrusions += 1;
                    let by = scaled_by(&live);
                    self.warn(format!(
                        "{key} was scaled up to {replicas} in between, by {by}; scaling it down again"
                    ));
                    if intrusions > INTRUSIONS {
                        return Err(Error::Failed(format!(
                            "{key} is scaled up again and again, by {by}; pause it, then run the command again: the journal knows the savepoint"
                        )));
                    }
                } else {
                    let record = journal.job_mut(&old.name, &old.namespace);
                    // A resumed run finds what the first one wrote down.
                    record
                        .replicas
                        .entry(key.clone())
                        .or_insert(i32::try_from(replicas).unwrap_or(1));
                    scaled.push(key.clone());
                }
                self.step(format!("scaling {key} from {replicas} to 0"));
                self.scale(&reference, &live, 0).await?;
            }
            if self.end_pods(old).await? {
                return Ok(());
            }
            if begun.elapsed() > self.options.timeout.max(Duration::from_secs(120)) {
                return Err(Error::Failed(format!(
                    "the pods of {} are still there after {} s; run the command again once they are gone: the journal knows the savepoint",
                    old.name,
                    begun.elapsed().as_secs()
                )));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Ends a workload's pods with a short grace (their work is saved); whether none is left.
    async fn end_pods(&self, old: &Workload) -> Result<bool, Error> {
        let mut left = Vec::new();
        for owner in old.owners() {
            for pod in self.pods(old, owner).await? {
                let name = text(&pod, &["metadata", "name"]).to_owned();
                let grace =
                    at(&pod, &["metadata", "deletionGracePeriodSeconds"]).and_then(Value::as_i64);
                if grace.is_none_or(|g| g > 1) {
                    let reference = ObjectRef::new("v1", "Pod", Some(&old.namespace), &name);
                    let how = Delete {
                        uid: cluster::uid(&pod).map(str::to_owned),
                        grace_period: Some(1),
                        ..Delete::default()
                    };
                    match self.client.delete(&reference, &how).await {
                        Ok(_) | Err(cluster::Error::Stale { .. }) => {}
                        Err(e) => return Err(e.into()),
                    }
                }
                left.push(name);
            }
        }
        if left.is_empty() {
            return Ok(true);
        }
        self.waiting("the old pods to be gone", left.join(", "));
        Ok(false)
    }

    /// Sets an object's replicas, if it is still the one that was read.
    pub(crate) async fn scale(
        &self,
        reference: &ObjectRef,
        live: &Value,
        replicas: i32,
    ) -> Result<(), Error> {
        let mut metadata = crate::yaml::Map::new();
        if let Some(uid) = cluster::uid(live) {
            metadata.insert("uid".into(), uid.into());
        }
        let patch = json!({"metadata": metadata, "spec": {"replicas": replicas}});
        self.client.merge_patch(reference, None, &patch).await?;
        Ok(())
    }

    /// Sees that the job did not run again after its state was saved, before a new position is
    /// written. What runs is brought down.
    pub(crate) async fn see_no_second_run(
        &self,
        workload: &Workload,
        journal: &mut Journal,
    ) -> Result<(), Error> {
        let Some(record) = journal.job(&workload.name).cloned() else {
            return Ok(());
        };
        let mut found = self.look_once(workload, Some(&record)).await?;
        if found.facts.up {
            self.bring_down(workload, journal).await?;
            found = self.look_once(workload, Some(&record)).await?;
        }
        match second_run(&found.facts, &record) {
            None => Ok(()),
            Some(what) => Err(Error::StateAtRisk {
                why: format!(
                    "{} was started again by another after its state was saved: {what}",
                    workload.name
                ),
                hints: SECOND_RUN_HINTS.map(str::to_owned).to_vec(),
            }),
        }
    }
}

/// Who set an object's replicas last, by its managedFields.
fn scaled_by(live: &Value) -> String {
    list(live, &["metadata", "managedFields"])
        .iter()
        .filter(|m| at(m, &["fieldsV1", "f:spec", "f:replicas"]).is_some())
        .max_by_key(|m| text(m, &["time"]).to_owned())
        .map_or_else(
            || "an unknown manager".to_owned(),
            |m| format!("{:?}", text(m, &["manager"])),
        )
}
