//! Templates broken at random: the engine answers or fails, and never panics, hangs or overflows.

use std::time::{Duration, Instant};

use super::language;
use crate::hostile::checks;

/// A small generator of random numbers, so that a failure can be run again from its seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() >> 16) as usize % end.max(1)
    }
}

/// What mutations insert.
const PIECES: &[&str] = &[
    "{{",
    "}}",
    "{{-",
    " -}}",
    "(",
    ")",
    "|",
    "$",
    "$x",
    ":=",
    "=",
    ".",
    ",",
    "\"",
    "`",
    "'",
    "\\",
    "\n",
    " ",
    "if ",
    "else",
    "end",
    "range ",
    "with ",
    "define ",
    "block ",
    "template ",
    "break",
    "continue",
    "nil",
    "true",
    "/*",
    "*/",
    "-",
    "+",
    "0x",
    "1e",
    "1i",
    "99999999999999999999",
    "-9223372036854775808",
    "é",
    "\u{0}",
    "\u{feff}",
    "{{end}}",
    "{{else}}",
    "{{ range 9 }}",
    "{{ if . }}",
    "{{ with . }}",
    "include ",
    "tpl ",
    "printf ",
    "%",
    "%v",
    "%[1]*d",
    "%9999d",
    "%.9999f",
    "index ",
    "len ",
    "print ",
    "eq ",
    "lt ",
    "and ",
    "or ",
    "not ",
    ".Values",
    ".Values.list",
    ".Values.map",
    "required ",
    "fail ",
    "html ",
    "slice ",
    "dict ",
    "set ",
    "list ",
    "append ",
    "merge ",
    "deepCopy ",
    "toYaml ",
    "fromYaml ",
    "toJson ",
    "fromJson ",
    "repeat ",
    "until ",
    "untilStep ",
    "seq ",
    "substr ",
    "trunc ",
    "abbrev ",
    "wrap ",
    "indent ",
    "nindent ",
    "regexReplaceAll ",
    "regexFind ",
    "regexMatch ",
    "split ",
    "join ",
    "date ",
    "toDate ",
    "dateModify ",
    "ago ",
    "semver ",
    "semverCompare ",
    "dig ",
    "pluck ",
    "chunk ",
    "b64dec ",
    "b32dec ",
    "int ",
    "add ",
    "div ",
    "mod ",
    "mul ",
    "round ",
    "floor ",
    "max ",
    "ternary ",
    "default ",
    "coalesce ",
    "toToml ",
    "fromToml ",
    "urlParse ",
    "urlJoin ",
    "keys ",
    "pick ",
    "omit ",
    "unset ",
    "initial ",
    "rest ",
    "uniq ",
    "without ",
    "has ",
    "reverse ",
    "-1",
    "0",
    "1000000000",
    "\"%d\"",
    "\"(\"",
    "\"2006-01-02\"",
    "(dict \"a\" .)",
    "(list 1 2 3)",
    "nospace ",
];

fn mutate(text: &str, random: &mut Random, others: &[String]) -> String {
    let mut text = text.to_string();
    for _ in 0..=random.below(4) {
        let boundaries: Vec<usize> = text
            .char_indices()
            .map(|(at, _)| at)
            .chain([text.len()])
            .collect();
        let at = boundaries[random.below(boundaries.len())];
        let end = boundaries[random.below(boundaries.len())];
        let (from, to) = (at.min(end), at.max(end));
        match random.below(6) {
            0 => text.replace_range(
                from..boundaries
                    .iter()
                    .copied()
                    .find(|&b| b >= to.min(from + 8))
                    .unwrap_or(to),
                "",
            ),
            1 | 2 => text.insert_str(at, PIECES[random.below(PIECES.len())]),
            3 => {
                let other = &others[random.below(others.len())];
                text.insert_str(at, other);
            }
            4 => {
                let copied = text[from..to].to_string();
                text.insert_str(at, &copied.repeat(1 + random.below(3)));
            }
            _ => text.truncate(at),
        }
        // not inside a character
        if text.len() > 4000 {
            let end = (0..=4000).rev().find(|&end| text.is_char_boundary(end));
            text.truncate(end.unwrap_or(0));
        }
    }
    text
}

/// For `FUZZ_SECONDS`, by default 3, from `FUZZ_SEED`.
#[test]
fn broken_templates_do_not_break_the_engine() {
    let setting = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let seconds = setting("FUZZ_SECONDS").unwrap_or(3);
    let mut random = Random(setting("FUZZ_SEED").unwrap_or(0x9e37_79b9_7f4a_7c15) | 1);
    let cases = language::cases();
    let mut corpus = cases.clone();
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut count = 0u64;
    while Instant::now() < end {
        let text = mutate(&corpus[random.below(corpus.len())], &mut random, &cases);
        checks::gotmpl(&text);
        count += 1;
        // some of what was made is mutated further
        if random.below(8) == 0 {
            let slot = random.below(4000);
            if corpus.len() < 4000 {
                corpus.push(text);
            } else if slot >= cases.len() {
                corpus[slot] = text;
            }
        }
    }
    println!("{count} templates in {seconds} s");
}
