//! The restore position's way into a manifest: tokens whose values a ConfigMap of nutkin's gives.
//!
//! The text is the same for each render of a chart; what a job starts from is only in the
//! ConfigMap, so that old text never carries an old position back (design, decision 4).

use serde_json::json;

use super::manifest::{argv, list, text};
use super::workload::{Mode, Role, Workload, role};
use crate::yaml::{Map, Value};

/// The ConfigMap's key for the token that names what to restore from.
pub const KEY_RESTORE: &str = "restore";
/// Its key for the token that says what happens with state nobody claims.
pub const KEY_UNCLAIMED: &str = "unclaimed";
/// Its key for the job's id.
pub const KEY_JOB: &str = "job";
/// Its key for the cluster-id of high availability.
pub const KEY_CLUSTER: &str = "cluster";

/// A JobManager that exits when its job has ended is started again by its Deployment, and runs the job
/// once more from its old position (design, decision 6). So it stays, and remembers what has ended.
const STAYS: [&str; 2] = [
    "-Dexecution.shutdown-on-application-finish=false",
    "-Djob-result-store.delete-on-commit=false",
];

/// The environment variables, each with the ConfigMap's key it comes from.
const VARIABLES: [(&str, &str); 4] = [
    ("NUTKIN_RESTORE", KEY_RESTORE),
    ("NUTKIN_UNCLAIMED", KEY_UNCLAIMED),
    ("NUTKIN_JOB", KEY_JOB),
    ("NUTKIN_CLUSTER", KEY_CLUSTER),
];

/// What a workload's next start begins from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// A savepoint's or checkpoint's path; `None` starts without state.
    pub path: Option<String>,
    /// Whether state that no operator claims may be left behind.
    pub allow_unclaimed: bool,
    /// 32 hexadecimal digits.
    pub job_id: String,
    /// The cluster-id of high availability.
    pub cluster_id: String,
}

impl Position {
    /// The ConfigMap's data.
    ///
    /// Before 2.0 the keys are `execution.savepoint.*`, which 2.3 still reads: they are used too where
    /// the version isn't known. With nothing to restore the tokens are `-D` options that Flink doesn't
    /// know and passes over.
    pub fn data(&self, version: Option<(u32, u32)>) -> Map {
        let old = version.is_none_or(|v| v.0 < 2);
        let prefix = if old {
            "execution.savepoint"
        } else {
            "execution.state-recovery"
        };
        let restore = self.path.as_ref().map_or_else(
            || "-Dnutkin.restore=none".to_owned(),
            |p| format!("-D{prefix}.path={p}"),
        );
        let unclaimed = if self.allow_unclaimed {
            format!("-D{prefix}.ignore-unclaimed-state=true")
        } else {
            "-Dnutkin.unclaimed=refused".to_owned()
        };
        let mut data = Map::new();
        for (key, value) in [
            (KEY_RESTORE, restore),
            (KEY_UNCLAIMED, unclaimed),
            (KEY_JOB, self.job_id.clone()),
            (KEY_CLUSTER, self.cluster_id.clone()),
        ] {
            data.insert(key.to_owned(), Value::String(value));
        }
        data
    }

    /// Reads the ConfigMap's data back; `None` where it isn't ours.
    pub fn from_data(data: &Value) -> Option<Position> {
        let restore = text(data, &[KEY_RESTORE]);
        Some(Position {
            path: restore
                .split_once(".path=")
                .map(|(_, path)| path.to_owned()),
            allow_unclaimed: text(data, &[KEY_UNCLAIMED]).ends_with("=true"),
            job_id: Some(text(data, &[KEY_JOB]))
                .filter(|t| !t.is_empty())?
                .to_owned(),
            cluster_id: Some(text(data, &[KEY_CLUSTER]))
                .filter(|t| !t.is_empty())?
                .to_owned(),
        })
    }
}

/// Why tokens could not be put into a workload's arguments.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "{kind}/{name}: the container runs Flink from a shell line ({line:?}), and a restore position can't be put between its words; give the arguments as a list: args: [standalone-job, …]"
)]
pub struct ShellLine {
    kind: String,
    name: String,
    line: String,
}

/// Puts the tokens into a standalone application's objects; done again it changes nothing.
///
/// An own `--job-id` and `--fromSavepoint` of the chart are taken out: the id must be a fresh one for
/// each restore, and an old path must not come back. [`initial_path`] says what was asked for.
pub fn inject(
    objects: &mut [Value],
    workload: &Workload,
    default_namespace: &str,
) -> Result<(), ShellLine> {
    if workload.mode != Mode::StandaloneApplication {
        return Ok(());
    }
    for object in objects.iter_mut() {
        let Some(owner) = workload.owners().find(|o| {
            o.kind == super::manifest::kind(object)
                && o.name == super::manifest::name(object)
                && workload.namespace == super::manifest::namespace(object, default_namespace)
        }) else {
            continue;
        };
        let is_jobmanager = *owner == workload.jobmanager;
        let (kind, name, index) = (owner.kind.clone(), owner.name.clone(), owner.container);
        let Some(container) = object
            .pointer_mut(&format!("/spec/template/spec/containers/{index}"))
            .and_then(Value::as_object_mut)
        else {
            continue;
        };
        // A Job's pod is meant to end with the application; any other would be started again.
        let stays = is_jobmanager && kind != "Job";
        inject_container(container, &workload.position_name(), is_jobmanager, stays)
            .map_err(|line| ShellLine { kind, name, line })?;
    }
    Ok(())
}

/// The path that the chart's own arguments name, for a first start.
pub fn initial_path(object: &Value, container: usize) -> Option<String> {
    let template = super::manifest::pod_template(object)?;
    let argv = argv(super::manifest::containers(template).get(container)?);
    let (_, head) = role(&argv)?;
    let options = Options::split(argv.get(head + 1..)?);
    options.path
}

fn inject_container(
    container: &mut Map,
    config_map: &str,
    is_jobmanager: bool,
    stays: bool,
) -> Result<(), String> {
    let whole = Value::Object(container.clone());
    let all = argv(&whole);
    let Some((role, head)) = role(&all) else {
        return Ok(());
    };
    if all.get(head).is_some_and(|t| t.contains(' ')) {
        return Err(all.get(head).cloned().unwrap_or_default());
    }
    debug_assert_eq!(matches!(role, Role::JobManager(_)), is_jobmanager);
    // What follows the head word stands in `args`, or in `command` where that holds it all.
    let in_command = list(&whole, &["command"]).len();
    let (key, offset) = if head >= in_command || in_command < all.len() {
        ("args", in_command)
    } else {
        ("command", 0)
    };
    let kept = (head + 1).saturating_sub(offset);
    let mut start = kept;
    let tail = all.get(offset..).unwrap_or_default();
    // `standalone-job.sh start-foreground …`, `taskmanager.sh start-foreground …`.
    if tail
        .get(start)
        .is_some_and(|t| t == "start-foreground" || t == "start")
    {
        start += 1;
    }
    let mut args: Vec<String> = tail.get(..start).unwrap_or_default().to_vec();
    let rest = tail.get(start..).unwrap_or_default();
    let cluster = [
        "-Dkubernetes.cluster-id=$(NUTKIN_CLUSTER)",
        "-Dhigh-availability.cluster-id=$(NUTKIN_CLUSTER)",
    ];
    if is_jobmanager {
        let options = Options::split(rest);
        args.extend(options.own);
        args.extend(["--job-id".to_owned(), "$(NUTKIN_JOB)".to_owned()]);
        args.extend([
            "$(NUTKIN_RESTORE)".to_owned(),
            "$(NUTKIN_UNCLAIMED)".to_owned(),
        ]);
        args.extend(cluster.map(str::to_owned));
        if stays {
            args.extend(STAYS.map(str::to_owned));
        }
        args.extend(options.job);
    } else {
        args.extend(
            rest.iter()
                .filter(|a| !cluster.contains(&a.as_str()))
                .cloned(),
        );
        args.extend(cluster.map(str::to_owned));
    }
    container.insert(key.to_owned(), json!(args));
    let env = container.entry("env").or_insert_with(|| json!([]));
    if let Some(env) = env.as_array_mut() {
        env.retain(|e| {
            !VARIABLES
                .iter()
                .any(|(name, _)| text(e, &["name"]) == *name)
        });
        // First: an entry of the chart's may refer to them, and `$(VAR)` looks only backwards.
        let ours = VARIABLES
            .iter()
            .filter(|(_, key)| is_jobmanager || *key == KEY_CLUSTER)
            .map(|(name, key)| {
                json!({"name": name, "valueFrom": {"configMapKeyRef": {"name": config_map, "key": key}}})
            })
            .collect::<Vec<_>>();
        env.splice(0..0, ours);
    }
    Ok(())
}

/// The arguments of `standalone-job`, split where the job's own begin.
struct Options {
    /// Flink's options, without the job id, the restore path and our tokens.
    own: Vec<String>,
    /// Everything from the first token that Flink doesn't know: the job's own arguments.
    job: Vec<String>,
    /// The value of `--fromSavepoint`.
    path: Option<String>,
}

impl Options {
    /// Splits by the options of Flink's `StandaloneApplicationClusterConfigurationParserFactory`
    /// (1.18 to 2.3): the parser stops at the first token that it doesn't know.
    fn split(args: &[String]) -> Options {
        let mut options = Options {
            own: Vec::new(),
            job: Vec::new(),
            path: None,
        };
        let mut index = 0;
        while let Some(arg) = args.get(index) {
            let (name, inline) = match arg.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value)),
                _ => (arg.as_str(), None),
            };
            let value = inline.or_else(|| args.get(index + 1).map(String::as_str));
            let width = if inline.is_some() { 1 } else { 2 };
            match name {
                "--job-id" | "-jid" => index += width,
                "--fromSavepoint" | "-s" => {
                    options.path = value.map(str::to_owned);
                    index += width;
                }
                "$(NUTKIN_RESTORE)" | "$(NUTKIN_UNCLAIMED)" => index += 1,
                _ if arg.starts_with("-D") && arg.ends_with("=$(NUTKIN_CLUSTER)") => index += 1,
                _ if STAYS.contains(&arg.as_str()) => index += 1,
                "--allowNonRestoredState" | "-n" | "-h" | "--help" => {
                    options.own.push(arg.clone());
                    index += 1;
                }
                "--job-classname" | "-j" | "--configDir" | "-c" | "--webui-port" | "-r"
                | "--host" | "--jars" | "-jars" | "--claimMode" | "-rm" | "--restoreMode"
                | "-D" => {
                    options.own.extend(
                        args.get(index..index + width)
                            .unwrap_or(&args[index..])
                            .iter()
                            .cloned(),
                    );
                    index += width;
                }
                _ if arg.starts_with("-D") => {
                    options.own.push(arg.clone());
                    index += 1;
                }
                _ => break,
            }
        }
        options.job = args.get(index..).unwrap_or_default().to_vec();
        options
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    fn injected(command: &str, given: &str, is_jobmanager: bool) -> Result<String, String> {
        let mut container = Map::new();
        if !command.is_empty() {
            container.insert("command".into(), json!(args(command)));
        }
        if !given.is_empty() {
            container.insert("args".into(), json!(args(given)));
        }
        inject_container(&mut container, "pos", is_jobmanager, is_jobmanager)?;
        let once = container.clone();
        inject_container(&mut container, "pos", is_jobmanager, is_jobmanager)?;
        assert_eq!(once, container, "done twice it changes nothing");
        Ok(argv(&Value::Object(container)).join(" "))
    }

    const TOKENS: &str = "--job-id $(NUTKIN_JOB) $(NUTKIN_RESTORE) $(NUTKIN_UNCLAIMED) -Dkubernetes.cluster-id=$(NUTKIN_CLUSTER) -Dhigh-availability.cluster-id=$(NUTKIN_CLUSTER) -Dexecution.shutdown-on-application-finish=false -Djob-result-store.delete-on-commit=false";

    #[test]
    fn tokens_stand_before_the_jobs_own_arguments() {
        let table = [
            (
                "",
                "standalone-job --job-classname a.B -Dx=y --rate 5",
                format!("standalone-job --job-classname a.B -Dx=y {TOKENS} --rate 5"),
            ),
            (
                "",
                "standalone-job -j a.B -D x=y -s file:///old --job-id 01 -n",
                format!("standalone-job -j a.B -D x=y -n {TOKENS}"),
            ),
            (
                "/docker-entrypoint.sh",
                "standalone-job --fromSavepoint=p job -Dnot=ours",
                format!("/docker-entrypoint.sh standalone-job {TOKENS} job -Dnot=ours"),
            ),
            (
                "bin/standalone-job.sh start-foreground",
                "--job-classname a.B x",
                format!("bin/standalone-job.sh start-foreground --job-classname a.B {TOKENS} x"),
            ),
            (
                "bin/standalone-job.sh start-foreground -j a.B x",
                "",
                format!("bin/standalone-job.sh start-foreground -j a.B {TOKENS} x"),
            ),
        ];
        for (command, given, expected) in table {
            assert_eq!(
                injected(command, given, true).as_deref(),
                Ok(expected.as_str()),
                "{command} {given}"
            );
        }
        assert_eq!(
            injected("", "taskmanager -Da=b", false).as_deref(),
            Ok(
                "taskmanager -Da=b -Dkubernetes.cluster-id=$(NUTKIN_CLUSTER) -Dhigh-availability.cluster-id=$(NUTKIN_CLUSTER)"
            )
        );
    }

    #[test]
    fn a_position_is_read_back() {
        for (path, version) in [
            (Some("file:///sp/a=b"), Some((2, 3))),
            (Some("s3://x"), Some((1, 20))),
            (None, None),
        ] {
            let position = Position {
                path: path.map(str::to_owned),
                allow_unclaimed: path.is_some(),
                job_id: "0".repeat(32),
                cluster_id: "c-1".into(),
            };
            assert_eq!(
                Position::from_data(&Value::Object(position.data(version))),
                Some(position)
            );
        }
        assert_eq!(Position::from_data(&json!({"restore": "x"})), None);
    }
}
