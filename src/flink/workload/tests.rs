//! Recognition, by tables of arguments and by a whole manifest.

use super::*;
use crate::yaml::Value;
use serde_json::json;

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

#[test]
fn roles_by_arguments() {
    use Mode::*;
    let table = [
        (
            "standalone-job --job-classname a.B",
            Some(Role::JobManager(StandaloneApplication)),
        ),
        (
            "/docker-entrypoint.sh standalone-job",
            Some(Role::JobManager(StandaloneApplication)),
        ),
        (
            "/opt/flink/bin/standalone-job.sh start-foreground",
            Some(Role::JobManager(StandaloneApplication)),
        ),
        ("jobmanager", Some(Role::JobManager(StandaloneSession))),
        ("taskmanager -Da=b", Some(Role::TaskManager)),
        (
            "bash -c kubernetes-jobmanager.sh kubernetes-application",
            Some(Role::JobManager(NativeApplication)),
        ),
        (
            "bash -c kubernetes-jobmanager.sh kubernetes-session",
            Some(Role::JobManager(NativeSession)),
        ),
        ("nginx -g", None),
    ];
    for (line, expected) in table {
        assert_eq!(role(&words(line)).map(|r| r.0), expected, "{line}");
    }
    let shell = vec![
        "bash".to_owned(),
        "-c".to_owned(),
        "sleep 1; /docker-entrypoint.sh standalone-job -x".to_owned(),
    ];
    assert_eq!(role(&shell).map(|r| r.1), Some(2));
}

fn manifest() -> Vec<Value> {
    let pods = |component: &str, args: &[&str]| {
        json!({"metadata": {"labels": {"app": "a", "component": component}}, "spec": {
            "containers": [
                {"name": "sidecar", "image": "proxy:1"},
                {"name": "flink", "image": "registry.example:5000/flink:1.20.5-java17", "args": args,
                 "env": [{"name": "FLINK_PROPERTIES", "value": "rest.port: 8082"}],
                 "volumeMounts": [{"name": "conf", "mountPath": "/opt/flink/conf"}]}],
            "volumes": [{"name": "conf", "configMap": {"name": "a-conf", "items": [{"key": "main", "path": "config.yaml"}]}}]}})
    };
    vec![
        json!({"kind": "ConfigMap", "metadata": {"name": "a-conf"}, "data": {"main": "high-availability.type: kubernetes\n"}}),
        json!({"kind": "Deployment", "metadata": {"name": "a-jm"}, "spec": {"replicas": 1,
            "selector": {"matchLabels": {"app": "a", "component": "jm"}},
            "template": pods("jm", &["standalone-job", "-Dx=y"])}}),
        json!({"kind": "Deployment", "metadata": {"name": "a-tm"}, "spec": {"replicas": 2,
            "selector": {"matchLabels": {"app": "a", "component": "tm"}},
            "template": pods("tm", &["taskmanager"])}}),
        json!({"kind": "Service", "metadata": {"name": "a-rpc"}, "spec": {"selector": {"app": "a", "component": "jm"},
            "ports": [{"name": "rpc", "port": 6123}]}}),
        json!({"kind": "Service", "metadata": {"name": "a-rest"}, "spec": {"selector": {"app": "a", "component": "jm"},
            "ports": [{"name": "http", "port": 80, "targetPort": 8082}]}}),
    ]
}

#[test]
fn a_standalone_application_with_its_parts() {
    let found = recognise(&manifest(), "ns");
    let [w] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(
        (w.name.as_str(), w.namespace.as_str(), w.mode),
        ("a-jm", "ns", Mode::StandaloneApplication)
    );
    assert_eq!(w.jobmanager.container, 1);
    assert_eq!(
        w.taskmanagers
            .iter()
            .map(|t| (t.name.as_str(), t.replicas))
            .collect::<Vec<_>>(),
        [("a-tm", Some(2))]
    );
    assert!(w.configuration.has_kubernetes_ha());
    assert_eq!(w.rest_service, Some(("a-rest".to_owned(), 80)));
    assert_eq!((w.rest_port(), w.version), (8082, Some((1, 20))));
}

#[test]
fn two_clusters_share_no_task_manager() {
    let mut objects = manifest();
    let mut second: Vec<Value> = manifest();
    for (o, name) in second
        .iter_mut()
        .zip(["b-conf", "b-jm", "b-tm", "b-rpc", "b-rest"])
    {
        o["metadata"]["name"] = json!(name);
    }
    second[2]["metadata"]["annotations"] = json!({CLUSTER_ANNOTATION: "b-jm"});
    objects[2]["metadata"]["annotations"] = json!({CLUSTER_ANNOTATION: "a-jm"});
    objects.extend(second);
    let found = recognise(&objects, "ns");
    let names: Vec<_> = found
        .iter()
        .map(|w| {
            (
                w.name.as_str(),
                w.taskmanagers
                    .iter()
                    .map(|t| t.name.as_str())
                    .collect::<Vec<_>>(),
            )
        })
        .collect();
    assert_eq!(names, [("a-jm", vec!["a-tm"]), ("b-jm", vec!["b-tm"])]);
}
