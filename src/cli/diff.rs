//! `nutkin diff`: how objects differ, between the cluster and a change, two revisions, or two releases.

use std::process::ExitCode;

use super::plan_flags::{CompareFlags, DIFF, ShowFlags, run_diff, with_session};
use super::{Context, error::CommandError, rollback, upgrade};
use crate::action::{Options, Request};

/// Show how objects differ: from a change, between two revisions, or between two releases
///
/// `diff upgrade` and `diff rollback` compare with the live objects, by a dry run on the server; with
/// --offline, and for the others, manifests as recorded are compared. `nutkin plan` shows the same with
/// what happens to the jobs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  nutkin diff upgrade orders charts/flink-application -f values/prod.yaml
  nutkin diff upgrade orders charts/flink-application --offline --detailed-exitcode
  nutkin diff revision orders 3           revision 3 and the last
  nutkin diff revision orders 2 3
  nutkin diff rollback orders 2
  nutkin diff release orders-blue orders-green")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Upgrade(Box<Upgrade>),
    Rollback(Box<Rollback>),
    Revision(Revision),
    Release(Releases),
}

/// From what is live to what an upgrade would make
#[derive(Debug, clap::Args)]
struct Upgrade {
    #[command(flatten)]
    what: upgrade::What,
    #[command(flatten)]
    flags: CompareFlags,
}

/// From what is live to what a rollback would make
#[derive(Debug, clap::Args)]
struct Rollback {
    #[command(flatten)]
    what: rollback::What,
    #[command(flatten)]
    flags: CompareFlags,
}

/// From one revision to another, as recorded
#[derive(Debug, clap::Args)]
struct Revision {
    /// The release's name
    name: String,
    /// The revision to start from
    from: u32,
    /// The revision to go to; nothing is the last
    to: Option<u32>,
    #[command(flatten)]
    show: ShowFlags,
}

/// From one release to another of the same namespace, as recorded
#[derive(Debug, clap::Args)]
struct Releases {
    /// The release to start from
    from: String,
    /// The release to go to
    to: String,
    #[command(flatten)]
    show: ShowFlags,
}

impl Args {
    /// Compares.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        match self.command {
            Command::Upgrade(a) => {
                let request = a.what.request(cx)?;
                let options = a.what.options();
                run_diff(cx, &a.what.name, options, &request, &a.flags)
            }
            Command::Rollback(a) => {
                let request = Request::Rollback(a.what.revision);
                let options = a.what.options();
                run_diff(cx, &a.what.name, options, &request, &a.flags)
            }
            Command::Revision(a) => {
                let (from, to) = ((a.name.as_str(), Some(a.from)), (a.name.as_str(), a.to));
                recorded(cx, from, to, &a.show)
            }
            Command::Release(a) => recorded(cx, (&a.from, None), (&a.to, None), &a.show),
        }
    }
}

fn recorded(
    cx: &Context,
    from: (&str, Option<u32>),
    to: (&str, Option<u32>),
    show: &ShowFlags,
) -> Result<ExitCode, CommandError> {
    let look = show.look(true);
    let plan = with_session(cx, to.0, Options::default(), async |session| {
        Ok(session.compare_recorded(from, to, look).await?)
    })?;
    show.show(cx, &plan, DIFF)?;
    Ok(show.code(plan.changes_objects()))
}
