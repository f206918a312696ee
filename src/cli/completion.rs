//! `nutkin completion`: a shell's completion script.

use std::process::ExitCode;

use clap::CommandFactory;

use super::{Context, error::CommandError};

/// Print a shell's completion script
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  source <(nutkin completion bash)\n  nutkin completion zsh > \"${fpath[1]}/_nutkin\""
)]
pub struct Args {
    /// The shell
    shell: clap_complete::Shell,
}

impl Args {
    /// Prints the script.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        let mut script = Vec::new();
        clap_complete::generate(
            self.shell,
            &mut super::Cli::command(),
            "nutkin",
            &mut script,
        );
        cx.output.data(&String::from_utf8_lossy(&script))?;
        Ok(ExitCode::SUCCESS)
    }
}
