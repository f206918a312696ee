//! Templates made by rule: each function with each kind of argument in each place.

use super::vectors;

/// Calls that succeed, one a line.
const CALLS: &str = include_str!("../../gotmpl/functions.calls");

/// What takes the place of an argument: each kind of value, and the edges of it.
const OPERANDS: &[&str] = &[
    "nil",
    ".Values.missing",
    "true",
    "0",
    "-3",
    "42",
    "1.5",
    ".Values.int",
    ".Values.int64",
    ".Values.huge",
    "\"\"",
    "\"héllo wörld\"",
    "\"7\"",
    "(.Files.GetBytes \"conf/b.yaml\")",
    ".Values.list",
    ".Values.words",
    ".Values.none",
    ".Values.map",
    ".Values.emap",
    "(dict \"a\" nil)",
    "(list 1 \"\" nil)",
];

/// Functions that change their first argument.
const MUTATING: &[&str] = &[
    "merge",
    "mergeOverwrite",
    "mustMerge",
    "mustMergeOverwrite",
    "set",
    "unset",
];

/// Functions whose answer differs from call to call; properties of them are tested apart.
pub const RANDOM: &[&str] = &[
    "ago",
    "bcrypt",
    "buildCustomCert",
    "encryptAES",
    "genCA",
    "genCAWithKey",
    "genPrivateKey",
    "genSelfSignedCert",
    "genSelfSignedCertWithKey",
    "genSignedCert",
    "genSignedCertWithKey",
    "htpasswd",
    "now",
    "randAlpha",
    "randAlphaNum",
    "randAscii",
    "randBytes",
    "randInt",
    "randNumeric",
    "shuffle",
    "uuidv4",
];

/// The name and the arguments of each call.
fn calls() -> Vec<Vec<&'static str>> {
    let lines = CALLS.lines().filter(|line| !line.starts_with('#'));
    lines.map(words).collect()
}

/// The parts of a call, at the spaces outside of quotes and parentheses.
fn words(call: &str) -> Vec<&str> {
    let (mut words, mut start, mut depth) = (Vec::new(), 0, 0);
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in call.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' => depth += 1,
            ')' => depth -= 1,
            ' ' if depth == 0 => {
                words.push(&call[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    words.push(&call[start..]);
    words
}

/// The order of a map's entries is not Go's to promise.
fn is_ordered(call: &[&str]) -> bool {
    match call {
        ["keys" | "values", rest @ ..] => !rest.contains(&".Values.map"),
        // the present time stands in for what is no time
        [
            "date" | "dateInZone" | "date_in_zone" | "htmlDate" | "htmlDateInZone"
            | "durationRound",
            rest @ ..,
        ] => {
            let time = rest.iter().any(|arg| arg.starts_with("(toDate"));
            let number = |arg: &&str| arg.parse::<u32>().is_ok();
            time || call[0] == "durationRound" || rest.iter().any(number)
        }
        // why a text is no TOML is said in the parser's own words
        ["fromToml", text] => ![r#""7""#, r#""héllo wörld""#].contains(text),
        _ => true,
    }
}

/// All cases: each call, with an argument less and one more, and with each argument replaced.
pub fn cases() -> Vec<String> {
    let mut cases = Vec::new();
    let calls = calls();
    let (whole, calls): (Vec<_>, Vec<_>) = calls.into_iter().partition(|c| c[0].starts_with('='));
    let mut push = |call: &[&str]| {
        if is_ordered(call) {
            let mut call = call.join(" ");
            // many cases are rendered in one run of helm: none may change what the others see
            if MUTATING.contains(&call.split(' ').next().unwrap_or_default()) {
                for map in [".Values.map", ".Values.emap"] {
                    call = call.replace(map, &format!("(deepCopy {map})"));
                }
            }
            let call = call.trim_start_matches('=');
            cases.push(format!("{{{{ {call} | printf \"%[1]T %[1]v\" }}}}"));
        }
    };
    for call in whole {
        push(&call);
    }
    for call in calls {
        push(&call);
        if call.len() > 1 {
            push(&call[..call.len() - 1]);
        }
        push(&[call.as_slice(), &["\"more\""]].concat());
        for place in 1..call.len() {
            for operand in OPERANDS {
                let mut other = call.clone();
                other[place] = operand;
                push(&other);
            }
        }
    }
    cases.sort_unstable();
    cases.dedup();
    cases
}

/// How many vectors call each function; none is left out.
#[test]
fn each_function_has_vectors() {
    let templates: Vec<String> = vectors::all_recorded();
    let names = nutkin::template::gotmpl::engine::function_names();
    let mut table = String::new();
    let mut total = 0;
    for name in names {
        let calls = |template: &&String| -> bool {
            let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '.' || c == '"';
            template.split(|c| !is_word(c)).any(|word| word == name)
        };
        let count = templates.iter().filter(calls).count();
        total += count;
        table.push_str(&format!("{name:28}{count:5}\n"));
        assert!(count > 0 || RANDOM.contains(&name), "{name}: no vector");
    }
    println!("{table}{total} calls in {} vectors", templates.len());
}

#[test]
fn calls_are_taken_apart() {
    assert_eq!(
        words(r#"f "a \" b" (g 1 "(") .x"#),
        ["f", r#""a \" b""#, r#"(g 1 "(")"#, ".x"]
    );
}
