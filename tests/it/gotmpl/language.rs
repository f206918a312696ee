//! Templates written by hand: each rule of the language, and each way to break it.

/// One case a line; `⏎` is a line end.
const CASES: &str = include_str!("../../gotmpl/language.cases");

/// All cases.
pub fn cases() -> Vec<String> {
    let lines = CASES
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.replace('⏎', "\n")).collect()
}
