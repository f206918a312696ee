//! Install, upgrade, rollback, uninstall: a plan's steps, each written down before it acts.

mod ahead;
mod apply;
pub mod change;
mod compare;
pub mod crds;
pub mod deploy;
pub mod down;
pub mod drift;
pub mod error;
pub mod event;
pub mod facts;
pub mod folder;
mod go_back;
pub mod hooks;
pub mod install;
mod interrupted;
pub mod journal;
pub mod ledger;
pub mod live_jobs;
pub mod note;
mod objects;
pub mod observe;
mod observe_session;
pub mod outline;
pub mod prepare;
pub mod proposal;
pub mod records;
mod remove;
pub mod resume;
pub mod rollback;
pub mod saved;
pub mod signals;
pub mod start;
pub mod stop;
mod summary;
pub mod target;
pub mod test;
pub mod uninstall;
pub mod upgrade;
mod withdraw;
mod write;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use deploy::Outcome;
pub use error::Error;
pub use event::{Event, Health, JobNews, ObjectNews, Report};
pub use outline::{Look, Outline, Request};
pub use proposal::{Source, offline};
pub use saved::{Applied, SavedPlan};
pub use summary::Kept;

use crate::cluster::{Client, Propagation, Rules};
use crate::plan::crds::Mode;
use crate::plan::state::Wish;
use crate::release::lock::Lock;

/// What the user said about jobs, state and time. It is kept in saved plans.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Options {
    /// Where the state comes from.
    pub wish: Wish,
    /// Whether state that no operator claims may be left behind.
    pub allow_unclaimed: bool,
    /// Whether clusters without high availability may be restarted.
    pub allow_no_ha: bool,
    /// Whether a failed change goes back by itself after a job was stopped.
    pub go_back: bool,
    /// Whether a failed change goes back even where no job was stopped.
    pub rollback_on_failure: bool,
    /// How long a savepoint may take.
    pub savepoint_timeout: Duration,
    /// How long it may take until all tasks run.
    pub start_timeout: Duration,
    /// How long it may take from there to the first checkpoint.
    pub checkpoint_timeout: Duration,
    /// How long a job must run without a failure until it counts as stable.
    pub stable_for: Duration,
    /// Flink's REST address, instead of the way through the API server.
    pub rest_url: Option<String>,
    /// Whether to wait for all objects to be ready.
    pub wait: bool,
    /// What counts as ready.
    pub rules: Rules,
    /// How long objects may take to become ready.
    pub timeout: Duration,
    /// How long an object may be unhealthy before the wait ends; five times as long where no node has
    /// room.
    pub unhealthy_grace: Duration,
    /// How long to wait for the release's lock.
    pub lock_timeout: Duration,
    /// Whether fields held by others may be taken.
    pub force_conflicts: bool,
    /// Whether objects that belong to no release may be taken over.
    pub take_ownership: bool,
    /// Field managers whose changes are taken back: their fields become the release's before an apply.
    pub take_over: Vec<String>,
    /// Whether an upgrade makes a revision even if nothing changes.
    pub force_revision: bool,
    /// Whether a revision that Helm left pending is taken over.
    pub take_over_pending: bool,
    /// Whether a missing namespace is made.
    pub create_namespace: bool,
    /// How many revisions are kept; 0: all.
    pub history_max: u32,
    /// The text of the revision's description.
    pub description: Option<String>,
    /// Whether a name may be used again whose release was uninstalled or failed.
    pub replace: bool,
    /// Objects that hold data and may be deleted or made anew all the same, each `KIND/NAME`.
    pub delete_data: Vec<String>,
    /// What becomes of the dependents of objects that an uninstall deletes.
    pub propagation: Propagation,
    /// Whether hooks run.
    pub hooks: bool,
    /// Whether the logs of hooks are shown also where they succeed.
    pub hook_logs: bool,
    /// What is done with the CRDs of charts.
    pub crds: Mode,
    /// Whether what a failed change made is deleted again.
    pub cleanup_on_fail: bool,
    /// Labels of the record; an empty one takes an older revision's away.
    pub labels: BTreeMap<String, Option<String>>,
    /// Whether a dry run asks the server nothing about the objects.
    pub client_only: bool,
    /// What the pipeline says of where the change comes from.
    pub origin: note::Origin,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            wish: Wish::Carry,
            allow_unclaimed: false,
            allow_no_ha: false,
            go_back: true,
            rollback_on_failure: false,
            savepoint_timeout: Duration::from_secs(600),
            start_timeout: Duration::from_secs(300),
            checkpoint_timeout: Duration::from_secs(300),
            stable_for: Duration::from_secs(10),
            rest_url: None,
            wait: false,
            rules: Rules::default(),
            timeout: Duration::from_secs(300),
            unhealthy_grace: Duration::from_secs(60),
            lock_timeout: Duration::from_secs(30),
            force_conflicts: false,
            take_ownership: false,
            take_over_pending: false,
            take_over: Vec::new(),
            force_revision: false,
            create_namespace: false,
            history_max: 10,
            description: None,
            replace: false,
            delete_data: Vec::new(),
            propagation: Propagation::Background,
            hooks: true,
            hook_logs: false,
            crds: Mode::Create,
            cleanup_on_fail: false,
            labels: BTreeMap::new(),
            client_only: false,
            origin: note::Origin::default(),
        }
    }
}

/// One operation on one release: the ways to the cluster, to the user, and what was asked for.
pub struct Session<'a> {
    /// The cluster.
    pub client: Client,
    /// The release's name.
    pub release: String,
    /// The release's namespace.
    pub namespace: String,
    /// What was asked for.
    pub options: Options,
    /// Where events go.
    pub report: &'a dyn Report,
    /// Whether the user wants it to end.
    pub signals: signals::Signals,
    /// The release's lock; `None` for a reading command or a dry run.
    pub lock: Option<Lock>,
    /// The records as they were being read while the lock was taken, for who asks first.
    pub(crate) early: Cell<Option<ahead::Early>>,
}

impl Session<'_> {
    /// Takes the release's lock; every command that changes something does so first.
    pub async fn lock(&mut self) -> Result<(), Error> {
        let wait = |holder: &str, since: &str| {
            self.report.event(Event::Waiting {
                what: format!("the lock of {}", self.release),
                why: format!("held by {holder} since {since}"),
            });
        };
        let timeout = self.options.lock_timeout;
        let early = self.records_early();
        let lock = tokio::select! {
            lock = Lock::acquire(&self.client, &self.namespace, &self.release, timeout, wait) => lock?,
            error = self.signals.raised() => return Err(error),
        };
        self.lock = Some(lock);
        self.early.set(Some(early));
        Ok(())
    }

    /// Gives the lock back.
    pub async fn unlock(&mut self) {
        if let Some(lock) = self.lock.take()
            && let Err(e) = lock.release().await
        {
            self.warn(format!("the lock stays until it expires: {e}"));
        }
    }

    /// Sees that the lock is still ours, before a step that can't be undone.
    pub(crate) async fn check_lock(&self) -> Result<(), Error> {
        match &self.lock {
            Some(lock) => Ok(lock.check().await?),
            None => Ok(()),
        }
    }

    /// Sees that the lock was ours a moment ago, without a request where that is known.
    pub(crate) async fn lock_is_fresh(&self) -> Result<(), Error> {
        match &self.lock {
            Some(lock) if !lock.is_fresh().await => Ok(lock.check().await?),
            _ => Ok(()),
        }
    }

    pub(crate) fn step(&self, text: impl Into<String>) {
        self.report.event(Event::Step { text: text.into() });
    }

    pub(crate) fn note(&self, text: impl Into<String>) {
        self.report.event(Event::Note { text: text.into() });
    }

    pub(crate) fn warn(&self, text: impl Into<String>) {
        self.report.event(Event::Warning { text: text.into() });
    }

    pub(crate) fn waiting(&self, what: impl Into<String>, why: impl Into<String>) {
        self.report.event(Event::Waiting {
            what: what.into(),
            why: why.into(),
        });
    }
}

/// The present moment, RFC 3339 in UTC, to the second.
pub(crate) fn now() -> String {
    jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}

/// A fresh id of 32 hexadecimal digits, as Flink's job and trigger ids are.
pub(crate) fn fresh_id() -> Result<String, Error> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|e| Error::Failed(format!("no random numbers: {e}")))?;
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}
