//! Tests on a real cluster: `cargo test --test it -- --ignored` with KUBECONFIG set.

mod apply;
mod faults;
mod locks;
pub mod operator;
mod records;
mod statuses;
mod waits;
mod ways;

use std::process::Command;

use nutkin::cluster::{Client, Delete, ObjectRef, Options};
use serde_json::{Value, json};

/// A namespace of a test's own, deleted when the test ends.
pub struct Namespace {
    /// Its name.
    pub name: String,
    /// A client whose namespace it is.
    pub client: Client,
}

/// A client for the cluster of KUBECONFIG.
pub async fn connect(options: Options) -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    assert!(
        std::env::var_os("KUBECONFIG").is_some(),
        "KUBECONFIG is not set"
    );
    Client::connect(&options).await.expect("a client")
}

impl Namespace {
    /// Makes one; its name starts with `it-` and the test's.
    pub async fn new(test: &str) -> Self {
        let name = format!("it-{test}-{}", std::process::id());
        let client = connect(Options {
            namespace: Some(name.clone()),
            ..Options::default()
        })
        .await;
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        client.create(&namespace, false).await.expect("a namespace");
        Namespace { name, client }
    }

    /// Runs the real helm in the namespace and gives what it prints, or panics with what it
    /// complains about.
    pub fn helm(&self, args: &[&str]) -> String {
        let (out, code) = self.helm_told(args);
        assert!(code == 0, "helm {args:?}: {out}");
        out
    }

    /// Runs the real helm in the namespace: stdout (stderr where it fails), and the exit code.
    pub fn helm_told(&self, args: &[&str]) -> (String, i32) {
        let home = tempfile::tempdir().expect("a folder");
        let mut command = Command::new(crate::helm::binary());
        run(command
            .args(args)
            .args(["--namespace", &self.name])
            .env("HELM_CACHE_HOME", home.path())
            .env("HELM_CONFIG_HOME", home.path())
            .env("HELM_DATA_HOME", home.path()))
    }

    /// Runs nutkin in the namespace.
    pub fn run(&self, args: &[&str]) -> Said {
        nutkin_in(&self.name, args)
    }

    /// Runs nutkin in the namespace: stdout (stderr where it fails), and the exit code.
    pub fn nutkin(&self, args: &[&str]) -> (String, i32) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nutkin"));
        run(command.args(args).args(["--namespace", &self.name]))
    }
}

/// What a run printed, and its exit code.
pub struct Said {
    /// stdout.
    pub out: String,
    /// stderr.
    pub err: String,
    /// The exit code.
    pub code: i32,
}

/// Runs nutkin in a namespace.
pub fn nutkin_in(namespace: &str, args: &[&str]) -> Said {
    let output = Command::new(env!("CARGO_BIN_EXE_nutkin"))
        .args(args)
        .args(["--namespace", namespace])
        .output()
        .expect("it runs");
    Said {
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
        code: output.status.code().unwrap_or(-1),
    }
}

fn run(command: &mut Command) -> (String, i32) {
    let output = command.output().expect("it runs");
    let text = if output.status.success() {
        output.stdout
    } else {
        output.stderr
    };
    (
        String::from_utf8_lossy(&text).into_owned(),
        output.status.code().unwrap_or(-1),
    )
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let (client, name) = (self.client.clone(), self.name.clone());
        let object = ObjectRef::new("v1", "Namespace", None, &name);
        // A runtime of its own: the test's may be gone already.
        let ended = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let client = connect(Options::default()).await;
                client.delete(&object, &Delete::default()).await
            })
        })
        .join();
        drop(client);
        if !matches!(ended, Ok(Ok(_))) {
            println!("the namespace {name} is left behind");
        }
    }
}

/// A ConfigMap.
pub fn config_map(name: &str, data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})
}

/// The image of the tests' pods, and a Deployment of it that sleeps.
pub fn sleeper(name: &str, replicas: Option<u32>) -> Value {
    let image = std::env::var("NUTKIN_FLINK_IMAGE_2")
        .unwrap_or_else(|_| "docker.io/library/flink:2.3.0".to_owned());
    let mut deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "containers": [{"name": "c", "image": image, "imagePullPolicy": "IfNotPresent",
                        "command": ["sleep", "3600"]}],
                },
            },
        },
    });
    if let Some(replicas) = replicas {
        deployment["spec"]["replicas"] = replicas.into();
    }
    deployment
}
