//! What the commands that take a chart share: loading, values, a render without a cluster, errors.

use std::path::Path;

use super::error::{CommandError, Kind};
use super::output::Output;
use super::values_flags::ValueFlags;
use crate::chart::{self, Chart};
use crate::render::{self, Capabilities, Options, ReleaseOptions, Rendered};
use crate::values;

impl From<chart::Error> for CommandError {
    fn from(e: chart::Error) -> Self {
        let kind = match &e {
            chart::Error::NotFound { .. } | chart::Error::NoChartYaml { .. } => Kind::NotFound,
            chart::Error::Read { .. } | chart::Error::Write { .. } => Kind::Failed,
            _ => Kind::Invalid,
        };
        let missing = matches!(e, chart::Error::NotFound { .. });
        let error = CommandError::new(kind, e);
        if missing {
            error.hint("a folder with Chart.yaml, or a packaged chart (.tgz)")
        } else {
            error
        }
    }
}

impl From<render::Error> for CommandError {
    fn from(e: render::Error) -> Self {
        CommandError::new(Kind::Invalid, e)
    }
}

/// Merges the values that the flags set over its own, and renders it. `folder` is the chart's, where it has one. Notes about
/// skipped values go to stderr.
///
/// # Errors
/// What merging or rendering finds wrong.
pub fn render_chart(
    mut chart: Chart,
    folder: Option<&Path>,
    flags: &ValueFlags,
    release: &ReleaseOptions,
    capabilities: &Capabilities,
    options: &Options,
    output: &Output,
) -> Result<(Chart, Rendered), CommandError> {
    let numbers = render::numbers(&chart);
    let user = flags.merge(&chart, folder, numbers, output)?;
    let resolved = values::resolve(&mut chart, &user, numbers)
        .map_err(|e| CommandError::new(Kind::Invalid, e))?;
    for note in &resolved.notes {
        output.note(&format!("Warning: {note}"));
    }
    flags.validate(&chart, &resolved)?;
    let rendered = render::render(&chart, &resolved.value, release, capabilities, options)?;
    for warning in &rendered.warnings {
        output.note(&format!("Warning: {warning}"));
    }
    Ok((chart, rendered))
}
