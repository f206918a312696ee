//! `nutkin test`: the test hooks of a release.

use std::process::ExitCode;
use std::time::Duration;

use super::output::Format;
use super::progress::Progress;
use super::release_flags::{duration, session};
use super::status::{Show, describe};
use super::{Context, error::CommandError};
use crate::action::Options;
use crate::action::test::Filter;

/// Run the tests of a release: the chart's hooks of the event `test`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  nutkin test orders
  nutkin test orders --logs                          with the logs of the tests' pods
  nutkin test orders --filter name=smoke,name=load   only these
  nutkin test orders --filter '!name=load'           all but this one")]
pub struct Args {
    /// The release's name
    name: String,
    /// Which tests: name=NAME or !name=NAME, several with commas between
    #[arg(long, value_name = "FILTER", value_delimiter = ',')]
    filter: Vec<String>,
    /// Show the logs of the tests' pods
    #[arg(long)]
    logs: bool,
    /// Taken for Helm 3's sake: notes are never shown, as in Helm 4
    #[arg(long, hide = true)]
    hide_notes: bool,
    /// How long one test may take
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    timeout: Duration,
    /// How long to wait for another operation on the release
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    lock_timeout: Duration,
    /// The shape of the result
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

impl Args {
    /// Tests.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        let filter = Filter::parse(&self.filter)?;
        let options = Options {
            timeout: self.timeout,
            lock_timeout: self.lock_timeout,
            ..Options::default()
        };
        let progress = Progress::new(cx.output, super::output::Format::Table);
        let tested = cx.block_on(async {
            let mut session = session(cx, &self.name, options, &progress, true).await?;
            session.lock().await?;
            let tested = session.test(&filter, self.logs).await;
            session.unlock().await;
            Ok(tested?)
        });
        progress.end();
        let mut tested = tested?;
        if self.output == Format::Table {
            tested.release.info.notes.clear();
            cx.output
                .data(&describe(&tested.release, Show::Status, None)?)?;
        } else {
            cx.output.value(&tested.release, self.output)?;
        }
        if self.logs {
            let mut text = String::from("\n");
            for (pod, container, lines) in &tested.logs {
                text.push_str(&format!("POD LOGS: {pod} ({container})\n"));
                for line in lines {
                    text.push_str(line);
                    text.push('\n');
                }
                text.push('\n');
            }
            cx.output.data(&text)?;
        }
        match tested.failure {
            Some(failure) => Err(failure.into()),
            None => Ok(ExitCode::SUCCESS),
        }
    }
}
