//! What is found of a workload on the cluster: its pods, its jobs, its recorded checkpoints.

use std::time::{Duration, Instant};

use super::ledger::Entry;
use super::{Error, Session};
use crate::cluster::{self, Endpoint, ObjectRef, Query};
use crate::flink::config;
use crate::flink::inject::Position;
use crate::flink::manifest::{at, list, text};
use crate::flink::rest::{self, Rest, Restored};
use crate::flink::workload::{PodOwner, Workload};
use crate::flink::{ha, health::same_path};
use crate::plan::state::{Facts, JobRecord, LiveJob, Mark, Traces, progress};
use crate::yaml::Value;

/// How long a JobManager that is up may take to answer, and its job to run with all tasks.
const SETTLE: Duration = Duration::from_secs(30);

/// How long a job must run after a failure until it counts as running: one that crash-loops runs for a
/// moment in between, too short for a savepoint.
const STEADY: Duration = Duration::from_secs(5);

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
    pub(crate) async fn labelled(
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
    ///
    /// `record` is the journal's entry of an operation that did not end, where there is one.
    pub(crate) async fn look(
        &self,
        workload: &Workload,
        record: Option<&JobRecord>,
    ) -> Result<Found, Error> {
        let begun = Instant::now();
        loop {
            let found = self.look_once(workload, record).await?;
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
    pub(crate) async fn look_once(
        &self,
        workload: &Workload,
        record: Option<&JobRecord>,
    ) -> Result<Found, Error> {
        let reference = self.owner_ref(workload, &workload.jobmanager);
        let owner = self.client.find(&reference).await?;
        let position = self.position(workload).await?;
        let mut facts = Facts {
            exists: owner.is_some(),
            has_ha: workload.configuration.has_kubernetes_ha(),
            ..Facts::default()
        };
        let mut reported = Vec::new();
        if let Some(owner) = &owner {
            let pods = self.pods(workload, &workload.jobmanager).await?;
            let wanted = at(owner, &["spec", "replicas"])
                .and_then(Value::as_i64)
                .unwrap_or(1);
            let pod = pods
                .iter()
                .find(|p| at(p, &["metadata", "deletionTimestamp"]).is_none());
            facts.up = wanted > 0 || !pods.is_empty();
            facts.pod_uid = pod.and_then(cluster::uid).map(str::to_owned);
            if facts.up {
                match self.jobs(workload).await {
                    Ok(jobs) => {
                        let (jobs, restored): (Vec<_>, Vec<_>) = jobs.into_iter().unzip();
                        facts.jobs = Some(jobs);
                        reported = restored;
                    }
                    Err(Error::Flink(e)) => {
                        facts.unreachable = why_unreachable(pod, &e.to_string());
                    }
                    Err(Error::Failed(why)) => facts.unreachable = why_unreachable(pod, &why),
                    Err(e) => return Err(e),
                }
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
        self.trace(workload, &mut found, reported, record).await?;
        Ok(found)
    }

    /// Finds out how far a workload's current run has come, from all that has traces of it.
    async fn trace(
        &self,
        workload: &Workload,
        found: &mut Found,
        reported: Vec<Option<Restored>>,
        record: Option<&JobRecord>,
    ) -> Result<(), Error> {
        let ledger = self.ledger().await?;
        let job_id = self.run_of(workload, found).await?;
        let facts = &mut found.facts;
        facts.ledger = ledger.newest(&workload.name).map(Entry::mark);
        let record = record.filter(|r| r.new_job_id.is_some() && r.new_job_id == job_id);
        let restored = reported.into_iter().flatten().collect::<Vec<_>>();
        facts.started_from = found
            .position
            .as_ref()
            .and_then(|p| p.path.as_ref())
            .map(|path| Mark {
                number: record
                    .filter(|r| r.path.as_ref() == Some(path))
                    .and_then(|r| r.number)
                    .or_else(|| ledger.number_of(path))
                    .or_else(|| {
                        let same = |r: &&Restored| {
                            let at = r.external_path.as_deref();
                            at.is_some_and(|at| same_path(at, path))
                        };
                        restored.iter().find(same).map(|r| r.id)
                    })
                    .or_else(|| path.rsplit_once("/chk-")?.1.parse().ok()),
                path: path.clone(),
            });
        facts.run.clone_from(&job_id);
        let Some(job_id) = job_id else {
            return Ok(());
        };
        let mut completed: Vec<Mark> = facts
            .jobs
            .iter()
            .flatten()
            .filter(|j| j.id == job_id)
            .filter_map(|j| j.newest.clone())
            .collect();
        completed.extend(record.and_then(|r| r.progress.clone()));
        completed.extend(ledger.newest_of(&job_id).map(Entry::mark));
        let recorded = match &found.cluster_id {
            Some(cluster_id) if facts.has_ha => {
                let name = ha::job_config_map(cluster_id, &job_id);
                let reference = ObjectRef::new("v1", "ConfigMap", Some(&workload.namespace), &name);
                let map = self.client.find(&reference).await?;
                map.as_ref().map(ha::checkpoint_ids).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        facts.progress = progress(&Traces {
            start: facts.started_from.clone(),
            recorded_path: recorded
                .last()
                .and_then(|n| ha::checkpoint_path(&workload.configuration, &job_id, *n)),
            recorded,
            completed,
        });
        Ok(())
    }

    /// The id of the job that a workload runs, or ran last.
    async fn run_of(&self, workload: &Workload, found: &Found) -> Result<Option<String>, Error> {
        Ok(match (&found.position, found.facts.jobs.as_deref()) {
            (Some(position), _) => Some(position.job_id.clone()),
            (None, Some([job])) => Some(job.id.clone()),
            (None, _) => match &found.cluster_id {
                Some(cluster_id) if found.facts.has_ha => {
                    self.only_job_of(workload, cluster_id).await?
                }
                _ => None,
            },
        })
    }

    /// The job id in the name of the only job's ConfigMap of a cluster.
    async fn only_job_of(
        &self,
        workload: &Workload,
        cluster_id: &str,
    ) -> Result<Option<String>, Error> {
        let maps = self.ha_config_maps(workload).await?;
        let mut ids = maps
            .iter()
            .filter_map(|(_, name)| ha::job_of(name, cluster_id).map(str::to_owned));
        Ok(ids.next().filter(|_| ids.next().is_none()))
    }

    /// The ConfigMaps in which high availability keeps the data of clusters in a workload's namespace:
    /// each one's cluster-id and name.
    ///
    /// All versions label them `app: <cluster-id>`; 2.3 has no label for what they are for.
    pub(crate) async fn ha_config_maps(
        &self,
        workload: &Workload,
    ) -> Result<Vec<(String, String)>, Error> {
        let maps = self.labelled(workload, "ConfigMap", "app".into()).await?;
        let of = |map: &Value| {
            let cluster_id = text(map, &["metadata", "labels", "app"]);
            let name = text(map, &["metadata", "name"]);
            let is_cluster = name == ha::cluster_config_map(cluster_id);
            (is_cluster || ha::job_of(name, cluster_id).is_some())
                .then(|| (cluster_id.to_owned(), name.to_owned()))
        };
        Ok(maps.iter().filter_map(of).collect())
    }

    /// The jobs that REST lists, each with what it was restored from last.
    async fn jobs(&self, workload: &Workload) -> Result<Vec<(LiveJob, Option<Restored>)>, Error> {
        let Some(rest) = self.rest(workload).await? else {
            return Err(Error::Failed("no JobManager pod runs".into()));
        };
        let mut jobs = Vec::new();
        for job in rest.jobs().await? {
            let latest = rest.checkpoints(&job.id).await?.latest;
            // A savepoint of a job that runs may be gone by the time it is needed.
            let savepoint = latest.savepoint.filter(|_| job.is_terminal());
            let newest = [latest.completed, savepoint]
                .into_iter()
                .flatten()
                .filter(|c| c.external_path.is_some())
                .max_by_key(|c| c.id);
            let steady = job.runs_fully()
                && rest
                    .job(&job.id)
                    .await?
                    .since_failure()
                    .is_none_or(|since| since >= STEADY);
            let live = LiveJob {
                runs_fully: steady,
                restored_from_checkpoint: !job.is_terminal()
                    && latest.restored.as_ref().is_some_and(|r| !r.is_savepoint),
                newest: newest.map(|c| Mark {
                    number: Some(c.id),
                    path: c.external_path.unwrap_or_default(),
                }),
                id: job.id,
                state: job.state,
                start_time: job.start_time,
            };
            jobs.push((live, latest.restored));
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
