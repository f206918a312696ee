//! The client: one place through which every request to the API server goes, with retries and typed errors.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Method, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use kube::client::Body;
use serde::de::DeserializeOwned;

use super::discovery::Discovery;
use super::error::{Cause, Error, FieldConflict, Result};
use super::kinds::{self, Resource};
use super::object::{ObjectRef, split_api_version};
use super::options::Options;
use super::rate::Limiter;
use crate::yaml::Value;

/// The largest answer that is read: a page of 500 objects of the API server's own limit stays below.
const MAX_ANSWER: usize = 512 << 20;
/// How long one try of a request may take; the server's own limit is 60 s.
const TRY_TIMEOUT: Duration = Duration::from_secs(65);
/// How often a request is tried when the server is busy or the connection breaks.
const TRIES: u32 = 6;
/// How many requests are in flight at once where many objects are read or written.
pub const PARALLEL: usize = 16;

/// A connection to one cluster. Cheap to clone; clones share the connections and what was discovered.
#[derive(Clone)]
pub struct Client {
    pub(super) kube: kube::Client,
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    server: String,
    namespace: String,
    /// The kubeconfig's name for the user.
    user: Option<String>,
    limiter: Option<Limiter>,
    discovery: tokio::sync::Mutex<Option<Arc<Discovery>>>,
    /// The server's version, once asked.
    pub(super) version: tokio::sync::OnceCell<String>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Client({})", self.inner.server)
    }
}

/// A request in the making.
#[derive(Debug, Clone)]
pub(super) struct Request {
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    accept: &'static str,
    body: Option<(&'static str, Vec<u8>)>,
    /// Verb and object for messages, for instance `apply Deployment/web`.
    action: String,
    /// What the request is about.
    target: Target,
    max_answer: usize,
}

/// What a request is about, for errors.
#[derive(Debug, Clone)]
pub(super) enum Target {
    /// One object.
    Object(ObjectRef),
    /// Something else, in words.
    Other(String),
}

impl Target {
    fn name(&self) -> String {
        match self {
            Target::Object(object) => object.to_string(),
            Target::Other(words) => words.clone(),
        }
    }
}

/// The media type of a JSON body.
pub(super) const JSON: &str = "application/json";

impl Request {
    pub(super) fn new(method: Method, path: String, verb: &str, target: Target) -> Self {
        Request {
            method,
            path,
            query: Vec::new(),
            accept: JSON,
            body: None,
            action: format!("{verb} {}", target.name()),
            target,
            max_answer: MAX_ANSWER,
        }
    }

    pub(super) fn query(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.query.push((key, value.into()));
        self
    }

    pub(super) fn accept(mut self, accept: &'static str) -> Self {
        self.accept = accept;
        self
    }

    pub(super) fn body(mut self, media_type: &'static str, bytes: Vec<u8>) -> Self {
        self.body = Some((media_type, bytes));
        self
    }

    pub(super) fn json(self, value: &Value) -> Self {
        self.body(JSON, value.to_string().into_bytes())
    }

    pub(super) fn build(&self) -> std::result::Result<http::Request<Body>, http::Error> {
        let mut uri = self.path.clone();
        for (i, (key, value)) in self.query.iter().enumerate() {
            uri.push(if i == 0 { '?' } else { '&' });
            uri.push_str(key);
            uri.push('=');
            uri.push_str(&encode(value));
        }
        let mut request = http::Request::builder()
            .method(self.method.clone())
            .uri(uri)
            .header(header::ACCEPT, self.accept);
        let body = match &self.body {
            Some((media_type, bytes)) => {
                request =
                    request.header(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
                Body::from(bytes.clone())
            }
            None => Body::empty(),
        };
        request.body(body)
    }
}

/// Percent-encodes everything but unreserved characters: safe in a path segment and in a query value.
pub(super) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// The messages of an error and its sources, each once.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let words = cause.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        source = cause.source();
    }
    text
}

impl Client {
    /// Makes a client. No request is sent: an unreachable cluster shows with the first one.
    ///
    /// # Errors
    /// [`Error::Configure`].
    pub async fn connect(options: &Options) -> Result<Client> {
        let (config, user) = options.config().await?;
        let server = config.cluster_url.to_string();
        let namespace = config.default_namespace.clone();
        let kube = super::connect::client(config)?;
        Ok(Client {
            kube,
            inner: Arc::new(Inner {
                server: server.trim_end_matches('/').to_owned(),
                namespace,
                user,
                limiter: options.rate.map(Limiter::new),
                discovery: tokio::sync::Mutex::new(None),
                version: tokio::sync::OnceCell::new(),
            }),
        })
    }

    /// The namespace of the flags or of the context.
    pub fn namespace(&self) -> &str {
        &self.inner.namespace
    }

    pub(super) fn kubeconfig_user(&self) -> Option<&str> {
        self.inner.user.as_deref()
    }

    /// The API server's address.
    pub fn server(&self) -> &str {
        &self.inner.server
    }

    /// Sends a request and reads the answer as JSON. The flag says whether an earlier try may have
    /// reached the server without our seeing its answer, so that "exists already" or "stale" may be
    /// our own doing.
    pub(super) async fn send_told<T: DeserializeOwned>(
        &self,
        request: &Request,
    ) -> (Result<T>, bool) {
        let (answer, unsure) = self.send_bytes(request).await;
        let parsed = answer.and_then(|bytes| {
            serde_json::from_slice(&bytes).map_err(|e| Error::Answer {
                action: request.action.clone(),
                cause: e.to_string(),
            })
        });
        (parsed, unsure)
    }

    /// Sends a request and reads the answer as JSON.
    pub(super) async fn send<T: DeserializeOwned>(&self, request: &Request) -> Result<T> {
        self.send_told(request).await.0
    }

    /// Sends a request until it is answered, with growing pauses. Every request that we make may be
    /// sent twice: reads, applies, writes with a resourceVersion, creates by name, deletes.
    pub(super) async fn send_bytes(&self, request: &Request) -> (Result<Vec<u8>>, bool) {
        let mut unsure = false;
        let mut pause = Duration::from_millis(100);
        let mut tries = 1;
        loop {
            let error = match self.try_once(request).await {
                Tried::Done(bytes) => return (Ok(bytes), unsure),
                Tried::Refused(error) => return (Err(error), unsure),
                Tried::Again { error, after, sent } => {
                    unsure |= sent;
                    if let Some(after) = after {
                        pause = pause.max(after.min(Duration::from_secs(30)));
                    }
                    error
                }
            };
            if tries >= TRIES {
                return (Err(error), unsure);
            }
            tracing::debug!("{}: {error}; again in {pause:?}", request.action);
            tokio::time::sleep(pause).await;
            tries += 1;
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }

    async fn try_once(&self, request: &Request) -> Tried {
        let built = match request.build() {
            Ok(built) => built,
            Err(e) => return Tried::Refused(Error::Malformed(e.to_string())),
        };
        if let Some(limiter) = &self.inner.limiter {
            limiter.wait().await;
        }
        let whole = async {
            let response = self.kube.send(built).await.map_err(|e| self.sending(&e))?;
            let status = response.status();
            let retry_after = response
                .headers()
                .get(header::RETRY_AFTER)
                .and_then(|v| v.to_str().ok()?.trim().parse().ok())
                .map(Duration::from_secs);
            let bytes = Limited::new(response.into_body(), request.max_answer)
                .collect()
                .await
                .map_err(|e| Tried::Again {
                    error: self.unreachable(chain(e.as_ref())),
                    after: None,
                    sent: true,
                })?
                .to_bytes()
                .to_vec();
            Ok((status, retry_after, bytes))
        };
        let (status, retry_after, bytes) = match tokio::time::timeout(TRY_TIMEOUT, whole).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(tried)) => return tried,
            Err(_) => {
                return Tried::Again {
                    error: self.unreachable(format!("no answer within {TRY_TIMEOUT:?}")),
                    after: None,
                    sent: true,
                };
            }
        };
        if status.is_success() {
            return Tried::Done(bytes);
        }
        let (error, advised) = self.classify(request, status, &bytes);
        let busy = match status {
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => true,
            // A failed admission webhook is a 500 too, and won't heal within our pauses.
            StatusCode::INTERNAL_SERVER_ERROR => match &error {
                Error::Server { message, .. } => !message.contains("webhook"),
                _ => false,
            },
            _ => false,
        };
        if busy {
            Tried::Again {
                error,
                after: retry_after.or(advised),
                sent: status != StatusCode::TOO_MANY_REQUESTS,
            }
        } else {
            Tried::Refused(error)
        }
    }

    fn unreachable(&self, cause: String) -> Error {
        Error::Unreachable {
            server: format!("the Kubernetes API at {}", self.inner.server),
            cause,
        }
    }

    /// What a failure to send means: bad credentials plugins and certificates don't heal.
    fn sending(&self, error: &kube::Error) -> Tried {
        if let kube::Error::Auth(e) = error {
            return Tried::Refused(Error::Configure(chain(e)));
        }
        let cause = chain(error);
        let error = self.unreachable(cause.trim_start_matches("ServiceError: ").to_owned());
        if cause.contains("certificate") {
            Tried::Refused(error)
        } else {
            Tried::Again {
                error,
                after: None,
                sent: !cause.contains("refused") && !cause.contains("dns error"),
            }
        }
    }

    /// The error that a failure status means, and how long the server advises to wait.
    pub(super) fn classify(
        &self,
        request: &Request,
        code: StatusCode,
        body: &[u8],
    ) -> (Error, Option<Duration>) {
        let status: kube::core::Status = serde_json::from_slice(body).unwrap_or_default();
        let details = status
            .details
            .unwrap_or_else(|| kube::core::response::StatusDetails {
                name: String::new(),
                group: String::new(),
                kind: String::new(),
                uid: String::new(),
                causes: Vec::new(),
                retry_after_seconds: 0,
            });
        let advised = (details.retry_after_seconds > 0)
            .then(|| Duration::from_secs(u64::from(details.retry_after_seconds)));
        let message = if status.message.is_empty() {
            String::from_utf8_lossy(body.get(..body.len().min(300)).unwrap_or_default())
                .trim()
                .to_owned()
        } else {
            status.message.clone()
        };
        let action = request.action.clone();
        let object = request.target.name();
        let error = match code.as_u16() {
            401 => Error::Unauthorized {
                server: self.inner.server.clone(),
                message,
            },
            403 => Error::Forbidden { action, message },
            404 if details.kind == "namespaces" && !is_namespace(&request.target) => {
                Error::NoNamespace {
                    namespace: details.name,
                    action,
                }
            }
            404 => match &request.target {
                // A missing object is named in the details; a missing path isn't.
                Target::Object(o) if details.name.is_empty() => Error::NoKind {
                    api_version: o.api_version(),
                    kind: o.kind.clone(),
                },
                _ => Error::NotFound { object },
            },
            409 if status.reason == "AlreadyExists" => Error::Exists { object },
            409 => {
                let fields: Vec<FieldConflict> = details
                    .causes
                    .iter()
                    .filter(|c| c.reason == "FieldManagerConflict")
                    .map(|c| FieldConflict {
                        manager: c.message.trim_start_matches("conflict with ").to_owned(),
                        field: c.field.clone(),
                    })
                    .collect();
                if fields.is_empty() {
                    Error::Stale { object, message }
                } else {
                    Error::Conflict { object, fields }
                }
            }
            410 => Error::Expired { object },
            // The uid of an object that was replaced.
            422 if details.causes.iter().any(|c| c.field == "metadata.uid") => {
                Error::Stale { object, message }
            }
            400 | 413 | 422 => Error::Invalid {
                object,
                message,
                causes: details
                    .causes
                    .into_iter()
                    .map(|c| Cause {
                        field: c.field,
                        message: c.message,
                    })
                    .collect(),
            },
            // Server-side apply answers 500 when a value doesn't fit the schema of its type.
            500 if message.contains("failed to create typed patch object")
                || message.contains("failed to create manager for existing fields") =>
            {
                Error::Invalid {
                    object,
                    message,
                    causes: Vec::new(),
                }
            }
            status => Error::Server {
                action,
                status,
                message,
            },
        };
        (error, advised)
    }

    /// How a kind is served: from the table of Kubernetes' own kinds, else by asking the server,
    /// once more if what was learnt earlier doesn't know it.
    ///
    /// # Errors
    /// [`Error::NoKind`], and those of the request.
    pub async fn resource(&self, api_version: &str, kind: &str) -> Result<Resource> {
        let (group, version) = split_api_version(api_version);
        if let Some(resource) = kinds::built_in(group, version, kind) {
            return Ok(resource);
        }
        let mut known = self.inner.discovery.lock().await;
        if let Some(resource) = known.as_ref().and_then(|d| d.find(group, version, kind)) {
            return Ok(resource);
        }
        let fresh = Arc::new(Discovery::ask(self).await?);
        let found = fresh.find(group, version, kind);
        *known = Some(fresh);
        found.ok_or_else(|| Error::NoKind {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
        })
    }

    /// All that the server serves; asked for once.
    pub async fn discovery(&self) -> Result<Arc<Discovery>> {
        let mut known = self.inner.discovery.lock().await;
        if let Some(discovery) = known.as_ref() {
            return Ok(Arc::clone(discovery));
        }
        let fresh = Arc::new(Discovery::ask(self).await?);
        *known = Some(Arc::clone(&fresh));
        Ok(fresh)
    }

    /// Forgets what was discovered: after CRDs were applied or removed.
    pub async fn refresh_discovery(&self) {
        *self.inner.discovery.lock().await = None;
    }

    /// The path of an object, and the reference with its namespace as the server will see it: the
    /// client's own for namespaced objects without one, none for cluster-scoped ones.
    ///
    /// # Errors
    /// As [`Client::resource`].
    pub async fn locate(&self, object: &ObjectRef) -> Result<(ObjectRef, String)> {
        let resource = self.resource(&object.api_version(), &object.kind).await?;
        let mut located = object.clone();
        located.namespace = resource.namespaced.then(|| {
            object
                .namespace
                .clone()
                .unwrap_or_else(|| self.inner.namespace.clone())
        });
        let path = format!(
            "{}/{}",
            resource.path(located.namespace.as_deref()),
            encode(&object.name)
        );
        Ok((located, path))
    }
}

impl Resource {
    /// The path of the collection, in a namespace or over all.
    pub fn path(&self, namespace: Option<&str>) -> String {
        let root = if self.group.is_empty() {
            format!("/api/{}", self.version)
        } else {
            format!("/apis/{}/{}", self.group, self.version)
        };
        match namespace {
            Some(namespace) if self.namespaced => {
                format!("{root}/namespaces/{}/{}", encode(namespace), self.plural)
            }
            _ => format!("{root}/{}", self.plural),
        }
    }
}

fn is_namespace(target: &Target) -> bool {
    matches!(target, Target::Object(o) if o.group.is_empty() && o.kind == "Namespace")
}

enum Tried {
    Done(Vec<u8>),
    Refused(Error),
    Again {
        error: Error,
        after: Option<Duration>,
        /// Whether the server may have acted.
        sent: bool,
    },
}
