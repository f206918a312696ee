//! How a plan looks: for a terminal, in colours where they are wanted, and as Markdown.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Color, Style};

use crate::plan::Plan;
use crate::plan::objects::Change;
use crate::plan::steps::{JobChange, JobStep, ObjectStep};
use crate::plan::values::ValueChange;
use crate::yaml::Value;

/// What of a plan is shown.
#[derive(Debug, Clone, Copy)]
pub struct Parts {
    /// The differences of the objects.
    pub diffs: bool,
    /// Jobs, hooks, values and totals, beside the objects.
    pub all: bool,
    /// Objects that stay as they are.
    pub unchanged: bool,
}

const fn colour(colour: AnsiColor) -> Style {
    Style::new().fg_color(Some(Color::Ansi(colour)))
}

const GREEN: Style = colour(AnsiColor::Green);
const RED: Style = colour(AnsiColor::Red);
const YELLOW: Style = colour(AnsiColor::Yellow);
const CYAN: Style = colour(AnsiColor::Cyan);
const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// The sign before an object.
fn sign(change: Change) -> (&'static str, Style) {
    match change {
        Change::Create => ("+", GREEN),
        Change::Update => ("~", YELLOW),
        Change::Recreate => ("±", RED),
        Change::Adopt => ("»", YELLOW),
        Change::Delete => ("-", RED),
        Change::Keep => ("=", DIM),
        Change::Nothing => (" ", DIM),
    }
}

/// The plan as text with colours; who prints it takes them out where they are not wanted.
pub fn text(plan: &Plan, parts: Parts) -> String {
    let mut out = String::new();
    if parts.all {
        let _ = writeln!(out, "{}\n", paint(BOLD, &headline(plan)));
    }
    for step in plan.objects.iter().filter(|o| is_shown(o, parts)) {
        object(&mut out, step, &plan.namespace, parts);
    }
    if parts.all {
        for job in &plan.jobs {
            job_lines(&mut out, job);
        }
        for hook in &plan.hooks {
            let _ = writeln!(
                out,
                "{} {} {}/{}",
                paint(CYAN, "»"),
                hook.event,
                hook.kind,
                hook.name
            );
        }
        if !plan.values.is_empty() {
            let _ = writeln!(out, "\n{}", paint(BOLD, "values that differ"));
            for value in &plan.values {
                let _ = writeln!(out, "  {}", value_line(value));
            }
        }
        let _ = writeln!(out, "\n{}", paint(BOLD, &plan.totals.to_string()));
    }
    out
}

fn is_shown(step: &ObjectStep, parts: Parts) -> bool {
    match step.change {
        Change::Nothing => parts.unchanged || step.refused.is_some(),
        Change::Keep => parts.all || parts.unchanged,
        _ => true,
    }
}

fn headline(plan: &Plan) -> String {
    let what = match (plan.operation.as_str(), plan.makes_revision) {
        ("uninstall", _) => format!("ends at revision {}", plan.revision),
        (_, false) => format!("stays at revision {}: nothing to do", plan.revision),
        (_, true) if plan.from_revision == 0 => format!("makes revision {}", plan.revision),
        (_, true) => format!(
            "goes from revision {} to {}",
            plan.from_revision, plan.revision
        ),
    };
    let offline = if plan.offline {
        " (against the records alone: live objects and jobs were not looked at)"
    } else {
        ""
    };
    format!(
        "{} of {} in {}: {what}{offline}",
        plan.operation, plan.release, plan.namespace
    )
}

/// The object's name, with the namespace where it isn't the release's.
fn full_name(step: &ObjectStep, namespace: &str) -> String {
    match &step.namespace {
        Some(other) if other != namespace => format!("{step} (namespace {other})"),
        _ => step.to_string(),
    }
}

fn object(out: &mut String, step: &ObjectStep, namespace: &str, parts: Parts) {
    let (sign, style) = sign(step.change);
    let reason = if step.reason.is_empty() {
        String::new()
    } else {
        format!(": {}", step.reason)
    };
    let name = full_name(step, namespace);
    let _ = writeln!(
        out,
        "{} {}{reason}",
        paint(style, &format!("{sign} {:<9}", step.change.word())),
        paint(BOLD, &name)
    );
    for line in remarks(step) {
        let _ = writeln!(out, "    {}", paint(DIM, &line));
    }
    for (at, line) in step.refused.iter().flat_map(|why| why.lines()).enumerate() {
        let word = if at == 0 { "refused: " } else { "" };
        let _ = writeln!(out, "    {}", paint(RED, &format!("{word}{line}")));
    }
    if parts.diffs {
        for line in step.diff.lines() {
            let style = match line.chars().next() {
                Some('+') => GREEN,
                Some('-') => RED,
                Some('@') => CYAN,
                _ => Style::new(),
            };
            let _ = writeln!(out, "    {}", paint(style, line));
        }
    }
}

/// What else is to be said of an object, a line each.
fn remarks(step: &ObjectStep) -> Vec<String> {
    let mut lines = Vec::new();
    for cause in &step.forced_by {
        lines.push(format!("{}: {}", cause.field, cause.message));
    }
    for conflict in &step.conflicts {
        lines.push(format!(
            "{} is held by {}",
            conflict.field, conflict.manager
        ));
    }
    if !step.caused_by.is_empty() {
        lines.push(format!("by {}", step.caused_by.join(", ")));
    }
    if let Some(why) = &step.unverified {
        lines.push(format!("unverified: {why}"));
    }
    lines
}

fn job_lines(out: &mut String, job: &JobStep) {
    let style = match job.change {
        JobChange::Untouched | JobChange::Watched => DIM,
        JobChange::Started => GREEN,
        JobChange::Rescaled | JobChange::RestartedWithSavepoint | JobChange::Restarted => YELLOW,
        JobChange::Stopped | JobChange::Refused => RED,
    };
    let _ = writeln!(
        out,
        "{} {}: {}",
        paint(style, "* job      "),
        paint(BOLD, &job.workload),
        paint(style, job.change.words())
    );
    for reason in &job.reasons {
        let _ = writeln!(out, "    because {reason}");
    }
    if let Some(state) = &job.state {
        let _ = writeln!(out, "    state: {state}");
    }
}

fn value_line(value: &ValueChange) -> String {
    let shown = |value: &Option<Value>| match value {
        None => "not set".to_owned(),
        Some(Value::String(text)) if !text.contains('\n') => text.clone(),
        Some(other) => other.to_string(),
    };
    let place = value
        .set_by
        .as_ref()
        .map(|place| format!("  ({place})"))
        .unwrap_or_default();
    format!(
        "{}: {} → {}{place}",
        value.path,
        shown(&value.before),
        shown(&value.after)
    )
}

/// The plan as Markdown, for a comment on a merge request.
pub fn markdown(plan: &Plan, parts: Parts) -> String {
    let mut out = String::new();
    let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
    if parts.all {
        let _ = writeln!(out, "### {}\n", headline(plan));
    }
    let shown: Vec<&ObjectStep> = plan.objects.iter().filter(|o| is_shown(o, parts)).collect();
    if !shown.is_empty() {
        let _ = writeln!(out, "| change | object | reason |\n|---|---|---|");
        for step in &shown {
            let mut why = vec![step.reason.clone()];
            why.extend(remarks(step));
            why.extend(step.refused.iter().map(|r| format!("**refused**: {r}")));
            why.retain(|w| !w.is_empty());
            let _ = writeln!(
                out,
                "| {} | {} | {} |",
                step.change.word(),
                cell(&full_name(step, &plan.namespace)),
                cell(&why.join("; "))
            );
        }
        out.push('\n');
    }
    if parts.all && !plan.jobs.is_empty() {
        let _ = writeln!(
            out,
            "| job | what happens | because | state |\n|---|---|---|---|"
        );
        for job in &plan.jobs {
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} |",
                cell(&job.workload),
                job.change.words(),
                cell(&job.reasons.join("; ")),
                cell(job.state.as_deref().unwrap_or_default())
            );
        }
        out.push('\n');
    }
    if parts.diffs {
        for step in shown.iter().filter(|s| !s.diff.is_empty()) {
            // A fence longer than any in the text, which may hold one itself.
            let fence = "`".repeat(
                step.diff
                    .split(|c| c != '`')
                    .map(str::len)
                    .max()
                    .unwrap_or(0)
                    .max(2)
                    + 1,
            );
            let _ = writeln!(
                out,
                "<details><summary>{}</summary>\n\n{fence}diff\n{}{fence}\n\n</details>\n",
                full_name(step, &plan.namespace),
                step.diff
            );
        }
    }
    if parts.all {
        let _ = writeln!(out, "{}", plan.totals);
    }
    out
}
