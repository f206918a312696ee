//! Flags on how plans and differences are shown and saved, and showing and saving them.

use std::path::PathBuf;
use std::process::ExitCode;

use super::output::Format;
use super::plan_text::{self, Parts};
use super::progress::Progress;
use super::release_flags::session;
use super::{Context, error::CommandError, plan_file};
use crate::action::{Look, Options, Request, Session};
use crate::plan::Plan;

/// What ends with `--detailed-exitcode` where something would change.
const CHANGES: u8 = 2;

/// The shape of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Shape {
    /// For people, in colours on a terminal.
    #[default]
    Table,
    /// For programs.
    Json,
    /// For programs and people.
    Yaml,
    /// For a comment on a merge request.
    Markdown,
}

/// How a plan is looked at and shown.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Showing")]
pub struct ShowFlags {
    /// How many lines are shown around each change
    #[arg(short = 'C', long, value_name = "N", default_value_t = 3)]
    context_lines: usize,
    /// End with exit code 2 where something would change, and 0 where nothing would
    #[arg(long)]
    detailed_exitcode: bool,
    /// The shape of the output
    #[arg(short, long, value_enum, default_value_t, value_name = "SHAPE")]
    output: Shape,
}

/// How far the cluster is asked.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Showing")]
pub struct OfflineFlag {
    /// Compare with the last revision's record, not with the live objects and jobs
    #[arg(long)]
    offline: bool,
}

/// Where a plan is saved.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Saving")]
pub struct SaveFlags {
    /// Save the plan, for `nutkin apply`. The file holds the whole manifest: only you may read it
    #[arg(long, value_name = "FILE", conflicts_with = "offline")]
    out: Option<PathBuf>,
    /// Encrypt the saved plan with age to this recipient (age1…). May be repeated
    #[arg(long, value_name = "RECIPIENT", requires = "out")]
    recipient: Vec<String>,
    /// Leave the differences out, for an overview
    #[arg(long, help_heading = "Showing")]
    no_diff: bool,
}

/// The flags of all plans.
#[derive(Debug, Clone, clap::Args)]
pub struct PlanFlags {
    #[command(flatten)]
    compare: CompareFlags,
    #[command(flatten)]
    save: SaveFlags,
}

/// The flags of what is compared with the cluster, unless it is offline.
#[derive(Debug, Clone, clap::Args)]
pub struct CompareFlags {
    #[command(flatten)]
    show: ShowFlags,
    #[command(flatten)]
    offline: OfflineFlag,
}

impl ShowFlags {
    /// How to look.
    pub fn look(&self, offline: bool) -> Look {
        Look {
            offline,
            context: self.context_lines,
        }
    }

    /// Prints a plan.
    pub fn show(&self, cx: &Context, plan: &Plan, parts: Parts) -> Result<(), CommandError> {
        match self.output {
            Shape::Table => cx.output.styled(&plan_text::text(plan, parts)),
            Shape::Markdown => cx.output.data(&plan_text::markdown(plan, parts)),
            Shape::Json => cx.output.value(plan, Format::Json),
            Shape::Yaml => cx.output.value(plan, Format::Yaml),
        }
    }

    /// The shape, where it is one for programs; else the table.
    pub fn format(&self) -> Format {
        match self.output {
            Shape::Json => Format::Json,
            Shape::Yaml => Format::Yaml,
            Shape::Table | Shape::Markdown => Format::Table,
        }
    }

    /// Whether programs read the output.
    pub fn is_for_programs(&self) -> bool {
        self.format() != Format::Table
    }

    /// The exit code for whether something would change.
    pub fn code(&self, changes: bool) -> ExitCode {
        if self.detailed_exitcode && changes {
            ExitCode::from(CHANGES)
        } else {
            ExitCode::SUCCESS
        }
    }
}

/// The plan of a request, shown; then saved where that is wanted.
pub fn run(
    cx: &Context,
    name: &str,
    options: Options,
    request: &Request,
    flags: &PlanFlags,
) -> Result<ExitCode, CommandError> {
    let PlanFlags {
        compare: CompareFlags { show, offline },
        save,
    } = flags;
    let seal = plan_file::Seal::to(&save.recipient)?;
    let look = show.look(offline.offline);
    let (outline, saved) = with_session(cx, name, options, async |session| {
        let mut outline = session.outline(request, look).await?;
        let saved = match (&save.out, outline.refusal.take()) {
            (_, Some(refusal)) => Err(refusal),
            (None, None) => Ok(None),
            (Some(_), None) => session.save(&outline).await.map(Some),
        };
        Ok((outline, saved))
    })?;
    let parts = Parts {
        diffs: !save.no_diff,
        all: true,
        unchanged: false,
    };
    show.show(cx, &outline.plan, parts)?;
    if let (Some(path), Some(saved)) = (&save.out, saved?) {
        plan_file::write(path, &saved.text()?, &seal)?;
        cx.output.note(&format!(
            "The plan is saved; to carry it out: nutkin apply {}",
            path.display()
        ));
    }
    Ok(show.code(outline.plan.has_changes()))
}

/// The differences of a request's objects, shown.
pub fn run_diff(
    cx: &Context,
    name: &str,
    options: Options,
    request: &Request,
    flags: &CompareFlags,
) -> Result<ExitCode, CommandError> {
    let CompareFlags { show, offline } = flags;
    let look = show.look(offline.offline);
    let outline = with_session(cx, name, options, async |session| {
        Ok(session.outline(request, look).await?)
    })?;
    show.show(cx, &outline.plan, DIFF)?;
    match outline.refusal {
        Some(refusal) => Err(refusal.into()),
        None => Ok(show.code(outline.plan.changes_objects())),
    }
}

/// The parts of a difference.
pub const DIFF: Parts = Parts {
    diffs: true,
    all: false,
    unchanged: false,
};

/// Runs something with a session that changes nothing.
pub fn with_session<T>(
    cx: &Context,
    name: &str,
    options: Options,
    work: impl AsyncFnOnce(&Session<'_>) -> Result<T, CommandError>,
) -> Result<T, CommandError> {
    let progress = Progress::new(cx.output, Format::Table);
    let ended = cx.block_on(async {
        let session = session(cx, name, options, &progress, false).await?;
        work(&session).await
    });
    progress.end();
    ended
}
