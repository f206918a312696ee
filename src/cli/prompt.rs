//! Asking for a secret: on the terminal without echo, or from a file or standard input.

use std::io::{IsTerminal as _, Read as _};

use super::error::{CommandError, Kind};

/// The longest secret that is read.
const MAX: u64 = 64 * 1024;

/// Asks on the terminal; what is typed is not shown.
///
/// # Errors
/// Where there is no terminal; `flag` is the flag to name then.
pub fn ask(question: &str, flag: &str) -> Result<String, CommandError> {
    let terminal = console::Term::stderr();
    if !(std::io::stdin().is_terminal() && terminal.is_term()) {
        return Err(CommandError::new(
            Kind::Usage,
            format_args!("{question}: there is no terminal to ask on"),
        )
        .hint(format_args!("give it with {flag}")));
    }
    let failed = |e: std::io::Error| {
        CommandError::new(Kind::Failed, format_args!("{question}: cannot read: {e}"))
    };
    terminal
        .write_str(&format!("{question}: "))
        .map_err(failed)?;
    terminal.read_secure_line().map_err(failed)
}

/// The first line of a file; `-` is standard input.
///
/// # Errors
/// When it can't be read.
pub fn first_line(path: &str) -> Result<String, CommandError> {
    let failed = |e: std::io::Error| {
        let kind = match e.kind() {
            std::io::ErrorKind::NotFound => Kind::NotFound,
            _ => Kind::Failed,
        };
        CommandError::new(kind, format_args!("cannot read {path}: {e}"))
    };
    let mut text = String::new();
    if path == "-" {
        let stdin = std::io::stdin().lock();
        stdin.take(MAX).read_to_string(&mut text).map_err(failed)?;
    } else {
        let file = std::fs::File::open(path).map_err(failed)?;
        file.take(MAX).read_to_string(&mut text).map_err(failed)?;
    }
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
