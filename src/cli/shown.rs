//! How the outcome of an install or upgrade is shown.

use std::process::ExitCode;

use super::output::Format;
use super::{Context, error::CommandError};
use crate::action::Outcome;

/// Shows an outcome: Helm's status for people, the record for programs.
pub fn show_outcome(
    cx: &Context,
    outcome: &Outcome,
    format: Format,
    dry_run: bool,
) -> Result<ExitCode, CommandError> {
    let release = &outcome.release;
    if format != Format::Table {
        cx.output.value(release, format)?;
        return Ok(ExitCode::SUCCESS);
    }
    for line in &outcome.summary {
        cx.output.note(line);
    }
    if outcome.unchanged {
        cx.output.data(&format!(
            "Release {:?} is up to date: nothing to do (revision {})\n",
            release.name, release.version
        ))?;
        return Ok(ExitCode::SUCCESS);
    }
    if dry_run {
        cx.output.data(&release.manifest)?;
        return Ok(ExitCode::SUCCESS);
    }
    for job in &outcome.jobs {
        let from = job.restored_from.as_deref().unwrap_or("no state");
        let downtime = job
            .downtime
            .map(|d| format!(", {d:.1} s after its stop began"))
            .unwrap_or_default();
        cx.output.note(&format!(
            "job {} of {}: stable, started from {from}{downtime}",
            job.job_id, job.workload
        ));
    }
    cx.output.data(&format!(
        "NAME: {}\nNAMESPACE: {}\nSTATUS: {}\nREVISION: {}\nDESCRIPTION: {}\n",
        release.name,
        release.namespace,
        release.info.status,
        release.version,
        release.info.description
    ))?;
    if !release.info.notes.is_empty() {
        cx.output
            .data(&format!("NOTES:\n{}\n", release.info.notes.trim_end()))?;
    }
    Ok(ExitCode::SUCCESS)
}
