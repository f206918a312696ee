//! `nutkin list`: the releases of a namespace or of all.

use std::process::ExitCode;

use regex::Regex;
use serde::Serialize;

use super::error::{CommandError, Kind};
use super::output::{Format, columns};
use super::{Context, when};
use crate::release::{self, Status, Summary};

/// List releases
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nutkin list -A\n  nutkin list --filter '^orders' -o json\n  nutkin list --failed --pending"
)]
pub struct Args {
    /// Show the releases of all namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// Show releases in every state, which is the default
    #[arg(short = 'a', long, hide = true)]
    all: bool,
    /// Print names only
    #[arg(short = 'q', long, visible_alias = "quiet")]
    short: bool,
    /// Leave out the headers of the table
    #[arg(long)]
    no_headers: bool,
    /// Sort by the date of the last deployment, the oldest first
    #[arg(short = 'd', long)]
    date: bool,
    /// Reverse the order
    #[arg(short = 'r', long)]
    reverse: bool,
    /// Only releases whose name matches this regular expression
    #[arg(short = 'f', long, value_name = "REGEX")]
    filter: Option<String>,
    /// Only releases whose labels match
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    selector: Option<String>,
    /// At most this many; 0 means all
    #[arg(short = 'm', long, default_value_t = 256, value_name = "N")]
    max: usize,
    /// Skip this many
    #[arg(long, default_value_t = 0, value_name = "N")]
    offset: usize,
    /// Show deployed releases
    #[arg(long)]
    deployed: bool,
    /// Show failed releases
    #[arg(long)]
    failed: bool,
    /// Show releases whose operation is going on or was broken off
    #[arg(long)]
    pending: bool,
    /// Show superseded revisions
    #[arg(long)]
    superseded: bool,
    /// Show uninstalled releases whose history was kept
    #[arg(long)]
    uninstalled: bool,
    /// Show releases that are being uninstalled
    #[arg(long)]
    uninstalling: bool,
    /// Print times in this layout of Go's, for instance "2006-01-02 15:04:05Z0700"
    #[arg(long, value_name = "LAYOUT")]
    time_format: Option<String>,
    /// The output format
    #[arg(short = 'o', long, value_enum, default_value_t)]
    output: Format,
}

/// A release in Helm's JSON shape.
#[derive(Serialize)]
struct Element {
    name: String,
    namespace: String,
    revision: String,
    updated: String,
    status: &'static str,
    chart: String,
    app_version: String,
}

impl Element {
    fn new(summary: &Summary, layout: Option<&str>) -> Self {
        let updated = summary.updated.as_ref();
        Element {
            name: summary.name.clone(),
            namespace: summary.namespace.clone(),
            revision: summary.revision.to_string(),
            updated: match layout.filter(|l| !l.is_empty()) {
                Some(layout) => when::layout(updated, layout),
                None => when::go_string(updated),
            },
            status: summary.status.as_str(),
            chart: summary.chart.clone(),
            app_version: summary.app_version.clone(),
        }
    }
}

impl Args {
    /// Lists them.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        let filter = self.filter.as_deref().map(Regex::new).transpose();
        let filter = filter.map_err(|e| {
            CommandError::new(
                Kind::Usage,
                format_args!("--filter is no regular expression: {e}"),
            )
        })?;
        let listing = cx.block_on(async {
            let (client, store) = cx.store().await?;
            let namespace = (!self.all_namespaces).then(|| store.namespace());
            // Superseded revisions are never the newest, so Helm shows all of them when they alone
            // are asked for.
            let listing = if self.states() == [Status::Superseded] {
                release::list_superseded(&client, namespace).await
            } else {
                release::list(&client, namespace, self.selector.as_deref()).await
            };
            Ok(listing?)
        })?;
        for (secret, cause) in &listing.unreadable {
            cx.output.note(&format!(
                "warning: the Secret {secret} holds no readable release: {cause}"
            ));
        }
        let mut releases = listing.releases;
        releases.retain(|r| filter.as_ref().is_none_or(|f| f.is_match(&r.name)));
        self.print(self.choose(releases), cx)
    }

    /// The states asked for; empty means all.
    fn states(&self) -> Vec<Status> {
        let mut states = Vec::new();
        if self.all {
            return states;
        }
        for (asked, state) in [
            (self.deployed, Status::Deployed),
            (self.uninstalled, Status::Uninstalled),
            (self.uninstalling, Status::Uninstalling),
            (self.pending, Status::PendingInstall),
            (self.pending, Status::PendingRollback),
            (self.pending, Status::PendingUpgrade),
            (self.failed, Status::Failed),
            (self.superseded, Status::Superseded),
        ] {
            if asked {
                states.push(state);
            }
        }
        states
    }

    /// What of the releases is shown, in order.
    fn choose(&self, mut releases: Vec<Summary>) -> Vec<Summary> {
        let states = self.states();
        releases.retain(|r| {
            if states.is_empty() {
                // Helm's list of all states has no 'unknown' in it.
                r.status != Status::Unknown
            } else {
                states.contains(&r.status)
            }
        });
        let place = |r: &Summary| (r.name.clone(), r.namespace.clone(), r.revision);
        releases.sort_by_cached_key(place);
        if self.date {
            // As Helm 4.3 does: by whole seconds, and by name within one.
            let at = |r: &Summary| Some(r.updated.as_ref()?.timestamp()?.as_second());
            releases.sort_by_cached_key(at);
        }
        if self.reverse {
            releases.reverse();
        }
        let max = if self.max == 0 { usize::MAX } else { self.max };
        releases.into_iter().skip(self.offset).take(max).collect()
    }

    fn print(&self, releases: Vec<Summary>, cx: &Context) -> Result<ExitCode, CommandError> {
        if self.short {
            let names: Vec<&str> = releases.iter().map(|r| r.name.as_str()).collect();
            cx.output.formatted(self.output, &names, || {
                names.iter().map(|n| format!("{n}\n")).collect()
            })?;
            return Ok(ExitCode::SUCCESS);
        }
        let layout = self.time_format.as_deref();
        let elements: Vec<Element> = releases.iter().map(|r| Element::new(r, layout)).collect();
        cx.output.formatted(self.output, &elements, || {
            let headers: &[&str] = if self.no_headers {
                &[]
            } else {
                &[
                    "NAME",
                    "NAMESPACE",
                    "REVISION",
                    "UPDATED",
                    "STATUS",
                    "CHART",
                    "APP VERSION",
                ]
            };
            let rows: Vec<Vec<String>> = elements
                .iter()
                .map(|e| {
                    vec![
                        e.name.clone(),
                        e.namespace.clone(),
                        e.revision.clone(),
                        e.updated.clone(),
                        e.status.to_owned(),
                        e.chart.clone(),
                        e.app_version.clone(),
                    ]
                })
                .collect();
            columns(headers, &rows)
        })?;
        Ok(ExitCode::SUCCESS)
    }
}
