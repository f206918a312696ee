//! Waiting, by watches, until objects are ready or gone, with the reason for each wait.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use tokio::time::Instant;

use super::awaited::{Awaited, by_name, take, watched};
use super::client::Client;
use super::error::Error;
use super::object::{ObjectRef, uid};
use super::ready::{self, Rules, State};
use super::watch::{Seen, Watched};
use crate::yaml::Value;

/// Of how many objects that were not ready in time logs and events are read.
const MOURNED: usize = 3;
/// How long reading them may take.
const LAST_WORDS: Duration = Duration::from_secs(15);

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
        /// The problem; `None`: it is over.
        reason: Option<String>,
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
    /// What counts as ready.
    pub rules: Rules,
}

impl Default for Wait {
    fn default() -> Self {
        Wait {
            timeout: Duration::from_secs(300),
            unhealthy_grace: Duration::from_secs(60),
            unschedulable_grace: Duration::from_secs(300),
            rules: Rules::default(),
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
        /// The last log lines and events of the first of them.
        details: Vec<String>,
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
            awaited.push(Awaited::new(located));
        }
        awaited.retain(|a| ready::has_state(&a.object.group, &a.object.kind));
        if awaited.is_empty() {
            return Ok(());
        }
        let start = Instant::now();
        let watches: Vec<_> = watched(&awaited)
            .into_iter()
            .map(|(of, watched)| (of, self.watch(watched)))
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
                .find_map(|a| a.hopeless(wait, Instant::now()).map(|reason| (a, reason)));
            if let Some((a, reason)) = hopeless {
                return Err(WaitError::Unhealthy {
                    object: a.object.clone(),
                    reason,
                    details: self.last_words(&[a]).await,
                });
            }
            if start.elapsed() >= wait.timeout {
                let late: Vec<&Awaited> = awaited.iter().filter(|a| !a.state.is_ready()).collect();
                return Err(WaitError::TimedOut {
                    after: wait.timeout,
                    not_ready: late.iter().map(|a| (a.object.clone(), a.why())).collect(),
                    details: self.last_words(late.get(..MOURNED).unwrap_or(&late)).await,
                });
            }
        }
    }

    /// What logs and events say of objects that did not become ready.
    async fn last_words(&self, objects: &[&Awaited]) -> Vec<String> {
        let all = futures::future::join_all(objects.iter().map(|a| async move {
            let pod = a.telling_pod();
            self.post_mortem(&a.object, pod.as_deref()).await
        }));
        // Nothing here may keep the failure itself waiting.
        let words = tokio::time::timeout(LAST_WORDS, all).await;
        words.unwrap_or_default().into_iter().flatten().collect()
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
