//! Starting a workload: the restore position, written before the objects that read it.

use std::collections::BTreeMap;

use serde_json::json;

use super::facts::Found;
use super::journal::Journal;
use super::{Error, Session, fresh_id};

use crate::cluster::{Apply, ObjectRef, pod_problem};
use crate::flink::ha;
use crate::flink::inject::Position;
use crate::flink::manifest::{at, text};
use crate::flink::workload::Workload;
use crate::plan::state::Reached;
use crate::yaml::Value;

/// The longest `kubernetes.cluster-id` that Flink takes (`Constants.MAXIMUM_CHARACTERS_OF_CLUSTER_ID`).
const CLUSTER_ID_MAX: usize = 45;

impl Session<'_> {
    /// Writes the position that a workload's next start reads: a fresh job id and cluster-id, and the
    /// path of the journal's entry.
    ///
    /// Its pods must be gone: what runs would otherwise come back under another position.
    pub(crate) async fn write_position(
        &self,
        journal: &mut Journal,
        workload: &Workload,
    ) -> Result<Position, Error> {
        let job_id = fresh_id()?;
        let cluster_id = cluster_id(&workload.name, journal.revision, &job_id);
        let record = journal.job_mut(&workload.name, &workload.namespace);
        record.new_job_id = Some(job_id.clone());
        record.new_cluster_id = Some(cluster_id.clone());
        let position = Position {
            path: record.path.clone(),
            allow_unclaimed: self.options.allow_unclaimed,
            job_id,
            cluster_id,
        };
        self.save_journal(journal).await?;
        self.apply_position(workload, &position).await?;
        journal.job_mut(&workload.name, &workload.namespace).reached = Some(Reached::Positioned);
        self.save_journal(journal).await?;
        Ok(position)
    }

    /// Applies the ConfigMap of a position; no release owns it, so that nothing prunes it.
    async fn apply_position(&self, workload: &Workload, position: &Position) -> Result<(), Error> {
        let mut labels: BTreeMap<&str, &str> = BTreeMap::new();
        labels.insert("nutkin.dev/release", &self.release);
        labels.insert("nutkin.dev/kind", "restore-position");
        let map = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": workload.position_name(),
                "namespace": workload.namespace,
                "labels": labels,
            },
            "data": position.data(workload.version),
        });
        self.client
            .apply(
                &map,
                Apply {
                    force: true,
                    ..Apply::default()
                },
            )
            .await?;
        Ok(())
    }

    /// Gives a restarted workload's objects the replicas that they had, where the manifest leaves
    /// the number to others.
    pub(crate) async fn scale_back(
        &self,
        journal: &Journal,
        workload: &Workload,
    ) -> Result<(), Error> {
        let Some(record) = journal.job(&workload.name) else {
            return Ok(());
        };
        for owner in workload.owners().filter(|o| o.replicas.is_none()) {
            let reference = self.owner_ref(workload, owner);
            let Some(live) = self.client.find(&reference).await? else {
                continue;
            };
            let now = at(&live, &["spec", "replicas"])
                .and_then(Value::as_i64)
                .unwrap_or(1);
            let before = record
                .replicas
                .get(&reference.to_string())
                .copied()
                .unwrap_or(1);
            if now == 0 && before > 0 {
                self.scale(&reference, &live, before).await?;
            }
        }
        Ok(())
    }

    /// Removes the high-availability data of the clusters that a workload was started as, all but the
    /// one that it runs as; `also` is one whose id nutkin did not make.
    pub(crate) async fn forget_clusters(
        &self,
        workload: &Workload,
        keep: Option<&str>,
        also: Option<&str>,
    ) -> Result<(), Error> {
        for (id, name) in self.ha_config_maps(workload).await? {
            let is_old = Some(id.as_str()) == also || is_made_for(&id, &workload.name);
            if !is_old || Some(id.as_str()) == keep {
                continue;
            }
            let reference = ObjectRef::new("v1", "ConfigMap", Some(&workload.namespace), &name);
            self.client
                .delete(&reference, &crate::cluster::Delete::default())
                .await?;
        }
        Ok(())
    }

    /// Makes sure that the position of a workload that is not restarted is there: its pods could not
    /// start again without the ConfigMap. One that was deleted is made again from what runs, for under
    /// another id the job would find no state.
    pub(crate) async fn ensure_position(
        &self,
        workload: &Workload,
        found: &Found,
    ) -> Result<(), Error> {
        if found.position.is_some() || self.position(workload).await?.is_some() {
            return Ok(());
        }
        let name = workload.position_name();
        let lost = |why: &str| Error::StateAtRisk {
            why: format!(
                "ConfigMap/{name}, which says what {} was started from, is gone, and {why}",
                workload.name
            ),
            hints: vec![
                "--restore-from PATH restarts it from a savepoint or retained checkpoint".into(),
                "--fresh restarts it without state".into(),
            ],
        };
        let Some([job]) = found.facts.jobs.as_deref() else {
            return Err(lost("it runs no single job that would tell"));
        };
        let maps = self.ha_config_maps(workload).await?;
        let Some((cluster_id, _)) = maps
            .into_iter()
            .find(|(id, name)| ha::job_of(name, id) == Some(&job.id))
        else {
            return Err(lost("high availability records nothing of its job"));
        };
        self.warn(format!("ConfigMap/{name} is gone: making it again"));
        let position = Position {
            // High availability's own record wins over it.
            path: found.facts.started_from.as_ref().map(|m| m.path.clone()),
            allow_unclaimed: self.options.allow_unclaimed,
            job_id: job.id.clone(),
            cluster_id,
        };
        self.apply_position(workload, &position).await
    }
}

/// A cluster-id of its own for each start: the workload's name, the revision, and a part of the job id.
fn cluster_id(workload: &str, revision: u32, job_id: &str) -> String {
    let tail = format!("-r{revision}-{}", job_id.get(..6).unwrap_or(job_id));
    let room = CLUSTER_ID_MAX.saturating_sub(tail.len());
    let head: String = workload.replace('.', "-").chars().take(room).collect();
    format!("{}{tail}", head.trim_end_matches('-'))
}

/// Whether a cluster-id is one that was made for a start of this workload.
fn is_made_for(id: &str, workload: &str) -> bool {
    let parts = id.rsplit_once('-').and_then(|(rest, tail)| {
        let (_, revision) = rest.rsplit_once("-r")?;
        Some((revision.parse().ok()?, tail))
    });
    parts.is_some_and(|(revision, tail)| {
        tail.len() == 6 && cluster_id(workload, revision, tail) == id
    })
}

/// The reason of a pod's trouble that won't heal by waiting; `None` where there is none, or where it
/// may heal: a pod that no node has room for yet, a first crash.
pub(crate) fn stuck(pod: &Value) -> Option<String> {
    let name = text(pod, &["metadata", "name"]);
    let statuses = crate::flink::manifest::list(pod, &["status", "containerStatuses"]);
    let restarts = statuses
        .iter()
        .filter_map(|s| at(s, &["restartCount"]).and_then(Value::as_u64))
        .max()
        .unwrap_or(0);
    if restarts >= 3 {
        return Some(format!(
            "pod {name} has ended {restarts} times since its start"
        ));
    }
    let problem = pod_problem(pod)
        .filter(|p| !p.unschedulable && !p.reason.starts_with("CrashLoopBackOff"))?;
    Some(format!("pod {name} can't start: {}", problem.reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn cluster_ids_fit_flinks_limit() {
        let id = cluster_id(&"long.name".repeat(8), 12, &"ab".repeat(16));
        assert!(
            id.len() <= CLUSTER_ID_MAX && id.ends_with("-r12-ababab") && !id.contains('.'),
            "{id}"
        );
        assert_eq!(
            cluster_id("orders-jm", 3, "0123456789"),
            "orders-jm-r3-012345"
        );
        assert!(is_made_for("orders-jm-r3-012345", "orders-jm"));
        for other in [
            "orders-jm",
            "orders-r3-012345",
            "orders-jm-2-r3-012345",
            "orders-jm-r3-01234",
        ] {
            assert!(!is_made_for(other, "orders-jm"), "{other}");
        }
    }

    #[test]
    fn stuck_pods() {
        let pod = |status: Value| json!({"metadata": {"name": "p"}, "status": {"containerStatuses": [status]}});
        let waiting = |reason: &str, restarts: u32| {
            pod(json!({"restartCount": restarts, "state": {"waiting": {"reason": reason}}}))
        };
        assert!(stuck(&waiting("ImagePullBackOff", 0)).is_some());
        assert!(stuck(&waiting("CrashLoopBackOff", 3)).is_some());
        assert!(stuck(&waiting("CrashLoopBackOff", 1)).is_none());
        assert!(stuck(&waiting("ContainerCreating", 0)).is_none());
    }
}
