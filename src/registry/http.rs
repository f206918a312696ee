//! HTTP with what chart repositories and registries need: certificates, credentials that stay with their
//! host, redirects, retries, bounds on size and time.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::StreamExt as _;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Method, StatusCode, Url};

use super::{Error, files};

/// How long one request may take, its answer's body included: as in Helm.
pub const TIMEOUT: Duration = Duration::from_secs(120);
/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(15);
/// How long a server may be silent within an answer.
const SILENCE: Duration = Duration::from_secs(60);
/// How often a request is tried.
const TRIES: u32 = 4;
/// The longest pause that a server may ask for.
const MAX_PAUSE: Duration = Duration::from_secs(30);
const MAX_REDIRECTS: usize = 10;
const MAX_PEM: u64 = 4 * 1024 * 1024;
/// How much of an error's body is read.
const MAX_ERROR: u64 = 64 * 1024;

/// Whoever shows what goes on.
pub trait Report: Send + Sync {
    /// Of a download, `done` of `total` bytes are there; the last call has `done` equal to `total`.
    fn progress(&self, what: &str, done: u64, total: Option<u64>);
    /// Something worth a line.
    fn note(&self, text: &str);
}

/// How a server is reached, and as whom.
#[derive(Clone, PartialEq, Eq)]
pub struct Access {
    /// For basic authentication; empty: none.
    pub username: String,
    /// For basic authentication.
    pub password: String,
    /// Whom to trust instead of whom the machine trusts.
    pub ca_file: Option<PathBuf>,
    /// The client's certificate.
    pub cert_file: Option<PathBuf>,
    /// The client's key.
    pub key_file: Option<PathBuf>,
    /// Don't check the server's certificate.
    pub insecure_skip_tls_verify: bool,
    /// Give the credentials to other hosts too, when a chart or a redirect leads there.
    pub pass_credentials: bool,
    /// Reach registries by HTTP, without TLS.
    pub plain_http: bool,
    /// How long one request may take.
    pub timeout: Duration,
}

impl Default for Access {
    fn default() -> Self {
        Access {
            username: String::new(),
            password: String::new(),
            ca_file: None,
            cert_file: None,
            key_file: None,
            insecure_skip_tls_verify: false,
            pass_credentials: false,
            plain_http: false,
            timeout: TIMEOUT,
        }
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("ca_file", &self.ca_file)
            .field("insecure", &self.insecure_skip_tls_verify)
            .field("plain_http", &self.plain_http)
            .finish_non_exhaustive()
    }
}

impl Access {
    /// The header of basic authentication, where there are credentials.
    pub(super) fn basic(&self) -> Option<HeaderValue> {
        (!self.username.is_empty() && !self.password.is_empty())
            .then(|| basic(&self.username, &self.password))
            .flatten()
    }
}

/// The header of basic authentication; `None` where no header can hold it.
pub(super) fn basic(username: &str, password: &str) -> Option<HeaderValue> {
    use base64::Engine as _;
    let pair = format!("{username}:{password}");
    let text = base64::engine::general_purpose::STANDARD.encode(pair);
    secret(&format!("Basic {text}"))
}

/// A header that is never shown.
pub(super) fn secret(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// An address for messages: without user name, password and query.
pub fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Both fail only for addresses that can't have them.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

/// The same for what may be no address.
pub(super) fn shown_text(text: &str) -> String {
    Url::parse(text).map_or_else(|_| text.to_owned(), |url| shown(&url))
}

/// Reads an address, which must be one of HTTP.
pub(super) fn parse(text: &str) -> Result<Url, Error> {
    let url = Url::parse(text).map_err(|e| {
        // The text may hold a password.
        Error::Usage(format!("{:?} is no address: {e}", shown_text(text)))
    })?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        other => Err(Error::Usage(format!(
            "{}: {other:?} is no scheme of chart repositories; it must be http or https",
            shown(&url)
        ))),
    }
}

/// Scheme, host and port: whom credentials belong to.
pub(super) fn same_origin(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme()
        && a.host() == b.host()
        && a.port_or_known_default() == b.port_or_known_default()
}

/// A request. It may be sent more than once.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    /// The header `Authorization`, and whose it is; no other host gets it.
    pub(super) authorization: Option<(Url, HeaderValue)>,
    pub(super) body: Option<Vec<u8>>,
}

impl Request {
    pub(super) fn new(method: Method, url: Url) -> Self {
        Request {
            method,
            url,
            headers: HeaderMap::new(),
            authorization: None,
            body: None,
        }
    }

    pub(super) fn header(mut self, name: reqwest::header::HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }
}

/// An answer with its body.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// Where it came from after redirects.
    pub(super) url: Url,
}

impl Answer {
    /// The answer, or the error that it is.
    pub(super) fn ok(self) -> Result<Self, Error> {
        if self.status.is_success() {
            return Ok(self);
        }
        Err(Error::Status {
            address: shown(&self.url),
            status: self.status,
            message: errors_of(&self.body),
        })
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// What a registry says in its list of errors; other bodies say nothing that fits in a line.
fn errors_of(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Errors {
        errors: Vec<One>,
    }
    #[derive(serde::Deserialize)]
    struct One {
        #[serde(default)]
        code: String,
        #[serde(default)]
        message: String,
    }
    let Ok(errors) = serde_json::from_slice::<Errors>(body) else {
        return String::new();
    };
    let texts: Vec<String> = errors
        .errors
        .into_iter()
        .take(3)
        .map(|e| {
            if e.message.is_empty() {
                e.code
            } else {
                e.message
            }
        })
        .map(|text| {
            text.chars()
                .filter(|c| !c.is_control())
                .take(200)
                .collect::<String>()
        })
        .collect();
    texts.join("; ")
}

/// One way of access: its certificates, its connections.
#[derive(Debug, Clone)]
pub(super) struct Http {
    client: reqwest::Client,
    pass_credentials: bool,
}

impl Http {
    pub(super) fn new(access: &Access) -> Result<Self, Error> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("nutkin/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT.min(access.timeout))
            .read_timeout(SILENCE.min(access.timeout))
            .timeout(access.timeout)
            .tls_danger_accept_invalid_certs(access.insecure_skip_tls_verify);
        if let Some(path) = &access.ca_file {
            let pem = pem(path)?;
            let certificates = reqwest::Certificate::from_pem_bundle(&pem)
                .ok()
                .filter(|c| !c.is_empty())
                .ok_or_else(|| {
                    Error::invalid(path.display().to_string(), "holds no certificate (PEM)")
                })?;
            builder = builder.tls_certs_only(certificates);
        }
        match (&access.cert_file, &access.key_file) {
            (Some(certificate), Some(key)) => {
                let mut both = pem(certificate)?;
                both.push(b'\n');
                both.extend(pem(key)?);
                let identity = reqwest::Identity::from_pem(&both).map_err(|_| {
                    Error::invalid(
                        format!("{}, {}", certificate.display(), key.display()),
                        "are no certificate and its key (PEM)",
                    )
                })?;
                builder = builder.identity(identity);
            }
            (None, None) => {}
            (Some(_), None) => {
                return Err(Error::Usage(
                    "--cert-file needs --key-file beside it".to_owned(),
                ));
            }
            (None, Some(_)) => {
                return Err(Error::Usage(
                    "--key-file needs --cert-file beside it".to_owned(),
                ));
            }
        }
        let client = builder.build().map_err(|e| {
            Error::invalid("certificates", format!("cannot be used: {}", causes(&e)))
        })?;
        Ok(Http {
            client,
            pass_credentials: access.pass_credentials,
        })
    }

    /// Fetches what stands at an address, of at most `limit` bytes; an error's answer is an error.
    pub(super) async fn get(
        &self,
        request: &Request,
        limit: u64,
        progress: &(dyn Fn(u64, Option<u64>) + Send + Sync),
    ) -> Result<Answer, Error> {
        self.send(request, limit, progress).await?.ok()
    }

    /// Sends a request, again where that makes sense, and reads the answer, whatever its status.
    pub(super) async fn send(
        &self,
        request: &Request,
        limit: u64,
        progress: &(dyn Fn(u64, Option<u64>) + Send + Sync),
    ) -> Result<Answer, Error> {
        let mut pause = Duration::from_millis(250);
        let mut tried = 1;
        loop {
            let failed = match self.once(request, limit, progress).await {
                Ok(answer) if !worth_another(answer.status) || tried == TRIES => return Ok(answer),
                Ok(answer) => Failed {
                    pause: pause_of(&answer),
                    error: None,
                },
                Err((error, false)) => return Err(error),
                Err((error, true)) => Failed {
                    pause: None,
                    error: Some(error),
                },
            };
            if let (Some(error), true) = (failed.error, tried == TRIES) {
                return Err(error);
            }
            tokio::time::sleep(failed.pause.unwrap_or(pause)).await;
            pause *= 3;
            tried += 1;
        }
    }

    /// Sends a request once, following redirects. An error comes with whether another try makes sense.
    async fn once(
        &self,
        request: &Request,
        limit: u64,
        progress: &(dyn Fn(u64, Option<u64>) + Send + Sync),
    ) -> Result<Answer, (Error, bool)> {
        let mut url = request.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let mut headers = request.headers.clone();
            if let Some((owner, value)) = &request.authorization
                && (self.pass_credentials || same_origin(owner, &url))
            {
                headers.insert(AUTHORIZATION, value.clone());
            }
            let mut builder = self
                .client
                .request(request.method.clone(), without_user(&url))
                .headers(headers);
            if let Some(body) = &request.body {
                builder = builder.body(body.clone());
            }
            let response = builder.send().await.map_err(|e| unreachable(&url, &e))?;
            if let Some(next) = redirect(&request.method, &response, &url) {
                url = next.map_err(|e| (e, false))?;
                continue;
            }
            return read(response, url, limit, progress).await;
        }
        let address = shown(&request.url);
        let error = Error::invalid(address, format!("more than {MAX_REDIRECTS} redirects"));
        Err((error, false))
    }
}

/// A try that failed and may be repeated.
struct Failed {
    pause: Option<Duration>,
    error: Option<Error>,
}

fn worth_another(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

/// The pause that a server asks for.
fn pause_of(answer: &Answer) -> Option<Duration> {
    let seconds: u64 = answer.header(RETRY_AFTER.as_str())?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_PAUSE))
}

/// A user name in an address would be sent to wherever it redirects.
fn without_user(url: &Url) -> Url {
    let mut url = url.clone();
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

fn unreachable(url: &Url, error: &reqwest::Error) -> (Error, bool) {
    let cause = causes(error);
    // A name that doesn't exist, a certificate that isn't trusted and one that isn't shown won't change.
    let lasting = [
        "dns error",
        "certificate",
        "fatal alert",
        "InvalidContentType",
        "CorruptMessage",
    ]
    .iter()
    .any(|text| cause.contains(text));
    let again = !lasting && (error.is_connect() || error.is_timeout() || error.is_request());
    let error = Error::Unreachable {
        address: shown(url),
        cause,
    };
    (error, again)
}

/// An error's causes in one line; the outermost says only that a request to an address failed.
fn causes(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut texts: Vec<String> = Vec::new();
    let mut at: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(e) = at {
        let text = e.to_string();
        if texts.last() != Some(&text) {
            texts.push(text);
        }
        at = e.source();
    }
    if texts.is_empty() {
        return error.to_string();
    }
    texts.join(": ")
}

/// Where an answer leads, if it leads elsewhere.
fn redirect(method: &Method, response: &reqwest::Response, at: &Url) -> Option<Result<Url, Error>> {
    let moved = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    if !moved || !(method == Method::GET || method == Method::HEAD) {
        return None;
    }
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    let bad = |message: &str| Some(Err(Error::invalid(shown(at), message)));
    let Ok(next) = at.join(location) else {
        return bad("redirects to what is no address");
    };
    match (at.scheme(), next.scheme()) {
        ("http", "http" | "https") | ("https", "https") => Some(Ok(next)),
        ("https", "http") => bad("redirects from HTTPS to HTTP"),
        _ => bad("redirects to what is not HTTP"),
    }
}

/// Reads an answer's body.
async fn read(
    response: reqwest::Response,
    url: Url,
    limit: u64,
    progress: &(dyn Fn(u64, Option<u64>) + Send + Sync),
) -> Result<Answer, (Error, bool)> {
    let status = response.status();
    let headers = response.headers().clone();
    let total = response.content_length();
    let (limit, failed) = if status.is_success() {
        (limit, false)
    } else {
        (MAX_ERROR, true)
    };
    if !failed && total.is_some_and(|t| t > limit) {
        return Err((Error::too_large(shown(&url), limit), false));
    }
    let mut body = Vec::new();
    let mut stream = response.bytes_stream();
    while let Some(chunk) = stream.next().await {
        let chunk = match chunk {
            Ok(chunk) => chunk,
            // What an error's body says is not worth another error.
            Err(_) if failed => break,
            Err(e) => {
                let (error, _) = unreachable(&url, &e);
                return Err((error, true));
            }
        };
        body.extend_from_slice(&chunk);
        if body.len() as u64 > limit {
            if failed {
                break;
            }
            return Err((Error::too_large(shown(&url), limit), false));
        }
        if !failed {
            progress(body.len() as u64, total);
        }
    }
    Ok(Answer {
        status,
        headers,
        body,
        url,
    })
}

fn pem(path: &Path) -> Result<Vec<u8>, Error> {
    files::read(path, MAX_PEM)?.ok_or_else(|| Error::NotFound {
        message: format!("there is no file {}", path.display()),
        hint: None,
    })
}
