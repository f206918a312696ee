//! Waiting, by watches, until objects are ready or gone, with the reason for each wait.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use tokio::time::Instant;

use super::client::Client;
use super::error::{Error, Result};
use super::object::{ObjectRef, uid};
use super::ready::{self, Problem, State, pod_problem, readiness};
use super::watch::{Seen, Watched};
use crate::yaml::Value;

/// What happens while an operation goes on; only the command line prints it.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// An object's state has changed: what it is now.
    State {
        /// The object.
        object: ObjectRef,
        /// Its state.
        state: State,
    },
    /// A pod of an object has a problem, or another one.
    Pod {
        /// Whose pod.
        object: ObjectRef,
        /// The pod's name.
        pod: String,
        /// The problem.
        reason: String,
    },
}

/// How long to wait, and what ends it early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// The whole time.
    pub timeout: Duration,
    /// How long an object may be unhealthy before the wait ends.
    pub unhealthy_grace: Duration,
    /// The same for pods that no node has room for.
    pub unschedulable_grace: Duration,
    /// Whether jobs are awaited.
    pub jobs: bool,
}

impl Default for Wait {
    fn default() -> Self {
        Wait {
            timeout: Duration::from_secs(300),
            unhealthy_grace: Duration::from_secs(60),
            unschedulable_grace: Duration::from_secs(300),
            jobs: false,
        }
    }
}

/// Why a wait ended without what it waited for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WaitError {
    /// The time is up.
    #[error("not ready after {}: {}", seconds(.after), list(.not_ready))]
    TimedOut {
        /// How long it was waited.
        after: Duration,
        /// What is not ready, and why.
        not_ready: Vec<(ObjectRef, String)>,
    },
    /// An object failed, or was unhealthy for longer than its grace.
    #[error("{object} failed: {reason}")]
    Unhealthy {
        /// The object.
        object: ObjectRef,
        /// What is wrong.
        reason: String,
        /// The last log lines and events of what failed.
        details: Vec<String>,
    },
    /// Something that should have gone is still there.
    #[error("still there after {}: {}", seconds(.after), .names.join(", "))]
    NotGone {
        /// How long it was waited.
        after: Duration,
        /// What is there.
        names: Vec<String>,
    },
    /// The cluster can't be watched.
    #[error(transparent)]
    Cluster(#[from] Error),
}

fn seconds(time: &Duration) -> String {
    format!("{} s", time.as_secs())
}

fn list(not_ready: &[(ObjectRef, String)]) -> String {
    let parts: Vec<String> = not_ready
        .iter()
        .map(|(object, reason)| format!("{object} ({reason})"))
        .collect();
    parts.join(", ")
}

/// One awaited object.
struct Awaited {
    object: ObjectRef,
    state: State,
    /// Its latest content.
    live: Option<Value>,
    /// Since when it has been unhealthy, without a break.
    unhealthy: Option<Instant>,
    /// Problems of its pods, and since when.
    pods: BTreeMap<String, (Problem, Instant)>,
}

impl Awaited {
    /// What has outlasted its grace.
    fn hopeless(&self, wait: &Wait) -> Option<String> {
        if let State::Failed(reason) = &self.state {
            return Some(reason.clone());
        }
        if self.state.is_ready() {
            return None;
        }
        if let (State::Unhealthy(reason), Some(since)) = (&self.state, self.unhealthy)
            && since.elapsed() >= wait.unhealthy_grace
        {
            return Some(reason.clone());
        }
        self.pods.iter().find_map(|(pod, (problem, since))| {
            let grace = if problem.unschedulable {
                wait.unschedulable_grace
            } else {
                wait.unhealthy_grace
            };
            (since.elapsed() >= grace).then(|| format!("Pod/{pod}: {}", problem.reason))
        })
    }

    /// Why it isn't ready, its pods' problems with it.
    fn why(&self) -> String {
        match self.pods.iter().next() {
            Some((pod, (problem, _))) => {
                format!("{}; Pod/{pod}: {}", self.state.reason(), problem.reason)
            }
            None => self.state.reason().to_owned(),
        }
    }
}

impl Client {
    /// Waits until all objects are ready. `on_progress` hears each change.
    ///
    /// # Errors
    /// [`WaitError::TimedOut`] with what isn't ready and why; [`WaitError::Unhealthy`] as soon as an
    /// object has failed or outlasted its grace; [`WaitError::Cluster`] when a kind can't be watched.
    pub async fn wait_ready(
        &self,
        objects: &[ObjectRef],
        wait: &Wait,
        mut on_progress: impl FnMut(Progress),
    ) -> std::result::Result<(), WaitError> {
        let mut awaited = Vec::new();
        for object in objects {
            let (located, _) = self.locate(object).await?;
            awaited.push(Awaited {
                object: located,
                state: State::Waiting("not seen yet".into()),
                live: None,
                unhealthy: None,
                pods: BTreeMap::new(),
            });
        }
        awaited.retain(|a| ready::has_state(&a.object.group, &a.object.kind));
        if awaited.is_empty() {
            return Ok(());
        }
        let start = Instant::now();
        let watches: Vec<_> = watched(&awaited)
            .into_iter()
            .map(|w| {
                let of = Of {
                    pods: w.kind == "Pod" && w.fields.is_none(),
                    kind: w.kind.clone(),
                };
                (of, self.watch(w))
            })
            .collect();
        let mut events = futures::stream::select_all(watches.into_iter().map(|(of, watch)| {
            futures::stream::unfold((of, watch), |(of, mut watch)| async move {
                let seen = watch.next().await?;
                Some(((of.clone(), seen), (of, watch)))
            })
            .boxed()
        }));
        // Time passes for graces without any event.
        let mut tick = tokio::time::interval(Duration::from_millis(500));
        loop {
            tokio::select! {
                event = events.next() => match event {
                    Some((of, seen)) => take(&mut awaited, &of, seen, wait, &mut on_progress)?,
                    None => return Err(Error::Answer {
                        action: "watch".into(),
                        cause: "the watches have ended".into(),
                    }.into()),
                },
                _ = tick.tick() => {}
            }
            if awaited.iter().all(|a| a.state.is_ready()) {
                return Ok(());
            }
            let hopeless = awaited
                .iter()
                .find_map(|a| a.hopeless(wait).map(|reason| (a, reason)));
            if let Some((a, reason)) = hopeless {
                let pod = a.pods.keys().next().cloned();
                return Err(WaitError::Unhealthy {
                    object: a.object.clone(),
                    reason,
                    details: self.post_mortem(&a.object, pod.as_deref()).await,
                });
            }
            if start.elapsed() >= wait.timeout {
                let not_ready = awaited
                    .iter()
                    .filter(|a| !a.state.is_ready())
                    .map(|a| (a.object.clone(), a.why()))
                    .collect();
                return Err(WaitError::TimedOut {
                    after: wait.timeout,
                    not_ready,
                });
            }
        }
    }

    /// Waits until an object is gone, or another has taken its name (when the uid is given).
    ///
    /// # Errors
    /// [`WaitError::NotGone`] when the time is up, [`WaitError::Cluster`].
    pub async fn wait_gone(
        &self,
        object: &ObjectRef,
        with_uid: Option<&str>,
        timeout: Duration,
    ) -> std::result::Result<(), WaitError> {
        let (located, _) = match self.locate(object).await {
            Err(e) if e.is_absent() => return Ok(()),
            other => other?,
        };
        let ours = |live: &Value| with_uid.is_none_or(|u| uid(live) == Some(u));
        self.until_none(by_name(&located), timeout, ours).await
    }

    /// Waits until no pod with these labels runs any more. Pods that have ended (Succeeded, Failed)
    /// don't count, pods that are being deleted do: their containers may still run.
    ///
    /// # Errors
    /// [`WaitError::NotGone`] with the pods' names when the time is up, [`WaitError::Cluster`].
    pub async fn wait_pods_gone(
        &self,
        namespace: &str,
        labels: &str,
        timeout: Duration,
    ) -> std::result::Result<(), WaitError> {
        let pods = Watched {
            api_version: "v1".into(),
            kind: "Pod".into(),
            namespace: Some(namespace.to_owned()),
            labels: Some(labels.to_owned()),
            fields: None,
        };
        let runs = |pod: &Value| {
            !matches!(
                pod.pointer("/status/phase").and_then(Value::as_str),
                Some("Succeeded" | "Failed")
            )
        };
        self.until_none(pods, timeout, runs).await
    }

    async fn until_none(
        &self,
        watched: Watched,
        timeout: Duration,
        counts: impl Fn(&Value) -> bool,
    ) -> std::result::Result<(), WaitError> {
        let kind = watched.kind.clone();
        let mut watch = self.watch(watched);
        let mut there: BTreeMap<String, String> = BTreeMap::new();
        let key = |live: &Value| uid(live).unwrap_or_default().to_owned();
        let name = |live: &Value| {
            let name = live.pointer("/metadata/name").and_then(Value::as_str);
            format!("{kind}/{}", name.unwrap_or_default())
        };
        let all = async {
            while let Some(seen) = watch.next().await {
                match seen {
                    Seen::All(items) => {
                        there = items
                            .iter()
                            .filter(|i| counts(i))
                            .map(|i| (key(i), name(i)))
                            .collect();
                    }
                    Seen::Is(live) if counts(&live) => {
                        there.insert(key(&live), name(&live));
                    }
                    Seen::Is(live) | Seen::Gone(live) => {
                        there.remove(&key(&live));
                    }
                    Seen::Failed(error) => return Err(error),
                }
                if there.is_empty() {
                    break;
                }
            }
            Ok(())
        };
        match tokio::time::timeout(timeout, all).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(WaitError::NotGone {
                after: timeout,
                names: there.into_values().collect(),
            }),
        }
    }
}

pub(super) fn by_name(object: &ObjectRef) -> Watched {
    Watched {
        api_version: object.api_version(),
        kind: object.kind.clone(),
        namespace: object.namespace.clone(),
        labels: None,
        fields: Some(format!("metadata.name={}", object.name)),
    }
}

/// One watch a kind and namespace (by name where there is but one object), and one for the pods of
/// each namespace with workloads.
fn watched(awaited: &[Awaited]) -> Vec<Watched> {
    let mut kinds: BTreeMap<(String, String, Option<String>), Vec<&ObjectRef>> = BTreeMap::new();
    for Awaited { object, .. } in awaited {
        let key = (
            object.api_version(),
            object.kind.clone(),
            object.namespace.clone(),
        );
        kinds.entry(key).or_default().push(object);
    }
    let mut all: Vec<Watched> = kinds
        .into_values()
        .filter_map(|objects| match objects.as_slice() {
            [one] => Some(by_name(one)),
            [first, ..] => Some(Watched {
                fields: None,
                ..by_name(first)
            }),
            [] => None,
        })
        .collect();
    let mut namespaces: Vec<&str> = awaited
        .iter()
        .filter(|a| has_pods(&a.object.kind))
        .filter_map(|a| a.object.namespace.as_deref())
        .collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    for namespace in namespaces {
        let pods = Watched {
            api_version: "v1".into(),
            kind: "Pod".into(),
            namespace: Some(namespace.to_owned()),
            labels: None,
            fields: None,
        };
        if !all.contains(&pods) {
            all.push(pods);
        }
    }
    all
}

fn has_pods(kind: &str) -> bool {
    matches!(
        kind,
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job"
    )
}

/// Whose events a watch brings: items of a list carry no kind, and two objects of different kinds may
/// share a name.
#[derive(Debug, Clone)]
struct Of {
    kind: String,
    /// Whether these are all pods of a namespace, watched for their problems.
    pods: bool,
}

/// Takes in what a watch has seen.
fn take(
    awaited: &mut [Awaited],
    of: &Of,
    seen: Seen,
    wait: &Wait,
    on_progress: &mut impl FnMut(Progress),
) -> Result<()> {
    match seen {
        Seen::All(items) => {
            if of.pods {
                for a in awaited.iter_mut() {
                    a.pods.retain(|name, _| {
                        items.iter().any(|i| {
                            i.pointer("/metadata/name").and_then(Value::as_str) == Some(name)
                        })
                    });
                }
            }
            for item in items {
                take_one(awaited, of, &item, false, wait, on_progress);
            }
        }
        Seen::Is(item) => take_one(awaited, of, &item, false, wait, on_progress),
        Seen::Gone(item) => take_one(awaited, of, &item, true, wait, on_progress),
        // Without the right to watch pods, readiness is still seen; only reasons are missing.
        Seen::Failed(Error::Forbidden { .. }) if of.pods => {}
        Seen::Failed(error) => return Err(error),
    }
    Ok(())
}

fn take_one(
    awaited: &mut [Awaited],
    of: &Of,
    live: &Value,
    gone: bool,
    wait: &Wait,
    on_progress: &mut impl FnMut(Progress),
) {
    let name = live.pointer("/metadata/name").and_then(Value::as_str);
    let namespace = live.pointer("/metadata/namespace").and_then(Value::as_str);
    for a in awaited.iter_mut() {
        if a.object.namespace.as_deref() != namespace {
            continue;
        }
        if of.kind == "Pod" && a.object.kind != "Pod" {
            if has_pods(&a.object.kind) && owns(&a.object, live) {
                take_pod(a, live, gone, on_progress);
            }
            continue;
        }
        if of.kind != a.object.kind || name != Some(a.object.name.as_str()) {
            continue;
        }
        let state = if gone {
            State::Waiting("was deleted".into())
        } else {
            let mut whole = live.clone();
            whole["apiVersion"] = a.object.api_version().into();
            whole["kind"] = a.object.kind.as_str().into();
            readiness(&whole, wait.jobs)
        };
        a.unhealthy = match state {
            State::Unhealthy(_) => a.unhealthy.or_else(|| Some(Instant::now())),
            _ => None,
        };
        a.live = (!gone).then(|| live.clone());
        if a.state != state {
            a.state = state.clone();
            on_progress(Progress::State {
                object: a.object.clone(),
                state,
            });
        }
    }
}

fn take_pod(a: &mut Awaited, pod: &Value, gone: bool, on_progress: &mut impl FnMut(Progress)) {
    let Some(name) = pod.pointer("/metadata/name").and_then(Value::as_str) else {
        return;
    };
    let leaving = gone || pod.pointer("/metadata/deletionTimestamp").is_some();
    match pod_problem(pod).filter(|_| !leaving) {
        None => {
            a.pods.remove(name);
        }
        Some(problem) => {
            let before = a.pods.get(name);
            let since = before.map_or_else(Instant::now, |(_, since)| *since);
            let new = before.is_none_or(|(p, _)| p.reason != problem.reason);
            let reason = problem.reason.clone();
            a.pods.insert(name.to_owned(), (problem, since));
            if new {
                on_progress(Progress::Pod {
                    object: a.object.clone(),
                    pod: name.to_owned(),
                    reason,
                });
            }
        }
    }
}

/// Whether a pod belongs to a workload: by its controller's name, which for a Deployment is a
/// ReplicaSet `NAME-HASH`.
fn owns(workload: &ObjectRef, pod: &Value) -> bool {
    let owners = pod
        .pointer("/metadata/ownerReferences")
        .and_then(Value::as_array);
    owners.into_iter().flatten().any(|owner| {
        let text = |field: &str| owner.get(field).and_then(Value::as_str).unwrap_or_default();
        match workload.kind.as_str() {
            "Deployment" => {
                text("kind") == "ReplicaSet"
                    && text("name")
                        .rsplit_once('-')
                        .is_some_and(|(name, _)| name == workload.name)
            }
            kind => text("kind") == kind && text("name") == workload.name,
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The services of a chart may be named like its Deployments, and lists give items no kind.
    #[test]
    fn an_item_counts_only_for_objects_of_its_watch() {
        let awaited = |kind: &str, group: &str| Awaited {
            object: ObjectRef {
                group: group.into(),
                version: "v1".into(),
                kind: kind.into(),
                namespace: Some("ns".into()),
                name: "job".into(),
            },
            state: State::Waiting("not seen yet".into()),
            live: None,
            unhealthy: None,
            pods: BTreeMap::new(),
        };
        let mut all = [awaited("Deployment", "apps"), awaited("Service", "")];
        let ready = json!({
            "metadata": {"name": "job", "namespace": "ns", "generation": 1},
            "spec": {"replicas": 1},
            "status": {
                "observedGeneration": 1, "replicas": 1, "updatedReplicas": 1,
                "readyReplicas": 1, "availableReplicas": 1,
            },
        });
        let service = json!({"metadata": {"name": "job", "namespace": "ns"}, "spec": {}});
        for (kind, item) in [("Deployment", ready), ("Service", service)] {
            let of = Of {
                kind: kind.into(),
                pods: false,
            };
            let seen = Seen::All(vec![item]);
            take(&mut all, &of, seen, &Wait::default(), &mut |_| {}).unwrap();
        }
        assert!(all.iter().all(|a| a.state.is_ready()), "{:?}", all[0].state);
    }
}
