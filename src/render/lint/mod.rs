//! Lint: what is wrong, risky or missing in a chart, each finding with its place, its rule and a fix.

mod chart;
mod objects;
mod report;
mod usage;
mod values;

use std::collections::BTreeSet;

use super::{Capabilities, Options, ReleaseOptions, Rendered};
use crate::chart::Chart;
use crate::values::Values;

pub use report::{github, sarif, text};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Worth knowing.
    Note,
    /// Works now, and will surprise somebody.
    Warning,
    /// Doesn't work.
    Error,
}

/// A rule of lint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its name, as findings and allowances write it.
    pub id: &'static str,
    /// How bad a finding is.
    pub level: Level,
    /// What it looks for.
    pub about: &'static str,
    /// What to do about a finding.
    pub fix: &'static str,
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// The rule's name.
    pub rule: &'static str,
    /// The file below the chart's folder.
    pub file: String,
    /// The line, from 1, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// What was found, and why it is a finding.
    pub message: String,
    /// What to do.
    pub fix: &'static str,
}

/// The annotation of Chart.yaml that lists allowed rules, separated by commas.
pub const ALLOW: &str = "nutkin.dev/lint-allow";

/// All rules.
pub const RULES: [Rule; 21] = [
    chart::INVALID,
    chart::VERSION,
    chart::APP_VERSION,
    chart::DESCRIPTION,
    chart::FOLDER,
    chart::README,
    chart::NOTES,
    chart::DEPENDENCY,
    chart::UNKNOWN_RULE,
    values::TRAP,
    values::NO_SCHEMA,
    values::BAD_SCHEMA,
    values::AGAINST_SCHEMA,
    values::GAP,
    values::UNUSED_SCHEMA,
    values::UNUSED,
    values::UNDECLARED,
    values::UNDOCUMENTED,
    objects::RENDER,
    objects::REMOVED_API,
    objects::DEPRECATED_API,
];

/// What the rules look at.
pub struct Input<'a> {
    /// The chart.
    pub chart: &'a Chart,
    /// The name of its folder; none for an archive.
    pub folder: Option<&'a str>,
    /// Chart.yaml as it was written.
    pub chart_yaml: &'a str,
    /// The merged values.
    pub values: &'a Values,
    /// The version of Kubernetes it is for.
    pub capabilities: &'a Capabilities,
}

/// Findings as they are made.
struct Findings {
    list: Vec<Finding>,
}

impl Findings {
    fn add(&mut self, rule: &Rule, file: &str, line: Option<usize>, message: impl Into<String>) {
        self.list.push(Finding {
            level: rule.level,
            rule: rule.id,
            file: file.to_owned(),
            line,
            message: message.into(),
            fix: rule.fix,
        });
    }
}

/// A finding for a chart that cannot even be loaded.
pub fn unreadable(file: &str, line: Option<usize>, message: impl Into<String>) -> Finding {
    let mut findings = Findings { list: Vec::new() };
    findings.add(&chart::INVALID, file, line, message);
    findings.list.remove(0)
}

/// Looks at a chart; the worst findings first, then by file and line. Findings of rules that the
/// chart's annotation allows are left out.
pub fn lint(input: &Input<'_>) -> Vec<Finding> {
    let mut findings = Findings { list: Vec::new() };
    chart::check(input, &mut findings);
    values::check(input, &mut findings);
    let rendered = render(input, &mut findings);
    objects::check(input, rendered.as_ref(), &mut findings);
    let allowed: BTreeSet<&str> = allowed(input.chart).collect();
    let mut list = findings.list;
    list.retain(|f| !allowed.contains(f.rule));
    list.sort_by(|a, b| {
        let key = |f: &Finding| (f.file.clone(), f.line, f.rule, f.message.clone());
        b.level.cmp(&a.level).then_with(|| key(a).cmp(&key(b)))
    });
    list.dedup();
    list
}

fn allowed(chart: &Chart) -> impl Iterator<Item = &str> {
    let text = chart
        .metadata
        .annotations
        .get(ALLOW)
        .map(String::as_str)
        .unwrap_or_default();
    text.split(',')
        .map(str::trim)
        .filter(|rule| !rule.is_empty())
}

fn render(input: &Input<'_>, findings: &mut Findings) -> Option<Rendered> {
    if input.chart.is_library() {
        return None;
    }
    let release = ReleaseOptions {
        name: "release-name".to_owned(),
        namespace: "default".to_owned(),
        revision: 1,
        is_upgrade: false,
    };
    // What is random is no fault of the chart.
    let options = Options {
        allow_random: true,
        ..Options::default()
    };
    match super::render(
        input.chart,
        &input.values.value,
        &release,
        input.capabilities,
        &options,
    ) {
        Ok(rendered) => Some(rendered),
        Err(e) => {
            let (file, line) = e.place();
            let prefix = format!("{}/", input.chart.name());
            let file = file.strip_prefix(&prefix).unwrap_or(file);
            findings.add(&objects::RENDER, file, line, e.to_string());
            None
        }
    }
}

#[cfg(test)]
mod tests;
