//! Rules about Chart.yaml and the files that a chart should have.

use super::{Findings, Input, Level, RULES, Rule, allowed};
use crate::template::funcs::semver::Version;
use crate::template::suggest::did_you_mean;
use crate::yaml::{self, Node, Value};

pub(super) const INVALID: Rule = Rule {
    id: "chart/invalid",
    level: Level::Error,
    about: "The chart can't be loaded.",
    fix: "correct the file",
};
pub(super) const VERSION: Rule = Rule {
    id: "chart/version",
    level: Level::Warning,
    about: "The chart's version is not SemVer 2 to the letter, which registries want.",
    fix: "write three numbers, such as 1.4.0, without a leading v",
};
pub(super) const APP_VERSION: Rule = Rule {
    id: "chart/app-version",
    level: Level::Warning,
    about: "appVersion is a number in YAML: 1.20 becomes 1.2.",
    fix: "quote it",
};
pub(super) const DESCRIPTION: Rule = Rule {
    id: "chart/description",
    level: Level::Note,
    about: "The chart has no description, which lists and searches show.",
    fix: "add one sentence as description to Chart.yaml",
};
pub(super) const FOLDER: Rule = Rule {
    id: "chart/folder",
    level: Level::Warning,
    about: "The folder's name is not the chart's.",
    fix: "rename the folder or the chart",
};
pub(super) const README: Rule = Rule {
    id: "chart/readme",
    level: Level::Note,
    about: "The chart has no README.",
    fix: "add README.md: what it deploys and which values matter",
};
pub(super) const NOTES: Rule = Rule {
    id: "chart/notes",
    level: Level::Note,
    about: "The chart has no NOTES.txt, which says what to do after an installation.",
    fix: "add templates/NOTES.txt.tera",
};
pub(super) const DEPENDENCY: Rule = Rule {
    id: "chart/dependency",
    level: Level::Error,
    about: "A dependency of Chart.yaml is not in charts/.",
    fix: "fetch it: nutkin dependency update",
};
pub(super) const UNKNOWN_RULE: Rule = Rule {
    id: "chart/unknown-rule",
    level: Level::Warning,
    about: "The annotation that allows rules names one that doesn't exist.",
    fix: "correct the name in the annotation nutkin.dev/lint-allow",
};

pub(super) fn check(input: &Input<'_>, findings: &mut Findings) {
    let metadata = &input.chart.metadata;
    let file = "Chart.yaml";
    let line = |key: &str| {
        input
            .chart_yaml
            .lines()
            .position(|l| l.trim_start().starts_with(key))
            .map(|at| at + 1)
    };
    if !Version::parse(&metadata.version).is_ok_and(|v| v.is_strict()) {
        let message = format!("version {} is not SemVer 2 to the letter", metadata.version);
        findings.add(&VERSION, file, line("version:"), message);
    }
    if let Ok(document) = yaml::parse_spanned(input.chart_yaml)
        && let Node::Map(map) = &document.root.node
        && let Some(entry) = map.get("appVersion")
        && let Node::Scalar(Value::Number(_)) = entry.value.node
    {
        let message = format!(
            "appVersion is a number, and is read as {:?}",
            metadata.app_version
        );
        findings.add(&APP_VERSION, file, Some(entry.line), message);
    }
    if metadata.description.trim().is_empty() {
        findings.add(&DESCRIPTION, file, None, "description is missing");
    }
    if let Some(folder) = input.folder
        && folder != metadata.name
    {
        let message = format!("the chart {} lies in the folder {folder}", metadata.name);
        findings.add(&FOLDER, file, line("name:"), message);
    }
    let has = |name: &str| {
        input
            .chart
            .files
            .iter()
            .any(|f| f.name.eq_ignore_ascii_case(name))
    };
    if !(has("README.md") || has("README.txt") || has("README")) {
        findings.add(&README, "README.md", None, "there is no README");
    }
    let notes = ["templates/NOTES.txt", "templates/NOTES.txt.tera"];
    if !input.chart.is_library()
        && !input
            .chart
            .templates
            .iter()
            .any(|f| notes.contains(&f.name.as_str()))
    {
        findings.add(
            &NOTES,
            "templates/NOTES.txt.tera",
            None,
            "there is no NOTES.txt",
        );
    }
    for wanted in &metadata.dependencies {
        if !input
            .chart
            .dependencies
            .iter()
            .any(|c| c.name() == wanted.name || c.name() == wanted.key())
        {
            let message = format!("the dependency {} is not in charts/", wanted.name);
            findings.add(&DEPENDENCY, file, line("dependencies:"), message);
        }
    }
    for rule in allowed(input.chart).filter(|name| !RULES.iter().any(|r| r.id == *name)) {
        let hint = did_you_mean(rule, RULES.iter().map(|r| r.id));
        findings.add(
            &UNKNOWN_RULE,
            file,
            line(super::ALLOW),
            format!("there is no rule {rule:?}{hint}"),
        );
    }
}
