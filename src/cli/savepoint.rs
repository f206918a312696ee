//! `nutkin savepoint`: the ledger of a release.

use std::process::ExitCode;

use super::output::Format;
use super::progress::Progress;
use super::release_flags::session;
use super::{Context, error::CommandError};
use crate::action::Options;

/// Savepoints of a release
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the savepoints that the ledger of a release holds; also after an uninstall
    #[command(
        visible_alias = "ls",
        after_help = "Examples:\n  nutkin savepoint list orders\n  nutkin savepoint list orders -o json"
    )]
    List {
        /// The release's name
        name: String,
        /// The shape of the result
        #[arg(short, long, value_enum, default_value_t)]
        output: Format,
    },
}

impl Args {
    /// Prints what was asked for.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        let Command::List { name, output } = self.command;
        let progress = Progress::silent(cx.output);
        let ledger = cx.block_on(async {
            let session = session(cx, &name, Options::default(), &progress, false).await?;
            Ok(session.ledger().await?)
        })?;
        if output != Format::Table {
            cx.output.value(&ledger.entries, output)?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut rows = vec![
            [
                "TAKEN", "KIND", "BY", "REVISION", "WORKLOAD", "SIZE", "PATH",
            ]
            .map(str::to_owned)
            .to_vec(),
        ];
        for entry in ledger.entries.iter().rev() {
            rows.push(vec![
                entry.at.clone(),
                entry.kind.clone(),
                entry.operation.clone(),
                entry.revision.to_string(),
                entry.workload.clone(),
                entry.size.map_or_else(|| "-".to_owned(), |s| s.to_string()),
                entry.path.clone(),
            ]);
        }
        cx.output.table(&rows)?;
        Ok(ExitCode::SUCCESS)
    }
}
