//! Go's `fmt`: Sprintf, Sprint and Sprintln over template values.

mod flags;
mod printer;

#[cfg(test)]
mod tests;

use super::value::{Str, Val};
use printer::Printer;

/// The text would pass the limit, or a value holds itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge;

/// The limit for texts that are printed where no render counts them.
pub const MAX_TEXT: usize = 64 << 20;

/// Go's `fmt.Sprintf`, up to `limit` bytes.
///
/// # Errors
/// [`TooLarge`]; what Go calls an error of the format stands in the text, as in Go.
pub fn sprintf(format: &[u8], args: &[Val], limit: usize) -> Result<Vec<u8>, TooLarge> {
    let mut printer = Printer::new(limit);
    printer.printf(format, args);
    printer.finish()
}

/// Go's `fmt.Sprint`: a space between two operands when neither is a string.
///
/// # Errors
/// [`TooLarge`].
pub fn sprint(args: &[Val], limit: usize) -> Result<Vec<u8>, TooLarge> {
    let mut printer = Printer::new(limit);
    let mut after_string = false;
    for (index, arg) in args.iter().enumerate() {
        let string = matches!(arg, Val::Str(_));
        if index > 0 && !string && !after_string {
            printer.write(b" ");
        }
        printer.print_arg(arg, 'v');
        after_string = string;
    }
    printer.finish()
}

/// Go's `fmt.Sprintln`: spaces between all operands, a line end after them.
///
/// # Errors
/// [`TooLarge`].
pub fn sprintln(args: &[Val], limit: usize) -> Result<Vec<u8>, TooLarge> {
    let mut printer = Printer::new(limit);
    for (index, arg) in args.iter().enumerate() {
        if index > 0 {
            printer.write(b" ");
        }
        printer.print_arg(arg, 'v');
    }
    printer.write(b"\n");
    printer.finish()
}

/// A value as `%v` prints it; empty if that would pass [`MAX_TEXT`].
pub fn to_string(value: &Val) -> Str {
    match value {
        Val::Str(text) => text.clone(),
        other => Str::from_bytes(sprint(std::slice::from_ref(other), MAX_TEXT).unwrap_or_default()),
    }
}
