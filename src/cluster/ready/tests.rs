//! Readiness by tables: an object in, its state out.

use serde_json::{Value, json};

use super::{FAILED_ANNOTATION, READY_ANNOTATION, Rules, State, pod_problem, readiness};

/// As `--wait --wait-for-jobs` has it.
const JOBS: Rules = Rules {
    jobs: true,
    legacy: false,
};

/// The state in one word.
fn word(state: &State) -> &'static str {
    match state {
        State::Ready(_) => "ready",
        State::Waiting(_) => "waiting",
        State::Unhealthy(_) => "unhealthy",
        State::Failed(_) => "failed",
    }
}

fn object(api_version: &str, kind: &str, spec: Value, status: Value) -> Value {
    json!({"apiVersion": api_version, "kind": kind, "spec": spec, "status": status,
           "metadata": {"name": "a", "generation": 2}})
}

fn check(api_version: &str, kind: &str, cases: &[(&str, Value, Value)]) {
    for (wanted, spec, status) in cases {
        let state = readiness(
            &object(api_version, kind, spec.clone(), status.clone()),
            JOBS,
        );
        assert_eq!(word(&state), *wanted, "{kind} {spec} {status}: {state:?}");
        if *wanted != "ready" {
            assert!(
                !state.reason().is_empty(),
                "{kind} {status} gives no reason"
            );
        }
    }
}

#[test]
fn deployments() {
    let full = json!({"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2});
    check(
        "apps/v1",
        "Deployment",
        &[
            ("ready", json!({"replicas": 2}), full.clone()),
            (
                "ready",
                json!({"replicas": 0}),
                json!({"observedGeneration": 2}),
            ),
            ("waiting", json!({"replicas": 2}), json!({})),
            (
                "waiting",
                json!({"replicas": 2}),
                json!({"observedGeneration": 1, "replicas": 2,
            "updatedReplicas": 2, "availableReplicas": 2}),
            ),
            ("waiting", json!({"replicas": 3}), full.clone()),
            (
                "waiting",
                json!({}),
                json!({"observedGeneration": 2, "replicas": 2, "updatedReplicas": 1,
            "availableReplicas": 2}),
            ),
            (
                "waiting",
                json!({}),
                json!({"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1}),
            ),
            (
                "unhealthy",
                json!({}),
                json!({"observedGeneration": 2, "conditions": [{"type": "Progressing",
            "status": "False", "reason": "ProgressDeadlineExceeded", "message": "m"}]}),
            ),
            (
                "unhealthy",
                json!({}),
                json!({"observedGeneration": 2, "conditions": [{"type": "ReplicaFailure",
            "status": "True", "reason": "FailedCreate", "message": "exceeded quota"}]}),
            ),
        ],
    );
}

#[test]
fn stateful_sets_and_daemon_sets() {
    let of = |ready: u64, updated: u64, all: u64| json!({"observedGeneration": 2, "readyReplicas": ready, "updatedReplicas": updated, "replicas": all});
    check(
        "apps/v1",
        "StatefulSet",
        &[
            ("ready", json!({"replicas": 2}), of(2, 2, 2)),
            ("waiting", json!({"replicas": 2}), of(1, 2, 2)),
            ("waiting", json!({"replicas": 2}), of(2, 1, 2)),
            ("waiting", json!({"replicas": 1}), of(2, 2, 2)),
            (
                "ready",
                json!({"replicas": 3, "updateStrategy": {"type": "RollingUpdate",
            "rollingUpdate": {"partition": 2}}}),
                of(3, 1, 3),
            ),
            (
                "ready",
                json!({"replicas": 2, "updateStrategy": {"type": "OnDelete"}}),
                of(2, 0, 2),
            ),
        ],
    );
    let of = |want: u64, updated: u64, available: u64| {
        json!({"observedGeneration": 2, "desiredNumberScheduled": want,
               "updatedNumberScheduled": updated, "numberAvailable": available})
    };
    check(
        "apps/v1",
        "DaemonSet",
        &[
            ("ready", json!({}), of(2, 2, 2)),
            ("ready", json!({}), of(0, 0, 0)),
            ("waiting", json!({}), of(2, 1, 2)),
            ("waiting", json!({}), of(2, 2, 1)),
            ("waiting", json!({}), json!({"observedGeneration": 1})),
        ],
    );
}

#[test]
fn jobs() {
    let condition = |kind: &str| json!({"conditions": [{"type": kind, "status": "True", "reason": "r", "message": "m"}]});
    check(
        "batch/v1",
        "Job",
        &[
            ("ready", json!({}), condition("Complete")),
            ("failed", json!({}), condition("Failed")),
            ("waiting", json!({}), json!({"active": 1})),
            ("waiting", json!({"suspend": true}), json!({})),
        ],
    );
    let running = object("batch/v1", "Job", json!({}), json!({"active": 1}));
    assert!(readiness(&running, Rules::default()).is_ready());
    let failed = object("batch/v1", "Job", json!({}), condition("Failed"));
    assert_eq!(word(&readiness(&failed, Rules::default())), "failed");
}

#[test]
fn the_rest() {
    let condition = |kind: &str, status: &str| json!({"conditions": [{"type": kind, "status": status, "reason": "r", "message": "m"}]});
    check(
        "v1",
        "PersistentVolumeClaim",
        &[
            ("ready", json!({}), json!({"phase": "Bound"})),
            ("waiting", json!({}), json!({"phase": "Pending"})),
            ("failed", json!({}), json!({"phase": "Lost"})),
        ],
    );
    let address = json!({"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}});
    check(
        "v1",
        "Service",
        &[
            (
                "ready",
                json!({"type": "ClusterIP"}),
                json!({"loadBalancer": {}}),
            ),
            ("ready", json!({}), json!({})),
            (
                "waiting",
                json!({"type": "LoadBalancer"}),
                json!({"loadBalancer": {}}),
            ),
            ("ready", json!({"type": "LoadBalancer"}), address.clone()),
            (
                "ready",
                json!({"type": "LoadBalancer", "externalIPs": ["1.2.3.4"]}),
                json!({}),
            ),
        ],
    );
    check(
        "networking.k8s.io/v1",
        "Ingress",
        &[
            ("waiting", json!({}), json!({"loadBalancer": {}})),
            ("ready", json!({}), address),
        ],
    );
    check(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        &[
            ("waiting", json!({}), json!({})),
            ("ready", json!({}), condition("Established", "True")),
            ("waiting", json!({}), condition("Established", "False")),
            ("failed", json!({}), condition("NamesAccepted", "False")),
        ],
    );
    check(
        "apiregistration.k8s.io/v1",
        "APIService",
        &[
            ("waiting", json!({}), json!({})),
            ("waiting", json!({}), condition("Available", "False")),
            ("ready", json!({}), condition("Available", "True")),
        ],
    );
    for (api_version, kind) in [
        ("v1", "ConfigMap"),
        ("v1", "Secret"),
        ("rbac.authorization.k8s.io/v1", "Role"),
        ("policy/v1", "PodDisruptionBudget"),
        ("batch/v1", "CronJob"),
    ] {
        check(api_version, kind, &[("ready", json!({}), json!({}))]);
    }
    check(
        "example.org/v1",
        "Unknown",
        &[
            ("ready", json!({}), json!({})),
            ("waiting", json!({}), json!({"observedGeneration": 1})),
            ("ready", json!({}), json!({"observedGeneration": 2})),
            ("waiting", json!({}), condition("Ready", "False")),
            ("ready", json!({}), condition("Ready", "True")),
        ],
    );
}

#[test]
fn flinks_operator() {
    let of = |lifecycle: &str, manager: &str, job: &str, error: &str| {
        json!({"observedGeneration": 2, "lifecycleState": lifecycle, "error": error,
               "jobManagerDeploymentStatus": manager, "jobStatus": {"state": job}})
    };
    let job = json!({"job": {"jarURI": "local:///a.jar"}});
    check(
        "flink.apache.org/v1beta1",
        "FlinkDeployment",
        &[
            ("waiting", job.clone(), json!({})),
            ("waiting", job.clone(), of("CREATED", "MISSING", "", "")),
            (
                "waiting",
                job.clone(),
                of("DEPLOYED", "READY", "CREATED", ""),
            ),
            ("ready", job.clone(), of("STABLE", "READY", "RUNNING", "")),
            (
                "waiting",
                job.clone(),
                of("SUSPENDED", "MISSING", "FINISHED", ""),
            ),
            (
                "ready",
                json!({"job": {"state": "suspended"}}),
                of("SUSPENDED", "MISSING", "FINISHED", ""),
            ),
            (
                "waiting",
                job.clone(),
                of("STABLE", "READY", "RECONCILING", ""),
            ),
            (
                "unhealthy",
                job.clone(),
                of("STABLE", "READY", "FAILED", ""),
            ),
            (
                "failed",
                job.clone(),
                of("ROLLED_BACK", "READY", "RUNNING", "bad image"),
            ),
            (
                "waiting",
                job.clone(),
                json!({"lifecycleState": "STABLE", "jobStatus": {"state": "RUNNING"}}),
            ),
            (
                "ready",
                job.clone(),
                json!({"lifecycleState": "STABLE", "jobStatus": {"state": "RUNNING"},
                    "reconciliationStatus": {"lastReconciledSpec":
                        "{\"spec\":{},\"resource_metadata\":{\"metadata\":{\"generation\":2}}}"}}),
            ),
            (
                "unhealthy",
                job.clone(),
                of("DEPLOYED", "ERROR", "", "no such image"),
            ),
            ("failed", job, of("FAILED", "READY", "FAILED", "job failed")),
            (
                "ready",
                json!({"job": null}),
                of("DEPLOYED", "READY", "", ""),
            ),
            ("waiting", json!({}), of("DEPLOYED", "DEPLOYING", "", "")),
        ],
    );
}

#[test]
fn an_object_says_itself_when_it_is_ready() {
    let mut object = object(
        "example.org/v1",
        "Thing",
        json!({}),
        json!({"phase": "New", "n": 3, "empty": [], "conditions": [
            {"type": "Good", "status": "True"}, {"type": "Bad", "status": "False"}]}),
    );
    for (rule, wanted) in [
        ("ignore", "ready"),
        ("/status/phase=New", "ready"),
        ("/status/phase=Done", "waiting"),
        ("/status/n=3", "ready"),
        ("/status/phase", "ready"),
        ("/status/other", "waiting"),
        ("{.status.phase}=New", "ready"),
        ("{.status.phase}=Done", "waiting"),
        (".status.phase=\"New\"", "ready"),
        ("{.status.n}=3", "ready"),
        ("{.status.empty}", "waiting"),
        ("condition=Good", "ready"),
        ("condition=Bad", "waiting"),
        ("condition=Bad=False", "ready"),
        ("condition=None", "waiting"),
        (
            "{.status.conditions[?(@.type==\"Good\")].status}=True",
            "ready",
        ),
        ("{.status.conditions[*].status}=True", "waiting"),
        ("{.status.phase=New", "failed"),
        ("condition=", "failed"),
    ] {
        object["metadata"]["annotations"] = json!({ READY_ANNOTATION: rule });
        assert_eq!(word(&readiness(&object, JOBS)), wanted, "{rule}");
    }
    for (rule, wanted) in [
        ("{.status.phase}=New", "failed"),
        ("{.status.phase}=Broken", "ready"),
        ("condition=Bad", "ready"),
        ("{.status", "failed"),
    ] {
        object["metadata"]["annotations"] = json!({ FAILED_ANNOTATION: rule });
        assert_eq!(word(&readiness(&object, JOBS)), wanted, "{rule}");
    }
    object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    assert_eq!(word(&readiness(&object, JOBS)), "waiting");
}

#[test]
fn pods_and_their_problems() {
    let container = |state: Value| json!({"phase": "Pending", "containerStatuses": [{"name": "c", "state": state}]});
    for (status, wanted, reason) in [
        (
            container(json!({"waiting": {"reason": "ContainerCreating"}})),
            "waiting",
            None,
        ),
        (
            container(json!({"waiting": {"reason": "PodInitializing"}})),
            "waiting",
            None,
        ),
        (
            container(
                json!({"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}),
            ),
            "unhealthy",
            Some("ImagePullBackOff: container c: no such image"),
        ),
        (
            json!({"phase": "Running", "containerStatuses": [{"name": "c",
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"exitCode": 3, "reason": "Error"}}}]}),
            "unhealthy",
            Some("CrashLoopBackOff: container c, ended with 3 (Error)"),
        ),
        (
            json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False",
            "reason": "Unschedulable", "message": "0/1 nodes"}]}),
            "unhealthy",
            Some("Unschedulable: 0/1 nodes"),
        ),
        (
            json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}),
            "ready",
            None,
        ),
        (json!({"phase": "Succeeded"}), "ready", None),
        (
            json!({"phase": "Failed", "reason": "Evicted", "message": "disk"}),
            "failed",
            None,
        ),
        (
            json!({"phase": "Running", "initContainerStatuses": [{"name": "i", "state": {"terminated":
            {"exitCode": 1, "reason": "Error"}}}]}),
            "unhealthy",
            Some("Error: container i ended with 1"),
        ),
    ] {
        let pod = object("v1", "Pod", json!({}), status.clone());
        assert_eq!(word(&readiness(&pod, JOBS)), wanted, "{status}");
        assert_eq!(
            pod_problem(&pod).map(|p| p.reason).as_deref(),
            reason,
            "{status}"
        );
    }
}

/// Helm's `--wait=legacy`.
#[test]
fn legacy_rules_let_pods_be_missing_and_pass_over_other_kinds() {
    let legacy = Rules {
        jobs: false,
        legacy: true,
    };
    let deployment = |strategy: Value, ready: u64| {
        let status = json!({"observedGeneration": 2, "replicas": 5, "updatedReplicas": 4, "readyReplicas": ready});
        object(
            "apps/v1",
            "Deployment",
            json!({"replicas": 4, "strategy": strategy}),
            status,
        )
    };
    for (strategy, ready, wanted) in [
        (json!({}), 3, "ready"),
        (json!({}), 2, "waiting"),
        (json!({"rollingUpdate": {"maxUnavailable": 2}}), 2, "ready"),
        (
            json!({"rollingUpdate": {"maxUnavailable": "50%"}}),
            2,
            "ready",
        ),
        (
            json!({"rollingUpdate": {"maxUnavailable": 0}}),
            3,
            "waiting",
        ),
        (json!({"type": "Recreate"}), 3, "waiting"),
    ] {
        let state = readiness(&deployment(strategy.clone(), ready), legacy);
        assert_eq!(word(&state), wanted, "{strategy} {ready}: {state:?}");
    }
    for (api_version, kind) in [
        ("networking.k8s.io/v1", "Ingress"),
        ("example.org/v1", "Thing"),
        ("apiregistration.k8s.io/v1", "APIService"),
    ] {
        let status = json!({"conditions": [{"type": "Ready", "status": "False"}]});
        assert!(readiness(&object(api_version, kind, json!({}), status), legacy).is_ready());
    }
}
