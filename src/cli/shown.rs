//! How the outcome of an install or upgrade is shown.

use std::fmt::Write as _;
use std::process::ExitCode;

use super::conceal::conceal;
use super::get::hooks;
use super::output::Format;
use super::render_flags::RevisionFlags;
use super::status::{Show, describe};
use super::{Context, error::CommandError};
use crate::action::Outcome;
use crate::release::{Release, Status};
use crate::yaml;

/// Shows an outcome: Helm's status for people, the record for programs.
pub fn show_outcome(
    cx: &Context,
    outcome: &Outcome,
    format: Format,
    flags: &RevisionFlags,
    dry_run: bool,
) -> Result<ExitCode, CommandError> {
    let mut release = outcome.release.clone();
    conceal(&cx.output, &mut release);
    if dry_run && !outcome.unchanged {
        as_dry_run(&mut release);
    }
    if flags.hide_secret {
        hide_secrets(&mut release);
    }
    if flags.hide_notes {
        release.info.notes.clear();
    }
    if format != Format::Table {
        cx.output.value(&release, format)?;
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
    let text = if dry_run {
        dry_run_text(release)?
    } else {
        describe(&release, Show::Status, None)?
    };
    cx.output.data(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// What Helm says of a release that is only tried.
fn as_dry_run(release: &mut Release) {
    if release.info.status == Status::Unknown {
        release.info.status = match release.version {
            1 => Status::PendingInstall,
            _ => Status::PendingUpgrade,
        };
    }
    if release.info.description.is_empty() {
        release.info.description = "Dry run complete".to_owned();
    }
}

/// A tried release with its hooks and manifest, as Helm prints it.
fn dry_run_text(mut release: Release) -> Result<String, CommandError> {
    let notes = std::mem::take(&mut release.info.notes);
    let (hooks, manifest) = (hooks(&release), release.manifest.clone());
    let mut text = describe(&release, Show::Status, None)?;
    let _ = write!(text, "HOOKS:\n{hooks}MANIFEST:\n{manifest}\n");
    if !notes.is_empty() {
        let _ = writeln!(text, "NOTES:\n{}", notes.trim());
    }
    Ok(text)
}

/// What stands for a Secret that is not shown.
pub const HIDDEN: &str = "# HIDDEN: The Secret output has been suppressed\n";

/// Takes the Secrets out of a record's manifest and hooks, the hooks' too, which Helm shows.
pub fn hide_secrets(release: &mut Release) {
    let is_secret = |text: &str| {
        // What can't be read might be one.
        yaml::parse(text).map_or(true, |object| {
            object.get("kind").and_then(yaml::Value::as_str) == Some("Secret")
        })
    };
    for hook in &mut release.hooks {
        if is_secret(&hook.manifest) {
            HIDDEN.clone_into(&mut hook.manifest);
        }
    }
    let mut manifest = String::new();
    for document in yaml::split_documents(&release.manifest) {
        if !is_secret(document) {
            let _ = writeln!(manifest, "---\n{}", document.trim_end());
            continue;
        }
        let source = document.lines().find(|l| l.starts_with("# Source: "));
        let _ = write!(manifest, "---\n{}\n{HIDDEN}", source.unwrap_or_default());
    }
    release.manifest = manifest;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_and_others_stay() {
        let secret = "kind: Secret\napiVersion: v1\nmetadata: {name: s}\nstringData: {a: hidden}\n";
        let map = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: m}\n";
        let mut release = Release {
            manifest: format!("---\n# Source: c/s.yaml\n{secret}---\n# Source: c/m.yaml\n{map}"),
            hooks: vec![crate::release::Hook {
                manifest: secret.to_owned(),
                ..crate::release::Hook::default()
            }],
            ..Release::default()
        };
        hide_secrets(&mut release);
        assert_eq!(
            release.manifest,
            format!("---\n# Source: c/s.yaml\n{HIDDEN}---\n# Source: c/m.yaml\n{map}")
        );
        assert_eq!(release.hooks[0].manifest, HIDDEN);
    }
}
