//! Waiting, by watches, until a Job or Pod has done its work.

use futures::StreamExt;
use tokio::time::Instant;

use super::awaited::by_name;
use super::client::Client;
use super::error::Error;
use super::object::{ObjectRef, uid};
use super::ready::{Rules, State, pod_problem, readiness};
use super::wait::{Progress, Wait, WaitError};
use super::watch::{Seen, Watched};
use crate::yaml::Value;

/// Reasons that a container never starts; others (crashes, backing off) are the Job's own to judge.
const NEVER_STARTS: &[&str] = &[
    "ErrImagePull",
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
];

/// Whether objects of this kind end.
pub fn ends(group: &str, kind: &str) -> bool {
    matches!((group, kind), ("batch", "Job") | ("", "Pod"))
}

/// The label selector of a Job's pods.
pub fn pods_of_job(job: &str) -> String {
    format!("job-name={job}")
}

impl Client {
    /// Waits until a Job is complete or a Pod has succeeded, the one with this uid. `on_progress`
    /// hears each change.
    ///
    /// # Errors
    /// [`WaitError::Unhealthy`] when it failed, was deleted, or its container can't start for longer
    /// than the grace; [`WaitError::TimedOut`]; [`WaitError::Cluster`].
    pub async fn wait_ended(
        &self,
        object: &ObjectRef,
        with_uid: Option<&str>,
        wait: &Wait,
        mut on_progress: impl FnMut(Progress),
    ) -> std::result::Result<(), WaitError> {
        let (object, _) = self.locate(object).await?;
        let mut watches = vec![(false, self.watch(by_name(&object)))];
        if object.kind == "Job" {
            let pods = Watched {
                api_version: "v1".into(),
                kind: "Pod".into(),
                namespace: object.namespace.clone(),
                labels: Some(pods_of_job(&object.name)),
                fields: None,
            };
            watches.push((true, self.watch(pods)));
        }
        let mut events = futures::stream::select_all(watches.into_iter().map(|(pods, watch)| {
            futures::stream::unfold(watch, move |mut watch| async move {
                let seen = watch.next().await?;
                Some(((pods, seen), watch))
            })
            .boxed()
        }));
        let start = Instant::now();
        let mut state = State::Waiting("not seen yet".into());
        let mut stuck: Option<(String, String, bool, Instant)> = None;
        let mut tick = tokio::time::interval(std::time::Duration::from_millis(500));
        loop {
            let mut found = Vec::new();
            tokio::select! {
                event = events.next() => match event {
                    Some((true, Seen::Failed(Error::Forbidden { .. }))) => {}
                    Some((_, Seen::Failed(error))) => return Err(error.into()),
                    Some((pods, Seen::All(items))) => {
                        if !pods && !items.iter().any(|i| is(i, with_uid)) {
                            found.push((pods, None));
                        }
                        found.extend(items.into_iter().map(|i| (pods, Some(i))));
                    }
                    Some((pods, Seen::Is(item))) => found.push((pods, Some(item))),
                    Some((true, Seen::Gone(_))) => {}
                    Some((false, Seen::Gone(item))) if is(&item, with_uid) => {
                        found.push((false, None));
                    }
                    Some((false, Seen::Gone(_))) => {}
                    None => return Err(Error::Answer {
                        action: "watch".into(),
                        cause: "the watches have ended".into(),
                    }.into()),
                },
                _ = tick.tick() => {}
            }
            for (is_pod, item) in found {
                let Some(mut item) = item else {
                    return Err(self.hopeless(&object, "it was deleted".into(), None).await);
                };
                if !is_pod && !is(&item, with_uid) {
                    continue;
                }
                let kind = if is_pod { "Pod" } else { object.kind.as_str() };
                if kind == "Pod" {
                    stuck = never_starts(&item, stuck.take());
                    if let Some((pod, reason, ..)) = &stuck {
                        on_progress(Progress::Pod {
                            object: object.clone(),
                            pod: pod.clone(),
                            reason: Some(reason.clone()),
                        });
                    }
                }
                if !is_pod {
                    item["apiVersion"] = object.api_version().into();
                    item["kind"] = object.kind.as_str().into();
                    let now = outcome(&item);
                    if now != state {
                        state = now;
                        on_progress(Progress::State {
                            object: object.clone(),
                            state: state.clone(),
                        });
                    }
                }
            }
            match &state {
                State::Ready(_) => return Ok(()),
                State::Failed(reason) => {
                    return Err(self.hopeless(&object, reason.clone(), None).await);
                }
                State::Waiting(_) | State::Unhealthy(_) => {}
            }
            if let Some((pod, reason, unschedulable, since)) = &stuck {
                let grace = if *unschedulable {
                    wait.unschedulable_grace
                } else {
                    wait.unhealthy_grace
                };
                if since.elapsed() >= grace {
                    let (pod, reason) = (pod.clone(), format!("Pod/{pod}: {reason}"));
                    return Err(self.hopeless(&object, reason, Some(&pod)).await);
                }
            }
            if start.elapsed() >= wait.timeout {
                let why = match &stuck {
                    Some((pod, reason, ..)) => format!("{}; Pod/{pod}: {reason}", state.reason()),
                    None => state.reason().to_owned(),
                };
                return Err(WaitError::TimedOut {
                    after: wait.timeout,
                    not_ready: vec![(object, why)],
                    details: Vec::new(),
                });
            }
        }
    }

    async fn hopeless(&self, object: &ObjectRef, reason: String, pod: Option<&str>) -> WaitError {
        WaitError::Unhealthy {
            object: object.clone(),
            reason,
            details: self.post_mortem(object, pod).await,
        }
    }
}

fn is(item: &Value, with_uid: Option<&str>) -> bool {
    with_uid.is_none() || uid(item) == with_uid
}

/// A Pod counts when it has ended, not when it is ready.
fn outcome(item: &Value) -> State {
    let phase = item.pointer("/status/phase").and_then(Value::as_str);
    let is_pod = item.get("kind").and_then(Value::as_str) == Some("Pod");
    match readiness(
        item,
        Rules {
            jobs: true,
            legacy: false,
        },
    ) {
        State::Ready(_) if is_pod && phase != Some("Succeeded") => {
            State::Waiting(format!("is {}", phase.unwrap_or("not started")))
        }
        state => state,
    }
}

/// A pod that can't start: its name, why, whether no node has room, and since when.
fn never_starts(
    pod: &Value,
    before: Option<(String, String, bool, Instant)>,
) -> Option<(String, String, bool, Instant)> {
    let name = pod.pointer("/metadata/name").and_then(Value::as_str)?;
    let same = before.as_ref().is_some_and(|(n, ..)| n == name);
    let problem = pod_problem(pod)
        .filter(|p| p.unschedulable || NEVER_STARTS.iter().any(|r| p.reason.starts_with(r)));
    match problem {
        Some(problem) => {
            let since = before
                .filter(|_| same)
                .map_or_else(Instant::now, |(.., since)| since);
            Some((
                name.to_owned(),
                problem.reason,
                problem.unschedulable,
                since,
            ))
        }
        None if same => None,
        None => before,
    }
}
