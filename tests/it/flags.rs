//! Helm's commands and flags: each is one of ours too, or docs/coming-from-helm.md says that it isn't.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::helm::helm_ok;

/// Commands of helm that are not ours.
const NO_COMMANDS: [&str; 3] = ["help", "plugin", "search hub"];
/// Flags of helm that ours takes only to refuse them, with the reason.
const REFUSED: [&str; 2] = ["--force-replace", "--server-side"];

/// A flag as helm's help lists it, with a value where it wants one.
fn flag(line: &str) -> Option<String> {
    let text = line.trim_start();
    let text = text
        .strip_prefix('-')
        .filter(|rest| rest.get(1..3) == Some(", "))
        .map_or(text, |rest| &rest[3..]);
    let mut words = text.strip_prefix("--")?.split_whitespace();
    let name = words.next()?;
    // Two spaces end the kind of the value; a flag without one has three at least.
    let after = &text[2 + name.len()..];
    let kind = if after.starts_with("   ") {
        ""
    } else {
        words.next().unwrap_or_default()
    };
    let kind = kind.split_once('[').map_or(kind, |(kind, _)| kind);
    let value = match (name, kind) {
        (_, "" | "WaitStrategy") => return Some(format!("--{name}")),
        ("dry-run", _) => "client",
        ("color" | "colour", _) => "never",
        ("output", _) => "json",
        (_, "int" | "float32" | "uint") => "1",
        (_, "duration") => "1s",
        _ => "a=b",
    };
    Some(format!("--{name}={value}"))
}

/// What helm says of a command: its flags and the commands below it.
fn told(home: &Path, path: &[&str]) -> (BTreeSet<String>, Vec<String>) {
    let text = helm_ok(home, &[path, &["--help"]].concat());
    let flags = text.lines().filter_map(flag).collect();
    let below = text
        .lines()
        .skip_while(|line| *line != "Available Commands:")
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| line.split_whitespace().next().map(ToOwned::to_owned))
        .collect();
    (flags, below)
}

/// Whether ours knows the flag: with `--help` behind it all else is forgiven.
fn is_known(path: &[&str], flag: &str) -> bool {
    let output = Command::new(env!("CARGO_BIN_EXE_nutkin"))
        .args(path)
        .args([flag, "--help"])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    !(errors.contains("unexpected argument") || errors.contains("unrecognized subcommand"))
}

fn walk(
    home: &Path,
    path: &[&str],
    page: &str,
    counts: &mut (usize, usize),
    missing: &mut Vec<String>,
) {
    let name = path.join(" ");
    if NO_COMMANDS.contains(&name.as_str()) {
        assert!(
            name == "help" || page.contains(&format!("| `{name}` | – |")),
            "{name} is not told of"
        );
        return;
    }
    let (flags, below) = told(home, path);
    counts.0 += 1;
    for flag in flags {
        counts.1 += 1;
        if !is_known(path, &flag) {
            missing.push(format!("{name} {flag}"));
        }
    }
    for child in below {
        walk(home, &[path, &[&child]].concat(), page, counts, missing);
    }
}

#[test]
fn helms_commands_and_flags_are_known() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/coming-from-helm.md");
    let page = std::fs::read_to_string(page).unwrap();
    let home = tempfile::tempdir().unwrap();
    let (mut counts, mut missing) = ((0, 0), Vec::new());
    walk(home.path(), &[], &page, &mut counts, &mut missing);
    println!("compared {} commands with {} flags", counts.0, counts.1);
    assert_eq!(missing, Vec::<String>::new());
    assert!(counts.0 > 40 && counts.1 > 900, "{counts:?}");
    for refused in REFUSED {
        assert!(
            page.contains(&format!("| `{refused}`")),
            "{refused} is not told of"
        );
    }
    assert!(!is_known(&["template"], "--no-such-flag"));
    assert!(!is_known(&["no-such-command"], "--debug"));
}
