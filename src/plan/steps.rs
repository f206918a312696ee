//! A plan as a value: what happens to each object and each job, why, and what causes it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::diff::{self, without_noise};
use super::fields::{self, Field};
use super::hidden::Hidden;
use super::objects::{Change, stays};
use super::values::ValueChange;
use crate::cluster::{Cause, FieldConflict, ObjectRef, ownership};
use crate::yaml::Value;

/// How many fields a reason names before it only counts them.
const NAMED: usize = 3;

/// What an operation will do.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// `install`, `upgrade`, `rollback`, `uninstall`.
    pub operation: String,
    /// The release.
    pub release: String,
    /// Its namespace.
    pub namespace: String,
    /// The revision that it starts from; 0 where there is none.
    pub from_revision: u32,
    /// The revision that it makes; for an uninstall the last.
    pub revision: u32,
    /// Whether a new revision is recorded.
    pub makes_revision: bool,
    /// Whether it was made without a look at the live objects and jobs.
    pub offline: bool,
    /// The objects, in the order of the manifest, then those that leave it.
    pub objects: Vec<ObjectStep>,
    /// The Flink clusters.
    pub jobs: Vec<JobStep>,
    /// The hooks that run.
    pub hooks: Vec<HookStep>,
    /// The values that differ from the revision before.
    pub values: Vec<ValueChange>,
    /// How many of each.
    pub totals: Totals,
}

/// What happens to an object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectStep {
    /// `group/version`.
    pub api_version: String,
    /// The kind.
    pub kind: String,
    /// The namespace; `None` for cluster-scoped kinds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
    /// What happens.
    pub change: Change,
    /// Why.
    pub reason: String,
    /// The fields that change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// The fields that can't be changed, and so force a recreate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forced_by: Vec<Because>,
    /// The fields that other managers hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
    /// The values that cause it, each with the place that sets it, as far as that can be told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caused_by: Vec<String>,
    /// Why the server could not be asked yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unverified: Option<String>,
    /// Why it can't be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// The difference, as a unified diff of YAML; secrets are hidden.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub diff: String,
}

/// `Deployment/orders`, as people write it.
impl fmt::Display for ObjectStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// A field, and what the server says of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Because {
    /// The field's path.
    pub field: String,
    /// The server's words.
    pub message: String,
}

/// A field that another manager holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conflict {
    /// The field's path.
    pub field: String,
    /// The manager, as the server words it.
    pub manager: String,
}

/// What happens to a Flink cluster's job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobChange {
    /// It goes on.
    Untouched,
    /// It goes on with another number of pods.
    Rescaled,
    /// It was started by an operation that did not end, and is watched until it is stable.
    Watched,
    /// It is stopped with a savepoint and started from there.
    RestartedWithSavepoint,
    /// It is started again from state that is there already.
    Restarted,
    /// It is started.
    Started,
    /// It is stopped for good.
    Stopped,
    /// It would have to be stopped, and can't be.
    Refused,
}

impl JobChange {
    /// The words for people.
    pub fn words(self) -> &'static str {
        match self {
            JobChange::Untouched => "untouched",
            JobChange::Rescaled => "rescaled",
            JobChange::Watched => "watched until stable",
            JobChange::RestartedWithSavepoint => "restarted with savepoint",
            JobChange::Restarted => "restarted",
            JobChange::Started => "started",
            JobChange::Stopped => "stopped",
            JobChange::Refused => "refused",
        }
    }
}

/// What happens to a Flink cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobStep {
    /// The workload's name.
    pub workload: String,
    /// Its namespace.
    pub namespace: String,
    /// How it runs its jobs, for instance `standalone application`.
    pub mode: String,
    /// What happens.
    pub change: JobChange,
    /// Which changes cause it.
    pub reasons: Vec<String>,
    /// Where its state comes from, or goes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The jobs that run now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub job_ids: Vec<String>,
}

/// A hook that runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HookStep {
    /// When, for instance `pre-upgrade`.
    pub event: String,
    /// The object's kind.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// How many objects and jobs of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "each is named after what it counts")]
pub struct Totals {
    pub create: usize,
    pub update: usize,
    pub recreate: usize,
    pub adopt: usize,
    pub delete: usize,
    pub keep: usize,
    pub unchanged: usize,
    pub unverified: usize,
    pub conflicts: usize,
    pub refused: usize,
    pub jobs_untouched: usize,
    pub jobs_rescaled: usize,
    pub jobs_restarted: usize,
    pub jobs_started: usize,
    pub jobs_stopped: usize,
}

impl Plan {
    /// Counts objects and jobs.
    pub fn count(&mut self) {
        let mut t = Totals::default();
        for step in &self.objects {
            *match step.change {
                Change::Create => &mut t.create,
                Change::Update => &mut t.update,
                Change::Recreate => &mut t.recreate,
                Change::Adopt => &mut t.adopt,
                Change::Delete => &mut t.delete,
                Change::Keep => &mut t.keep,
                Change::Nothing => &mut t.unchanged,
            } += 1;
            t.unverified += usize::from(step.unverified.is_some());
            t.conflicts += step.conflicts.len();
            t.refused += usize::from(step.refused.is_some());
        }
        for job in &self.jobs {
            *match job.change {
                JobChange::Untouched | JobChange::Watched => &mut t.jobs_untouched,
                JobChange::Rescaled => &mut t.jobs_rescaled,
                JobChange::RestartedWithSavepoint | JobChange::Restarted => &mut t.jobs_restarted,
                JobChange::Started => &mut t.jobs_started,
                JobChange::Stopped => &mut t.jobs_stopped,
                JobChange::Refused => &mut t.refused,
            } += 1;
        }
        self.totals = t;
    }

    /// Whether carrying it out would change an object, a job or the record.
    pub fn has_changes(&self) -> bool {
        self.makes_revision || self.changes_objects() || self.changes_jobs()
    }

    /// Whether an object would change.
    pub fn changes_objects(&self) -> bool {
        let t = &self.totals;
        t.create + t.update + t.recreate + t.adopt + t.delete > 0
    }

    fn changes_jobs(&self) -> bool {
        let t = &self.totals;
        t.jobs_rescaled + t.jobs_restarted + t.jobs_started + t.jobs_stopped > 0
    }
}

/// The totals in a line, zeros left out.
impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |all: &[(usize, &str)]| -> String {
            let some: Vec<String> = all
                .iter()
                .filter(|(n, _)| *n > 0)
                .map(|(n, word)| format!("{n} {word}"))
                .collect();
            if some.is_empty() {
                "none".to_owned()
            } else {
                some.join(", ")
            }
        };
        let objects = list(&[
            (self.create, "to create"),
            (self.update, "to update"),
            (self.recreate, "to recreate"),
            (self.adopt, "to adopt"),
            (self.delete, "to delete"),
            (self.keep, "kept"),
            (self.unchanged, "unchanged"),
            (self.unverified, "unverified"),
        ]);
        let jobs = list(&[
            (self.jobs_restarted, "restarted"),
            (self.jobs_rescaled, "rescaled"),
            (self.jobs_started, "started"),
            (self.jobs_stopped, "stopped"),
            (self.jobs_untouched, "untouched"),
        ]);
        write!(f, "objects: {objects}; jobs: {jobs}")?;
        if self.refused > 0 {
            write!(f, "; {} refused", self.refused)?;
        }
        Ok(())
    }
}

/// What is known of an object.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Its reference.
    pub reference: &'a ObjectRef,
    /// What was decided.
    pub change: Change,
    /// As the newest revision that has it records it.
    pub recorded: Option<&'a Value>,
    /// As it is.
    pub live: Option<&'a Value>,
    /// As the manifest wants it.
    pub wanted: Option<&'a Value>,
    /// As the server would make it.
    pub after: Option<&'a Value>,
    /// The fields that force a recreate.
    pub causes: &'a [Cause],
    /// The fields that others hold.
    pub conflicts: &'a [FieldConflict],
    /// Why the server could not be asked.
    pub unverified: Option<&'a str>,
    /// Why it can't be done.
    pub refused: Option<&'a str>,
    /// Whether the whole release ends.
    pub ends: bool,
    /// The release's name and namespace.
    pub release: (&'a str, &'a str),
}

/// How steps are shown.
#[derive(Debug, Clone, Copy)]
pub struct Showing<'a> {
    /// What is secret.
    pub hidden: &'a Hidden,
    /// The values that differ.
    pub values: &'a [ValueChange],
    /// How many lines around a change.
    pub context: usize,
}

/// The two sides of an object's difference: what is shown and what is bound.
pub fn sides<'a>(seen: &Seen<'a>) -> (Option<&'a Value>, Option<&'a Value>) {
    match seen.change {
        // What the manifest says, not the server's defaults.
        Change::Create => (None, seen.wanted),
        Change::Delete => (seen.recorded.or(seen.live), None),
        Change::Keep | Change::Nothing => (None, None),
        Change::Update | Change::Recreate | Change::Adopt => (
            seen.live,
            seen.after.or(if seen.refused.is_some() {
                seen.live
            } else {
                seen.wanted
            }),
        ),
    }
}

/// The fields of an object that change, noise left out.
pub fn changed_fields(seen: &Seen<'_>) -> Vec<Field> {
    let (before, after) = sides(seen);
    let empty = Value::Object(crate::yaml::Map::new());
    let clean = |side: Option<&Value>| side.map_or_else(|| empty.clone(), without_noise);
    fields::differences(&clean(before), &clean(after))
}

/// An object's step in words.
pub fn object_step(seen: &Seen<'_>, showing: &Showing<'_>) -> ObjectStep {
    let (before, after) = sides(seen);
    let changed = changed_fields(seen);
    let is_change = matches!(
        seen.change,
        Change::Update | Change::Recreate | Change::Adopt
    );
    let names: Vec<String> = if is_change {
        changed.iter().map(|f| f.path.to_string()).collect()
    } else {
        Vec::new()
    };
    let shown_after = match seen.change {
        Change::Create => after.map(without_marks),
        _ => after.cloned(),
    };
    ObjectStep {
        api_version: seen.reference.api_version(),
        kind: seen.reference.kind.clone(),
        namespace: seen.reference.namespace.clone(),
        name: seen.reference.name.clone(),
        change: seen.change,
        reason: reason(seen, &names),
        forced_by: seen
            .causes
            .iter()
            .map(|c| Because {
                field: c.field.clone(),
                message: showing.hidden.text(&c.message),
            })
            .collect(),
        conflicts: seen
            .conflicts
            .iter()
            .map(|c| Conflict {
                field: c.field.clone(),
                manager: c.manager.clone(),
            })
            .collect(),
        caused_by: if is_change {
            caused_by(&changed, showing.values)
        } else {
            Vec::new()
        },
        fields: names,
        unverified: seen.unverified.map(str::to_owned),
        refused: seen.refused.map(|r| showing.hidden.text(r)),
        diff: diff::unified(
            before,
            shown_after.as_ref(),
            showing.hidden,
            showing.context,
        ),
    }
}

fn reason(seen: &Seen<'_>, fields: &[String]) -> String {
    let few = |names: &[String]| {
        let mut text = names.iter().take(NAMED).cloned().collect::<Vec<_>>();
        if names.len() > NAMED {
            text.push(format!("{} more", names.len() - NAMED));
        }
        text.join(", ")
    };
    match seen.change {
        Change::Create if seen.recorded.is_some() => "it went missing".to_owned(),
        Change::Create => "it is not there yet".to_owned(),
        Change::Update if seen.refused.is_some() && fields.is_empty() => String::new(),
        Change::Update if fields.is_empty() => "it can't be told what changes".to_owned(),
        Change::Update => match (seen.recorded, seen.wanted) {
            (Some(recorded), Some(wanted)) if same_wish(recorded, wanted) => {
                format!(
                    "changed on the cluster since it was applied: {}",
                    few(fields)
                )
            }
            _ => format!("{} changes", few(fields)),
        },
        Change::Recreate => {
            let causes: Vec<String> = seen.causes.iter().map(|c| c.field.clone()).collect();
            format!("{} can't be changed in place", few(&causes))
        }
        Change::Adopt => match seen.live.map(ownership::owner) {
            Some(owner) => format!("it is there and belongs to {owner}"),
            None => "it is there already".to_owned(),
        },
        Change::Delete if seen.ends => "the release ends".to_owned(),
        Change::Delete => "it left the manifest".to_owned(),
        Change::Keep => match seen.live.and_then(|live| stays(live, seen.release, &[])) {
            Some(why) => why.words(seen.reference),
            None => String::new(),
        },
        Change::Nothing => String::new(),
    }
}

/// Whether two manifests ask for the same, the release's marks aside.
fn same_wish(recorded: &Value, wanted: &Value) -> bool {
    without_marks(recorded) == without_marks(wanted)
}

/// The object without noise and without the marks of the release that it belongs to.
pub fn without_marks(object: &Value) -> Value {
    let mut object = object.clone();
    ownership::unstamp(&mut object);
    without_noise(&object)
}

/// The values that explain all changed lines of a field: the old value's text in the old line, put for
/// the new one's, gives the new line.
fn caused_by(changed: &[Field], values: &[ValueChange]) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    for field in changed {
        let text = |value: &Option<Value>| match value {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Null) | None => None,
            Some(other) => Some(other.to_string()),
        };
        let (Some(before), Some(after)) = (text(&field.before), text(&field.after)) else {
            continue;
        };
        if before.lines().count() != after.lines().count() {
            continue;
        }
        for (old, new) in before.lines().zip(after.lines()).filter(|(a, b)| a != b) {
            let found = values.iter().find(|value| {
                let (was, is) = &value.texts;
                !was.is_empty() && !is.is_empty() && old.replace(was.as_str(), is) == new
            });
            if let Some(value) = found {
                let place = value
                    .set_by
                    .as_ref()
                    .map(|place| format!(" ({place})"))
                    .unwrap_or_default();
                let cause = format!("{}{place}", value.path);
                if !causes.contains(&cause) {
                    causes.push(cause);
                }
            }
        }
    }
    causes
}

#[cfg(test)]
mod tests;
