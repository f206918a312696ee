//! The kinds of Flink's operator, without the operator: its own definitions where NUTKIN_OPERATOR_CRDS names
//! a folder with them, else ones as loose as the tests need. Definitions that are there already stay.

use std::path::Path;

use nutkin::cluster::{Client, Delete, ObjectRef};
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};

use super::connect;
use super::statuses::{crd, served};

/// CRDs belong to the whole cluster: one test at a time.
static ONE: Mutex<()> = Mutex::const_new(());

/// The kinds; those that were made for the test go when it ends.
pub struct Kinds {
    made: Vec<ObjectRef>,
    _one: MutexGuard<'static, ()>,
}

/// An object of the operator.
pub fn object(kind: &str, name: &str, spec: Value) -> Value {
    json!({"apiVersion": "flink.apache.org/v1beta1", "kind": kind, "metadata": {"name": name},
        "spec": spec})
}

impl Kinds {
    /// Makes those that are missing.
    pub async fn new(client: &Client) -> Kinds {
        let mut kinds = Kinds {
            made: Vec::new(),
            _one: ONE.lock().await,
        };
        for (kind, plural) in [
            ("FlinkDeployment", "flinkdeployments"),
            ("FlinkSessionJob", "flinksessionjobs"),
            ("FlinkStateSnapshot", "flinkstatesnapshots"),
        ] {
            let crd = definition(kind, plural);
            let reference = ObjectRef::of(&crd).unwrap();
            if client.find(&reference).await.unwrap().is_none() {
                kinds.made.push(reference);
                served(client, &crd, &object(kind, "probe", json!({}))).await;
            }
        }
        kinds
    }
}

fn definition(kind: &str, plural: &str) -> Value {
    if let Some(folder) = std::env::var_os("NUTKIN_OPERATOR_CRDS") {
        let file = format!("{plural}.flink.apache.org-v1.yml");
        let text = std::fs::read_to_string(Path::new(&folder).join(file)).unwrap();
        return nutkin::yaml::parse(&text).unwrap();
    }
    let mut crd = crd("flink.apache.org", kind, plural);
    crd["spec"]["versions"][0]["name"] = json!("v1beta1");
    crd
}

impl Drop for Kinds {
    fn drop(&mut self) {
        let made = std::mem::take(&mut self.made);
        // A runtime of its own: the test's may be gone already.
        let ended = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let client = connect(Default::default()).await;
                for crd in &made {
                    client.delete(crd, &Delete::default()).await.unwrap();
                    // Who makes it again must not meet the old one.
                    let minute = std::time::Duration::from_secs(60);
                    client.wait_gone(crd, None, minute).await.unwrap();
                }
            });
        })
        .join();
        if ended.is_err() {
            println!("CRDs of the operator are left behind");
        }
    }
}
