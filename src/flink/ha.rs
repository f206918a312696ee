//! What Kubernetes high availability keeps of a job: its checkpoints' numbers, readable when REST isn't.

use super::config::{self, Configuration};
use crate::yaml::Value;

/// The name of the ConfigMap in which a job's checkpoints are recorded
/// (`KubernetesLeaderElectionHaServices`, Flink 1.15 and later).
pub fn job_config_map(cluster_id: &str, job_id: &str) -> String {
    format!("{cluster_id}-{job_id}-config-map")
}

/// The name of the ConfigMap that the cluster's leaders and job graphs are recorded in.
pub fn cluster_config_map(cluster_id: &str) -> String {
    format!("{cluster_id}-cluster-config-map")
}

/// The job's id in the name of its ConfigMap; `None` for another ConfigMap, or another cluster's.
pub fn job_of<'a>(config_map: &'a str, cluster_id: &str) -> Option<&'a str> {
    let id = config_map
        .strip_prefix(cluster_id)?
        .strip_prefix('-')?
        .strip_suffix("-config-map")?;
    (id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())).then_some(id)
}

/// The numbers of the checkpoints that a job's ConfigMap records, ascending.
///
/// Keys are `checkpointID-` and 19 digits (`KubernetesCheckpointStoreUtil`). A restored savepoint
/// is recorded too, under its own number.
pub fn checkpoint_ids(config_map: &Value) -> Vec<u64> {
    let mut ids: Vec<u64> = config_map
        .get("data")
        .and_then(Value::as_object)
        .map(|data| {
            data.keys()
                .filter_map(|k| k.strip_prefix("checkpointID-")?.parse().ok())
                .collect()
        })
        .unwrap_or_default();
    ids.sort_unstable();
    ids
}

/// Where a job's checkpoint lies, by Flink's layout: `<folder>/<job id>/chk-<number>`.
///
/// `None` where the configuration names no folder, or another layout.
pub fn checkpoint_path(configuration: &Configuration, job_id: &str, number: u64) -> Option<String> {
    let folder = configuration
        .get(config::CHECKPOINT_DIR)?
        .trim_end_matches('/');
    configuration
        .is_true(config::CHECKPOINT_SUBDIR, true)
        .then(|| format!("{folder}/{job_id}/chk-{number}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_of_config_maps() {
        let job = "0123456789abcdef0123456789abcdef";
        assert_eq!(job_of(&job_config_map("c-1", job), "c-1"), Some(job));
        assert_eq!(job_of(&job_config_map("c-1", job), "c"), None);
        assert_eq!(job_of(&cluster_config_map("c-1"), "c-1"), None);
    }

    #[test]
    fn numbers_from_keys() {
        let map = json!({"data": {
            "checkpointID-0000000000000000012": "x", "checkpointID-0000000000000000003": "y",
            "counter": "13", "org.apache.flink.k8s.leader.job": "z"}});
        assert_eq!(checkpoint_ids(&map), [3, 12]);
        assert!(checkpoint_ids(&json!({})).is_empty());
    }

    #[test]
    fn paths_follow_flinks_layout() {
        let mut conf = Configuration::default();
        assert_eq!(checkpoint_path(&conf, "ab", 7), None);
        conf.set("state.checkpoints.dir", "file:///cp/");
        assert_eq!(
            checkpoint_path(&conf, "ab", 7).as_deref(),
            Some("file:///cp/ab/chk-7")
        );
        conf.set("state.checkpoints.create-subdir", "false");
        assert_eq!(checkpoint_path(&conf, "ab", 7), None);
    }
}
