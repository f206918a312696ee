//! The binary: crypto provider, logging, run, exit code.
use std::process::ExitCode;

fn main() -> ExitCode {
    nutkin::cli::main()
}
