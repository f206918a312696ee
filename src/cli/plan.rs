//! `nutkin plan`: what an operation would do to each object and each job, and why; saved for `apply`.

use std::process::ExitCode;

use super::plan_flags::{PlanFlags, run};
use super::{Context, error::CommandError, install, rollback, uninstall, upgrade};
use crate::action::Request;

/// Show what an operation would do to each object and each job, and why
///
/// Objects are compared by a dry run on the server: what is shown is what will happen. Values of Secrets,
/// and values that the chart's schema marks as secret, are hidden. With --out the plan is saved; `nutkin
/// apply` then does exactly that, or refuses if anything has moved since.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  nutkin plan upgrade orders charts/flink-application -f values/prod.yaml
  nutkin plan upgrade orders charts/flink-application --set image.tag=2.0 --out orders.plan
  nutkin apply orders.plan
  nutkin plan rollback orders 3 --detailed-exitcode
  nutkin plan upgrade orders charts/flink-application -o markdown      for a comment on a merge request")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Install(Box<Install>),
    Upgrade(Box<Upgrade>),
    Rollback(Box<Rollback>),
    Uninstall(Box<Uninstall>),
}

/// Plan the first revision of a release
#[derive(Debug, clap::Args)]
struct Install {
    #[command(flatten)]
    what: install::What,
    #[command(flatten)]
    flags: PlanFlags,
}

/// Plan a new revision of a release
#[derive(Debug, clap::Args)]
struct Upgrade {
    #[command(flatten)]
    what: upgrade::What,
    #[command(flatten)]
    flags: PlanFlags,
}

/// Plan a rollback to an older revision
#[derive(Debug, clap::Args)]
struct Rollback {
    #[command(flatten)]
    what: rollback::What,
    #[command(flatten)]
    flags: PlanFlags,
}

/// Plan the end of a release
#[derive(Debug, clap::Args)]
struct Uninstall {
    /// The release's name
    name: String,
    #[command(flatten)]
    how: uninstall::How,
    #[command(flatten)]
    flags: PlanFlags,
}

impl Args {
    /// Plans.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        match self.command {
            Command::Install(a) => {
                let (name, source) = a.what.named(cx)?;
                let request = Request::Install(Box::new(source));
                let options = a.what.options();
                run(cx, &name, options, &request, &a.flags)
            }
            Command::Upgrade(a) => {
                let request = a.what.request(cx)?;
                let (name, options) = (&a.what.name, a.what.options());
                run(cx, name, options, &request, &a.flags)
            }
            Command::Rollback(a) => {
                let request = Request::Rollback(a.what.revision);
                let (name, options) = (&a.what.name, a.what.options());
                run(cx, name, options, &request, &a.flags)
            }
            Command::Uninstall(a) => {
                let keep_history = a.how.keep_history;
                let request = Request::Uninstall { keep_history };
                let options = a.how.options();
                run(cx, &a.name, options, &request, &a.flags)
            }
        }
    }
}
