//! A small HTTP server of the tests, with TLS where a test wants it, which remembers what it was asked for.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

/// What was asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    pub path: String,
    pub authorization: Option<String>,
}

/// What is answered.
pub enum Reply {
    /// A body.
    Body(Vec<u8>),
    /// A status, with headers.
    Status(u16, Vec<(&'static str, String)>),
    /// Headers that promise more than comes.
    Cut(usize),
    /// A length, and nothing more.
    Length(u64),
}

impl Reply {
    /// Somewhere else.
    pub fn redirect(to: String) -> Self {
        Reply::Status(302, vec![("Location", to)])
    }
}

/// The server; it ends when it is dropped.
pub struct Web {
    scheme: &'static str,
    port: u16,
    seen: Arc<Mutex<Vec<Asked>>>,
    over: Arc<AtomicBool>,
}

impl Web {
    pub fn new(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        Web::start(None, answer)
    }

    fn start(
        tls: Option<Arc<ServerConfig>>,
        answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let over = Arc::new(AtomicBool::new(false));
        let (log, ends) = (Arc::clone(&seen), Arc::clone(&over));
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ends.load(Ordering::SeqCst) {
                    return;
                }
                let (log, answer, tls) = (Arc::clone(&log), Arc::clone(&answer), tls.clone());
                let Ok(stream) = stream else { continue };
                std::thread::spawn(move || match tls {
                    Some(config) => {
                        let connection = ServerConnection::new(config).expect("TLS");
                        serve(StreamOwned::new(connection, stream), &log, &*answer);
                    }
                    None => serve(stream, &log, &*answer),
                });
            }
        });
        Web {
            scheme,
            port,
            seen,
            over,
        }
    }

    /// Serves the files of a folder.
    pub fn files(folder: &Path) -> Self {
        let folder = folder.to_owned();
        Web::new(move |asked| file(&folder, &asked.path))
    }

    /// The same by TLS, with the `server.pem` of a folder of certificates; with `clients`, only for who shows a
    /// certificate of its authority.
    pub fn files_by_tls(folder: &Path, certificates: &Path, clients: bool) -> Self {
        let read = |name: &str| {
            let list = CertificateDer::pem_file_iter(certificates.join(name)).expect("a file");
            list.collect::<Result<Vec<_>, _>>().expect("certificates")
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("versions");
        let builder = if clients {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(read("ca.pem"));
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().expect("an authority"))
        } else {
            builder.with_no_client_auth()
        };
        let key = PrivateKeyDer::from_pem_file(certificates.join("server.key")).expect("a key");
        let config = builder.with_single_cert(read("server.pem"), key);
        let folder = folder.to_owned();
        Web::start(
            Some(Arc::new(config.expect("a certificate"))),
            move |asked| file(&folder, &asked.path),
        )
    }

    pub fn url(&self) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.port)
    }

    /// What it was asked for so far.
    pub fn seen(&self) -> Vec<Asked> {
        self.seen.lock().expect("no panic").clone()
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Wakes the listener.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// A file below a folder.
pub fn file(folder: &Path, path: &str) -> Reply {
    let path = path.split('?').next().unwrap_or(path);
    let below: PathBuf = folder.join(path.trim_start_matches('/').replace("%2B", "+"));
    match std::fs::read(below) {
        Ok(bytes) => Reply::Body(bytes),
        Err(_) => Reply::Status(404, vec![]),
    }
}

fn serve(mut stream: impl Read + Write, log: &Mutex<Vec<Asked>>, answer: &dyn Fn(&Asked) -> Reply) {
    let mut reader = BufReader::new(&mut stream);
    let mut first = String::new();
    if reader.read_line(&mut first).unwrap_or(0) == 0 {
        return;
    }
    let path = first.split(' ').nth(1).unwrap_or("/").to_owned();
    let mut authorization = None;
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) <= 2 {
            break;
        }
        if let Some((name, value)) = line.trim().split_once(": ") {
            match name.to_ascii_lowercase().as_str() {
                "authorization" => authorization = Some(value.to_owned()),
                "content-length" => length = value.parse().unwrap_or(0),
                _ => {}
            }
        }
    }
    let mut body = vec![0; length];
    let _ = reader.read_exact(&mut body);
    let asked = Asked {
        path,
        authorization,
    };
    log.lock().expect("no panic").push(asked.clone());
    let head = |status: u16, length: u64, more: &str| {
        format!(
            "HTTP/1.1 {status} x\r\nContent-Length: {length}\r\nConnection: close\r\n{more}\r\n"
        )
    };
    let _ = match answer(&asked) {
        Reply::Body(bytes) => {
            let _ = stream.write_all(head(200, bytes.len() as u64, "").as_bytes());
            stream.write_all(&bytes)
        }
        Reply::Status(status, headers) => {
            let more: String = headers
                .iter()
                .map(|(k, v)| format!("{k}: {v}\r\n"))
                .collect();
            stream.write_all(head(status, 0, &more).as_bytes())
        }
        Reply::Cut(length) => {
            let _ = stream.write_all(head(200, length as u64 * 2, "").as_bytes());
            stream.write_all(&vec![b'x'; length])
        }
        Reply::Length(length) => stream.write_all(head(200, length, "").as_bytes()),
    };
}
