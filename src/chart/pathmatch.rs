//! Go's `path.Match`, on which .helmignore, `.Files.Glob` and `--show-only` stand.

/// Why a pattern is not one: the only error Go knows here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("syntax error in pattern")]
pub struct BadPattern;

/// Says whether `name` matches the whole `pattern`: `*` and `?` stop at `/`, `[a-z]` and `[^a-z]`
/// are classes, `\` escapes. As in Go 1.16 and later, the rest of a pattern is checked even when
/// the name failed to match before it.
///
/// ```
/// use nutkin::chart::path_match;
/// assert_eq!(path_match("templates/*.y?ml", "templates/a.yaml"), Ok(true));
/// assert_eq!(path_match("*", "a/b"), Ok(false));
/// assert!(path_match("[", "a").is_err());
/// ```
pub fn path_match(pattern: &str, name: &str) -> Result<bool, BadPattern> {
    let mut pattern: Vec<char> = pattern.chars().collect();
    let mut name: Vec<char> = name.chars().collect();
    while !pattern.is_empty() {
        let (star, chunk, rest) = scan_chunk(&pattern);
        if star && chunk.is_empty() {
            // A trailing star takes what is left of this folder's level.
            return Ok(!name.contains(&'/'));
        }
        if let Some(tail) = match_chunk(&chunk, &name)?
            && (tail.is_empty() || !rest.is_empty())
        {
            name = tail;
            pattern = rest;
            continue;
        }
        if star {
            let mut found = None;
            let mut start = 0;
            while name.get(start).is_some_and(|c| *c != '/') {
                start += 1;
                let after = name.get(start..).unwrap_or_default();
                if let Some(tail) = match_chunk(&chunk, after)? {
                    if rest.is_empty() && !tail.is_empty() {
                        continue;
                    }
                    found = Some(tail);
                    break;
                }
            }
            if let Some(tail) = found {
                name = tail;
                pattern = rest;
                continue;
            }
        }
        let mut left = rest;
        while !left.is_empty() {
            let (_, chunk, rest) = scan_chunk(&left);
            match_chunk(&chunk, &[])?;
            left = rest;
        }
        return Ok(false);
    }
    Ok(name.is_empty())
}

/// Splits off leading stars and the text up to the next star outside a class.
fn scan_chunk(pattern: &[char]) -> (bool, Vec<char>, Vec<char>) {
    let stars = pattern.iter().take_while(|c| **c == '*').count();
    let pattern = pattern.get(stars..).unwrap_or_default();
    let mut in_class = false;
    let mut at = 0;
    while let Some(c) = pattern.get(at) {
        match c {
            '\\' => at += usize::from(at + 1 < pattern.len()),
            '[' => in_class = true,
            ']' => in_class = false,
            '*' if !in_class => break,
            _ => {}
        }
        at += 1;
    }
    let (chunk, rest) = pattern.split_at(at.min(pattern.len()));
    (stars > 0, chunk.to_vec(), rest.to_vec())
}

/// Matches a chunk without stars at the start of `name`; what is left of the name where it fits.
fn match_chunk(chunk: &[char], name: &[char]) -> Result<Option<Vec<char>>, BadPattern> {
    let mut chunk = chunk.iter().copied().peekable();
    let mut name = name.iter().copied();
    let mut failed = false;
    while let Some(c) = chunk.next() {
        // After a failure the name is used no more; the chunk is only checked.
        let got = if failed { None } else { name.next() };
        if got.is_none() {
            failed = true;
        }
        match c {
            '[' => {
                let negated = chunk.next_if_eq(&'^').is_some();
                let mut fits = false;
                let mut ranges = 0;
                loop {
                    if ranges > 0 && chunk.next_if_eq(&']').is_some() {
                        break;
                    }
                    let low = class_char(&mut chunk)?;
                    let mut high = low;
                    if chunk.next_if_eq(&'-').is_some() {
                        high = class_char(&mut chunk)?;
                    }
                    fits |= got.is_some_and(|g| low <= g && g <= high);
                    ranges += 1;
                }
                failed |= fits == negated;
            }
            '?' => failed |= got == Some('/'),
            '\\' => {
                let literal = chunk.next().ok_or(BadPattern)?;
                failed |= got != Some(literal);
            }
            _ => failed |= got != Some(c),
        }
    }
    Ok((!failed).then(|| name.collect()))
}

/// One possibly escaped character of a class; it must not be the last of the pattern.
fn class_char(
    chunk: &mut std::iter::Peekable<impl Iterator<Item = char>>,
) -> Result<char, BadPattern> {
    let mut c = chunk.next().ok_or(BadPattern)?;
    if c == '-' || c == ']' {
        return Err(BadPattern);
    }
    if c == '\\' {
        c = chunk.next().ok_or(BadPattern)?;
    }
    if chunk.peek().is_none() {
        return Err(BadPattern);
    }
    Ok(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_questions_and_classes() {
        for (pattern, name, fits) in [
            ("abc", "abc", true),
            ("*", "abc", true),
            ("*c", "abc", true),
            ("a*", "a", true),
            ("a*", "ab/c", false),
            ("a*/b", "abc/b", true),
            ("a*/b", "a/c/b", false),
            ("a*b*c*d*e*/f", "axbxcxdxe/f", true),
            ("a*b*c*d*e*/f", "axbxcxdxexxx/fff", false),
            ("a*b?c*x", "abxbbxdbxebxczzx", true),
            ("ab[c]", "abc", true),
            ("ab[b-d]", "abc", true),
            ("ab[^c]", "abc", false),
            ("ab[^e-g]", "abc", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "ab", false),
            ("a?b", "a☺b", true),
            ("a???b", "a☺b", false),
            ("[a-ζ]*", "α", true),
            ("*[a-ζ]", "A", false),
            ("a?b", "a/b", false),
            ("a*b", "a/b", false),
            ("[\\]a]", "]", true),
            ("[\\-x]", "-", true),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(path_match(pattern, name), Ok(fits), "{pattern} {name}");
        }
    }

    #[test]
    fn a_bad_pattern_is_seen_even_behind_a_failure() {
        for (pattern, name) in [
            ("[]a]", "]"),
            ("[-]", "-"),
            ("[x-]", "x"),
            ("[a-b-c]", "a"),
            ("[", "a"),
            ("[^", "a"),
            ("a[", "ab"),
            ("*x[", "y"),
            ("a\\", "a"),
        ] {
            assert_eq!(path_match(pattern, name), Err(BadPattern), "{pattern}");
        }
    }
}
