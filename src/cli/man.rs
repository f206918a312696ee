//! `nutkin man`: manual pages.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::CommandFactory as _;

use super::Context;
use super::error::{CommandError, Kind};

/// Print the manual page of nutkin or of a command, or write all of them
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  nutkin man | man -l -
  nutkin man savepoint list | man -l -
  nutkin man --dir /usr/local/share/man/man1")]
pub struct Args {
    /// The command, for instance `savepoint list`
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,
    /// Write the pages of all commands to this folder
    #[arg(long, value_name = "FOLDER", conflicts_with = "command")]
    dir: Option<PathBuf>,
}

impl Args {
    /// Prints or writes.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        let mut root = super::Cli::command();
        if let Some(folder) = &self.dir {
            let failed = |e: std::io::Error| {
                CommandError::new(
                    Kind::Failed,
                    format_args!("cannot write manual pages to {}: {e}", folder.display()),
                )
            };
            fs::create_dir_all(folder).map_err(failed)?;
            clap_mangen::generate_to(root, folder).map_err(failed)?;
            return Ok(ExitCode::SUCCESS);
        }
        // Gives the commands below their whole names, and the flags that all commands have.
        root.build();
        let mut command = &root;
        for word in &self.command {
            command = command.find_subcommand(word).ok_or_else(|| {
                CommandError::new(
                    Kind::Usage,
                    format_args!("nutkin has no command {}", self.command.join(" ")),
                )
            })?;
        }
        let mut page = Vec::new();
        clap_mangen::Man::new(command.clone())
            .render(&mut page)
            .map_err(|e| CommandError::new(Kind::Internal, e))?;
        cx.output.data(&String::from_utf8_lossy(&page))?;
        Ok(ExitCode::SUCCESS)
    }
}
