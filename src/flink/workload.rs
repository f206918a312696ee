//! Flink clusters in a manifest, recognised by arguments, configuration and kinds, not by the chart.

use serde::{Deserialize, Serialize};

use super::config::{self, Configuration};
use super::manifest::{
    annotation, argv, at, containers, find, kind, list, name, namespace, pod_template, text,
};
use crate::yaml::Value;

/// Names the cluster that a Deployment belongs to, where recognition would pair it wrongly.
pub const CLUSTER_ANNOTATION: &str = "nutkin.dev/cluster";
/// Set to `ignore` on a Deployment that only looks like a part of Flink.
pub const WORKLOAD_ANNOTATION: &str = "nutkin.dev/workload";

/// How a cluster runs its jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// `standalone-job`: one job, its main() inside the JobManager.
    StandaloneApplication,
    /// `jobmanager`: jobs are submitted to it.
    StandaloneSession,
    /// `kubernetes-jobmanager.sh kubernetes-application`: Flink makes the TaskManagers.
    NativeApplication,
    /// `kubernetes-jobmanager.sh kubernetes-session`.
    NativeSession,
    /// A FlinkDeployment of the operator.
    FlinkDeployment,
}

impl Mode {
    /// The words that people use.
    pub fn words(self) -> &'static str {
        match self {
            Mode::StandaloneApplication => "standalone application",
            Mode::StandaloneSession => "standalone session",
            Mode::NativeApplication => "native application",
            Mode::NativeSession => "native session",
            Mode::FlinkDeployment => "FlinkDeployment",
        }
    }
}

/// An object that makes pods of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodOwner {
    /// `Deployment`, `StatefulSet` or `Job`.
    pub kind: String,
    /// The object's name.
    pub name: String,
    /// Which container runs Flink.
    pub container: usize,
    /// How many pods the manifest asks for; `None` where it doesn't say.
    pub replicas: Option<u64>,
    /// The labels that its pods are selected by.
    pub selector: Vec<(String, String)>,
}

/// One Flink cluster of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// The JobManager object's name: unique in the namespace.
    pub name: String,
    /// The namespace its objects are in.
    pub namespace: String,
    /// How it runs its jobs.
    pub mode: Mode,
    /// What makes the JobManager's pods.
    pub jobmanager: PodOwner,
    /// What makes the TaskManagers' pods; empty in native mode.
    pub taskmanagers: Vec<PodOwner>,
    /// The configuration as Flink will read it.
    pub configuration: Configuration,
    /// The Service and its port through which REST is reached; `None`: by the JobManager's pod.
    pub rest_service: Option<(String, u16)>,
    /// The version, where the image's tag says it, for instance `(1, 20)`.
    pub version: Option<(u32, u32)>,
}

impl Workload {
    /// The port of the REST server inside the pod.
    pub fn rest_port(&self) -> u16 {
        self.configuration
            .get(config::REST_PORT)
            .and_then(|p| p.trim().parse().ok())
            .unwrap_or(8081)
    }

    /// The objects that make its pods, the JobManager's first.
    pub fn owners(&self) -> impl Iterator<Item = &PodOwner> {
        std::iter::once(&self.jobmanager).chain(&self.taskmanagers)
    }

    /// The name of the ConfigMap that holds the restore position (design, decision 4).
    pub fn position_name(&self) -> String {
        format!("nutkin.restore.{}", self.name)
    }
}

/// What a container's arguments make of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    JobManager(Mode),
    TaskManager,
}

/// Recognises what a container runs: the entrypoint's own words and Flink's scripts and classes.
///
/// Returns the role and the index into `command` and `args` together of the token that says so.
pub(super) fn role(argv: &[String]) -> Option<(Role, usize)> {
    argv.iter().enumerate().find_map(|(index, token)| {
        let last = token.rsplit('/').next().unwrap_or(token);
        let role = match last {
            "standalone-job" | "standalone-job.sh" => Role::JobManager(Mode::StandaloneApplication),
            "jobmanager" | "jobmanager.sh" => Role::JobManager(Mode::StandaloneSession),
            "taskmanager" | "taskmanager.sh" => Role::TaskManager,
            _ if token.contains("kubernetes-jobmanager.sh") => {
                let all = argv.get(index..).unwrap_or_default().join(" ");
                if all.contains("kubernetes-application") {
                    Role::JobManager(Mode::NativeApplication)
                } else {
                    Role::JobManager(Mode::NativeSession)
                }
            }
            _ if token.contains("StandaloneApplicationClusterEntryPoint") => {
                Role::JobManager(Mode::StandaloneApplication)
            }
            _ if token.contains("StandaloneSessionClusterEntrypoint") => {
                Role::JobManager(Mode::StandaloneSession)
            }
            _ if token.contains("org.apache.flink.runtime.taskexecutor.TaskManagerRunner") => {
                Role::TaskManager
            }
            // A shell line: the words inside it count, but nothing can be put between them.
            _ if token.contains(' ') => {
                let word = |w: &str| {
                    token
                        .split([' ', '\n', ';', '&', '"', '\''])
                        .any(|t| t.rsplit('/').next() == Some(w))
                };
                if word("standalone-job") || word("standalone-job.sh") {
                    Role::JobManager(Mode::StandaloneApplication)
                } else {
                    return None;
                }
            }
            _ => return None,
        };
        Some((role, index))
    })
}

/// Finds the clusters of a manifest.
///
/// `objects` are its documents in any order; `default_namespace` is the release's.
pub fn recognise(objects: &[Value], default_namespace: &str) -> Vec<Workload> {
    let mut jobmanagers = Vec::new();
    let mut taskmanagers = Vec::new();
    for object in objects {
        if annotation(object, WORKLOAD_ANNOTATION) == Some("ignore") {
            continue;
        }
        let Some(template) = pod_template(object) else {
            continue;
        };
        for (index, container) in containers(template).iter().enumerate() {
            match role(&argv(container)) {
                Some((Role::JobManager(mode), _)) => jobmanagers.push((object, index, mode)),
                Some((Role::TaskManager, _)) => taskmanagers.push((object, index)),
                None => continue,
            }
            break;
        }
    }
    jobmanagers
        .iter()
        .map(|(object, index, mode)| {
            let ns = namespace(object, default_namespace);
            let configuration = configuration(objects, object, *index, default_namespace);
            let peers = jobmanagers
                .iter()
                .filter(|(o, ..)| namespace(o, default_namespace) == ns)
                .count();
            let mine = taskmanagers
                .iter()
                .filter(|(tm, tm_index)| {
                    namespace(tm, default_namespace) == ns
                        && belongs(
                            objects,
                            tm,
                            *tm_index,
                            object,
                            &configuration,
                            peers,
                            default_namespace,
                        )
                })
                .map(|(tm, i)| pod_owner(tm, *i))
                .collect();
            Workload {
                name: name(object).to_owned(),
                namespace: ns.to_owned(),
                mode: *mode,
                jobmanager: pod_owner(object, *index),
                taskmanagers: mine,
                rest_service: rest_service(objects, object, &configuration, default_namespace),
                version: image_version(object, *index),
                configuration,
            }
        })
        .collect()
}

/// Whether TaskManagers belong to a JobManager: by annotation, else by being the only one in the
/// namespace, else by the address or the cluster-id of their configuration.
fn belongs(
    objects: &[Value],
    taskmanager: &Value,
    index: usize,
    jobmanager: &Value,
    configuration: &Configuration,
    jobmanagers: usize,
    default_namespace: &str,
) -> bool {
    if let Some(cluster) = annotation(taskmanager, CLUSTER_ANNOTATION) {
        return cluster == name(jobmanager)
            || annotation(jobmanager, CLUSTER_ANNOTATION) == Some(cluster);
    }
    if jobmanagers == 1 {
        return true;
    }
    let theirs = self::configuration(objects, taskmanager, index, default_namespace);
    [
        config::CLUSTER_ID,
        config::HA_CLUSTER_ID,
        config::RPC_ADDRESS,
    ]
    .iter()
    .any(|key| theirs.get(*key).is_some() && theirs.get(*key) == configuration.get(*key))
}

fn pod_owner(object: &Value, container: usize) -> PodOwner {
    let mut selector: Vec<(String, String)> = at(object, &["spec", "selector", "matchLabels"])
        .or_else(|| at(object, &["spec", "template", "metadata", "labels"]))
        .and_then(Value::as_object)
        .map(|labels| {
            labels
                .iter()
                .map(|(k, v)| (k.clone(), v.as_str().unwrap_or_default().to_owned()))
                .collect()
        })
        .unwrap_or_default();
    selector.sort();
    PodOwner {
        kind: kind(object).to_owned(),
        name: name(object).to_owned(),
        container,
        replicas: at(object, &["spec", "replicas"]).and_then(Value::as_u64),
        selector,
    }
}

/// The configuration that a container's Flink reads.
pub(super) fn configuration(
    objects: &[Value],
    owner: &Value,
    container: usize,
    default_namespace: &str,
) -> Configuration {
    let mut conf = Configuration::default();
    let ns = namespace(owner, default_namespace);
    let Some(template) = pod_template(owner) else {
        return conf;
    };
    let Some(container) = containers(template).get(container) else {
        return conf;
    };
    for mount in list(container, &["volumeMounts"]) {
        let path = text(mount, &["mountPath"]).trim_end_matches('/');
        if !path.ends_with("/conf")
            && !path.ends_with("/config.yaml")
            && !path.ends_with("/flink-conf.yaml")
        {
            continue;
        }
        let volume = list(template, &["spec", "volumes"])
            .iter()
            .find(|v| text(v, &["name"]) == text(mount, &["name"]));
        let Some(volume) = volume else { continue };
        let source = at(volume, &["configMap"]).unwrap_or(&Value::Null);
        let Some(map) = find(
            objects,
            "ConfigMap",
            ns,
            text(source, &["name"]),
            default_namespace,
        ) else {
            continue;
        };
        for file in ["flink-conf.yaml", "config.yaml"] {
            // `items` may give a key another file name.
            let key = list(source, &["items"])
                .iter()
                .find(|item| text(item, &["path"]) == file)
                .map_or(file, |item| text(item, &["key"]));
            let content = text(map, &["data", key]);
            if !content.is_empty() {
                conf.add_file(file, content);
            }
        }
    }
    for env in list(container, &["env"]) {
        if text(env, &["name"]) != "FLINK_PROPERTIES" {
            continue;
        }
        let reference = at(env, &["valueFrom", "configMapKeyRef"]).unwrap_or(&Value::Null);
        let referenced = find(
            objects,
            "ConfigMap",
            ns,
            text(reference, &["name"]),
            default_namespace,
        )
        .map_or("", |map| text(map, &["data", text(reference, &["key"])]));
        conf.add_properties(text(env, &["value"]));
        conf.add_properties(referenced);
    }
    conf.add_arguments(&argv(container));
    conf
}

/// The Service whose selector matches the JobManager's pods and that has REST's port.
fn rest_service(
    objects: &[Value],
    jobmanager: &Value,
    configuration: &Configuration,
    default_namespace: &str,
) -> Option<(String, u16)> {
    let labels = at(jobmanager, &["spec", "template", "metadata", "labels"])?;
    let rest: u64 = configuration
        .get(config::REST_PORT)
        .and_then(|p| p.trim().parse().ok())
        .unwrap_or(8081);
    let ns = namespace(jobmanager, default_namespace);
    let candidates = objects.iter().filter(|o| {
        kind(o) == "Service"
            && namespace(o, default_namespace) == ns
            && at(o, &["spec", "selector"])
                .and_then(Value::as_object)
                .is_some_and(|selector| {
                    !selector.is_empty() && selector.iter().all(|(k, v)| labels.get(k) == Some(v))
                })
    });
    for service in candidates {
        for port in list(service, &["spec", "ports"]) {
            let number = at(port, &["port"]).and_then(Value::as_u64);
            let target = at(port, &["targetPort"]);
            let by_name = matches!(text(port, &["name"]), "rest" | "webui" | "ui" | "web");
            let by_number = target.and_then(Value::as_u64).or(number) == Some(rest);
            if by_name || by_number {
                let number = u16::try_from(number?).ok()?;
                return Some((name(service).to_owned(), number));
            }
        }
    }
    None
}

/// The version in the image's tag: `flink:1.20.5-scala_2.12-java11` is 1.20.
fn image_version(object: &Value, container: usize) -> Option<(u32, u32)> {
    let template = pod_template(object)?;
    let image = text(containers(template).get(container)?, &["image"]);
    let image = image.split_once('@').map_or(image, |(name, _)| name);
    let (repository, tag) = image.rsplit_once(':')?;
    // An application's own image carries its own version.
    if !repository.rsplit('/').next()?.contains("flink") {
        return None;
    }
    let mut parts = tag.split(['.', '-', '_']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests;
