//! A cluster as a whole: TaskManagers and slots, and whether they are what was asked for.

use serde::Deserialize;

use super::config::Key;
use super::rest::{Error, Rest};
use super::workload::{Mode, Workload};

/// Slots of each TaskManager; Flink's default is 1.
const TASK_SLOTS: Key = Key(&["taskmanager.numberOfTaskSlots"]);

/// The answer of `/overview`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Overview {
    /// How many TaskManagers are registered.
    pub taskmanagers: u64,
    /// Their slots.
    pub slots_total: u64,
    /// Those that no task uses.
    pub slots_available: u64,
    /// How many jobs run.
    pub jobs_running: u64,
}

impl Rest {
    /// The cluster's overview.
    pub async fn overview(&self) -> Result<Overview, Error> {
        self.get("/overview").await
    }
}

impl Overview {
    /// What is missing of the TaskManagers and slots that a workload's manifest asks for; `None` when
    /// all are there. In native mode Flink makes TaskManagers as jobs need them: none are missed.
    pub fn missing(&self, workload: &Workload) -> Option<String> {
        if matches!(workload.mode, Mode::NativeApplication | Mode::NativeSession) {
            return None;
        }
        let wanted: u64 = workload
            .taskmanagers
            .iter()
            .map(|t| t.replicas.unwrap_or(1))
            .sum();
        let each: u64 = workload
            .configuration
            .get(TASK_SLOTS)
            .and_then(|s| s.trim().parse().ok())
            .unwrap_or(1);
        let slots = wanted * each;
        if self.taskmanagers < wanted {
            Some(format!(
                "{} of {wanted} TaskManagers are registered",
                self.taskmanagers
            ))
        } else if self.slots_total < slots {
            Some(format!("{} of {slots} slots are there", self.slots_total))
        } else {
            None
        }
    }

    /// The overview in a few words.
    pub fn words(&self) -> String {
        format!(
            "{} TaskManagers, {} of {} slots free",
            self.taskmanagers, self.slots_available, self.slots_total
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::flink::workload::recognise;

    #[test]
    fn what_is_missing_of_a_cluster() {
        let deployment = |name: &str, role: &str, replicas: u64| {
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": {"app": "s"}},
                "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "s", "c": role}},
                "template": {"metadata": {"labels": {"app": "s", "c": role}}, "spec": {"containers": [
                    {"name": "c", "image": "flink:2.3.0", "args": [role], "env": [{"name": "FLINK_PROPERTIES",
                     "value": "jobmanager.rpc.address: s\ntaskmanager.numberOfTaskSlots: 3"}]}]}}}})
        };
        let manifest = [
            deployment("s-jm", "jobmanager", 1),
            deployment("s-tm", "taskmanager", 2),
        ];
        let workloads = recognise(&manifest, "n");
        let workload = workloads.first().expect("a workload");
        for (taskmanagers, slots_total, missing) in [
            (0, 0, Some("0 of 2 TaskManagers are registered")),
            (1, 3, Some("1 of 2 TaskManagers are registered")),
            (2, 4, Some("4 of 6 slots are there")),
            (2, 6, None),
            (3, 9, None),
        ] {
            let overview = Overview {
                taskmanagers,
                slots_total,
                ..Overview::default()
            };
            assert_eq!(overview.missing(workload).as_deref(), missing);
        }
        let answer = json!({"taskmanagers": 2, "slots-total": 6, "slots-available": 5,
            "jobs-running": 1, "flink-version": "2.3.0"});
        let overview: Overview = serde_json::from_value(answer).expect("an overview");
        assert_eq!(overview.words(), "2 TaskManagers, 5 of 6 slots free");
    }
}
