//! A proxy between nutkin and the API server, Flink's REST included: it counts what changes something,
//! kills nutkin at one of these requests, and plays faults.

use std::collections::HashMap;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use http_body_util::BodyExt;
use kube::client::Body;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// It goes through.
    Pass,
    /// nutkin is killed before the request is forwarded: it never happened.
    KillBefore,
    /// nutkin is killed when the answer is here: it happened, and nobody knows.
    KillAfter,
    /// An answer of the proxy's own; nothing is forwarded.
    Refuse(u16),
    /// The connection is cut before the request is forwarded.
    CutBefore,
    /// It is cut when the answer is here.
    CutAfter,
    /// Half of the answer, then the connection is cut.
    HalfAnswer,
    /// Forwarded after a moment.
    Slow,
    /// nutkin is stopped (SIGSTOP) while the request is under way; it is forwarded when nutkin goes on.
    Pause,
    /// For a watch: the expired resourceVersion that a busy API server answers with.
    Gone,
}

/// A request as the proxy sees it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// `POST`, `PATCH` …
    pub method: String,
    /// The path with its query.
    pub path: String,
}

impl Seen {
    /// Whether it can change something. Dry runs and questions about rights can't, and the renewals
    /// of the lock come as time passes, not as steps.
    pub fn changes(&self) -> bool {
        let renews = matches!(self.method.as_str(), "PUT" | "PATCH")
            && self.path.contains("/coordination.k8s.io/");
        self.method != "GET"
            && !self.path.contains("dryRun=All")
            && !self.path.contains("/authorization.k8s.io/")
            && !self.path.contains("/authentication.k8s.io/")
            && !renews
    }

    /// Whether it is a watch.
    pub fn watches(&self) -> bool {
        self.path.contains("watch=true") || self.path.contains("watch=1")
    }

    /// Method and path for people: without the query and the names of the test.
    pub fn short(&self) -> String {
        let path = self.path.split('?').next().unwrap_or_default();
        format!("{} {path}", self.method)
    }
}

/// Decides about each request, in the order in which they come.
pub type Rule = Box<dyn FnMut(&Seen) -> Act + Send>;

struct State {
    rule: Rule,
    changes: Vec<Seen>,
    child: Option<u32>,
    killed: bool,
    pause: Pause,
}

/// Where a run that is paused stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pause {
    Not,
    Stopped,
    Over,
}

/// The proxy; it ends when it is dropped.
pub struct Proxy {
    address: String,
    state: Arc<Mutex<State>>,
    /// Its listener goes on as long as this is there.
    _alive: tokio::sync::oneshot::Sender<()>,
}

impl Proxy {
    /// Starts one for the cluster of KUBECONFIG.
    pub fn start() -> Proxy {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let state = Arc::new(Mutex::new(State {
            rule: Box::new(|_| Act::Pass),
            changes: Vec::new(),
            child: None,
            killed: false,
            pause: Pause::Not,
        }));
        let (sender, receiver) = std::sync::mpsc::channel();
        let (alive, ended) = tokio::sync::oneshot::channel::<()>();
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let config = kube::Config::infer().await.expect("KUBECONFIG");
                let upstream = kube::Client::try_from(config).expect("a client");
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                let address = listener.local_addr().expect("an address");
                sender.send(address.to_string()).expect("a listener");
                let carrying = async {
                    while let Ok((stream, _)) = listener.accept().await {
                        let (upstream, state) = (upstream.clone(), Arc::clone(&shared));
                        tokio::spawn(async move { carry(stream, upstream, state).await });
                    }
                };
                tokio::select! {
                    () = carrying => {}
                    _ = ended => {}
                }
            });
        });
        Proxy {
            address: receiver.recv().expect("the proxy starts"),
            state,
            _alive: alive,
        }
    }

    /// Its address, for a client within the test.
    pub fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The rule from here on, for a client within the test.
    pub fn set_rule(&self, rule: Rule) {
        self.state.lock().expect("the state").rule = rule;
    }

    /// Runs nutkin through the proxy under a rule; what it printed, what it changed, and whether the
    /// rule killed it.
    pub fn run(&self, nutkin: &mut Command, rule: Rule) -> Ran {
        let child = self.start_run(nutkin, rule);
        self.end_run(child)
    }

    /// Runs nutkin until the rule pauses it, then `meanwhile`, then lets it go on to its end.
    pub fn run_paused(&self, nutkin: &mut Command, rule: Rule, meanwhile: impl FnOnce()) -> Ran {
        let mut child = self.start_run(nutkin, rule);
        while self.state.lock().expect("the state").pause == Pause::Not {
            let ended = child.try_wait().expect("a status");
            assert!(ended.is_none(), "it ended before it could be paused");
            std::thread::sleep(Duration::from_millis(20));
        }
        meanwhile();
        self.state.lock().expect("the state").pause = Pause::Over;
        signal("-CONT", child.id());
        self.end_run(child)
    }

    fn start_run(&self, nutkin: &mut Command, rule: Rule) -> std::process::Child {
        {
            let mut state = self.state.lock().expect("the state");
            state.rule = rule;
            state.changes.clear();
            state.child = None;
            state.killed = false;
            state.pause = Pause::Not;
        }
        let child = nutkin
            .env_remove("KUBECONFIG")
            .env("KUBECONFIG", "/dev/null")
            .arg("--kube-apiserver")
            .arg(self.address())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("nutkin runs");
        self.state.lock().expect("the state").child = Some(child.id());
        child
    }

    fn end_run(&self, child: std::process::Child) -> Ran {
        let output = child.wait_with_output().expect("an end");
        let mut state = self.state.lock().expect("the state");
        state.child = None;
        Ran {
            output,
            changes: std::mem::take(&mut state.changes),
            killed: state.killed,
        }
    }
}

/// How a run of nutkin ended.
pub struct Ran {
    /// Its output and exit status.
    pub output: Output,
    /// The requests that change something, in their order.
    pub changes: Vec<Seen>,
    /// Whether the rule killed it.
    pub killed: bool,
}

impl Ran {
    /// All that it printed.
    pub fn text(&self) -> String {
        format!(
            "{}{}",
            String::from_utf8_lossy(&self.output.stdout),
            String::from_utf8_lossy(&self.output.stderr)
        )
    }

    /// Its exit code; `None` after a signal.
    pub fn code(&self) -> Option<i32> {
        self.output.status.code()
    }
}

/// A rule that kills at the request number `at` (from 0) of those that change something.
pub fn kill_at(at: usize, act: Act) -> Rule {
    let mut count = 0;
    Box::new(move |seen| {
        if !seen.changes() {
            return Act::Pass;
        }
        count += 1;
        if count == at + 1 { act } else { Act::Pass }
    })
}

/// Faults by seed: about two of five requests fail, at most three in a row of the same request: the lock's
/// renewals come in between.
pub fn faults(seed: u64) -> Rule {
    let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut in_a_row: HashMap<String, u32> = HashMap::new();
    Box::new(move |seen| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let act = match random >> 40 & 0x1f {
            0 | 1 => Act::Refuse(429),
            2 => Act::Refuse(500),
            3 => Act::Refuse(503),
            4 | 5 => Act::CutBefore,
            6 | 7 => Act::CutAfter,
            8 | 9 => Act::HalfAnswer,
            10 => Act::Slow,
            11 if seen.changes() => Act::Refuse(409),
            11 | 12 if seen.watches() => Act::Gone,
            _ => Act::Pass,
        };
        let count = in_a_row.entry(seen.short()).or_default();
        if act == Act::Pass || *count == 3 {
            *count = 0;
            return Act::Pass;
        }
        *count += 1;
        act
    })
}

/// Carries one request and closes.
async fn carry(
    mut stream: TcpStream,
    upstream: kube::Client,
    state: Arc<Mutex<State>>,
) -> Option<()> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).ok()?;
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let seen = Seen {
        method: first.next()?.to_owned(),
        path: first.next()?.to_owned(),
    };
    let mut request = http::Request::builder()
        .method(seen.method.as_str())
        .uri(seen.path.as_str());
    let mut length = 0;
    for (name, value) in lines.filter_map(|l| l.split_once(": ")) {
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "accept" | "content-type" => request = request.header(name, value),
            _ => {}
        }
    }
    while bytes.len() < head_end + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let act = {
        let mut state = state.lock().expect("the state");
        // What still comes from a process that was killed goes nowhere.
        if state.killed {
            return None;
        }
        let act = (state.rule)(&seen);
        if seen.changes() {
            state.changes.push(seen.clone());
        }
        if act == Act::KillBefore || act == Act::KillAfter {
            state.killed = true;
        }
        act
    };
    match act {
        Act::KillBefore => {
            kill(&state).await;
            return None;
        }
        Act::Refuse(code) => return refuse(&mut stream, code).await,
        Act::Gone => {
            let expired = json!({"type": "ERROR", "object": status(410, "Expired")}).to_string();
            return answer(&mut stream, 200, "", expired.as_bytes()).await;
        }
        Act::CutBefore => return None,
        Act::Pause => pause(&state).await,
        Act::Slow => tokio::time::sleep(Duration::from_millis(300)).await,
        _ => {}
    }
    let request = request.body(Body::from(bytes[head_end..].to_vec())).ok()?;
    let response = upstream.send(request).await.ok()?;
    let code = response.status().as_u16();
    if seen.watches() {
        return watch(&mut stream, response, act).await;
    }
    let kind = response
        .headers()
        .get("content-type")
        .and_then(|v| v.to_str().ok())
        .unwrap_or("application/json")
        .to_owned();
    let body = response.into_body().collect().await.ok()?.to_bytes();
    match act {
        Act::KillAfter => {
            kill(&state).await;
            None
        }
        Act::CutAfter => None,
        Act::HalfAnswer => {
            let head = head_of(code, &kind, body.len());
            stream.write_all(head.as_bytes()).await.ok()?;
            stream.write_all(&body[..body.len() / 2]).await.ok()
        }
        _ => answer(&mut stream, code, &kind, &body).await,
    }
}

/// Kills nutkin.
async fn kill(state: &Mutex<State>) {
    signal("-KILL", child(state).await);
}

/// Stops nutkin, and waits until it may go on.
async fn pause(state: &Mutex<State>) {
    signal("-STOP", child(state).await);
    state.lock().expect("the state").pause = Pause::Stopped;
    while state.lock().expect("the state").pause != Pause::Over {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// nutkin's process id, once it is known.
async fn child(state: &Mutex<State>) -> u32 {
    loop {
        let child = state.lock().expect("the state").child;
        if let Some(child) = child {
            return child;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn signal(signal: &str, process: u32) {
    let _ = Command::new("kill")
        .args([signal, &process.to_string()])
        .status();
}

/// A watch's events as they come; a faulty one is cut after the first.
async fn watch(stream: &mut TcpStream, response: http::Response<Body>, act: Act) -> Option<()> {
    let code = response.status().as_u16();
    let head = format!(
        "HTTP/1.1 {code} Answer\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    let mut body = response.into_body().into_data_stream();
    while let Some(part) = body.next().await {
        let part = part.ok()?;
        let half = matches!(act, Act::HalfAnswer | Act::CutAfter);
        let share = if half { part.len() / 2 } else { part.len() };
        stream.write_all(&part[..share]).await.ok()?;
        if half {
            return None;
        }
    }
    Some(())
}

async fn refuse(stream: &mut TcpStream, code: u16) -> Option<()> {
    let reason = match code {
        409 => "Conflict",
        429 => "TooManyRequests",
        _ => "InternalError",
    };
    let body = status(code, reason).to_string();
    let extra = if code == 429 {
        "Retry-After: 0\r\n"
    } else {
        ""
    };
    let head = format!(
        "HTTP/1.1 {code} Fault\r\n{extra}Content-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(body.as_bytes()).await.ok()
}

fn status(code: u16, reason: &str) -> serde_json::Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
        "reason": reason, "message": "a fault of the test"})
}

fn head_of(code: u16, kind: &str, length: usize) -> String {
    format!(
        "HTTP/1.1 {code} Answer\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n"
    )
}

async fn answer(stream: &mut TcpStream, code: u16, kind: &str, body: &[u8]) -> Option<()> {
    let kind = if kind.is_empty() {
        "application/json"
    } else {
        kind
    };
    stream
        .write_all(head_of(code, kind, body.len()).as_bytes())
        .await
        .ok()?;
    stream.write_all(body).await.ok()
}
