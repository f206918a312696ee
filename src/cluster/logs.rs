//! What pods and objects say about themselves: log lines and events.

use std::time::Duration;

use http::Method;

use super::client::{Client, Request, Target, encode};
use super::error::Result;
use super::object::ObjectRef;
use super::rw::Query;
use crate::yaml::Value;

/// Something that happened to an object, as Kubernetes recorded it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When it happened last, RFC 3339.
    pub time: String,
    /// `Normal` or `Warning`.
    pub kind: String,
    /// A word.
    pub reason: String,
    /// A sentence.
    pub message: String,
    /// How often.
    pub count: u64,
}

impl std::fmt::Display for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.kind, self.reason, self.message)?;
        if self.count > 1 {
            write!(f, " ({} times)", self.count)?;
        }
        Ok(())
    }
}

/// What the kubelet answers, with status 200, when the container whose log is wanted has been
/// cleared away (`kuberuntime_container.go`, Kubernetes 1.37).
const CLEARED: &str = "unable to retrieve container logs for ";

/// How often a log is asked for again that was cleared away, and how long it waits in between:
/// the kubelet looks at its containers once a second and then names the right one.
const AGAIN: (u32, Duration) = (4, Duration::from_secs(1));

impl Client {
    /// The last lines of a container's log (`None`: of the only one, or the default one). The
    /// answer is `None` when the container is gone from the node, and its log with it.
    ///
    /// # Errors
    /// Those of the request; [`super::Error::Invalid`] when the container hasn't started.
    pub async fn logs(
        &self,
        namespace: &str,
        pod: &str,
        container: Option<&str>,
        lines: u32,
        previous: bool,
    ) -> Result<Option<Vec<String>>> {
        let path = format!(
            "/api/v1/namespaces/{}/pods/{}/log",
            encode(namespace),
            encode(pod)
        );
        let mut request = Request::new(
            Method::GET,
            path,
            "read the log of",
            Target::Other(format!("Pod/{pod}")),
        )
        .query("tailLines", lines.to_string())
        .query("limitBytes", (1 << 20).to_string());
        if let Some(container) = container {
            request = request.query("container", container);
        }
        if previous {
            request = request.query("previous", "true");
        }
        let bytes = self.send_bytes(&request).await.0?;
        Ok(read(&String::from_utf8_lossy(&bytes)))
    }

    /// What a container said last: in its life before this one, since a container that crashed
    /// has said there why, or, without one, in this. Empty where nothing is left to read.
    pub async fn last_log(
        &self,
        namespace: &str,
        pod: &str,
        container: Option<&str>,
        lines: u32,
    ) -> Vec<String> {
        for _ in 0..AGAIN.0 {
            let mut cleared = false;
            for previous in [true, false] {
                match self.logs(namespace, pod, container, lines, previous).await {
                    Ok(Some(log)) if !log.is_empty() => return log,
                    Ok(Some(_)) | Err(_) => {}
                    // One dead container is kept. When the next one has died as well, the pod's
                    // status names for a moment a life before it that is no more.
                    Ok(None) => cleared = true,
                }
            }
            if !cleared {
                break;
            }
            tokio::time::sleep(AGAIN.1).await;
        }
        Vec::new()
    }

    /// The events of an object, oldest first.
    ///
    /// # Errors
    /// Those of the request.
    pub async fn events(&self, object: &ObjectRef) -> Result<Vec<Event>> {
        let (object, _) = self.locate(object).await?;
        let query = Query {
            fields: Some(format!(
                "involvedObject.kind={},involvedObject.name={}",
                object.kind, object.name
            )),
            ..Query::default()
        };
        let namespace = object.namespace.as_deref().unwrap_or("default");
        let items = self.list("v1", "Event", Some(namespace), &query).await?;
        let text = |item: &Value, field: &str| {
            item.get(field)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let mut events: Vec<Event> = items
            .iter()
            .map(|item| Event {
                time: ["lastTimestamp", "eventTime", "firstTimestamp"]
                    .iter()
                    .map(|f| text(item, f))
                    .find(|t| !t.is_empty())
                    .unwrap_or_default(),
                kind: text(item, "type"),
                reason: text(item, "reason"),
                message: text(item, "message"),
                count: item.get("count").and_then(Value::as_u64).unwrap_or(1),
            })
            .collect();
        events.sort_by(|a, b| a.time.cmp(&b.time));
        Ok(events)
    }

    /// What is left to say about something that failed: the last log lines of a pod, and the
    /// warnings about it and about the object. Nothing here may hide the failure itself, so what
    /// can't be read is left out.
    pub(super) async fn post_mortem(&self, object: &ObjectRef, pod: Option<&str>) -> Vec<String> {
        let mut lines = Vec::new();
        let mut about = vec![object.clone()];
        let pod = pod.or_else(|| (object.kind == "Pod").then_some(object.name.as_str()));
        if let (Some(namespace), Some(pod)) = (&object.namespace, pod) {
            let log = self.last_log(namespace, pod, None, 20).await;
            lines.extend(log.into_iter().map(|l| format!("Pod/{pod} log: {l}")));
            let pod = ObjectRef::new("v1", "Pod", Some(namespace), pod);
            if pod != *object {
                about.push(pod);
            }
        }
        for object in about {
            let events = self.events(&object).await.unwrap_or_default();
            let warnings = events.iter().filter(|e| e.kind == "Warning");
            let mut last: Vec<String> = warnings
                .rev()
                .take(5)
                .map(|e| format!("{object} event: {e}"))
                .collect();
            last.reverse();
            lines.extend(last);
        }
        lines
    }
}

/// The lines of a log as the kubelet sent it, `None` where it sent word that there is none.
fn read(text: &str) -> Option<Vec<String>> {
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    match lines.as_slice() {
        [line] if line.starts_with(CLEARED) => None,
        _ => Some(lines),
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_cleared_log_is_none() {
        let id = "containerd://ba040863ffa7dd050105cfc05a41de3cdf301896e4c316e0d6a0c31a28f20e31";
        let said = format!("unable to retrieve container logs for {id}");
        let two = format!("first\n{said}\n");
        for (text, lines) in [
            (said.as_str(), None),
            ("", Some(vec![])),
            ("one\ntwo\n", Some(vec!["one", "two"])),
            (two.as_str(), Some(vec!["first", said.as_str()])),
        ] {
            let expected = lines.map(|l| l.into_iter().map(str::to_owned).collect());
            assert_eq!(read(text), expected, "{text:?}");
        }
    }
}
