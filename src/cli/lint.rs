//! `nutkin lint`: what is wrong, risky or missing in charts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::Context;
use super::chart_flags::ChartFlags;
use super::error::{CommandError, Kind};
use super::values_flags::ValueFlags;
use crate::chart::{self, Chart};
use crate::registry::resolve::local;
use crate::render::lint::{self, Finding, Input, Level};
use crate::render::{self, Capabilities};
use crate::values;

/// Check charts for what is wrong, risky or missing
///
/// Fails (65) on errors; with --strict on warnings too. A chart allows a rule by its annotation
/// nutkin.dev/lint-allow. The rules are listed in docs/lint.md.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  nutkin lint charts/flink-application -f values/prod.yaml --strict
  nutkin lint ./orders --kube-version 1.33 -o sarif > lint.sarif")]
pub struct Args {
    /// The chart: a folder, an archive, REPOSITORY/CHART, oci://…, an address, or a name with --repo; may be repeated
    #[arg(default_value = ".", value_name = "CHART")]
    charts: Vec<String>,
    #[command(flatten)]
    from: ChartFlags,
    #[command(flatten)]
    values: ValueFlags,
    /// Fail on warnings too
    #[arg(long)]
    strict: bool,
    /// Leave out notes
    #[arg(long)]
    quiet: bool,
    /// Check the charts in charts/ too
    #[arg(long)]
    with_subcharts: bool,
    /// The Kubernetes version that the charts are for
    #[arg(long, value_name = "VERSION")]
    kube_version: Option<String>,
    /// The form of the output; by itself, `github` where GitHub Actions runs it
    #[arg(short = 'o', long, value_enum, value_name = "FORMAT")]
    output: Option<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// A list of findings.
    Json,
    /// For code scanners.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
}

impl Args {
    /// Checks each chart, prints the findings, and fails where one is bad enough.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        let mut capabilities = Capabilities::default();
        if let Some(version) = &self.kube_version {
            capabilities = capabilities
                .with_kube_version(version)
                .map_err(|e| CommandError::new(Kind::Usage, format_args!("--kube-version: {e}")))?;
        }
        let mut findings: Vec<(String, Finding)> = Vec::new();
        for chart in &self.charts {
            self.lint(chart, &capabilities, cx, &mut findings)?;
        }
        findings.retain(|(_, f)| !(self.quiet && f.level == Level::Note));
        let format = self.output.unwrap_or_else(|| {
            let github = std::env::var("GITHUB_ACTIONS").is_ok_and(|v| v == "true");
            if github { Format::Github } else { Format::Text }
        });
        match format {
            Format::Text => {
                let text: String = findings
                    .iter()
                    .map(|(root, f)| lint::text(root, f))
                    .collect();
                cx.output.data(&text)?;
                let count = |level| findings.iter().filter(|(_, f)| f.level == level).count();
                cx.output.note(&format!(
                    "{} chart(s): {} error(s), {} warning(s), {} note(s)",
                    self.charts.len(),
                    count(Level::Error),
                    count(Level::Warning),
                    count(Level::Note)
                ));
            }
            Format::Github => {
                let text: String = findings
                    .iter()
                    .map(|(root, f)| lint::github(root, f))
                    .collect();
                cx.output.data(&text)?;
            }
            Format::Json => {
                let list: Vec<&Finding> = findings.iter().map(|(_, f)| f).collect();
                cx.output.json(&list)?;
            }
            Format::Sarif => cx.output.json(&lint::sarif(&findings))?,
        }
        let limit = if self.strict {
            Level::Warning
        } else {
            Level::Error
        };
        let failed = findings.iter().any(|(_, f)| f.level >= limit);
        Ok(if failed {
            ExitCode::from(Kind::Invalid.code())
        } else {
            ExitCode::SUCCESS
        })
    }

    fn lint(
        &self,
        reference: &str,
        capabilities: &Capabilities,
        cx: &Context,
        findings: &mut Vec<(String, Finding)>,
    ) -> Result<(), CommandError> {
        let root = reference.to_owned();
        let path = Path::new(reference);
        let loaded = match local(reference, self.from.repo.as_deref())? {
            Some(path) if !self.from.verify.verify => chart::load(&path),
            _ => Ok(self.from.load(reference, cx)?.chart),
        };
        let mut chart = match loaded {
            Ok(chart) => chart,
            Err(chart::Error::Invalid {
                file,
                line,
                message,
            }) => {
                let prefix = format!("{}/", root.trim_end_matches('/'));
                let file = file.strip_prefix(&prefix).unwrap_or(&file);
                findings.push((root, lint::unreadable(file, line, message)));
                return Ok(());
            }
            Err(e) => return Err(e.into()),
        };
        let chart_yaml = if path.is_dir() {
            fs::read_to_string(path.join("Chart.yaml")).unwrap_or_default()
        } else {
            chart::chart_yaml(&chart)?
        };
        let numbers = render::numbers(&chart);
        let user = self
            .values
            .merge(&chart, path.is_dir().then_some(path), numbers, &cx.output)?;
        let before: Chart = chart.clone();
        let resolved = values::resolve(&mut chart, &user, numbers)
            .map_err(|e| CommandError::new(Kind::Invalid, e))?;
        let real = path.canonicalize().ok();
        let folder = real
            .as_deref()
            .filter(|p| p.is_dir())
            .and_then(Path::file_name)
            .and_then(|n| n.to_str());
        // The rules about values look at what the author wrote, the render at what is switched on.
        let written = Chart {
            dependencies: chart.dependencies,
            ..before
        };
        let input = Input {
            chart: &written,
            folder,
            chart_yaml: &chart_yaml,
            values: &resolved,
            capabilities,
        };
        findings.extend(lint::lint(&input).into_iter().map(|f| (root.clone(), f)));
        if self.with_subcharts && path.is_dir() {
            let mut children: Vec<PathBuf> = fs::read_dir(path.join("charts"))
                .into_iter()
                .flatten()
                .flatten()
                .map(|e| e.path())
                .filter(|p| {
                    p.join("Chart.yaml").is_file() || p.extension().is_some_and(|e| e == "tgz")
                })
                .collect();
            children.sort();
            for child in children {
                self.lint(&child.display().to_string(), capabilities, cx, findings)?;
            }
        }
        Ok(())
    }
}
