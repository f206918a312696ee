//! What is found of a workload on the cluster: its pods, its jobs, its recorded checkpoints.

use std::time::{Duration, Instant};

use super::{Error, Session};
use crate::cluster::{self, Endpoint, ObjectRef, Query};
use crate::flink::config;
use crate::flink::inject::Position;
use crate::flink::manifest::{at, list, text};
use crate::flink::rest::{self, Rest};
use crate::flink::workload::{PodOwner, Workload};
use crate::flink::{ha, health};
use crate::plan::state::{Facts, LiveJob};
use crate::yaml::Value;

/// How long a JobManager that is up may take to answer, and its job to run with all tasks.
const SETTLE: Duration = Duration::from_secs(30);

/// A workload as it was found.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// What the decision is made from.
    pub facts: Facts,
    /// The restore position of its current start; `None` where nutkin never started it.
    pub position: Option<Position>,
    /// The cluster-id of its high-availability data.
    pub cluster_id: Option<String>,
}

impl Session<'_> {
    /// The reference of an object that makes pods.
    pub(crate) fn owner_ref(&self, workload: &Workload, owner: &PodOwner) -> ObjectRef {
        let api_version = if owner.kind == "Job" {
            "batch/v1"
        } else {
            "apps/v1"
        };
        ObjectRef::new(
            api_version,
            &owner.kind,
            Some(&workload.namespace),
            &owner.name,
        )
    }

    /// The pods of an owner, by its selector.
    pub(crate) async fn pods(
        &self,
        workload: &Workload,
        owner: &PodOwner,
    ) -> Result<Vec<Value>, Error> {
        let selector: Vec<String> = owner
            .selector
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        self.labelled(workload, "Pod", selector.join(",")).await
    }

    /// The objects of a core kind in a workload's namespace that carry labels.
    async fn labelled(
        &self,
        workload: &Workload,
        kind: &str,
        labels: String,
    ) -> Result<Vec<Value>, Error> {
        let query = Query {
            labels: Some(labels),
            ..Query::default()
        };
        Ok(self
            .client
            .list("v1", kind, Some(&workload.namespace), &query)
            .await?)
    }

    /// A workload's REST API: the given address, its Service, or its JobManager's pod.
    pub(crate) async fn rest(&self, workload: &Workload) -> Result<Option<Rest>, Error> {
        let pods = self.pods(workload, &workload.jobmanager).await?;
        let running = pods.iter().find(|p| {
            at(p, &["metadata", "deletionTimestamp"]).is_none()
                && text(p, &["status", "phase"]) == "Running"
        });
        let tls = workload.configuration.is_true(config::REST_TLS, false);
        let endpoint = match (&self.options.rest_url, running, &workload.rest_service) {
            (Some(url), ..) => Endpoint::Url(url.trim_end_matches('/').to_owned()),
            (None, None, _) => return Ok(None),
            (None, Some(_), Some((name, port))) if tls => Endpoint::Service {
                namespace: workload.namespace.clone(),
                name: name.clone(),
                port: port.to_string(),
                tls,
            },
            // The pod rather than the Service: a Service may still lead to a pod that is going.
            (None, Some(pod), _) => Endpoint::Pod {
                namespace: workload.namespace.clone(),
                name: text(pod, &["metadata", "name"]).to_owned(),
                port: workload.rest_port(),
            },
        };
        Ok(Some(Rest::new(self.client.clone(), endpoint)))
    }

    /// The restore position as the cluster has it.
    pub(crate) async fn position(&self, workload: &Workload) -> Result<Option<Position>, Error> {
        let reference = ObjectRef::new(
            "v1",
            "ConfigMap",
            Some(&workload.namespace),
            &workload.position_name(),
        );
        let live = self.client.find(&reference).await?;
        Ok(live.and_then(|map| Position::from_data(map.get("data")?)))
    }

    /// Looks at a workload: waits a while for a JobManager that starts, and for a job that recovers.
    pub(crate) async fn look(&self, workload: &Workload) -> Result<Found, Error> {
        let begun = Instant::now();
        loop {
            let found = self.look_once(workload).await?;
            let facts = &found.facts;
            let settled = !facts.up || facts.jobs.as_deref().is_some_and(is_settled);
            if settled || begun.elapsed() > SETTLE || self.signals.is_set() {
                return Ok(found);
            }
            let why = match &facts.jobs {
                None => facts.unreachable.clone(),
                Some(jobs) if jobs.is_empty() => "it lists no job".to_owned(),
                Some(jobs) => jobs
                    .iter()
                    .map(|j| format!("job {} is {}", j.id, j.state))
                    .collect::<Vec<_>>()
                    .join(", "),
            };
            self.waiting(format!("the JobManager of {}", workload.name), why);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Looks at a workload once.
    pub(crate) async fn look_once(&self, workload: &Workload) -> Result<Found, Error> {
        let reference = self.owner_ref(workload, &workload.jobmanager);
        let Some(owner) = self.client.find(&reference).await? else {
            return Ok(Found {
                position: self.position(workload).await?,
                ..Found::default()
            });
        };
        let position = self.position(workload).await?;
        let pods = self.pods(workload, &workload.jobmanager).await?;
        let wanted = at(&owner, &["spec", "replicas"])
            .and_then(Value::as_i64)
            .unwrap_or(1);
        let pod = pods
            .iter()
            .find(|p| at(p, &["metadata", "deletionTimestamp"]).is_none());
        let mut facts = Facts {
            exists: true,
            up: wanted > 0 || !pods.is_empty(),
            pod_uid: pod.and_then(cluster::uid).map(str::to_owned),
            has_ha: workload.configuration.has_kubernetes_ha(),
            ..Facts::default()
        };
        if facts.up {
            match self.jobs(workload).await {
                Ok(jobs) => facts.jobs = Some(jobs),
                Err(Error::Flink(e)) => facts.unreachable = why_unreachable(pod, &e.to_string()),
                Err(Error::Failed(why)) => facts.unreachable = why_unreachable(pod, &why),
                Err(e) => return Err(e),
            }
        }
        let cluster_id = position.as_ref().map(|p| p.cluster_id.clone()).or_else(|| {
            let conf = &workload.configuration;
            conf.get(config::CLUSTER_ID)
                .or_else(|| conf.get(config::HA_CLUSTER_ID))
                .map(str::to_owned)
        });
        let mut found = Found {
            facts,
            position,
            cluster_id,
        };
        found.facts.ha_checkpoint = self.ha_checkpoint(workload, &found).await?;
        Ok(found)
    }

    /// The newest checkpoint that Kubernetes high availability records of a workload's job.
    pub(crate) async fn ha_checkpoint(
        &self,
        workload: &Workload,
        found: &Found,
    ) -> Result<Option<(u64, String)>, Error> {
        if !workload.configuration.has_kubernetes_ha() {
            return Ok(None);
        }
        let Some(cluster_id) = &found.cluster_id else {
            return Ok(None);
        };
        let job_id = match (&found.position, found.facts.jobs.as_deref()) {
            (Some(position), _) => position.job_id.clone(),
            (None, Some([job])) => job.id.clone(),
            (None, _) => match self.only_job_of(workload, cluster_id).await? {
                Some(id) => id,
                None => return Ok(None),
            },
        };
        let name = ha::job_config_map(cluster_id, &job_id);
        let reference = ObjectRef::new("v1", "ConfigMap", Some(&workload.namespace), &name);
        let Some(map) = self.client.find(&reference).await? else {
            return Ok(None);
        };
        Ok(ha::checkpoint_ids(&map).last().and_then(|number| {
            Some((
                *number,
                ha::checkpoint_path(&workload.configuration, &job_id, *number)?,
            ))
        }))
    }

    /// The job id in the name of the only job's ConfigMap of a cluster.
    async fn only_job_of(
        &self,
        workload: &Workload,
        cluster_id: &str,
    ) -> Result<Option<String>, Error> {
        let maps = self.ha_config_maps(workload, cluster_id).await?;
        let mut ids = maps.iter().filter_map(|name| {
            let id = name
                .strip_prefix(&format!("{cluster_id}-"))?
                .strip_suffix("-config-map")?;
            (id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())).then(|| id.to_owned())
        });
        Ok(ids.next().filter(|_| ids.next().is_none()))
    }

    /// The names of the ConfigMaps in which high availability keeps a cluster's data.
    pub(crate) async fn ha_config_maps(
        &self,
        workload: &Workload,
        cluster_id: &str,
    ) -> Result<Vec<String>, Error> {
        let selector = format!("app={cluster_id},configmap-type=high-availability");
        let maps = self.labelled(workload, "ConfigMap", selector).await?;
        Ok(maps
            .iter()
            .map(|m| text(m, &["metadata", "name"]).to_owned())
            .collect())
    }

    /// The jobs that REST lists, with what they were restored from.
    async fn jobs(&self, workload: &Workload) -> Result<Vec<LiveJob>, Error> {
        let Some(rest) = self.rest(workload).await? else {
            return Err(Error::Failed("no JobManager pod runs".into()));
        };
        let mut jobs = Vec::new();
        for job in rest.jobs().await? {
            let restored_from_checkpoint = !job.is_terminal()
                && rest
                    .checkpoints(&job.id)
                    .await?
                    .latest
                    .restored
                    .is_some_and(|r| !r.is_savepoint);
            jobs.push(LiveJob {
                runs_fully: job.runs_fully(),
                id: job.id,
                state: job.state,
                start_time: job.start_time,
                restored_from_checkpoint,
            });
        }
        Ok(jobs)
    }
}

/// Whether a JobManager's jobs are as they will be: those that live run with all tasks.
fn is_settled(jobs: &[LiveJob]) -> bool {
    !jobs.is_empty()
        && jobs
            .iter()
            .all(|j| j.runs_fully || rest::is_terminal(&j.state))
}

/// Why a JobManager gives no answer, by its pod where that says more.
pub(crate) fn why_unreachable(pod: Option<&Value>, otherwise: &str) -> String {
    let Some(pod) = pod else {
        return otherwise.to_owned();
    };
    for status in list(pod, &["status", "containerStatuses"]) {
        let reason = text(status, &["state", "waiting", "reason"]);
        if !matches!(reason, "" | "ContainerCreating" | "PodInitializing") {
            let restarts = at(status, &["restartCount"])
                .and_then(Value::as_u64)
                .unwrap_or(0);
            return format!(
                "pod {} is in {reason} ({restarts} restarts)",
                text(pod, &["metadata", "name"])
            );
        }
    }
    otherwise.to_owned()
}

/// Whether a savepoint folder lies where the pods that come later can read it.
///
/// `Err` names what is wrong: no folder, or one on a pod's own disk.
pub(crate) fn shared_folder(
    workload: &Workload,
    objects: &[Value],
    folder: Option<&str>,
) -> Result<String, String> {
    let key = config::SAVEPOINT_DIR.0[0];
    let Some(folder) = folder else {
        return Err(format!("no savepoint folder is configured ({key})"));
    };
    let path = match folder.split_once(':') {
        Some(("file", path)) => format!("/{}", path.trim_start_matches('/')),
        None => folder.to_owned(),
        Some(_) => return Ok(folder.to_owned()),
    };
    for owner in workload.owners() {
        let object = objects.iter().find(|o| {
            text(o, &["kind"]) == owner.kind && text(o, &["metadata", "name"]) == owner.name
        });
        let Some(template) = object.and_then(|o| at(o, &["spec", "template"])) else {
            continue;
        };
        let container = list(template, &["spec", "containers"]).get(owner.container);
        let mount = container.and_then(|c| {
            list(c, &["volumeMounts"])
                .iter()
                .filter(|m| is_below(&path, text(m, &["mountPath"])))
                .max_by_key(|m| text(m, &["mountPath"]).len())
        });
        let volume = mount.and_then(|m| {
            list(template, &["spec", "volumes"])
                .iter()
                .find(|v| text(v, &["name"]) == text(m, &["name"]))
        });
        let lives =
            volume.is_some_and(|v| v.get("emptyDir").is_none() && v.get("ephemeral").is_none());
        if !lives {
            return Err(format!(
                "the savepoint folder {folder} lies on the own disk of the pods of {}/{} and would go with them",
                owner.kind, owner.name
            ));
        }
    }
    Ok(folder.to_owned())
}

fn is_below(path: &str, mount: &str) -> bool {
    let mount = mount.trim_end_matches('/');
    !mount.is_empty()
        && (path == mount || path.strip_prefix(mount).is_some_and(|r| r.starts_with('/')))
}

/// Whether the ConfigMap's newest number is beyond what the job was restored from.
pub(crate) fn newer_than(
    checkpoint: Option<&(u64, String)>,
    number: Option<u64>,
    path: Option<&str>,
) -> bool {
    checkpoint.is_some_and(|(id, at)| {
        number.is_none_or(|n| *id > n) && path.is_none_or(|p| !health::same_path(at, p))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_folder_on_a_pods_own_disk_is_refused() {
        let with = |volume: Value| {
            json!({"kind": "Deployment", "metadata": {"name": "jm"}, "spec": {"template": {"spec": {
                "containers": [{"args": ["standalone-job"], "volumeMounts": [{"name": "state", "mountPath": "/state"}]}],
                "volumes": [volume]}}}})
        };
        let table = [
            (
                json!({"name": "state", "persistentVolumeClaim": {"claimName": "c"}}),
                Some("file:///state/sp"),
                true,
            ),
            (
                json!({"name": "state", "hostPath": {"path": "/x"}}),
                Some("/state/sp"),
                true,
            ),
            (
                json!({"name": "state", "emptyDir": {}}),
                Some("file:///state/sp"),
                false,
            ),
            (
                json!({"name": "state", "hostPath": {"path": "/x"}}),
                Some("file:///statesp"),
                false,
            ),
            (
                json!({"name": "state", "emptyDir": {}}),
                Some("s3://bucket/sp"),
                true,
            ),
            (
                json!({"name": "state", "hostPath": {"path": "/x"}}),
                None,
                false,
            ),
        ];
        for (volume, folder, good) in table {
            let objects = [with(volume.clone())];
            let workload = crate::flink::workload::recognise(&objects, "ns").remove(0);
            assert_eq!(
                shared_folder(&workload, &objects, folder).is_ok(),
                good,
                "{volume} {folder:?}"
            );
        }
    }

    #[test]
    fn a_restored_savepoint_is_no_progress() {
        let at = |n: u64| (n, format!("file:///cp/j/chk-{n}"));
        assert!(!newer_than(None, Some(7), None));
        assert!(!newer_than(Some(&at(7)), Some(7), Some("file:///sp/1")));
        assert!(newer_than(Some(&at(8)), Some(7), Some("file:///sp/1")));
        assert!(!newer_than(Some(&at(8)), None, Some("file:/cp/j/chk-8")));
    }
}
