//! Debian's docker-registry, on a free port, with TLS, users or a token server where a test wants them.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How a registry is started.
#[derive(Default)]
pub struct Setup {
    /// With a certificate of an authority of its own.
    pub tls: bool,
    /// With the user `ci`, password `s3cret`.
    pub users: bool,
    /// With the token server at this address, which signs with `token.key`.
    pub token: Option<String>,
}

/// A registry that runs; it ends when it is dropped.
pub struct Server {
    child: Child,
    folder: tempfile::TempDir,
    port: u16,
}

fn run(program: &str, folder: &Path, args: &[&str]) -> Vec<u8> {
    let output = Command::new(program)
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap_or_else(|e| panic!("{program} (scripts/tools registry installs it): {e}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {args:?}: {errors}");
    output.stdout
}

/// Makes an authority and a certificate of it for 127.0.0.1.
pub fn certificates(folder: &Path) {
    let openssl = |args: &[&str]| run("openssl", folder, args);
    let subject = "/CN=nutkin test authority";
    openssl(&[
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
        "-subj",
        subject,
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
    ]);
    openssl(&[
        "req",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-subj",
        "/CN=127.0.0.1",
        "-keyout",
        "server.key",
        "-out",
        "server.csr",
    ]);
    fs::write(
        folder.join("names"),
        "subjectAltName=IP:127.0.0.1,DNS:localhost\n",
    )
    .expect("written");
    openssl(&[
        "x509",
        "-req",
        "-in",
        "server.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-days",
        "2",
        "-extfile",
        "names",
        "-out",
        "server.pem",
    ]);
}

/// Makes the key and certificate of a token server.
pub fn token_key(folder: &Path) {
    let args = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=tokens",
        "-keyout",
        "token.key",
        "-out",
        "token.pem",
    ];
    run("openssl", folder, &args);
}

/// Signs a text with a token server's key.
pub fn sign(folder: &Path, text: &str) -> Vec<u8> {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), text).expect("written");
    let path = file.path().display().to_string();
    run(
        "openssl",
        folder,
        &["dgst", "-sha256", "-sign", "token.key", &path],
    )
}

impl Server {
    pub fn start(setup: &Setup) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        if setup.tls {
            certificates(folder.path());
        }
        Server::start_in(folder, setup)
    }

    /// The same in a folder that has its keys already.
    pub fn start_in(folder: tempfile::TempDir, setup: &Setup) -> Self {
        let root = folder.path();
        let mut last = String::new();
        // A port that was free just now may be another's by the time the registry takes it.
        for _ in 0..5 {
            let port = {
                let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
                listener.local_addr().expect("an address").port()
            };
            fs::write(root.join("config.yml"), configuration(root, port, setup)).expect("written");
            let log = fs::File::create(root.join("log")).expect("a file");
            let mut child = Command::new("docker-registry")
                .args(["serve", "config.yml"])
                .current_dir(root)
                .stdout(log.try_clone().expect("a handle"))
                .stderr(log)
                .stdin(Stdio::null())
                .spawn()
                .unwrap_or_else(|e| {
                    panic!("docker-registry (scripts/tools registry installs it): {e}")
                });
            if answers(port, &mut child) {
                return Server {
                    child,
                    folder,
                    port,
                };
            }
            let _ = child.kill();
            let _ = child.wait();
            last = fs::read_to_string(root.join("log")).unwrap_or_default();
        }
        panic!("docker-registry does not start: {last}");
    }

    /// Host and port.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The authority's certificate.
    pub fn ca(&self) -> String {
        self.folder.path().join("ca.pem").display().to_string()
    }

    /// The digest of a tag's manifest, from the registry's storage.
    pub fn digest(&self, repository: &str, tag: &str) -> String {
        let link = self
            .storage()
            .join("repositories")
            .join(repository)
            .join("_manifests/tags")
            .join(tag)
            .join("current/link");
        fs::read_to_string(&link).unwrap_or_else(|e| panic!("{}: {e}", link.display()))
    }

    /// The file of a blob.
    pub fn blob(&self, digest: &str) -> PathBuf {
        let digits = digest.trim_start_matches("sha256:");
        self.storage()
            .join("blobs/sha256")
            .join(&digits[..2])
            .join(digits)
            .join("data")
    }

    fn storage(&self) -> PathBuf {
        self.folder.path().join("data/docker/registry/v2")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configuration(root: &Path, port: u16, setup: &Setup) -> String {
    let mut text = format!(
        "version: 0.1\nlog: {{level: warn}}\nstorage:\n  filesystem: {{rootdirectory: {0}/data}}\n  delete: {{enabled: \
         true}}\nhttp:\n  addr: 127.0.0.1:{port}\n",
        root.display()
    );
    if setup.tls {
        text += &format!(
            "  tls: {{certificate: {0}/server.pem, key: {0}/server.key}}\n",
            root.display()
        );
    }
    if setup.users {
        let hash = bcrypt::hash("s3cret", 4).expect("a hash");
        fs::write(root.join("htpasswd"), format!("ci:{hash}\n")).expect("written");
        text += &format!(
            "auth:\n  htpasswd: {{realm: test, path: {}/htpasswd}}\n",
            root.display()
        );
    }
    if let Some(realm) = &setup.token {
        text += &format!(
            "auth:\n  token: {{realm: \"{realm}\", service: charts, issuer: tokens, rootcertbundle: {}/token.pem}}\n",
            root.display()
        );
    }
    text
}

/// Waits until the registry takes connections; false where it ended.
fn answers(port: u16, child: &mut Child) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) {
        if child.try_wait().expect("a state").is_some() {
            return false;
        }
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}
