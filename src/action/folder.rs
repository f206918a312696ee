//! Folders for savepoints: whether they lie where the pods that come later can read them.

use crate::flink::config;
use crate::flink::manifest::{at, list, text};
use crate::flink::workload::Workload;
use crate::yaml::Value;

/// A folder that outlives the pods of a workload.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shared {
    /// Its URI.
    pub folder: String,
    /// For a path of the file system: the volume, and the path inside it.
    place: Option<(Value, String)>,
}

impl Shared {
    /// Whether two workloads mean the same place by it.
    pub fn is_where(&self, other: &Shared) -> bool {
        self.place == other.place
    }
}

/// Whether a folder lies where the pods of a workload that come later can read it.
///
/// `Err` names what is wrong: no folder, or one on a pod's own disk.
pub(crate) fn shared_folder(
    workload: &Workload,
    objects: &[Value],
    folder: Option<&str>,
) -> Result<Shared, String> {
    let key = config::SAVEPOINT_DIR.0[0];
    let Some(folder) = folder else {
        return Err(format!("no savepoint folder is configured ({key})"));
    };
    let path = match folder.split_once(':') {
        Some(("file", path)) => format!("/{}", path.trim_start_matches('/')),
        None => folder.to_owned(),
        Some(_) => {
            return Ok(Shared {
                folder: folder.to_owned(),
                place: None,
            });
        }
    };
    let mut place = None;
    for owner in workload.owners() {
        let object = objects.iter().find(|o| {
            text(o, &["kind"]) == owner.kind && text(o, &["metadata", "name"]) == owner.name
        });
        let Some(template) = object.and_then(|o| at(o, &["spec", "template"])) else {
            continue;
        };
        let container = list(template, &["spec", "containers"]).get(owner.container);
        let Some(found) = container.and_then(|c| volume_of(template, c, &path)) else {
            return Err(format!(
                "the folder {folder} lies on the own disk of the pods of {}/{} and would go with them",
                owner.kind, owner.name
            ));
        };
        place.get_or_insert(found);
    }
    Ok(Shared {
        folder: folder.to_owned(),
        place,
    })
}

/// The volume that a path of a container lies on, and the path inside it; `None` for the pod's own disk.
fn volume_of(template: &Value, container: &Value, path: &str) -> Option<(Value, String)> {
    let mount = list(container, &["volumeMounts"])
        .iter()
        .filter(|m| is_below(path, text(m, &["mountPath"])))
        .max_by_key(|m| text(m, &["mountPath"]).len())?;
    let mut volume = list(template, &["spec", "volumes"])
        .iter()
        .find(|v| text(v, &["name"]) == text(mount, &["name"]))?
        .as_object()?
        .clone();
    if volume.contains_key("emptyDir") || volume.contains_key("ephemeral") {
        return None;
    }
    volume.remove("name");
    if let Some(host) = volume.get_mut("hostPath").and_then(Value::as_object_mut) {
        // The server writes an empty type where the manifest has none.
        host.remove("type");
    }
    let inside = path
        .get(text(mount, &["mountPath"]).trim_end_matches('/').len()..)
        .unwrap_or_default();
    let inside = format!("{}{inside}", text(mount, &["subPath"]));
    Some((Value::Object(volume), inside))
}

fn is_below(path: &str, mount: &str) -> bool {
    let mount = mount.trim_end_matches('/');
    !mount.is_empty()
        && (path == mount || path.strip_prefix(mount).is_some_and(|r| r.starts_with('/')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_folder_on_a_pods_own_disk_is_refused() {
        let with = |volume: Value| {
            json!({"kind": "Deployment", "metadata": {"name": "jm"}, "spec": {"template": {"spec": {
                "containers": [{"args": ["standalone-job"], "volumeMounts": [{"name": "state", "mountPath": "/state"}]}],
                "volumes": [volume]}}}})
        };
        let table = [
            (
                json!({"name": "state", "persistentVolumeClaim": {"claimName": "c"}}),
                Some("file:///state/sp"),
                true,
            ),
            (
                json!({"name": "state", "hostPath": {"path": "/x"}}),
                Some("/state/sp"),
                true,
            ),
            (
                json!({"name": "state", "emptyDir": {}}),
                Some("file:///state/sp"),
                false,
            ),
            (
                json!({"name": "state", "hostPath": {"path": "/x"}}),
                Some("file:///statesp"),
                false,
            ),
            (
                json!({"name": "state", "emptyDir": {}}),
                Some("s3://bucket/sp"),
                true,
            ),
            (
                json!({"name": "state", "hostPath": {"path": "/x"}}),
                None,
                false,
            ),
        ];
        for (volume, folder, good) in table {
            let objects = [with(volume.clone())];
            let workload = crate::flink::workload::recognise(&objects, "ns").remove(0);
            assert_eq!(
                shared_folder(&workload, &objects, folder).is_ok(),
                good,
                "{volume} {folder:?}"
            );
        }
    }

    #[test]
    fn another_volume_at_the_same_path_is_another_place() {
        let with = |volume: Value, mount: Value| {
            let object = json!({"kind": "Deployment", "metadata": {"name": "jm"}, "spec": {"template": {"spec": {
                "containers": [{"args": ["standalone-job"], "volumeMounts": [mount]}],
                "volumes": [volume]}}}});
            let objects = [object];
            let workload = crate::flink::workload::recognise(&objects, "ns").remove(0);
            shared_folder(&workload, &objects, Some("file:///state/sp")).expect("a shared one")
        };
        let claim = |name: &str| json!({"name": "v", "persistentVolumeClaim": {"claimName": name}});
        let mount = json!({"name": "v", "mountPath": "/state"});
        let a = with(claim("a"), mount.clone());
        assert!(a.is_where(&with(claim("a"), mount.clone())));
        assert!(!a.is_where(&with(claim("b"), mount)));
        let deeper = json!({"name": "v", "mountPath": "/state", "subPath": "job"});
        assert!(!a.is_where(&with(claim("a"), deeper)));
    }
}
