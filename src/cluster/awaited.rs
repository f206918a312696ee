//! The objects of a wait, and what watches tell of them and of their pods. Pure but for the clock.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use super::error::{Error, Result};
use super::object::ObjectRef;
use super::ready::{Problem, State, pod_problem, readiness};
use super::wait::{Progress, Wait};
use super::watch::{Seen, Watched};
use crate::yaml::Value;

/// Warnings that say why pods don't come, or don't start: nothing else in the cluster says so.
const TELLING: [&str; 5] = [
    "FailedCreate",
    "FailedMount",
    "FailedAttachVolume",
    "FailedCreatePodSandBox",
    "ProvisioningFailed",
];

/// One awaited object.
pub(super) struct Awaited {
    /// What it is.
    pub(super) object: ObjectRef,
    /// How far it is.
    pub(super) state: State,
    /// Since when it has been unhealthy, without a break.
    unhealthy: Option<Instant>,
    /// The newest warning about it since its state changed, and since when.
    warning: Option<(String, Instant)>,
    /// Its pods: when each was made, and of which template.
    pods: BTreeMap<String, (String, String)>,
    /// Problems of its pods, and since when.
    problems: BTreeMap<String, (Problem, Instant)>,
}

impl Awaited {
    /// An object of which nothing is known yet.
    pub(super) fn new(object: ObjectRef) -> Self {
        Awaited {
            object,
            state: State::Waiting("not seen yet".into()),
            unhealthy: None,
            warning: None,
            pods: BTreeMap::new(),
            problems: BTreeMap::new(),
        }
    }

    /// What has outlasted its grace.
    pub(super) fn hopeless(&self, wait: &Wait, now: Instant) -> Option<String> {
        let outlasts = |since: &Instant, grace| now.saturating_duration_since(*since) >= grace;
        if let State::Failed(reason) = &self.state {
            return Some(reason.clone());
        }
        if self.state.is_ready() {
            return None;
        }
        if let (State::Unhealthy(reason), Some(since)) = (&self.state, &self.unhealthy)
            && outlasts(since, wait.unhealthy_grace)
        {
            return Some(reason.clone());
        }
        if let Some((warning, since)) = &self.warning
            && outlasts(since, wait.unhealthy_grace)
        {
            return Some(warning.clone());
        }
        self.current().find_map(|(pod, (problem, since))| {
            let grace = if problem.unschedulable {
                wait.unschedulable_grace
            } else {
                wait.unhealthy_grace
            };
            outlasts(since, grace).then(|| format!("Pod/{pod}: {}", problem.reason))
        })
    }

    /// Why it isn't ready, its pods' problems with it.
    pub(super) fn why(&self) -> String {
        let reason = self.state.reason();
        match (self.current().next(), &self.warning) {
            (Some((pod, (problem, _))), _) => format!("{reason}; Pod/{pod}: {}", problem.reason),
            (None, Some((warning, _))) => format!("{reason}; {warning}"),
            (None, None) => reason.to_owned(),
        }
    }

    /// A pod of it that has a problem, or else any.
    pub(super) fn telling_pod(&self) -> Option<String> {
        let troubled = self.current().map(|(pod, _)| pod).next();
        troubled.or_else(|| self.pods.keys().next()).cloned()
    }

    /// The problems of pods of the newest template: those of an old one are about to go.
    fn current(&self) -> impl Iterator<Item = (&String, &(Problem, Instant))> {
        let newest = self.pods.values().max().map(|(_, template)| template);
        self.problems.iter().filter(move |(pod, _)| {
            let template = self.pods.get(*pod).map(|(_, template)| template);
            template.is_none() || template == newest
        })
    }
}

/// An object by its name.
pub(super) fn by_name(object: &ObjectRef) -> Watched {
    Watched {
        api_version: object.api_version(),
        kind: object.kind.clone(),
        namespace: object.namespace.clone(),
        labels: None,
        fields: Some(format!("metadata.name={}", object.name)),
    }
}

/// Whose events a watch brings: items of a list carry no kind, and two objects of different kinds may
/// share a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Of {
    /// Objects of this kind.
    Kind(String),
    /// All pods of a namespace, for their problems (and for themselves).
    Pods,
    /// The warnings of a namespace.
    Warnings,
}

/// One watch a kind and namespace (by name where there is but one object), and two for each namespace
/// with workloads: its pods, and its warnings.
pub(super) fn watched(awaited: &[Awaited]) -> Vec<(Of, Watched)> {
    let mut kinds: BTreeMap<(String, String, Option<String>), Vec<&ObjectRef>> = BTreeMap::new();
    for Awaited { object, .. } in awaited {
        let key = (
            object.api_version(),
            object.kind.clone(),
            object.namespace.clone(),
        );
        kinds.entry(key).or_default().push(object);
    }
    let whole = |kind: &str, namespace: &str, fields: Option<&str>| Watched {
        api_version: "v1".into(),
        kind: kind.into(),
        namespace: Some(namespace.to_owned()),
        labels: None,
        fields: fields.map(str::to_owned),
    };
    let mut namespaces: Vec<&str> = awaited
        .iter()
        .filter(|a| has_pods(&a.object.kind))
        .filter_map(|a| a.object.namespace.as_deref())
        .collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    let mut all: Vec<(Of, Watched)> = Vec::new();
    for namespace in namespaces {
        all.push((Of::Pods, whole("Pod", namespace, None)));
        let warnings = whole("Event", namespace, Some("type=Warning"));
        all.push((Of::Warnings, warnings));
    }
    for objects in kinds.into_values() {
        let watched = match objects.as_slice() {
            [one] => by_name(one),
            [first, ..] => Watched {
                fields: None,
                ..by_name(first)
            },
            [] => continue,
        };
        let known = all.iter().any(|(of, w)| {
            *of == Of::Pods && w.kind == watched.kind && w.namespace == watched.namespace
        });
        if !known {
            all.push((Of::Kind(watched.kind.clone()), watched));
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

/// Takes in what a watch has seen.
pub(super) fn take(
    awaited: &mut [Awaited],
    of: &Of,
    seen: Seen,
    wait: &Wait,
    on_progress: &mut impl FnMut(Progress),
) -> Result<()> {
    match seen {
        // Warnings that are listed are old: what goes on is told again.
        Seen::All(_) if *of == Of::Warnings => {}
        Seen::All(items) => {
            if *of == Of::Pods {
                let there: BTreeSet<&str> = items.iter().map(name_of).collect();
                for a in awaited.iter_mut() {
                    a.pods.retain(|name, _| there.contains(name.as_str()));
                    a.problems.retain(|name, _| there.contains(name.as_str()));
                }
            }
            for item in items {
                take_one(awaited, of, &item, false, wait, on_progress);
            }
        }
        Seen::Is(item) => take_one(awaited, of, &item, false, wait, on_progress),
        Seen::Gone(_) if *of == Of::Warnings => {}
        Seen::Gone(item) => take_one(awaited, of, &item, true, wait, on_progress),
        // Without the right to watch pods or events readiness is still seen; only reasons are missing.
        Seen::Failed(Error::Forbidden { .. }) if !matches!(of, Of::Kind(_)) => {}
        Seen::Failed(error) => return Err(error),
    }
    Ok(())
}

fn name_of(object: &Value) -> &str {
    text(object, "/metadata/name")
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn take_one(
    awaited: &mut [Awaited],
    of: &Of,
    live: &Value,
    gone: bool,
    wait: &Wait,
    on_progress: &mut impl FnMut(Progress),
) {
    let namespace = live.pointer("/metadata/namespace").and_then(Value::as_str);
    let ours = awaited
        .iter_mut()
        .filter(|a| a.object.namespace.as_deref() == namespace);
    for a in ours {
        match of {
            Of::Warnings => take_warning(a, live, on_progress),
            Of::Pods if a.object.kind != "Pod" => {
                if has_pods(&a.object.kind) && owns(&a.object, live) {
                    take_pod(a, live, gone, on_progress);
                }
            }
            Of::Kind(kind) if *kind != a.object.kind => {}
            Of::Kind(_) | Of::Pods => {
                if name_of(live) == a.object.name {
                    take_state(a, live, gone, wait, on_progress);
                }
            }
        }
    }
}

fn take_state(
    a: &mut Awaited,
    live: &Value,
    gone: bool,
    wait: &Wait,
    on_progress: &mut impl FnMut(Progress),
) {
    let state = if gone {
        State::Waiting("was deleted".into())
    } else {
        let mut whole = live.clone();
        whole["apiVersion"] = a.object.api_version().into();
        whole["kind"] = a.object.kind.as_str().into();
        readiness(&whole, wait.rules)
    };
    a.unhealthy = match state {
        State::Unhealthy(_) => a.unhealthy.or_else(|| Some(Instant::now())),
        _ => None,
    };
    if a.state != state {
        a.state = state.clone();
        a.warning = None;
        on_progress(Progress::State {
            object: a.object.clone(),
            state,
        });
    }
}

fn take_pod(a: &mut Awaited, pod: &Value, gone: bool, on_progress: &mut impl FnMut(Progress)) {
    let name = name_of(pod);
    let leaving = gone || pod.pointer("/metadata/deletionTimestamp").is_some();
    if leaving {
        a.pods.remove(name);
    } else {
        let label = |key: &str| super::object::label(pod, key).map(str::to_owned);
        let template = label("pod-template-hash")
            .or_else(|| label("controller-revision-hash"))
            .unwrap_or_default();
        let made = text(pod, "/metadata/creationTimestamp").to_owned();
        a.pods.insert(name.to_owned(), (made, template));
    }
    let problem = pod_problem(pod).filter(|_| !leaving);
    put_problem(a, name, problem, on_progress);
}

fn put_problem(
    a: &mut Awaited,
    pod: &str,
    problem: Option<Problem>,
    on_progress: &mut impl FnMut(Progress),
) {
    let before = a.problems.remove(pod);
    let reason = problem.as_ref().map(|p| p.reason.clone());
    let told = before.as_ref().map(|(p, _)| p.reason.clone());
    if let Some(problem) = problem {
        let since = before.map_or_else(Instant::now, |(_, since)| since);
        a.problems.insert(pod.to_owned(), (problem, since));
    }
    if reason != told {
        on_progress(Progress::Pod {
            object: a.object.clone(),
            pod: pod.to_owned(),
            reason,
        });
    }
}

/// A warning about the object itself or about one of its pods.
fn take_warning(a: &mut Awaited, event: &Value, on_progress: &mut impl FnMut(Progress)) {
    let reason = text(event, "/reason");
    if !TELLING.contains(&reason) || a.state.is_ready() {
        return;
    }
    let (kind, name) = (
        text(event, "/involvedObject/kind"),
        text(event, "/involvedObject/name"),
    );
    let words = format!("{reason}: {}", text(event, "/message"));
    if kind == a.object.kind && name == a.object.name {
        let before = a.warning.take();
        let new = before.as_ref().is_none_or(|(w, _)| *w != words);
        let since = before.map_or_else(Instant::now, |(_, since)| since);
        a.warning = Some((words.clone(), since));
        if new {
            on_progress(Progress::State {
                object: a.object.clone(),
                state: State::Unhealthy(words),
            });
        }
    } else if kind == "Pod" && a.pods.contains_key(name) && !a.problems.contains_key(name) {
        let problem = Problem {
            reason: words,
            unschedulable: false,
        };
        put_problem(a, name, Some(problem), on_progress);
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
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn awaited(kind: &str, group: &str) -> Awaited {
        Awaited::new(ObjectRef {
            group: group.into(),
            version: "v1".into(),
            kind: kind.into(),
            namespace: Some("ns".into()),
            name: "job".into(),
        })
    }

    /// The services of a chart may be named like its Deployments, and lists give items no kind.
    #[test]
    fn an_item_counts_only_for_objects_of_its_watch() {
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
            let of = Of::Kind(kind.into());
            let seen = Seen::All(vec![item]);
            take(&mut all, &of, seen, &Wait::default(), &mut |_| {}).unwrap();
        }
        assert!(all.iter().all(|a| a.state.is_ready()), "{:?}", all[0].state);
    }

    fn pod(status: &Value) -> Seen {
        Seen::Is(json!({
            "metadata": {"name": "job-5d-x", "namespace": "ns",
                "ownerReferences": [{"kind": "ReplicaSet", "name": "job-5d"}]},
            "status": status,
        }))
    }

    fn warning(kind: &str, name: &str, reason: &str) -> Seen {
        Seen::Is(json!({
            "metadata": {"name": "e", "namespace": "ns"}, "reason": reason, "message": "why",
            "involvedObject": {"kind": kind, "name": name},
        }))
    }

    #[test]
    fn trouble_ends_the_wait_after_its_grace_and_what_heals_does_not() {
        let mut all = [awaited("Deployment", "apps")];
        let wait = Wait {
            unhealthy_grace: Duration::from_secs(60),
            unschedulable_grace: Duration::from_secs(300),
            ..Wait::default()
        };
        let after = |seconds| Instant::now() + Duration::from_secs(seconds);
        let mut heard = Vec::new();
        let mut see = |all: &mut [Awaited], of: Of, seen: Seen| {
            take(all, &of, seen, &wait, &mut |p| heard.push(p)).unwrap();
        };
        let waiting = |reason: &str| json!({"containerStatuses": [{"name": "c", "state": {"waiting": {"reason": reason}}}]});
        see(&mut all, Of::Pods, pod(&waiting("ImagePullBackOff")));
        assert_eq!(all[0].hopeless(&wait, after(50)), None);
        see(&mut all, Of::Pods, pod(&waiting("ErrImagePull")));
        let hopeless = all[0].hopeless(&wait, after(60)).unwrap();
        assert!(
            hopeless.contains("Pod/job-5d-x: ErrImagePull"),
            "{hopeless}"
        );
        see(&mut all, Of::Pods, pod(&waiting("ContainerCreating")));
        assert_eq!(all[0].hopeless(&wait, after(999)), None);

        let unschedulable = json!({"conditions": [{"type": "PodScheduled", "status": "False",
            "reason": "Unschedulable", "message": "no room"}]});
        see(&mut all, Of::Pods, pod(&unschedulable));
        assert_eq!(all[0].hopeless(&wait, after(290)), None);
        assert!(all[0].hopeless(&wait, after(300)).is_some());
        see(&mut all, Of::Pods, pod(&json!({})));

        // Of a volume that can't be mounted only events tell.
        see(&mut all, Of::Warnings, Seen::All(Vec::new()));
        see(
            &mut all,
            Of::Warnings,
            warning("Pod", "other", "FailedMount"),
        );
        see(
            &mut all,
            Of::Warnings,
            warning("Pod", "job-5d-x", "Unhealthy"),
        );
        assert!(all[0].problems.is_empty());
        see(
            &mut all,
            Of::Warnings,
            warning("Pod", "job-5d-x", "FailedMount"),
        );
        assert!(all[0].hopeless(&wait, after(60)).is_some());
        assert!(
            all[0].why().contains("FailedMount: why"),
            "{}",
            all[0].why()
        );
        see(&mut all, Of::Pods, pod(&json!({})));
        assert_eq!(all[0].hopeless(&wait, after(999)), None);
        let over = heard
            .iter()
            .filter(|p| matches!(p, Progress::Pod { reason: None, .. }));
        assert_eq!(over.count(), 3);
    }

    #[test]
    fn a_broken_pod_of_the_old_template_does_not_end_the_wait() {
        let mut all = [awaited("Deployment", "apps")];
        let wait = Wait::default();
        let pod = |name: &str, hash: &str, made: &str, status: Value| {
            Seen::Is(json!({
                "metadata": {"name": name, "namespace": "ns", "creationTimestamp": made,
                    "labels": {"pod-template-hash": hash},
                    "ownerReferences": [{"kind": "ReplicaSet", "name": format!("job-{hash}")}]},
                "status": status,
            }))
        };
        let crashing = json!({"containerStatuses": [{"name": "c",
            "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]});
        let later = Instant::now() + wait.unhealthy_grace * 2;
        let old = pod("job-aa-x", "aa", "2026-01-01T00:00:00Z", crashing.clone());
        take(&mut all, &Of::Pods, old, &wait, &mut |_| {}).unwrap();
        assert!(all[0].hopeless(&wait, later).is_some());
        let new = pod("job-bb-x", "bb", "2026-01-01T00:10:00Z", json!({}));
        take(&mut all, &Of::Pods, new, &wait, &mut |_| {}).unwrap();
        assert_eq!(all[0].hopeless(&wait, later), None);
        let new = pod("job-bb-x", "bb", "2026-01-01T00:10:00Z", crashing);
        take(&mut all, &Of::Pods, new, &wait, &mut |_| {}).unwrap();
        let hopeless = all[0].hopeless(&wait, later).unwrap();
        assert!(hopeless.contains("job-bb-x"), "{hopeless}");
    }

    #[test]
    fn a_quota_is_seen_by_its_events() {
        let mut all = [awaited("StatefulSet", "apps")];
        let wait = Wait::default();
        let seen = warning("StatefulSet", "job", "FailedCreate");
        take(&mut all, &Of::Warnings, seen, &wait, &mut |_| {}).unwrap();
        let later = || Instant::now() + wait.unhealthy_grace;
        assert_eq!(all[0].hopeless(&wait, Instant::now()), None);
        assert!(
            all[0]
                .hopeless(&wait, later())
                .unwrap()
                .contains("FailedCreate")
        );
        let moved = json!({"metadata": {"name": "job", "namespace": "ns", "generation": 1},
            "spec": {"replicas": 2}, "status": {"observedGeneration": 1, "updatedReplicas": 1}});
        let of = Of::Kind("StatefulSet".into());
        take(&mut all, &of, Seen::Is(moved), &wait, &mut |_| {}).unwrap();
        assert_eq!(all[0].hopeless(&wait, later()), None);
    }
}
