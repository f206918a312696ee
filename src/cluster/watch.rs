//! Watches that go on over every interruption: list, watch from there, list anew when it expired.

use std::time::Duration;

use futures::{AsyncBufReadExt, StreamExt};
use http::Method;
use serde::Deserialize;
use tokio::sync::mpsc;

use super::client::{Client, Request, Target, chain};
use super::error::{Error, Result};
use super::rw::Query;
use crate::yaml::Value;

/// How long the server keeps one watch open.
const WATCH_SECONDS: u32 = 240;
/// How long a silent connection is trusted: bookmarks come about every minute.
const SILENCE: Duration = Duration::from_secs(150);

/// What a watch has seen.
#[derive(Debug, Clone)]
pub(super) enum Seen {
    /// All objects there are; whatever was known before and isn't among them is gone.
    All(Vec<Value>),
    /// An object as it is now.
    Is(Value),
    /// An object that is no more, as it was last.
    Gone(Value),
    /// The watch can't be had: forbidden, or the kind isn't served.
    Failed(Error),
}

/// A watch in the background; it ends when dropped.
#[derive(Debug)]
pub(super) struct Watch {
    events: mpsc::Receiver<Seen>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Watch {
    /// The next event; `None` never comes before [`Seen::Failed`].
    pub(super) async fn next(&mut self) -> Option<Seen> {
        self.events.recv().await
    }
}

/// What is watched.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Watched {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) namespace: Option<String>,
    pub(super) labels: Option<String>,
    pub(super) fields: Option<String>,
}

impl Watched {
    fn query(&self) -> Query {
        Query {
            labels: self.labels.clone(),
            fields: self.fields.clone(),
            metadata_only: false,
        }
    }
}

impl Client {
    /// Watches objects until the result is dropped.
    pub(super) fn watch(&self, watched: Watched) -> Watch {
        let (sender, events) = mpsc::channel(256);
        let client = self.clone();
        let task = tokio::spawn(async move {
            if let Err(error) = client.watch_on(&watched, &sender).await {
                let _ = sender.send(Seen::Failed(error)).await;
            }
        });
        Watch { events, task }
    }

    async fn watch_on(&self, watched: &Watched, to: &mpsc::Sender<Seen>) -> Result<()> {
        let mut pause = Duration::from_millis(200);
        loop {
            let mut items: Vec<Value> = Vec::new();
            let listed = self
                .list_pages(
                    &watched.api_version,
                    &watched.kind,
                    watched.namespace.as_deref(),
                    &watched.query(),
                    |page| items.extend(page),
                )
                .await;
            let version = match listed {
                Ok(version) => version,
                Err(Error::Expired { .. } | Error::Unreachable { .. } | Error::Server { .. }) => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(5));
                    continue;
                }
                Err(e) => return Err(e),
            };
            if to.send(Seen::All(items)).await.is_err() {
                return Ok(());
            }
            match self.follow(watched, version, to).await {
                Followed::ListAgain { progressed } => {
                    if progressed {
                        pause = Duration::from_millis(200);
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(5));
                }
                Followed::Unwanted => return Ok(()),
            }
        }
    }

    /// Watches from a resourceVersion on, over reconnects, until a new list is needed.
    async fn follow(
        &self,
        watched: &Watched,
        mut version: String,
        to: &mpsc::Sender<Seen>,
    ) -> Followed {
        let mut progressed = false;
        loop {
            let Ok(resource) = self.resource(&watched.api_version, &watched.kind).await else {
                return Followed::ListAgain { progressed };
            };
            let mut request = Request::new(
                Method::GET,
                resource.path(watched.namespace.as_deref()),
                "watch",
                Target::Other(resource.plural.clone()),
            )
            .query("watch", "true")
            .query("allowWatchBookmarks", "true")
            .query("timeoutSeconds", WATCH_SECONDS.to_string())
            .query("resourceVersion", &version);
            if let Some(labels) = &watched.labels {
                request = request.query("labelSelector", labels);
            }
            if let Some(fields) = &watched.fields {
                request = request.query("fieldSelector", fields);
            }
            let Ok(built) = request.build() else {
                return Followed::ListAgain { progressed };
            };
            let built = built.map(|_| Vec::new());
            let reader = match self.kube.request_stream(built).await {
                Ok(reader) => reader,
                Err(e) => {
                    tracing::debug!("watch {}: {}", resource.plural, chain(&e));
                    return Followed::ListAgain { progressed };
                }
            };
            let mut lines = std::pin::pin!(reader.lines());
            loop {
                let line = match tokio::time::timeout(SILENCE, lines.next()).await {
                    // The server closes a watch after its time: go on from the last version.
                    Ok(None) => break,
                    Err(_) | Ok(Some(Err(_))) => return Followed::ListAgain { progressed },
                    Ok(Some(Ok(line))) => line,
                };
                // Half a line is the end of a broken connection, ERROR mostly an expired version.
                let Ok(event) = serde_json::from_str::<Event>(&line) else {
                    return Followed::ListAgain { progressed };
                };
                progressed = true;
                let seen = match event.kind.as_str() {
                    "ADDED" | "MODIFIED" => Seen::Is(event.object),
                    "DELETED" => Seen::Gone(event.object),
                    "BOOKMARK" => {
                        if let Some(v) = super::object::resource_version(&event.object) {
                            v.clone_into(&mut version);
                        }
                        continue;
                    }
                    _ => return Followed::ListAgain { progressed },
                };
                if let Seen::Is(object) | Seen::Gone(object) = &seen
                    && let Some(v) = super::object::resource_version(object)
                {
                    v.clone_into(&mut version);
                }
                if to.send(seen).await.is_err() {
                    return Followed::Unwanted;
                }
            }
        }
    }
}

/// One line of a watch.
#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    object: Value,
}

enum Followed {
    ListAgain {
        /// Whether the watch had brought anything.
        progressed: bool,
    },
    Unwanted,
}
