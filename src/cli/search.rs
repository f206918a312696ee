//! `nutkin search`: charts in the repositories that were added.

use std::process::ExitCode;

use super::error::{CommandError, Kind};
use super::output::{Format, columns};
use super::{Context, repo};
use crate::registry::search::{Hit, Term, search};
use crate::registry::{Index, Repositories, Wanted};
use crate::template::funcs::semver::Constraint;

/// Search for charts
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Repo(Repo),
}

/// Search the repositories that were added, by their cached indexes
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nutkin search repo flink\n  nutkin search repo flink --versions --devel\n  \
nutkin search repo flink-application --version ^1.2 -o json"
)]
struct Repo {
    /// What to look for in names, descriptions and keywords (default: everything)
    #[arg(value_name = "WORD")]
    words: Vec<String>,
    /// The words are a regular expression
    #[arg(short = 'r', long)]
    regexp: bool,
    /// Show each version, not only the newest
    #[arg(short = 'l', long)]
    versions: bool,
    /// Take prereleases too
    #[arg(long)]
    devel: bool,
    /// Only versions that fit this constraint
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// The longest text in a column of the table
    #[arg(long, value_name = "N", default_value_t = 50)]
    max_col_width: usize,
    /// Fail if nothing is found
    #[arg(long)]
    fail_on_no_result: bool,
    /// The shape of the output
    #[arg(short = 'o', long, value_enum, default_value_t, value_name = "SHAPE")]
    output: Format,
}

impl Args {
    /// Searches.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        let Command::Repo(args) = self.command;
        args.run(cx)
    }
}

impl Repo {
    fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        let places = cx.global.places.places();
        let known = Repositories::load(&places)?;
        if known.all().is_empty() {
            return Err(repo::no_repositories());
        }
        let term = Term::new(&self.words, self.regexp)?;
        let constraint = self.constraint()?;
        let mut indexes = Vec::new();
        for repository in known.all() {
            match Index::read(&places.index(&repository.name)) {
                Ok(Some(index)) => indexes.push((repository.name.clone(), index)),
                Ok(None) => cx.output.note(&format!(
                    "Warning: {} was never fetched; try: nutkin repo update {0}",
                    repository.name
                )),
                Err(e) => cx
                    .output
                    .note(&format!("Warning: {}: {e}", repository.name)),
            }
        }
        let hits = search(&indexes, &term, &constraint, self.versions);
        if hits.is_empty() && self.fail_on_no_result {
            return Err(CommandError::new(Kind::NotFound, "no results found"));
        }
        cx.output
            .formatted(self.output, &hits, || self.table(&hits))?;
        Ok(ExitCode::SUCCESS)
    }

    fn constraint(&self) -> Result<Constraint, CommandError> {
        let text = match (&self.version, self.devel) {
            (Some(text), _) => text,
            (None, true) => ">0.0.0-0",
            (None, false) => ">0.0.0",
        };
        // For the message.
        Wanted::new(text, false)?;
        Constraint::parse(text).map_err(|e| CommandError::new(Kind::Usage, e))
    }

    fn table(&self, hits: &[Hit]) -> String {
        if hits.is_empty() {
            return "No results found\n".to_owned();
        }
        let rows: Vec<Vec<String>> = hits
            .iter()
            .map(|h| {
                [&h.name, &h.version, &h.app_version, &h.description]
                    .map(|text| cut(text, self.max_col_width))
                    .to_vec()
            })
            .collect();
        columns(
            &["NAME", "CHART VERSION", "APP VERSION", "DESCRIPTION"],
            &rows,
        )
    }
}

/// A text of at most `width` characters, in one line; 0 is no limit.
pub fn cut(text: &str, width: usize) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if width == 0 || line.chars().count() <= width {
        return line;
    }
    let start: String = line.chars().take(width.saturating_sub(3)).collect();
    format!("{start}...")
}
