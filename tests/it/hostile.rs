//! The inputs of the fuzz targets, and mutations of them, as an ordinary test.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::yaml::Random;

#[path = "../fuzz/checks.rs"]
pub(crate) mod checks;

/// How long mutations are tried: NUTKIN_FUZZ_SECONDS, or a moment.
fn budget() -> Duration {
    let seconds = std::env::var("NUTKIN_FUZZ_SECONDS").ok();
    Duration::from_secs(seconds.and_then(|s| s.parse().ok()).unwrap_or(2))
}

fn seeds(target: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz/seeds")
        .join(target);
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|f| f.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
        .iter()
        .map(|f| std::fs::read_to_string(f).unwrap())
        .collect()
}

/// Cuts, doubles, swaps and replaces pieces of a seed.
fn mutate(random: &mut Random, seeds: &[String], pieces: &[&str]) -> String {
    let seed: &String = random.pick(seeds);
    let mut chars: Vec<char> = seed.chars().take(400).collect();
    for _ in 0..1 + random.below(6) {
        let at = random.below(chars.len() + 1);
        let end = (at + random.below(12)).min(chars.len());
        match random.below(4) {
            0 => {
                chars.drain(at..end);
            }
            1 => {
                let piece: Vec<char> = chars[at..end].to_vec();
                chars.splice(at..at, piece);
            }
            2 => {
                let piece: &&str = random.pick(pieces);
                chars.splice(at..end, piece.chars());
            }
            _ => {
                let other: &String = random.pick(seeds);
                let from = random.below(other.chars().count() + 1);
                let piece: Vec<char> = other.chars().skip(from).take(40).collect();
                chars.splice(at..at, piece);
            }
        }
    }
    chars.into_iter().collect()
}

fn run(target: &str, pieces: &[&str], check: fn(&str)) {
    let mut seeds = seeds(target);
    seeds.iter().for_each(|seed| check(seed));
    let total = seeds.len();
    // Those that are costly by their size are tried once only.
    seeds.retain(|seed| seed.len() < 500 && !seed.contains("6553"));
    let start = Instant::now();
    let seed = u64::from(budget() > Duration::from_secs(2)) * u64::from(std::process::id());
    let mut random = Random::new(11 + seed);
    let mut count = 0;
    while start.elapsed() < budget() {
        let text = mutate(&mut random, &seeds, pieces);
        let one = Instant::now();
        check(&text);
        assert!(
            one.elapsed() < Duration::from_secs(20),
            "too slow: {text:?}"
        );
        count += 1;
    }
    println!(
        "{target}: {total} seeds, {count} mutations in {:?}",
        start.elapsed()
    );
}

#[test]
fn yaml_texts_end_well() {
    let pieces = [
        "\n",
        "\n  ",
        ": ",
        "- ",
        "? ",
        "*a",
        "&a ",
        "<<: ",
        "!!int ",
        "!!binary ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "|",
        ">",
        "'",
        "\"",
        "\\",
        "#",
        "%",
        "---\n",
        "...\n",
        "\t",
        "\r",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "\0",
        "é",
        "😀",
        "0",
        "9999999999999999999",
        "0x",
        ".",
        "e",
        "_",
        "~",
        "yes",
        "@",
        "`",
    ];
    run("yaml", &pieces, checks::yaml);
}

#[test]
fn set_texts_end_well() {
    let pieces = [
        "=", ",", ".", "[", "]", "{", "}", "\\", "[0]", "[99]", "null", "true", "-", "1", " ",
        "\"", ":", "é", "😀", "\n", "a.b",
    ];
    run("set", &pieces, checks::set);
}

#[test]
fn indexes_end_well() {
    let pieces = [
        "\n",
        "\n  ",
        "\n    ",
        "\n  - ",
        "\n  b:",
        "version: ",
        "version: 1.0.0",
        "name: a",
        ": ",
        "- ",
        "entries:",
        "apiVersion: v1\n",
        "*x",
        "&x ",
        "<<: ",
        "[",
        "]",
        "{",
        "}",
        "|",
        ">",
        "'",
        "\"",
        "\\",
        "#",
        "---\n",
        "...\n",
        "\t",
        "\u{feff}",
        "\0",
        "é",
        "~",
        "null",
        "1.0",
        "?",
    ];
    run("index", &pieces, checks::index);
}

#[test]
fn templates_end_well() {
    let pieces = [
        "{{",
        "}}",
        "{{-",
        "-}}",
        "(",
        ")",
        "|",
        "$",
        ":=",
        "=",
        ".",
        ",",
        "\"",
        "`",
        "'",
        "\\",
        "\n",
        "if ",
        "else",
        "end",
        "range ",
        "with ",
        "define ",
        "template ",
        "break",
        "nil",
        "/*",
        "*/",
        "1e",
        "0x",
        "1i",
        "99999999999999999999",
        "é",
        "\0",
        "include ",
        "tpl ",
        "printf \"%*[2]d\"",
        "index ",
        ".Values",
        "dict ",
        "list ",
        "toYaml ",
        "fromYaml ",
        "until ",
        "-1",
    ];
    run("gotmpl", &pieces, checks::gotmpl);
}

/// What is put into bytes: what paths, headers and lines are made of.
const ODD: [&[u8]; 7] = [b"\0", b"/", b"..", b"\xff", b"7", b"-", b"\n"];

/// Flips, cuts, doubles and splices bytes of a seed.
fn mutate_bytes(random: &mut Random, seeds: &[Vec<u8>]) -> Vec<u8> {
    let seed: &Vec<u8> = random.pick(seeds);
    let mut bytes = seed.clone();
    for _ in 0..1 + random.below(8) {
        let at = random.below(bytes.len() + 1);
        let end = (at + random.below(64)).min(bytes.len());
        match random.below(6) {
            0 => {
                bytes.drain(at..end);
            }
            1 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            2 => {
                let other: &Vec<u8> = random.pick(seeds);
                let from = random.below(other.len() + 1);
                let piece: Vec<u8> = other.iter().skip(from).take(600).copied().collect();
                bytes.splice(at..at, piece);
            }
            3 => {
                let odd: &&[u8] = random.pick(&ODD);
                bytes.splice(at..end, odd.iter().copied());
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
        }
    }
    bytes
}

fn run_bytes(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz/seeds")
        .join(target);
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|f| f.unwrap().path())
        .collect();
    files.sort();
    let seeds: Vec<Vec<u8>> = files.iter().map(|f| std::fs::read(f).unwrap()).collect();
    seeds.iter().for_each(|seed| check(seed));
    let start = Instant::now();
    let seed = u64::from(budget() > Duration::from_secs(2)) * u64::from(std::process::id());
    let mut random = Random::new(13 + seed);
    let mut count = 0;
    while start.elapsed() < budget() {
        let bytes = mutate_bytes(&mut random, &seeds);
        let one = Instant::now();
        let outcome = std::panic::catch_unwind(|| check(&bytes));
        if outcome.is_err() || one.elapsed() > Duration::from_secs(20) {
            let shown: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
            panic!(
                "{target}: {outcome:?} after {:?} for {shown}",
                one.elapsed()
            );
        }
        count += 1;
    }
    println!(
        "{target}: {} seeds, {count} mutations in {:?}",
        seeds.len(),
        start.elapsed()
    );
}

#[test]
fn archives_end_well() {
    run_bytes("archive", checks::archive);
}

#[test]
fn keyrings_signatures_and_encrypted_files_end_well() {
    run_bytes("sealed", checks::sealed);
}
