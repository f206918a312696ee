//! What pods and objects say about themselves: log lines and events.

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

impl Client {
    /// The last lines of a container's log (`None`: of the only one, or the default one).
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
    ) -> Result<Vec<String>> {
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
        Ok(String::from_utf8_lossy(&bytes)
            .lines()
            .map(str::to_owned)
            .collect())
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
            let mut log = Vec::new();
            // A container that crashed has said why in its previous life.
            for previous in [true, false] {
                if log.is_empty() {
                    let read = self.logs(namespace, pod, None, 20, previous).await;
                    log = read.unwrap_or_default();
                }
            }
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
