//! A cluster's configuration as Flink would read it: file, FLINK_PROPERTIES, then `-D` options.

use std::collections::BTreeMap;

use crate::yaml::{self, Value};

/// A configuration key with its older names, newest first.
///
/// Flink 2.x still parses the old ones as deprecated; 1.x knows some only under the old name.
#[derive(Debug, Clone, Copy)]
pub struct Key(pub &'static [&'static str]);

/// Where savepoints go when the call names no folder.
pub const SAVEPOINT_DIR: Key = Key(&[
    "execution.checkpointing.savepoint-dir",
    "state.savepoints.dir",
    "savepoints.state.backend.fs.dir",
]);
/// Where checkpoints go.
pub const CHECKPOINT_DIR: Key = Key(&["execution.checkpointing.dir", "state.checkpoints.dir"]);
/// How often a checkpoint is taken.
pub const CHECKPOINT_INTERVAL: Key = Key(&["execution.checkpointing.interval"]);
/// What stays of the checkpoints of a cancelled job.
pub const CHECKPOINT_RETENTION: Key =
    Key(&["execution.checkpointing.externalized-checkpoint-retention"]);
/// Whether checkpoints lie in a folder named by the job's id.
pub const CHECKPOINT_SUBDIR: Key = Key(&[
    "execution.checkpointing.create-subdir",
    "state.checkpoints.create-subdir",
]);
/// The kind of high availability: `kubernetes`, `zookeeper`, `NONE` or a factory class.
pub const HA_TYPE: Key = Key(&["high-availability.type", "high-availability"]);
/// Where high availability keeps what its ConfigMaps point to.
pub const HA_STORAGE: Key = Key(&["high-availability.storageDir"]);
/// The name under which high availability keeps its data.
pub const HA_CLUSTER_ID: Key = Key(&["high-availability.cluster-id"]);
/// The same on Kubernetes: the prefix of the ConfigMaps' names.
pub const CLUSTER_ID: Key = Key(&["kubernetes.cluster-id"]);
/// The port of the REST server.
pub const REST_PORT: Key = Key(&["rest.port", "web.port"]);
/// Whether REST speaks TLS.
pub const REST_TLS: Key = Key(&["security.ssl.rest.enabled"]);
/// Whether the JobManager exits when its job has ended.
pub const SHUTDOWN_ON_FINISH: Key = Key(&["execution.shutdown-on-application-finish"]);
/// What a job starts from.
pub const RECOVERY_PATH: Key = Key(&["execution.state-recovery.path", "execution.savepoint.path"]);
/// How TaskManagers and the JobManager find each other.
pub const RPC_ADDRESS: Key = Key(&["jobmanager.rpc.address"]);

/// Configuration keys and values, flat.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Configuration(BTreeMap<String, String>);

impl Configuration {
    /// The value of a key under its newest name that is set.
    pub fn get(&self, key: Key) -> Option<&str> {
        key.0
            .iter()
            .find_map(|name| self.0.get(*name))
            .map(String::as_str)
            .filter(|v| !v.is_empty())
    }

    /// Sets a key; a later source wins.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.0.insert(key.into(), value.into());
    }

    /// Whether a boolean key is true, with Flink's default where it isn't set.
    pub fn is_true(&self, key: Key, default: bool) -> bool {
        self.get(key)
            .map_or(default, |v| v.trim().eq_ignore_ascii_case("true"))
    }

    /// Whether high availability is on (Kubernetes, ZooKeeper or a factory).
    pub fn has_ha(&self) -> bool {
        self.get(HA_TYPE)
            .is_some_and(|v| !v.trim().eq_ignore_ascii_case("none"))
    }

    /// Whether high availability keeps its data in ConfigMaps.
    pub fn has_kubernetes_ha(&self) -> bool {
        self.get(HA_TYPE).is_some_and(|v| {
            let v = v.trim();
            v.eq_ignore_ascii_case("kubernetes") || v.ends_with("KubernetesHaServicesFactory")
        })
    }

    /// Adds a configuration file's content.
    ///
    /// `config.yaml` is YAML, nested or flat (Flink 1.19 and later); where it isn't a YAML map, and
    /// for `flink-conf.yaml`, the old reader's rule holds: a line is `key: value`, `#` begins a
    /// comment, anything else is passed over.
    pub fn add_file(&mut self, name: &str, text: &str) {
        if name == "config.yaml"
            && let Ok(Value::Object(map)) = yaml::parse(text)
        {
            for (key, value) in &map {
                self.flatten(key, value);
            }
            return;
        }
        self.add_properties(text);
    }

    /// Adds `key: value` lines, as in FLINK_PROPERTIES and `flink-conf.yaml`.
    pub fn add_properties(&mut self, text: &str) {
        for line in text.lines() {
            let line = line.split_once('#').map_or(line, |(before, _)| before);
            if let Some((key, value)) = line.split_once(": ") {
                let value = value.trim();
                let unquoted = value
                    .strip_prefix('"')
                    .and_then(|v| v.strip_suffix('"'))
                    .or_else(|| value.strip_prefix('\'').and_then(|v| v.strip_suffix('\'')))
                    .unwrap_or(value);
                self.set(key.trim(), unquoted);
            }
        }
    }

    /// Adds the `-Dkey=value` and `-D key=value` options among a program's arguments.
    pub fn add_arguments(&mut self, args: &[String]) {
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let Some(rest) = arg.strip_prefix("-D") else {
                continue;
            };
            let pair = if rest.is_empty() {
                args.next().map(String::as_str)
            } else {
                Some(rest)
            };
            if let Some((key, value)) = pair.and_then(|p| p.split_once('=')) {
                self.set(key, value);
            }
        }
    }

    fn flatten(&mut self, prefix: &str, value: &Value) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    self.flatten(&format!("{prefix}.{key}"), value);
                }
            }
            Value::Null => {}
            Value::String(text) => self.set(prefix, text.clone()),
            Value::Array(items) => {
                let items: Vec<String> = items
                    .iter()
                    .map(|i| i.as_str().map_or_else(|| i.to_string(), str::to_owned))
                    .collect();
                self.set(prefix, items.join(";"));
            }
            other => self.set(prefix, other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_name_and_the_last_source_win() {
        let mut conf = Configuration::default();
        conf.add_file(
            "flink-conf.yaml",
            "state.savepoints.dir: file:///old # note\nno pair\nhigh-availability: NONE",
        );
        assert_eq!(conf.get(SAVEPOINT_DIR), Some("file:///old"));
        assert!(!conf.has_ha());
        conf.add_file("config.yaml", "execution:\n  checkpointing:\n    savepoint-dir: file:///new\nhigh-availability.type: kubernetes\n");
        conf.add_properties("rest.port: \"8082\"");
        conf.add_arguments(&["-D".into(), "a=b".into(), "-Dc=d=e".into(), "x".into()]);
        assert_eq!(conf.get(SAVEPOINT_DIR), Some("file:///new"));
        assert!(conf.has_ha() && conf.has_kubernetes_ha());
        assert_eq!(conf.get(REST_PORT), Some("8082"));
        assert_eq!(conf.get(Key(&["c"])), Some("d=e"));
    }
}
