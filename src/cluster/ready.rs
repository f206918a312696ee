//! Whether an object is ready, and if not, why: pure functions of the object, one for each kind.

mod annotations;
mod pods;

pub use annotations::{FAILED_ANNOTATION, READY_ANNOTATION};
pub use pods::{Problem, pod_problem};

use crate::yaml::Value;

/// How far an object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// As wanted; with a few words, for instance `1/1`.
    Ready(String),
    /// On its way; with the reason for the wait.
    Waiting(String),
    /// Something is wrong that may heal.
    Unhealthy(String),
    /// Something is wrong that will not heal.
    Failed(String),
}

impl State {
    /// Whether it is as wanted.
    pub fn is_ready(&self) -> bool {
        matches!(self, State::Ready(_))
    }

    /// The words.
    pub fn reason(&self) -> &str {
        match self {
            State::Ready(s) | State::Waiting(s) | State::Unhealthy(s) | State::Failed(s) => s,
        }
    }
}

/// What counts as ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Rules {
    /// Jobs must have completed, not only begun.
    pub jobs: bool,
    /// Helm's `--wait=legacy`: a Deployment may lack what its `maxUnavailable` allows, and kinds other
    /// than Kubernetes' own workloads, claims, Services and CRDs, and Flink's, are not awaited.
    pub legacy: bool,
}

/// Whether objects of this kind can be anything but ready, so that waiting for them means something.
pub fn has_state(group: &str, kind: &str) -> bool {
    !matches!(
        (group, kind),
        (
            "",
            "ConfigMap"
                | "Secret"
                | "ServiceAccount"
                | "LimitRange"
                | "ResourceQuota"
                | "Endpoints"
                | "PersistentVolume"
                | "Event"
        ) | (
            "rbac.authorization.k8s.io"
                | "storage.k8s.io"
                | "scheduling.k8s.io"
                | "policy"
                | "admissionregistration.k8s.io"
                | "coordination.k8s.io"
                | "discovery.k8s.io",
            _
        ) | ("networking.k8s.io", "NetworkPolicy" | "IngressClass")
            | ("batch", "CronJob")
    )
}

/// How far an object is. Follows what the controllers write (API conventions, kstatus' and Helm's
/// readers).
pub fn readiness(object: &Value, rules: Rules) -> State {
    if object.pointer("/metadata/deletionTimestamp").is_some() {
        return State::Waiting("is being deleted".into());
    }
    if let Some(state) = annotations::state(object) {
        return state;
    }
    let api_version = text(object, "/apiVersion");
    let group = super::object::split_api_version(api_version).0;
    if !has_state(group, text(object, "/kind")) {
        return State::Ready(String::new());
    }
    match (group, text(object, "/kind")) {
        ("apps", "Deployment") => deployment(object, rules.legacy),
        ("apps", "StatefulSet") => stateful_set(object),
        ("apps", "DaemonSet") => daemon_set(object),
        ("apps", "ReplicaSet") | ("", "ReplicationController") => replicas(object),
        ("batch", "Job") => job(object, rules.jobs),
        ("", "Pod") => pod(object),
        ("", "PersistentVolumeClaim") => match text(object, "/status/phase") {
            "Bound" => State::Ready("Bound".into()),
            "Lost" => State::Failed("its volume is lost".into()),
            _ => State::Waiting("no volume is bound to it yet".into()),
        },
        ("", "Service") => service(object),
        ("", "Namespace") => match text(object, "/status/phase") {
            "Terminating" => State::Unhealthy("is being deleted".into()),
            _ => State::Ready(String::new()),
        },
        ("flink.apache.org", "FlinkDeployment" | "FlinkSessionJob") => flink(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => crd(object),
        _ if rules.legacy => State::Ready(String::new()),
        ("networking.k8s.io", "Ingress") => match has_items(object, "/status/loadBalancer/ingress")
        {
            true => State::Ready(String::new()),
            false => State::Waiting("no ingress controller has given it an address yet".into()),
        },
        ("apiregistration.k8s.io", "APIService") => match condition(object, "Available") {
            Some(("True", ..)) => State::Ready("Available".into()),
            other => State::Waiting(because("not available", other)),
        },
        _ => generic(object),
    }
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn number(object: &Value, pointer: &str) -> u64 {
    object
        .pointer(pointer)
        .and_then(Value::as_u64)
        .unwrap_or_default()
}

fn has_items(object: &Value, pointer: &str) -> bool {
    object
        .pointer(pointer)
        .and_then(Value::as_array)
        .is_some_and(|items| !items.is_empty())
}

/// A condition's status, reason and message.
fn condition<'a>(object: &'a Value, kind: &str) -> Option<(&'a str, &'a str, &'a str)> {
    object
        .pointer("/status/conditions")?
        .as_array()?
        .iter()
        .find(|c| text(c, "/type") == kind)
        .map(|c| (text(c, "/status"), text(c, "/reason"), text(c, "/message")))
}

fn because(what: &str, condition: Option<(&str, &str, &str)>) -> String {
    match condition {
        Some((_, reason, message)) if !message.is_empty() => {
            format!("{what}: {reason}: {message}")
        }
        Some((_, reason, _)) if !reason.is_empty() => format!("{what}: {reason}"),
        _ => what.to_owned(),
    }
}

/// The controller hasn't seen the newest spec yet.
fn unobserved(object: &Value) -> Option<State> {
    let generation = number(object, "/metadata/generation");
    (number(object, "/status/observedGeneration") < generation)
        .then(|| State::Waiting("its controller hasn't seen the change yet".into()))
}

fn wanted(object: &Value) -> u64 {
    object
        .pointer("/spec/replicas")
        .and_then(Value::as_u64)
        .unwrap_or(1)
}

fn of(have: u64, want: u64, words: &str) -> State {
    State::Waiting(format!("{have} of {want} {words}"))
}

fn deployment(object: &Value, legacy: bool) -> State {
    if let Some(state) = unobserved(object) {
        return state;
    }
    if let Some(("False", "ProgressDeadlineExceeded", message)) = condition(object, "Progressing") {
        return State::Unhealthy(format!("ProgressDeadlineExceeded: {message}"));
    }
    if let Some(("True", reason, message)) = condition(object, "ReplicaFailure") {
        return State::Unhealthy(format!("{reason}: {message}"));
    }
    let want = wanted(object);
    let updated = number(object, "/status/updatedReplicas");
    let all = number(object, "/status/replicas");
    let available = number(object, "/status/availableReplicas");
    if legacy {
        // Helm 3 compares the ready pods with what the strategy lets be missing, old pods or not.
        let enough = want.saturating_sub(may_be_missing(object, want));
        let ready = number(object, "/status/readyReplicas").min(updated);
        return if ready < enough {
            of(ready, enough, "pods are ready")
        } else {
            State::Ready(format!("{ready}/{want}"))
        };
    }
    if updated < want {
        of(updated, want, "pods are of the new template")
    } else if all > updated {
        State::Waiting(format!("{} old pods are still there", all - updated))
    } else if available < want {
        of(available, want, "pods are available")
    } else {
        State::Ready(format!("{available}/{want}"))
    }
}

/// How many pods a Deployment's strategy lets be missing; a percentage is rounded down, and Recreate
/// has none.
fn may_be_missing(object: &Value, want: u64) -> u64 {
    if text(object, "/spec/strategy/type") == "Recreate" {
        return 0;
    }
    let missing = match object.pointer("/spec/strategy/rollingUpdate/maxUnavailable") {
        Some(Value::String(percent)) => percent
            .trim_end_matches('%')
            .parse::<u64>()
            .map_or(0, |p| want * p / 100),
        Some(number) => number.as_u64().unwrap_or(0),
        None => want / 4,
    };
    missing.min(want)
}

fn stateful_set(object: &Value) -> State {
    if let Some(state) = unobserved(object) {
        return state;
    }
    let want = wanted(object);
    let ready = number(object, "/status/readyReplicas");
    if text(object, "/spec/updateStrategy/type") == "OnDelete" {
        return State::Ready(format!("{ready}/{want}"));
    }
    let partition = number(object, "/spec/updateStrategy/rollingUpdate/partition");
    let updated = number(object, "/status/updatedReplicas");
    let all = number(object, "/status/replicas");
    let to_update = want.saturating_sub(partition);
    if all > want {
        State::Waiting(format!("{} pods too many are still there", all - want))
    } else if updated < to_update {
        of(updated, to_update, "pods are of the new template")
    } else if ready < want {
        of(ready, want, "pods are ready")
    } else {
        State::Ready(format!("{ready}/{want}"))
    }
}

fn daemon_set(object: &Value) -> State {
    if let Some(state) = unobserved(object) {
        return state;
    }
    let want = number(object, "/status/desiredNumberScheduled");
    let updated = number(object, "/status/updatedNumberScheduled");
    let available = number(object, "/status/numberAvailable");
    if text(object, "/spec/updateStrategy/type") != "OnDelete" && updated < want {
        of(updated, want, "pods are of the new template")
    } else if available < want {
        of(available, want, "pods are available")
    } else {
        State::Ready(format!("{available}/{want}"))
    }
}

fn replicas(object: &Value) -> State {
    if let Some(state) = unobserved(object) {
        return state;
    }
    if let Some(("True", reason, message)) = condition(object, "ReplicaFailure") {
        return State::Unhealthy(format!("{reason}: {message}"));
    }
    let want = wanted(object);
    let ready = number(object, "/status/readyReplicas");
    if ready < want {
        of(ready, want, "pods are ready")
    } else {
        State::Ready(format!("{ready}/{want}"))
    }
}

fn job(object: &Value, await_it: bool) -> State {
    if let Some(("True", reason, message)) = condition(object, "Failed") {
        return State::Failed(format!("{reason}: {message}"));
    }
    let succeeded = number(object, "/status/succeeded");
    let want = object
        .pointer("/spec/completions")
        .and_then(Value::as_u64)
        .unwrap_or(1);
    if matches!(condition(object, "Complete"), Some(("True", ..))) {
        State::Ready("Complete".into())
    } else if !await_it {
        State::Ready("started".into())
    } else if object.pointer("/spec/suspend") == Some(&Value::Bool(true)) {
        State::Waiting("is suspended".into())
    } else {
        let failed = number(object, "/status/failed");
        let tries = if failed > 0 {
            format!("pods have succeeded, {failed} failed")
        } else {
            "pods have succeeded".to_owned()
        };
        of(succeeded, want, &tries)
    }
}

fn pod(object: &Value) -> State {
    match text(object, "/status/phase") {
        "Succeeded" => State::Ready("Succeeded".into()),
        "Failed" => {
            let why = text(object, "/status/reason");
            State::Failed(if why.is_empty() {
                pod_problem(object).map_or("the pod failed".into(), |p| p.reason)
            } else {
                format!("{why}: {}", text(object, "/status/message"))
            })
        }
        phase => match (condition(object, "Ready"), pod_problem(object)) {
            (Some(("True", ..)), _) => State::Ready(phase.to_owned()),
            (_, Some(problem)) => State::Unhealthy(problem.reason),
            (ready, None) => State::Waiting(because("not ready", ready)),
        },
    }
}

fn service(object: &Value) -> State {
    let waits = text(object, "/spec/type") == "LoadBalancer"
        && !has_items(object, "/spec/externalIPs")
        && !has_items(object, "/status/loadBalancer/ingress");
    if waits {
        State::Waiting("no load balancer has given it an address yet".into())
    } else {
        State::Ready(String::new())
    }
}

fn crd(object: &Value) -> State {
    match (
        condition(object, "NamesAccepted"),
        condition(object, "Established"),
    ) {
        (Some(("False", reason, message)), _) => State::Failed(format!("{reason}: {message}")),
        (_, Some(("True", ..))) => State::Ready("Established".into()),
        (_, other) => State::Waiting(because("not established", other)),
    }
}

/// What Flink's Kubernetes operator writes: `lifecycleState` and `jobStatus` of a FlinkDeployment or
/// FlinkSessionJob (operator 1.2 to 1.15).
fn flink(object: &Value) -> State {
    if let Some(state) = flink_unobserved(object) {
        return state;
    }
    let error = text(object, "/status/error");
    let job = text(object, "/status/jobStatus/state");
    let manager = text(object, "/status/jobManagerDeploymentStatus");
    let is_session = text(object, "/kind") == "FlinkDeployment"
        && object.pointer("/spec/job").is_none_or(Value::is_null);
    let wants_suspended = text(object, "/spec/job/state") == "suspended";
    let waiting = |state: &str| {
        let mut words = vec![state.to_owned()];
        if !manager.is_empty() {
            words.push(format!("JobManager {manager}"));
        }
        if !job.is_empty() {
            words.push(format!("job {job}"));
        }
        State::Waiting(words.join(", "))
    };
    match text(object, "/status/lifecycleState") {
        "FAILED" => State::Failed(format!("FAILED: {error}")),
        "ROLLED_BACK" => State::Failed(format!("the operator has rolled it back: {error}")),
        _ if !error.is_empty() => State::Unhealthy(error.to_owned()),
        "STABLE" | "DEPLOYED" if is_session => match manager {
            "READY" => State::Ready("READY".into()),
            _ => waiting("DEPLOYED"),
        },
        // The word is believed only as long as the job is as it says.
        "STABLE" => match job {
            "RUNNING" | "FINISHED" => State::Ready(job.to_owned()),
            "FAILED" | "FAILING" | "CANCELED" | "CANCELLING" => {
                State::Unhealthy(format!("STABLE, but its job is {job}"))
            }
            _ => waiting("STABLE"),
        },
        "SUSPENDED" if wants_suspended => State::Ready("SUSPENDED".into()),
        "" => State::Waiting("the operator hasn't seen it yet".into()),
        state => waiting(state),
    }
}

/// As [`unobserved`]; operators before `status.observedGeneration` keep the generation in the last
/// reconciled spec.
fn flink_unobserved(object: &Value) -> Option<State> {
    if object.pointer("/status/observedGeneration").is_some() {
        return unobserved(object);
    }
    let last = text(object, "/status/reconciliationStatus/lastReconciledSpec");
    let last: Value = serde_json::from_str(last).unwrap_or_default();
    let seen = number(&last, "/resource_metadata/metadata/generation");
    (seen < number(object, "/metadata/generation"))
        .then(|| State::Waiting("the operator hasn't seen the change yet".into()))
}

/// Kinds that nobody knows here: ready once observed, where they say what they observed; a
/// condition `Ready` or `Available` is believed.
fn generic(object: &Value) -> State {
    if object.pointer("/status/observedGeneration").is_some()
        && let Some(state) = unobserved(object)
    {
        return state;
    }
    for kind in ["Ready", "Available"] {
        match condition(object, kind) {
            Some(("True", ..)) => return State::Ready(kind.to_owned()),
            Some((_, reason, message)) => {
                return State::Waiting(because("not ready", Some(("", reason, message))));
            }
            None => {}
        }
    }
    State::Ready(String::new())
}

#[cfg(test)]
mod tests;
