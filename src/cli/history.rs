//! `nutkin history`: the revisions of a release.

use std::process::ExitCode;

use serde::Serialize;

use super::error::CommandError;
use super::output::{Format, columns};
use super::{Context, when};
use crate::release::{Release, Time};

/// Show the revisions of a release
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nutkin history orders\n  nutkin history orders --max 3 -o json"
)]
pub struct Args {
    /// The release
    name: String,
    /// At most this many, the newest
    #[arg(long, default_value_t = 256, value_name = "N")]
    max: usize,
    /// Add a column with the revision that was rolled back to
    #[arg(long)]
    show_rollback_revision: bool,
    /// The output format
    #[arg(short = 'o', long, value_enum, default_value_t)]
    output: Format,
}

/// A revision in Helm's JSON shape.
#[derive(Serialize)]
struct Element {
    revision: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated: Option<Time>,
    status: &'static str,
    chart: String,
    app_version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rollback_revision: Option<u32>,
    description: String,
}

impl From<&Release> for Element {
    fn from(release: &Release) -> Self {
        let info = &release.info;
        Element {
            revision: release.version,
            updated: info.last_deployed.clone(),
            status: info.status.as_str(),
            chart: release.chart.full_name(),
            app_version: release.chart.metadata.app_version.clone(),
            rollback_revision: (info.rollback_revision > 0).then_some(info.rollback_revision),
            description: info.description.clone(),
        }
    }
}

impl Args {
    /// Shows them.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        let history = cx.block_on(async {
            let (_, store) = cx.store().await?;
            Ok(store.history(&self.name).await?)
        })?;
        let skip = history.len().saturating_sub(self.max);
        let elements: Vec<Element> = history
            .iter()
            .skip(skip)
            .map(|stored| Element::from(&stored.release))
            .collect();
        cx.output.formatted(self.output, &elements, || {
            let mut headers = vec!["REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION"];
            if self.show_rollback_revision {
                headers.push("ROLLBACK");
            }
            headers.push("DESCRIPTION");
            let rows: Vec<Vec<String>> = elements
                .iter()
                .map(|e| {
                    let mut row = vec![
                        e.revision.to_string(),
                        when::ansic(e.updated.as_ref()),
                        e.status.to_owned(),
                        e.chart.clone(),
                        e.app_version.clone(),
                    ];
                    if self.show_rollback_revision {
                        row.push(e.rollback_revision.map_or(String::new(), |r| r.to_string()));
                    }
                    row.push(e.description.clone());
                    row
                })
                .collect();
            columns(&headers, &rows)
        })?;
        Ok(ExitCode::SUCCESS)
    }
}
