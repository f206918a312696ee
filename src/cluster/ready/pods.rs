//! What keeps a pod from running.

use super::{condition, number, text};
use crate::yaml::Value;

/// Something that keeps a pod from running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What, with the message: `ImagePullBackOff: …`.
    pub reason: String,
    /// No node has room or fits: an autoscaler may make one, so it gets more time than the others.
    pub unschedulable: bool,
}

/// What keeps a pod from running, if anything that doesn't belong to a normal start.
pub fn pod_problem(pod: &Value) -> Option<Problem> {
    let problem = |reason: String| {
        Some(Problem {
            reason,
            unschedulable: false,
        })
    };
    if let Some(("False", "Unschedulable", message)) = condition(pod, "PodScheduled") {
        return Some(Problem {
            reason: format!("Unschedulable: {message}"),
            unschedulable: true,
        });
    }
    let statuses = ["/status/initContainerStatuses", "/status/containerStatuses"];
    for container in statuses
        .iter()
        .filter_map(|p| pod.pointer(p)?.as_array())
        .flatten()
    {
        let name = text(container, "/name");
        let reason = text(container, "/state/waiting/reason");
        let ended = match container.pointer("/lastState/terminated") {
            Some(last) => format!(
                ", ended with {} ({})",
                number(last, "/exitCode"),
                text(last, "/reason")
            ),
            None => String::new(),
        };
        // Between two crashes a container runs for a moment, and is none the better for it.
        let restarts = number(container, "/restartCount");
        let crashes = reason.is_empty()
            && restarts >= 2
            && container.get("ready") != Some(&Value::Bool(true))
            && number(container, "/lastState/terminated/exitCode") != 0;
        if crashes {
            return problem(format!(
                "restarted {restarts} times: container {name}{ended}"
            ));
        }
        if !matches!(reason, "" | "ContainerCreating" | "PodInitializing") {
            let message = text(container, "/state/waiting/message");
            return problem(format!(
                "{reason}: container {name}{ended}{}{message}",
                if message.is_empty() { "" } else { ": " }
            ));
        }
        if let Some(terminated) = container.pointer("/state/terminated") {
            let code = number(terminated, "/exitCode");
            if code != 0 {
                return problem(format!(
                    "{}: container {name} ended with {code}",
                    text(terminated, "/reason")
                ));
            }
        }
    }
    None
}
