//! One hook: made, awaited, its log shown, its outcome in record and journal.

use sha2::{Digest, Sha256};

use super::super::journal::Journal;
use super::super::target::Target;
use super::super::{Error, Event, Session};
use super::read;
use crate::cluster::{
    self, Apply, Delete, ObjectRef, Progress, Query, READY_ANNOTATION, WaitError, annotation, ends,
    pods_of_job,
};
use crate::plan::hooks::{Again, HookRecord, again, delete_policies, goes_before, policy};
use crate::release::{Hook, HookRun, Stored, Time};
use crate::yaml::Value;

/// How many lines of a log are shown of a hook that failed, where its own policy asks for none.
const LAST_LINES: u32 = 50;
/// How many lines are shown at most.
const ALL_LINES: u32 = 10_000;

/// A hook's object, as far as it was made, and how it ended.
type Ended = (Option<HookRecord>, Result<(), Error>);

impl Session<'_> {
    /// Runs one hook. The journal is written before it is made, and after.
    ///
    /// # Errors
    /// Those of journal and record; the hook's own outcome is returned.
    pub(super) async fn run_hook(
        &self,
        event: &'static str,
        hook: &Hook,
        index: usize,
        stored: &mut Stored,
        mut journal: Option<&mut Journal>,
    ) -> Result<Ended, Error> {
        let object = read(hook)?;
        let reference = self.reference(&object, &Target::default()).await?;
        let digest: String = Sha256::digest(hook.manifest.as_bytes())
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        let known = journal.as_ref().map_or(&[][..], |j| &j.hooks);
        let mut joined = None;
        match again(known, event, &reference, &digest) {
            Again::Run => {}
            Again::Skip => {
                self.note(format!(
                    "{event} hook {reference} ran in the run that broke off; it isn't run again"
                ));
                let record = known
                    .iter()
                    .find(|r| r.event == event && r.reference().key() == reference.key())
                    .cloned();
                if let Some(record) = &record {
                    let then = Time(record.started.clone());
                    set_run(stored, index, |_, run| {
                        *run = HookRun {
                            started_at: Some(then.clone()),
                            completed_at: Some(then.clone()),
                            phase: "Succeeded".to_owned(),
                        };
                    });
                }
                return Ok((record, Ok(())));
            }
            Again::Join(uid) => match self.client.find(&reference).await? {
                Some(live) if cluster::uid(&live) == Some(&uid) => {
                    self.note(format!(
                        "{event} hook {reference} was begun by the run that broke off; it is awaited"
                    ));
                    joined = Some(uid);
                }
                _ => self.warn(format!(
                    "{event} hook {reference} was begun by the run that broke off, and is gone; it runs again"
                )),
            },
            Again::Repeat(why) => {
                self.warn(format!("{event} hook {reference} runs again: {why}"));
            }
        }
        self.step(format!("{event} hook {reference}"));
        if joined.is_none()
            && goes_before(hook, &object)
            && let Err(e) = self.delete_before(&reference).await
        {
            return Ok((None, Err(e)));
        }
        set_run(stored, index, |hook, run| {
            hook.delete_policies = delete_policies(hook);
            *run = HookRun {
                started_at: Some(Time::now()),
                completed_at: None,
                phase: "Running".to_owned(),
            };
        });
        *stored = self.store().update(stored).await?;
        // What the record says if nobody comes to write the end.
        set_run(stored, index, |_, run| run.phase = "Unknown".to_owned());
        let mut record = HookRecord {
            event: event.to_owned(),
            api_version: reference.api_version(),
            kind: reference.kind.clone(),
            namespace: reference.namespace.clone(),
            name: reference.name.clone(),
            digest,
            started: super::super::now(),
            uid: joined.clone(),
            succeeded: None,
            delete_policies: delete_policies(hook),
        };
        self.note_hook(journal.as_deref_mut(), &record).await?;
        if joined.is_none() {
            match self.apply_over(&object, None, Apply::default()).await {
                Ok(uid) => record.uid = uid,
                Err(e) => {
                    record.succeeded = Some(false);
                    finish(stored, index, false);
                    self.note_hook(journal.as_deref_mut(), &record).await?;
                    if matches!(e, Error::Lock(_)) {
                        return Err(e);
                    }
                    return Ok((None, Err(self.hook_error(event, &reference, &e))));
                }
            }
            self.note_hook(journal.as_deref_mut(), &record).await?;
        }
        let unstoppable = self.is_unstoppable(journal.as_deref());
        let mut outcome = self.await_hook(&object, &record, unstoppable).await;
        if let Err(e @ Error::Cluster(cluster::Error::Unreachable { .. })) = outcome {
            // Its outcome isn't known; the next run asks after it.
            return Err(e);
        }
        let succeeded = outcome.is_ok();
        record.succeeded = Some(succeeded);
        finish(stored, index, succeeded);
        self.note_hook(journal, &record).await?;
        let asked = hook
            .output_log_policies
            .iter()
            .any(|p| p == policy(succeeded));
        if asked || self.options.hook_logs {
            self.show_logs(&reference, ALL_LINES).await;
        } else if !succeeded {
            self.show_logs(&reference, LAST_LINES).await;
        }
        if let Err(e @ (Error::Interrupted | Error::Terminated)) = outcome {
            // Nothing goes on behind the back of the user who ended it.
            if let Err(e) = self.delete_hook(&record).await {
                self.warn(format!("{reference} stays behind: {e}"));
            }
            outcome = Err(e);
        } else if let Err(e) = outcome {
            outcome = Err(self.hook_error(event, &reference, &e));
        }
        Ok((Some(record), outcome))
    }

    fn hook_error(&self, event: &str, reference: &ObjectRef, error: &Error) -> Error {
        let text = error.to_string();
        let reason = text
            .strip_prefix(&format!("{reference} failed: "))
            .unwrap_or(&text);
        Error::Failed(format!("{event} hook {reference} failed: {reason}"))
    }

    /// Writes a hook's record into the journal, over its earlier one.
    async fn note_hook(
        &self,
        journal: Option<&mut Journal>,
        record: &HookRecord,
    ) -> Result<(), Error> {
        let Some(journal) = journal else {
            return Ok(());
        };
        let key = (record.event.clone(), record.reference());
        journal
            .hooks
            .retain(|r| (&r.event, r.reference().key()) != (&key.0, key.1.key()));
        journal.hooks.push(record.clone());
        self.save_journal(journal).await
    }

    /// Deletes what stands under a hook's name, and sees it gone.
    async fn delete_before(&self, reference: &ObjectRef) -> Result<(), Error> {
        let Some(live) = self.client.find(reference).await? else {
            return Ok(());
        };
        self.delete_and_wait(reference, cluster::uid(&live)).await
    }

    /// Deletes a hook's object, if it is still the one that was made, and sees it gone.
    pub(super) async fn delete_hook(&self, record: &HookRecord) -> Result<(), Error> {
        self.delete_and_wait(&record.reference(), record.uid.as_deref())
            .await
    }

    async fn delete_and_wait(&self, reference: &ObjectRef, uid: Option<&str>) -> Result<(), Error> {
        let how = Delete {
            uid: uid.map(str::to_owned),
            ..Delete::default()
        };
        match self.client.delete(reference, &how).await {
            Ok(_) => {}
            // Another one by now.
            Err(cluster::Error::Stale { .. }) => return Ok(()),
            Err(e) => return Err(e.into()),
        }
        self.client
            .wait_gone(reference, uid, self.options.timeout)
            .await
            .map_err(|e| Error::Failed(e.to_string()))
    }

    /// Waits until a hook has done its work: Jobs and Pods until they end, others where they say by
    /// annotation when they are ready.
    async fn await_hook(
        &self,
        object: &Value,
        record: &HookRecord,
        unstoppable: bool,
    ) -> Result<(), Error> {
        let reference = record.reference();
        let wait = self.patience();
        let heard = |progress: Progress| self.report.event(Event::from(&progress));
        let ended = async {
            if ends(&reference.group, &reference.kind) {
                let uid = record.uid.as_deref();
                self.client.wait_ended(&reference, uid, &wait, heard).await
            } else if annotation(object, READY_ANNOTATION).is_some()
                || reference.kind == "CustomResourceDefinition"
            {
                let one = [reference.clone()];
                self.client.wait_ready(&one, &wait, heard).await
            } else {
                Ok(())
            }
        };
        let result = tokio::select! {
            result = ended => result,
            error = self.signals.raised(), if !unstoppable => return Err(error),
        };
        match result {
            Ok(()) => Ok(()),
            Err(WaitError::Cluster(e)) => Err(e.into()),
            Err(WaitError::TimedOut {
                after, not_ready, ..
            }) => Err(Error::Failed(format!(
                "it has not ended after {} s: {}",
                after.as_secs(),
                not_ready.first().map_or("", |(_, why)| why.as_str())
            ))),
            Err(e) => Err(Error::Failed(e.to_string())),
        }
    }

    /// Shows the logs of a hook's pods. What can't be read fails nothing.
    async fn show_logs(&self, reference: &ObjectRef, lines: u32) {
        for (pod, container, log) in self.hook_logs(reference, lines).await {
            for line in log {
                self.note(format!("{pod} ({container}): {line}"));
            }
        }
    }

    /// The logs of the pods of a Job or of a Pod: pod, container, lines; init containers first.
    pub(crate) async fn hook_logs(
        &self,
        reference: &ObjectRef,
        lines: u32,
    ) -> Vec<(String, String, Vec<String>)> {
        let namespace = reference.namespace.as_deref().unwrap_or(&self.namespace);
        let pods = match reference.kind.as_str() {
            "Job" => {
                let query = Query {
                    labels: Some(pods_of_job(&reference.name)),
                    ..Query::default()
                };
                let pods = self.client.list("v1", "Pod", Some(namespace), &query).await;
                pods.unwrap_or_default()
            }
            "Pod" => {
                let found = self.client.find(reference).await;
                found.ok().flatten().into_iter().collect()
            }
            _ => Vec::new(),
        };
        let mut logs = Vec::new();
        for pod in pods {
            let name = crate::flink::manifest::name(&pod).to_owned();
            for container in containers(&pod) {
                let read = self
                    .client
                    .logs(namespace, &name, Some(&container), lines, false)
                    .await;
                if let Ok(Some(log)) = read {
                    logs.push((name.clone(), container, log));
                }
            }
        }
        logs
    }

    /// Ends what a run that broke off left of a hook, and cleans it as its policies say.
    pub(super) async fn settle_hook(&self, record: &HookRecord) -> Result<(), Error> {
        let reference = record.reference();
        let Some(uid) = &record.uid else {
            if record.succeeded.is_none() {
                self.warn(format!(
                    "{} hook {reference} may have been made by the run that broke off, at {}",
                    record.event, record.started
                ));
            }
            return Ok(());
        };
        let live = self.client.find(&reference).await?;
        let Some(live) = live.filter(|l| cluster::uid(l) == Some(uid)) else {
            return Ok(());
        };
        let succeeded = match record.succeeded {
            Some(succeeded) => succeeded,
            None => {
                self.step(format!(
                    "awaiting {} hook {reference} of the run that broke off",
                    record.event
                ));
                match self.await_hook(&live, record, false).await {
                    Ok(()) => true,
                    Err(e @ (Error::Interrupted | Error::Terminated | Error::Cluster(_))) => {
                        return Err(e);
                    }
                    Err(e) => {
                        self.warn(format!("{reference}: {e}; it is ended"));
                        self.delete_hook(record).await?;
                        false
                    }
                }
            }
        };
        if record.goes_after(succeeded) {
            self.delete_hook(record).await?;
        }
        Ok(())
    }
}

fn containers(pod: &Value) -> Vec<String> {
    ["/spec/initContainers", "/spec/containers"]
        .iter()
        .filter_map(|p| pod.pointer(p)?.as_array())
        .flatten()
        .filter_map(|c| c.get("name")?.as_str())
        .map(str::to_owned)
        .collect()
}

fn set_run(stored: &mut Stored, index: usize, change: impl Fn(&mut Hook, &mut HookRun)) {
    if let Some(hook) = stored.release.hooks.get_mut(index) {
        let mut run = std::mem::take(&mut hook.last_run);
        change(hook, &mut run);
        hook.last_run = run;
    }
}

/// The end of a run, for the record; written with what the operation writes next.
fn finish(stored: &mut Stored, index: usize, succeeded: bool) {
    set_run(stored, index, |_, run| {
        run.completed_at = Some(Time::now());
        run.phase = if succeeded { "Succeeded" } else { "Failed" }.to_owned();
    });
}
