//! Cases and words: what sprig takes from xstrings, goutils and Go's `strings`.

use unicode_general_category::{GeneralCategory, get_general_category};

/// A character's category. ASCII, most of what charts hold, is told without the search in the tables.
fn category(c: char) -> GeneralCategory {
    use GeneralCategory as G;
    match c {
        'a'..='z' => G::LowercaseLetter,
        'A'..='Z' => G::UppercaseLetter,
        '0'..='9' => G::DecimalNumber,
        '_' => G::ConnectorPunctuation,
        '-' => G::DashPunctuation,
        ' ' => G::SpaceSeparator,
        '$' => G::CurrencySymbol,
        '(' | '[' | '{' => G::OpenPunctuation,
        ')' | ']' | '}' => G::ClosePunctuation,
        '+' | '<'..='>' | '|' | '~' => G::MathSymbol,
        '^' | '`' => G::ModifierSymbol,
        '!'..='~' => G::OtherPunctuation,
        '\0'..='\u{7f}' => G::Control,
        _ => get_general_category(c),
    }
}

/// Go's `unicode.ToUpper`: one character for one, unlike Rust's full mapping.
pub fn upper(c: char) -> char {
    match c {
        // the letters with iota have a simple mapping that the full one hides
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => {
            char::from_u32(u32::from(c) + 8).unwrap_or(c)
        }
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => char::from_u32(u32::from(c) + 9).unwrap_or(c),
        _ => single(c.to_uppercase(), c),
    }
}

/// Go's `unicode.ToLower`.
pub fn lower(c: char) -> char {
    match c {
        'İ' => 'i',
        _ => single(c.to_lowercase(), c),
    }
}

/// Go's `unicode.ToTitle`.
pub fn title_char(c: char) -> char {
    match c {
        'Ǆ' | 'ǅ' | 'ǆ' => 'ǅ',
        'Ǉ' | 'ǈ' | 'ǉ' => 'ǈ',
        'Ǌ' | 'ǋ' | 'ǌ' => 'ǋ',
        'Ǳ' | 'ǲ' | 'ǳ' => 'ǲ',
        '\u{10d0}'..='\u{10ff}' => c,
        _ => upper(c),
    }
}

fn single(mut mapped: impl Iterator<Item = char>, c: char) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

fn is_upper(c: char) -> bool {
    category(c) == GeneralCategory::UppercaseLetter
}

fn is_lower(c: char) -> bool {
    category(c) == GeneralCategory::LowercaseLetter
}

fn is_letter(c: char) -> bool {
    use GeneralCategory as G;
    matches!(
        category(c),
        G::UppercaseLetter
            | G::LowercaseLetter
            | G::TitlecaseLetter
            | G::ModifierLetter
            | G::OtherLetter
    )
}

fn is_number(c: char) -> bool {
    use GeneralCategory as G;
    matches!(
        category(c),
        G::DecimalNumber | G::LetterNumber | G::OtherNumber
    )
}

fn is_punct(c: char) -> bool {
    use GeneralCategory as G;
    matches!(
        category(c),
        G::ConnectorPunctuation
            | G::DashPunctuation
            | G::OpenPunctuation
            | G::ClosePunctuation
            | G::InitialPunctuation
            | G::FinalPunctuation
            | G::OtherPunctuation
    )
}

/// Go's `strings.Title`: the first letter of each word in title case, the rest as it is.
pub fn title(text: &str) -> String {
    let mut previous = ' ';
    let mapped = text.chars().map(|c| {
        let starts = separates(previous);
        previous = c;
        if starts { title_char(c) } else { c }
    });
    mapped.collect()
}

fn separates(c: char) -> bool {
    if c.is_ascii() {
        return !(c.is_ascii_alphanumeric() || c == '_');
    }
    let digit = category(c) == GeneralCategory::DecimalNumber;
    !is_letter(c) && !digit && c.is_whitespace()
}

/// The first character of each word in lower case (goutils' `Uncapitalize`).
pub fn untitle(text: &str) -> String {
    let mut next = true;
    let mapped = text.chars().map(|c| {
        if c.is_whitespace() {
            next = true;
            c
        } else if std::mem::take(&mut next) {
            lower(c)
        } else {
            c
        }
    });
    mapped.collect()
}

/// Upper case becomes lower and the other way round; a word's first letter becomes title case
/// (goutils' `SwapCase`).
pub fn swapcase(text: &str) -> String {
    let mut gap = true;
    let mapped = text.chars().map(|c| {
        let title = category(c) == GeneralCategory::TitlecaseLetter;
        if is_upper(c) || title {
            gap = false;
            lower(c)
        } else if is_lower(c) {
            if std::mem::take(&mut gap) {
                title_char(c)
            } else {
                upper(c)
            }
        } else {
            gap = c.is_whitespace();
            c
        }
    });
    mapped.collect()
}

/// The first byte of each word (goutils' `Initials`, which takes bytes for characters).
pub fn initials(text: &[u8]) -> String {
    let mut gap = true;
    let mut out = String::new();
    for c in text.iter().map(|b| char::from(*b)) {
        if c.is_whitespace() {
            gap = true;
        } else if std::mem::take(&mut gap) {
            out.push(c);
        }
    }
    out
}

/// The text without white space; where there is some, goutils takes bytes for characters.
pub fn nospace(text: &[u8]) -> Vec<u8> {
    let spaced = text.iter().any(|b| char::from(*b).is_whitespace());
    if !spaced {
        return text.to_vec();
    }
    let chars = text.iter().map(|b| char::from(*b));
    chars
        .filter(|c| !c.is_whitespace())
        .collect::<String>()
        .into_bytes()
}

fn connects(c: char) -> bool {
    c == '-' || c == '_' || c.is_whitespace()
}

/// Pascal case as xstrings 1.5 has it: `some_words` and `SOME_WORDS` become `SomeWords`,
/// connectors at the ends and doubled ones stay.
pub fn pascal_case(text: &str) -> String {
    let mut chars = text.chars();
    let mut out = String::with_capacity(text.len());
    let first = loop {
        match chars.next() {
            None => return out,
            Some(c) if connects(c) => out.push(c),
            Some(c) => break c,
        }
    };
    let mut shouting = is_upper(first);
    let mut held = upper(first);
    for c in chars {
        let previous = held;
        held = c;
        if connects(c) && connects(previous) {
            out.push(previous);
        } else if connects(previous) {
            shouting = is_upper(c);
            held = upper(c);
        } else {
            if shouting {
                if is_upper(c) {
                    held = lower(c);
                } else {
                    shouting = false;
                }
            }
            out.push(previous);
        }
    }
    out.push(held);
    out
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    End,
    Number,
    Upper,
    Alphabet,
    Connector,
    Punct,
    Other,
}

/// Letters of alphabets that have cases or at least words: CJK characters are none.
fn is_alphabet(c: char) -> bool {
    let cjk =
        matches!(c, '\u{4e00}'..='\u{9fcc}' | '\u{3400}'..='\u{4d85}' | '\u{20000}'..='\u{2b81d}');
    is_letter(c) && !cjk
}

/// Cuts the next word, as xstrings sees words, from the front of the text.
fn next_word<'a>(rest: &mut &'a str) -> (Word, &'a str) {
    let text = *rest;
    let Some(first) = text.chars().next() else {
        return (Word::End, "");
    };
    let run = |fits: &dyn Fn(char) -> bool| {
        let tail = text.char_indices().skip(1);
        tail.skip_while(|(_, c)| fits(*c))
            .map(|(at, _)| at)
            .next()
            .unwrap_or(text.len())
    };
    let lower_run = |c: char| is_alphabet(c) && !is_upper(c);
    let (kind, end) = if connects(first) {
        (Word::Connector, run(&connects))
    } else if is_punct(first) {
        (Word::Punct, run(&is_punct))
    } else if is_upper(first) {
        (Word::Upper, upper_end(text, first))
    } else if is_alphabet(first) {
        (Word::Alphabet, run(&lower_run))
    } else if is_number(first) {
        (Word::Number, run(&is_number))
    } else {
        let other = |c| !(connects(c) || is_alphabet(c) || is_number(c) || is_punct(c));
        (Word::Other, run(&other))
    };
    let (word, left) = text.split_at_checked(end).unwrap_or((text, ""));
    *rest = left;
    (kind, word)
}

/// Where a word that begins with a capital ends: `HTTPStatus` is `HTTP` and `Status`.
fn upper_end(text: &str, first: char) -> usize {
    let after_first = first.len_utf8();
    let mut tail = text.char_indices().skip(1);
    let Some((_, second)) = tail.next() else {
        return text.len();
    };
    if is_upper(second) {
        let mut last = after_first;
        for (at, c) in tail {
            if is_upper(c) {
                last = at;
            } else {
                return if is_alphabet(c) { last } else { at };
            }
        }
        return text.len();
    }
    if !is_alphabet(second) {
        return after_first;
    }
    let mut tail = text.char_indices().skip(2);
    tail.find(|(_, c)| !is_alphabet(*c) || is_upper(*c))
        .map_or(text.len(), |(at, _)| at)
}

/// Lower case words with a connector between them, as xstrings 1.5 does for `snakecase` (`_`) and
/// `kebabcase` (`-`). Digits belong to the word before them, or to the lower case word after them.
pub fn connect_words(text: &str, connector: char) -> String {
    let mut rest = text;
    let mut out = String::with_capacity(text.len() + 8);
    let (mut kind, mut word) = next_word(&mut rest);
    while !rest.is_empty() {
        if kind != Word::Connector {
            push_lower(&mut out, kind, word, connector);
        }
        let (previous, last) = (kind, word);
        (kind, word) = next_word(&mut rest);
        match previous {
            Word::Number => {
                while matches!(kind, Word::Alphabet | Word::Number) {
                    push_lower(&mut out, kind, word, connector);
                    (kind, word) = next_word(&mut rest);
                }
                if !matches!(kind, Word::End | Word::Punct | Word::Connector) {
                    out.push(connector);
                }
            }
            Word::Connector => push_lower(&mut out, previous, last, connector),
            Word::Punct => {}
            _ if kind != Word::Number => {
                if !matches!(kind, Word::Connector | Word::Punct) {
                    out.push(connector);
                }
            }
            _ if rest.is_empty() => {}
            _ => {
                let number = word;
                (kind, word) = next_word(&mut rest);
                if kind != Word::Alphabet {
                    push_lower(&mut out, Word::Number, number, connector);
                    if !matches!(kind, Word::Connector | Word::Punct) {
                        out.push(connector);
                    }
                    continue;
                }
                out.push(connector);
                push_lower(&mut out, Word::Number, number, connector);
                while matches!(kind, Word::Alphabet | Word::Number) {
                    push_lower(&mut out, kind, word, connector);
                    (kind, word) = next_word(&mut rest);
                }
                if !matches!(kind, Word::End | Word::Connector | Word::Punct) {
                    out.push(connector);
                }
            }
        }
    }
    push_lower(&mut out, kind, word, connector);
    out
}

fn push_lower(out: &mut String, kind: Word, word: &str, connector: char) {
    if !matches!(kind, Word::Upper | Word::Connector) {
        out.push_str(word);
        return;
    }
    out.extend(word.chars().map(|c| match c {
        c if connects(c) => connector,
        c if is_upper(c) => lower(c),
        c => c,
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_has_the_categories_of_the_tables() {
        for c in '\0'..='\u{ff}' {
            assert_eq!(category(c), get_general_category(c), "{c:?}");
        }
    }

    #[test]
    fn cases() {
        for (text, snake, pascal) in [
            ("FirstName", "first_name", "FirstName"),
            ("HTTPServer", "http_server", "Httpserver"),
            ("NoHTTPS", "no_https", "NoHTTPS"),
            ("GO PATH", "go_path", "GoPath"),
            ("http2xx", "http_2xx", "Http2xx"),
            ("HTTP20xOK", "http_20x_ok", "Http20xOK"),
            ("Bld4Floor3rd", "bld4_floor_3rd", "Bld4Floor3rd"),
            ("_complex__case_", "_complex__case_", "_Complex_Case_"),
            ("", "", ""),
            ("a", "a", "A"),
        ] {
            assert_eq!(connect_words(text, '_'), snake, "{text}");
            assert_eq!(pascal_case(text), pascal, "{text}");
        }
    }
}
