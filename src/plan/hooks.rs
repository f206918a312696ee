//! Hooks: in which order they run, what their policies say, and what a run that broke off means for the next.
//!
//! As Helm 4 does it (`pkg/action/hooks.go`): by weight, then name; one after another.

use serde::{Deserialize, Serialize};

use crate::cluster::{ObjectRef, annotation, holds_data};
use crate::release::Hook;
use crate::yaml::Value;

/// The policy that deletes what an earlier run left, and the default.
pub const BEFORE_CREATION: &str = "before-hook-creation";
/// The policy for a hook that succeeded: of deletion, and of showing its log.
pub const SUCCEEDED: &str = "hook-succeeded";
/// The policy for a hook that failed.
pub const FAILED: &str = "hook-failed";
/// The annotation of the deletion policies.
const DELETE_POLICY: &str = "helm.sh/hook-delete-policy";

/// The policy for an outcome.
pub fn policy(succeeded: bool) -> &'static str {
    if succeeded { SUCCEEDED } else { FAILED }
}

/// The hooks of an event, in the order they run: by weight, then name; indexes into the record's.
pub fn order(hooks: &[Hook], event: &str) -> Vec<usize> {
    let mut all: Vec<(usize, &Hook)> = hooks
        .iter()
        .enumerate()
        .filter(|(_, h)| h.events.iter().any(|e| e == event))
        .collect();
    all.sort_by(|(_, a), (_, b)| (a.weight, &a.name).cmp(&(b.weight, &b.name)));
    all.into_iter().map(|(index, _)| index).collect()
}

/// The deletion policies of a hook; [`BEFORE_CREATION`] where it has none.
pub fn delete_policies(hook: &Hook) -> Vec<String> {
    if hook.delete_policies.is_empty() {
        vec![BEFORE_CREATION.to_owned()]
    } else {
        hook.delete_policies.clone()
    }
}

/// Whether what is there under a hook's name goes before it is made. CRDs never go, as in Helm; what
/// holds data only where the hook says so itself, for the default would take it along.
pub fn goes_before(hook: &Hook, object: &Value) -> bool {
    let named = annotation(object, DELETE_POLICY).is_some();
    hook.kind != "CustomResourceDefinition"
        && (named || !holds_data(object))
        && delete_policies(hook).iter().any(|p| p == BEFORE_CREATION)
}

/// What the journal keeps of a hook that ran, or was about to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HookRecord {
    /// The event, in Helm's words.
    pub event: String,
    /// The object's apiVersion.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// The digest of its manifest.
    pub digest: String,
    /// When it was begun, RFC 3339.
    pub started: String,
    /// The uid of the object that was made.
    pub uid: Option<String>,
    /// Whether it succeeded; `None` as long as that isn't known.
    pub succeeded: Option<bool>,
    /// Its deletion policies.
    pub delete_policies: Vec<String>,
}

impl HookRecord {
    /// The object.
    pub fn reference(&self) -> ObjectRef {
        ObjectRef::new(
            &self.api_version,
            &self.kind,
            self.namespace.as_deref(),
            &self.name,
        )
    }

    /// Whether the object goes after this outcome.
    pub fn goes_after(&self, succeeded: bool) -> bool {
        self.kind != "CustomResourceDefinition"
            && self.delete_policies.iter().any(|p| p == policy(succeeded))
    }
}

/// What is done about a hook that is to run, after an operation that broke off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Again {
    /// It hasn't run: it runs.
    Run,
    /// The same hook has succeeded: it isn't run twice.
    Skip,
    /// The same hook was begun, and its object was made: it may still run.
    Join(String),
    /// It runs once more; why that is worth telling.
    Repeat(String),
}

/// What the journal says about a hook that is to run.
pub fn again(records: &[HookRecord], event: &str, object: &ObjectRef, digest: &str) -> Again {
    let Some(record) = records
        .iter()
        .find(|r| r.event == event && r.reference().key() == object.key())
    else {
        return Again::Run;
    };
    let same = record.digest == digest;
    let started = &record.started;
    match (record.succeeded, &record.uid) {
        (Some(true), _) if same => Again::Skip,
        (Some(true), _) => Again::Repeat(format!(
            "the run that broke off ran it at {started}, with another content"
        )),
        (Some(false), _) => Again::Repeat(format!("it failed in the run before, at {started}")),
        (None, Some(uid)) if same => Again::Join(uid.clone()),
        (None, _) => Again::Repeat(format!(
            "it was begun at {started} by the run that broke off, and may have done its work in whole or in part"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn hook(name: &str, weight: i32, events: &[&str]) -> Hook {
        Hook {
            name: name.to_owned(),
            kind: "Job".to_owned(),
            weight,
            events: events.iter().map(|e| (*e).to_owned()).collect(),
            ..Hook::default()
        }
    }

    #[test]
    fn weight_then_name() {
        let hooks = [
            hook("b", 0, &["pre-install", "pre-upgrade"]),
            hook("a", 0, &["pre-install"]),
            hook("z", -5, &["pre-install"]),
            hook("first", -9, &["pre-upgrade"]),
        ];
        assert_eq!(order(&hooks, "pre-install"), [2, 1, 0]);
        assert_eq!(order(&hooks, "pre-upgrade"), [3, 0]);
        assert!(order(&hooks, "test").is_empty());
    }

    #[test]
    fn the_default_policy_spares_data() {
        let of = |api_version: &str, kind: &str| json!({"apiVersion": api_version, "kind": kind});
        let named = |mut object: Value| {
            object["metadata"] = json!({"annotations": {DELETE_POLICY: "before-hook-creation"}});
            object
        };
        let (job, claim) = (of("batch/v1", "Job"), of("v1", "PersistentVolumeClaim"));
        let mut of_hook = hook("a", 0, &[]);
        assert!(goes_before(&of_hook, &job));
        assert!(!goes_before(&of_hook, &claim));
        assert!(goes_before(&of_hook, &named(claim)));
        of_hook.delete_policies = vec![SUCCEEDED.to_owned()];
        assert!(!goes_before(&of_hook, &named(job.clone())));
        of_hook.kind = "CustomResourceDefinition".to_owned();
        of_hook.delete_policies = vec![BEFORE_CREATION.to_owned()];
        assert!(!goes_before(&of_hook, &named(job)));
    }

    #[test]
    fn a_hook_is_not_run_twice_without_a_word() {
        let object = ObjectRef::new("batch/v1", "Job", Some("ns"), "a");
        let record = |succeeded, uid: Option<&str>| HookRecord {
            event: "pre-upgrade".into(),
            api_version: "batch/v1".into(),
            kind: "Job".into(),
            namespace: Some("ns".into()),
            name: "a".into(),
            digest: "d".into(),
            uid: uid.map(str::to_owned),
            succeeded,
            ..HookRecord::default()
        };
        let told = |r: HookRecord, event, digest| again(&[r], event, &object, digest);
        assert_eq!(again(&[], "pre-upgrade", &object, "d"), Again::Run);
        assert_eq!(
            told(record(Some(true), None), "pre-upgrade", "d"),
            Again::Skip
        );
        // Another event is another run.
        assert_eq!(
            told(record(Some(true), None), "post-upgrade", "d"),
            Again::Run
        );
        assert_eq!(
            told(record(None, Some("u")), "pre-upgrade", "d"),
            Again::Join("u".into())
        );
        for r in [
            told(record(Some(true), None), "pre-upgrade", "other"),
            told(record(Some(false), Some("u")), "pre-upgrade", "d"),
            told(record(None, None), "pre-upgrade", "d"),
            told(record(None, Some("u")), "pre-upgrade", "other"),
        ] {
            assert!(matches!(r, Again::Repeat(_)), "{r:?}");
        }
    }
}
