//! A new revision, from a chart or an older revision: record, journal, change.

use std::cell::Cell;
use std::collections::HashSet;

use super::ahead::{Ahead, Prior};
use super::crds::CrdPlan;
use super::hooks::{HookPlan, events};
use super::interrupted::{Past, is_under_way};
use super::journal::{Journal, Operation, PendingCrds, StartedJob};
use super::note::{Origin, Run};
use super::prepare::Change;
use super::target::Target;
use super::{Error, Session};
use crate::cluster::{self, ObjectRef};
use crate::plan::bonds::Bonds;
use crate::plan::values::ValueChange;
use crate::release::{
    LockError, Packed, Release, Revision, Status, Store, StoreError, Stored, Time, to_prune,
};
use crate::yaml::{Value, go_json};

/// A revision in the making.
pub(crate) struct Proposal {
    /// What is being done.
    pub operation: Operation,
    /// The record as it will be: name, chart, config, manifest, notes, version.
    pub record: Release,
    /// The objects and workloads of its manifest.
    pub target: Target,
    /// Whether a revision is made even if nothing changes.
    pub always: bool,
    /// The values that differ from the revision before.
    pub values: Vec<ValueChange>,
    /// The texts of values that are secret.
    pub secrets: Vec<String>,
    /// What it is bound to, where it is a saved plan's.
    pub approved: Option<Bonds>,
    /// What it is made from.
    pub from: Origin,
}

/// How an operation ended well.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The record of the revision; for a dry run, as it would be.
    pub release: Release,
    /// The jobs that were started.
    pub jobs: Vec<StartedJob>,
    /// What was done, or would be, a line per object and job.
    pub summary: Vec<String>,
    /// Whether there was nothing to do.
    pub unchanged: bool,
}

impl Session<'_> {
    /// The store of Helm's records.
    pub(crate) fn store(&self) -> Store {
        Store::new(self.client.clone(), &self.namespace)
    }

    /// Brings a proposal about; `ahead` is what was begun to be read for it.
    pub(crate) async fn deploy(
        &self,
        proposal: Proposal,
        mut past: Past,
        ahead: Option<Ahead>,
        dry_run: bool,
    ) -> Result<Outcome, Error> {
        let mut run = Run::begin(proposal.operation, proposal.from.clone());
        let packed = Store::check(&proposal.record)?;
        if dry_run && self.options.client_only {
            return Ok(Outcome {
                release: proposal.record,
                jobs: Vec::new(),
                summary: Vec::new(),
                unchanged: false,
            });
        }
        if !dry_run {
            self.end_earlier(&mut past).await?;
        }
        let interrupted = past.left.open();
        let history = &past.history;
        self.check_pending(history, interrupted.as_ref())?;
        let prior = match ahead {
            Some(ahead) => ahead.take().await?,
            None => Prior::new(live_objects(history, &self.namespace)?),
        };
        let change = Change {
            prior: prior.objects,
            listed: Cell::new(prior.lists),
            target: proposal.target.clone(),
            interrupted: interrupted.clone(),
            going_back: false,
            ask_all: proposal.approved.is_some(),
        };
        let crds = self.plan_crds(&change.target).await?;
        let approved = proposal.approved.as_ref();
        let who = async {
            if dry_run {
                None
            } else {
                self.client.user().await
            }
        };
        let (planned, by) = tokio::join!(
            self.plan_as_approved(&change, &crds, proposal.operation, approved),
            who
        );
        run.by = by;
        let planned = match planned {
            Ok(planned) => planned,
            Err(e) => {
                // Who is interrupted looks less long, and may see a job before it runs.
                self.signals.check()?;
                if matches!(e.first(), Error::NoSavepoint { .. }) && !dry_run {
                    self.keep_failed(&proposal.record, packed, &e).await?;
                }
                return Err(e);
            }
        };
        self.waves(&planned.objects)?;
        let mut summary: Vec<String> = crds
            .iter()
            .filter_map(CrdPlan::line)
            .chain(self.summary(&planned))
            .collect();
        let mut record = proposal.record.clone();
        let same = history
            .last()
            .is_some_and(|last| same_release(&last.release, &record));
        if planned.is_empty()
            && same
            && !crds.iter().any(CrdPlan::changes)
            && !proposal.always
            && interrupted.is_none()
        {
            let release = history
                .last()
                .map(|l| l.release.clone())
                .unwrap_or_default();
            return Ok(Outcome {
                release,
                jobs: Vec::new(),
                summary,
                unchanged: true,
            });
        }
        let hooks = self
            .plan_hooks(
                &proposal.record.hooks,
                &change.target,
                &events(proposal.operation),
            )
            .await?;
        summary.extend(hooks.iter().map(HookPlan::line));
        if dry_run {
            return Ok(Outcome {
                release: record,
                jobs: Vec::new(),
                summary,
                unchanged: false,
            });
        }
        self.signals.check()?;
        self.lock_is_fresh().await?;
        record.info.status = match proposal.operation {
            Operation::Install => Status::PendingInstall,
            Operation::Rollback => Status::PendingRollback,
            Operation::Upgrade | Operation::Uninstall => Status::PendingUpgrade,
        };
        let is_new = interrupted.is_none();
        let mut journal =
            interrupted.unwrap_or_else(|| Journal::new(proposal.operation, record.version));
        journal.operation = proposal.operation;
        journal.revision = record.version;
        journal.crds = PendingCrds::of(&crds, change.target.crd_mode);
        // What has no more to write down than that it begins says so in the record itself.
        let begins =
            is_new && planned.jobs.is_empty() && record.hooks.is_empty() && journal.crds.is_none();
        let begun = match begins {
            true => {
                Some(serde_json::to_string(&journal).map_err(|e| Error::Failed(e.to_string()))?)
            }
            false => {
                // The journal first: a pending record without one would look like Helm's.
                self.save_journal(&mut journal).await?;
                None
            }
        };
        let mut stored = match self.begin(&record, packed, begun.as_deref()).await {
            Ok(stored) => stored,
            Err(e) => {
                // Another works on the release. Any other failure leaves it open whether the record was
                // made: with its journal it is ours.
                let is_others = matches!(
                    e,
                    Error::Lock(LockError::Lost { .. }) | Error::Release(StoreError::Exists { .. })
                );
                if is_new && is_others {
                    self.drop_journal(&journal).await?;
                }
                return Err(e);
            }
        };
        self.end_older(history, record.version).await?;
        match self
            .bring_about(&change, &planned, &crds, &mut journal, &mut stored)
            .await
        {
            Ok(jobs) => {
                let release = self.succeed(stored, &past, &journal, &jobs, &run).await?;
                // The command ends here. To take apart what was read of hundreds of objects would hold
                // the lock for as long as two more requests.
                std::mem::forget((change, planned, past));
                Ok(Outcome {
                    release,
                    jobs,
                    summary,
                    unchanged: false,
                })
            }
            Err(broken) => self
                .fail(stored, &past, journal, broken, &run)
                .await
                .map(|()| Outcome {
                    release: record,
                    jobs: Vec::new(),
                    summary,
                    unchanged: false,
                }),
        }
    }

    /// Makes the record of a revision, if the lock is still ours.
    async fn begin(
        &self,
        record: &Release,
        packed: Packed,
        begun: Option<&str>,
    ) -> Result<Stored, Error> {
        self.lock_is_fresh().await?;
        Ok(self.store().create(record, packed, begun).await?)
    }

    /// Refuses to go on over an operation that is Helm's and not ours to finish.
    pub(crate) fn check_pending(
        &self,
        history: &[Stored],
        interrupted: Option<&Journal>,
    ) -> Result<(), Error> {
        let Some(last) = history.last() else {
            return Ok(());
        };
        let status = last.release.info.status;
        if status.is_pending() && interrupted.is_none() && !self.options.take_over_pending {
            return Err(Error::Locked {
                why: format!(
                    "revision {} of release {:?} is {status}, and not by nutkin: Helm works on it, or was broken off",
                    last.release.version, self.release
                ),
                hints: vec![format!(
                    "if no Helm process works on it any more: --take-over-pending, or helm rollback {} -n {}",
                    self.release, self.namespace
                )],
            });
        }
        Ok(())
    }

    /// Marks the pending revisions of operations that did not end as failed, for the new one takes over;
    /// and a last one that was uninstalled as superseded, as Helm's `install --replace` does.
    async fn end_older(&self, history: &[Stored], by: u32) -> Result<(), Error> {
        for stored in history {
            let (status, description) = match stored.release.info.status {
                status if is_under_way(status) => (
                    Status::Failed,
                    format!("Broken off; revision {by} went on from where it was"),
                ),
                Status::Uninstalled => (Status::Superseded, "superseded by new release".to_owned()),
                _ => continue,
            };
            let mut stored = stored.clone();
            stored.release.info.status = status;
            stored.release.info.description = description;
            self.store().update(&stored).await?;
        }
        Ok(())
    }

    /// Records a revision that could not be begun.
    async fn keep_failed(
        &self,
        record: &Release,
        packed: Packed,
        error: &Error,
    ) -> Result<(), Error> {
        let mut record = record.clone();
        record.info.status = Status::Failed;
        record.info.description = describe(record.version, error);
        self.store().create(&record, packed, None).await?;
        Ok(())
    }

    pub(super) async fn succeed(
        &self,
        mut stored: Stored,
        past: &Past,
        journal: &Journal,
        jobs: &[StartedJob],
        run: &Run,
    ) -> Result<Release, Error> {
        stored.release.info.status = Status::Deployed;
        stored.release.info.description =
            self.options
                .description
                .clone()
                .unwrap_or_else(|| match run.operation {
                    Operation::Install => "Install complete".to_owned(),
                    Operation::Rollback => {
                        format!("Rollback to {}", stored.release.info.rollback_revision)
                    }
                    Operation::Upgrade | Operation::Uninstall => "Upgrade complete".to_owned(),
                });
        stored.release.info.last_deployed = Some(Time::now());
        // The new one first: a kill in between leaves two deployed, of which Helm takes the newest.
        let stored = self.store().update(&stored).await?;
        let gone = self.beyond_limit(past, stored.release.version);
        let superseded = past
            .history
            .iter()
            .filter(|s| s.release.info.status == Status::Deployed)
            .filter(|s| !gone.contains(&s.release.version))
            .map(|old| async move {
                let mut old = old.clone();
                old.release.info.status = Status::Superseded;
                self.store().update(&old).await.map_err(Error::from)
            });
        let mut note = run.note(stored.release.version);
        note.jobs = jobs.to_vec();
        // Names are only taken with a journal.
        let free = async {
            match journal.version {
                Some(_) => self.free_reserved().await,
                None => Ok(()),
            }
        };
        tokio::try_join!(
            futures::future::try_join_all(superseded),
            self.save_note(&note),
            free,
            self.drop_revisions(&gone),
        )?;
        if journal.version.is_some() {
            self.delete_journal().await?;
        }
        Ok(stored.release)
    }

    /// The revisions beyond `--history-max`, once there is a new one.
    fn beyond_limit(&self, past: &Past, new: u32) -> Vec<u32> {
        let mut revisions = past.revisions();
        for revision in &mut revisions {
            if revision.status == Status::Deployed {
                revision.status = Status::Superseded;
            }
        }
        revisions.push(Revision {
            version: new,
            status: Status::Deployed,
        });
        to_prune(&revisions, self.options.history_max as usize)
    }

    /// Deletes revisions with their notes; nearly always there are none, and then nothing is asked.
    async fn drop_revisions(&self, gone: &[u32]) -> Result<(), Error> {
        if gone.is_empty() {
            return Ok(());
        }
        let records = async { Ok::<_, Error>(self.store().delete(&self.release, gone).await?) };
        tokio::try_join!(records, self.drop_notes(gone))?;
        Ok(())
    }

    /// Makes the release's namespace where that is wanted.
    pub(crate) async fn ensure_namespace(&self) -> Result<(), Error> {
        if !self.options.create_namespace {
            return Ok(());
        }
        let reference = ObjectRef::new("v1", "Namespace", None, &self.namespace);
        if self.client.find(&reference).await?.is_none() {
            let namespace = serde_json::json!({
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": self.namespace, "labels": {"name": self.namespace}},
            });
            match self.client.create(&namespace, false).await {
                Ok(_) | Err(cluster::Error::Exists { .. }) => {}
                Err(e) => return Err(e.into()),
            }
        }
        Ok(())
    }
}

/// Helm's first line of a failure, for the record.
pub(super) fn describe(revision: u32, error: &Error) -> String {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    format!("Revision {revision} failed: {first}")
        .chars()
        .take(250)
        .collect()
}

/// Whether a revision's objects went with an uninstall: its record says so also once `--replace` has made
/// it superseded.
fn is_gone(release: &Release) -> bool {
    match release.info.status {
        Status::Uninstalled => true,
        Status::Superseded => release.info.deleted.is_some(),
        _ => false,
    }
}

/// The objects that the cluster may hold of a release: of each revision since the last one that is deployed
/// or was uninstalled, so that what a failed one made is not forgotten. Newer ones first.
pub(crate) fn live_objects(history: &[Stored], namespace: &str) -> Result<Vec<Value>, Error> {
    objects_of(live_manifests(history), namespace)
}

/// The manifests of the revisions of which the cluster may hold objects, newer ones first.
pub(super) fn live_manifests(history: &[Stored]) -> Vec<&str> {
    let from = history
        .iter()
        .rposition(|s| s.release.info.status == Status::Deployed || is_gone(&s.release))
        .unwrap_or(0);
    let live = history.get(from..).unwrap_or_default().iter().rev();
    let live = live.filter(|stored| !is_gone(&stored.release));
    live.map(|stored| stored.release.manifest.as_str())
        .collect()
}

/// The objects of manifests, each as the first that has it says.
pub(super) fn objects_of<'m>(
    manifests: impl IntoIterator<Item = &'m str>,
    namespace: &str,
) -> Result<Vec<Value>, Error> {
    let mut objects: Vec<Value> = Vec::new();
    let mut known: HashSet<ObjectRef> = HashSet::new();
    for manifest in manifests {
        for object in Target::of_manifest(manifest, namespace)?.objects {
            let mut reference = ObjectRef::of(&object)?;
            // Two versions of a group are the same object.
            reference.version.clear();
            if known.insert(reference) {
                objects.push(object);
            }
        }
    }
    Ok(objects)
}

/// Whether a revision would say what the last one says.
pub(crate) fn same_release(last: &Release, new: &Release) -> bool {
    last.info.status == Status::Deployed
        && last.manifest == new.manifest
        && go_json(&Value::Object(last.config.clone()))
            == go_json(&Value::Object(new.config.clone()))
        && last.chart.metadata == new.chart.metadata
        && last
            .hooks
            .iter()
            .map(|h| &h.manifest)
            .eq(new.hooks.iter().map(|h| &h.manifest))
        && last.info.notes == new.info.notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flink::manifest;
    use crate::release::Info;

    #[test]
    fn what_the_cluster_may_hold() {
        let stored = |(status, is_deleted): (Status, bool), name: &str| Stored {
            release: Release {
                info: Info {
                    status,
                    deleted: is_deleted.then(Time::now),
                    ..Info::default()
                },
                manifest: format!(
                    "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n"
                ),
                ..Release::default()
            },
            ..Stored::default()
        };
        let superseded = (Status::Superseded, false);
        let deployed = (Status::Deployed, false);
        let failed = (Status::Failed, false);
        let ended = (Status::Uninstalled, true);
        let replaced = (Status::Superseded, true);
        let ending = (Status::Uninstalling, true);
        for (history, names) in [
            (vec![superseded, deployed], vec!["b"]),
            // Newer ones first.
            (vec![superseded, deployed, failed], vec!["c", "b"]),
            (vec![failed, failed], vec!["b", "a"]),
            (vec![ending], vec!["a"]),
            // What was uninstalled is gone, with all before it: what has such a name now is another's.
            (vec![superseded, ended], vec![]),
            (vec![superseded, replaced, failed], vec!["c"]),
            (vec![superseded, ended, failed], vec!["c"]),
            (vec![replaced, deployed, failed], vec!["c", "b"]),
        ] {
            let all: Vec<Stored> = history
                .iter()
                .zip(["a", "b", "c"])
                .map(|(status, name)| stored(*status, name))
                .collect();
            let objects = live_objects(&all, "ns").expect("objects");
            let found: Vec<&str> = objects.iter().map(manifest::name).collect();
            assert_eq!(found, names, "{history:?}");
        }
    }
}
