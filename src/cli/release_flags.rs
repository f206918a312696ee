//! Flags that the changing commands share: state, time, ownership; and the way to a session.

use std::cell::Cell;
use std::time::Duration;

use super::chart_flags::Loaded;
use super::progress::Progress;
use super::render_flags::RenderFlags;
use super::values_flags::ValueFlags;
use super::{Context, error::CommandError, error::Kind};
use crate::action::note::Origin;
use crate::action::signals::Signals;
use crate::action::{self, Options, Session};
use crate::cluster::Rules;
use crate::plan::crds::Mode;
use crate::plan::state::Wish;
use crate::render;

/// How a change treats jobs and time.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "State and time")]
pub struct StateFlags {
    /// Where to go on from instead of a savepoint: `latest` is the last completed checkpoint
    #[arg(long, value_name = "latest", value_parser = ["latest"], conflicts_with_all = ["restore", "restore_from", "fresh"])]
    from_checkpoint: Option<String>,
    /// Start from the ledger: `latest` is its newest savepoint
    #[arg(long, value_name = "latest", value_parser = ["latest"], conflicts_with_all = ["restore_from", "fresh"])]
    restore: Option<String>,
    /// Start from this savepoint or retained checkpoint
    #[arg(long, value_name = "PATH", conflicts_with = "fresh")]
    restore_from: Option<String>,
    /// Start without state, even over a job that had some
    #[arg(long)]
    fresh: bool,
    /// Leave state behind that no operator of the new job claims
    #[arg(long)]
    allow_non_restored_state: bool,
    /// Restart clusters without high availability too
    #[arg(long)]
    allow_no_ha: bool,
    /// Leave a change that failed as it is, even after a job was stopped
    #[arg(long)]
    no_rollback: bool,
    /// Go back even if no job was stopped
    #[arg(long, visible_alias = "atomic")]
    rollback_on_failure: bool,
    /// How long the savepoint may take
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration)]
    savepoint_timeout: Duration,
    /// How long it may take until all tasks of a started job run
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    start_timeout: Duration,
    /// How long it may take from there to the first checkpoint
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    checkpoint_timeout: Duration,
    /// How long a started job must run without a failure to count as stable
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    stable_for: Duration,
    /// Flink's REST address, instead of the way through the API server
    #[arg(long, value_name = "URL")]
    flink_rest: Option<String>,
}

/// How a change treats objects and records.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Objects and records")]
pub struct ObjectFlags {
    /// Wait until all objects are ready, not only the jobs and hooks: `legacy` as Helm 3 did, `hookOnly`
    /// not at all
    #[arg(long, value_enum, value_name = "watcher|legacy|hookOnly", num_args = 0..=1, require_equals = true,
        default_missing_value = "watcher", default_value = "hookOnly", hide_default_value = true)]
    wait: WaitFor,
    /// Wait until Jobs have completed, not only begun (with --wait)
    #[arg(long)]
    wait_for_jobs: bool,
    /// How long an object may be unhealthy (no image, crashes, quota) before the wait ends; five times
    /// as long where no node has room
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = duration)]
    unhealthy_grace: Duration,
    /// How long the objects may take to become ready
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    timeout: Duration,
    /// How long to wait for another operation on the release
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    lock_timeout: Duration,
    /// Show what would be done, and do nothing; `client` asks the server nothing about the objects
    #[arg(long, value_enum, hide_possible_values = true, value_name = "none|client|server", num_args = 0..=1, default_value = "none", default_missing_value = "server", require_equals = true)]
    dry_run: DryRun,
    /// Take fields that other field managers hold
    #[arg(long)]
    force_conflicts: bool,
    /// Refused, as Helm refuses it where objects are applied server-side
    #[arg(long, alias = "force", hide = true, num_args = 0, default_missing_value = "true", conflicts_with = "force_conflicts", value_parser = no_replacement)]
    force_replace: Option<bool>,
    /// Helm's flag; objects are always applied server-side
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = server_side)]
    server_side: Option<bool>,
    /// Take over objects that belong to no release or to another
    #[arg(long)]
    take_ownership: bool,
    /// Delete this object too that holds data (a claim, a namespace, a FlinkDeployment …), or make it
    /// anew where a field can't be changed: the data goes with it. May be repeated
    #[arg(long, value_name = "KIND/NAME", value_parser = kind_and_name)]
    delete_data: Vec<String>,
    /// Go on over a revision that Helm left pending, once you know that no Helm works on it
    #[arg(long)]
    take_over_pending: bool,
    /// How many revisions are kept; 0: all
    #[arg(long, value_name = "N", default_value_t = 10, env = "HELM_MAX_HISTORY")]
    history_max: u32,
    /// The revision's description
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Don't run hooks
    #[arg(long)]
    no_hooks: bool,
    /// Show the logs of hooks also where they succeed
    #[arg(long)]
    hook_logs: bool,
}

/// How a change treats the CRDs in the crds/ of charts.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Objects and records")]
pub struct CrdFlags {
    /// What to do with the CRDs in the crds/ of charts; none is ever deleted or made older
    #[arg(
        long,
        value_enum,
        value_name = "MODE",
        default_value_t,
        conflicts_with = "skip_crds"
    )]
    crds: Mode,
    /// Leave the CRDs in the crds/ of charts alone: --crds skip
    #[arg(long)]
    skip_crds: bool,
}

impl CrdFlags {
    /// What is to be done.
    pub fn mode(&self) -> Mode {
        if self.skip_crds {
            Mode::Skip
        } else {
            self.crds
        }
    }
}

/// Helm's ways to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum WaitFor {
    /// Until everything is ready.
    #[value(name = "watcher", alias = "true")]
    Watcher,
    /// As Helm 3.
    #[value(name = "legacy")]
    Legacy,
    /// For hooks only.
    #[value(name = "hookOnly", alias = "false")]
    HookOnly,
}

/// Whether a change is only tried, and by whom. Helm's old words are known too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum DryRun {
    /// It is done.
    #[default]
    #[value(alias = "false")]
    None,
    /// By us alone.
    #[value(alias = "true")]
    Client,
    /// By the server too.
    Server,
}

impl ObjectFlags {
    /// Whether nothing is to be done.
    pub fn is_dry_run(&self) -> bool {
        self.dry_run != DryRun::None
    }

    /// Whether nothing is to be done, and the server is not asked.
    pub fn is_client_only(&self) -> bool {
        self.dry_run == DryRun::Client
    }
}

/// `KIND/NAME`, as plans write objects.
fn kind_and_name(text: &str) -> Result<String, String> {
    match text.split_once('/') {
        Some((kind, name)) if !kind.is_empty() && !name.is_empty() && !name.contains('/') => {
            Ok(text.to_owned())
        }
        _ => Err("write KIND/NAME as the plan does, for instance FlinkDeployment/orders".into()),
    }
}

/// Helm's `--force-replace`, which it refuses for releases that are applied server-side.
fn no_replacement(_: &str) -> Result<bool, String> {
    Err("objects are applied server-side, never replaced: --force-conflicts takes fields of others, and the plan says which objects are made anew because a field of theirs can't be changed".into())
}

/// Helm's `--server-side`: true, false or auto.
fn server_side(text: &str) -> Result<bool, String> {
    match text {
        "true" | "auto" => Ok(true),
        _ => Err("objects are always applied server-side; what Helm applied client-side is taken over with its fields".into()),
    }
}

/// Reads Go's durations (`1h30m`, `90s`, `1.5h`, `200ms`), and plain seconds.
pub fn duration(text: &str) -> Result<Duration, String> {
    let bad = || format!("{text:?} is no duration; write for instance 90s, 5m or 1h30m");
    if let Ok(seconds) = text.parse::<u32>() {
        return Ok(Duration::from_secs(seconds.into()));
    }
    let mut total = 0.0_f64;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or_else(bad)?;
        let number: f64 = rest
            .get(..end)
            .unwrap_or_default()
            .parse()
            .map_err(|_| bad())?;
        rest = rest.get(end..).unwrap_or_default();
        let unit = rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len());
        total += number
            * match rest.get(..unit).unwrap_or_default() {
                "ns" => 1e-9,
                "us" | "µs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                _ => return Err(bad()),
            };
        rest = rest.get(unit..).unwrap_or_default();
    }
    if text.is_empty() {
        Err(bad())
    } else {
        Duration::try_from_secs_f64(total).map_err(|_| bad())
    }
}

/// The options of a change.
pub fn options(state: &StateFlags, objects: &ObjectFlags, create_namespace: bool) -> Options {
    let wish = if state.fresh {
        Wish::Fresh
    } else if let Some(path) = &state.restore_from {
        Wish::Path(path.clone())
    } else if state.restore.is_some() {
        Wish::Latest
    } else if state.from_checkpoint.is_some() {
        Wish::FromCheckpoint
    } else {
        Wish::Carry
    };
    Options {
        wish,
        allow_unclaimed: state.allow_non_restored_state,
        allow_no_ha: state.allow_no_ha,
        go_back: !state.no_rollback,
        rollback_on_failure: state.rollback_on_failure,
        savepoint_timeout: state.savepoint_timeout,
        start_timeout: state.start_timeout,
        checkpoint_timeout: state.checkpoint_timeout,
        stable_for: state.stable_for,
        rest_url: state.flink_rest.clone(),
        // As in Helm, going back on failure needs to know whether it failed.
        wait: objects.wait != WaitFor::HookOnly || state.rollback_on_failure,
        rules: Rules {
            jobs: objects.wait_for_jobs,
            legacy: objects.wait == WaitFor::Legacy,
        },
        unhealthy_grace: objects.unhealthy_grace,
        timeout: objects.timeout,
        lock_timeout: objects.lock_timeout,
        force_conflicts: objects.force_conflicts,
        take_ownership: objects.take_ownership,
        take_over_pending: objects.take_over_pending,
        delete_data: objects.delete_data.clone(),
        create_namespace,
        take_over: Vec::new(),
        force_revision: false,
        history_max: objects.history_max,
        description: objects.description.clone(),
        hooks: !objects.no_hooks,
        hook_logs: objects.hook_logs,
        client_only: objects.is_client_only(),
        origin: Origin::of_environment(|name| std::env::var(name).ok()),
        ..Options::default()
    }
}

/// A session on a release, listening to signals where it is to change something.
pub async fn session<'a>(
    cx: &Context,
    release: &str,
    options: Options,
    report: &'a Progress,
    changes: bool,
) -> Result<Session<'a>, CommandError> {
    cx.check_driver()?;
    let client = cx.connect().await?;
    let signals = if changes {
        let second = |code: u8| {
            #[allow(clippy::exit, reason = "a second signal ends the process at once")]
            std::process::exit(i32::from(code));
        };
        Signals::listen(second).map_err(|e| {
            CommandError::new(
                Kind::Internal,
                format_args!("cannot listen to signals: {e}"),
            )
        })?
    } else {
        Signals::default()
    };
    Ok(Session {
        namespace: client.namespace().to_owned(),
        client,
        release: release.to_owned(),
        options,
        report,
        signals,
        lock: None,
        early: Cell::default(),
    })
}

/// A chart with the values for it.
pub fn source(
    cx: &Context,
    loaded: Loaded,
    values: &ValueFlags,
    rendering: &RenderFlags,
) -> Result<action::Source, CommandError> {
    let Loaded { chart, folder } = loaded;
    let check_schema = !values.skip_schema_validation;
    let numbers = render::numbers(&chart);
    let values = values.merge(&chart, folder.as_deref(), numbers, &cx.output)?;
    Ok(action::Source {
        chart,
        values,
        check_schema,
        rendering: rendering.options()?,
    })
}

#[cfg(test)]
mod tests {
    use super::duration;
    use std::time::Duration;

    #[test]
    fn gos_durations() {
        for (text, millis) in [
            ("90s", 90_000),
            ("1h30m", 5_400_000),
            ("1.5m", 90_000),
            ("200ms", 200),
            ("5", 5_000),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "m", "5x", "1h30", "-5s", "1e99h"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
