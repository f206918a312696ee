//! Wrapping and shortening of text, by bytes as goutils does it.

/// Wraps a line at `width` bytes with `newline` between the pieces; words longer than that are cut
/// if `cut_words` (goutils' `WrapCustom`).
pub fn wrap(text: &[u8], width: usize, newline: &[u8], cut_words: bool) -> Vec<u8> {
    let width = width.max(1);
    let newline = if newline.is_empty() { b"\n" } else { newline };
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while rest.len() > width {
        if let Some(trimmed) = rest.strip_prefix(b" ") {
            rest = trimmed;
            continue;
        }
        let line = rest.get(..=width).unwrap_or(rest);
        let (end, skip) = match line.iter().rposition(|b| *b == b' ') {
            Some(space) => (space, 1),
            None if cut_words => (width, 0),
            None => match rest.iter().skip(width).position(|b| *b == b' ') {
                Some(space) => (width + space, 1),
                None => break,
            },
        };
        out.extend_from_slice(rest.get(..end).unwrap_or_default());
        out.extend_from_slice(newline);
        rest = rest.get(end + skip..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out
}

/// Shortens a text to `width` bytes with an ellipsis at its end, and one at its start where it is
/// cut by more than four bytes there (goutils' `AbbreviateFull`). Where that is not possible the
/// result is empty.
pub fn abbreviate(text: &[u8], offset: i64, width: usize) -> Vec<u8> {
    let len = text.len();
    if width < 4 || text.is_empty() {
        return Vec::new();
    }
    if len <= width {
        return text.to_vec();
    }
    let shown = width - 3;
    // both lengths are far below i64's limit
    let offset = offset.min(len as i64);
    let offset = if (len as i64 - offset) < shown as i64 {
        (len - shown) as i64
    } else {
        offset
    };
    if offset <= 4 {
        return [text.get(..shown).unwrap_or_default(), b"..."].concat();
    }
    if width < 7 {
        return Vec::new();
    }
    let start = offset as usize;
    if start + shown < len {
        let tail = abbreviate(text.get(start..).unwrap_or_default(), 0, shown);
        return [b"...".as_slice(), &tail].concat();
    }
    [b"...", text.get(len - shown..).unwrap_or_default()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_and_shortens() {
        assert_eq!(wrap(b"Hello World", 5, b"", false), b"Hello\nWorld");
        assert_eq!(wrap(b"Hello World", 5, b"\t", true), b"Hello\tWorld");
        assert_eq!(wrap(b"HelloWorld", 4, b"-", true), b"Hell-oWor-ld");
        assert_eq!(wrap(b"HelloWorld a", 4, b"-", false), b"HelloWorld-a");
        assert_eq!(abbreviate(b"hello world", 0, 5), b"he...");
        assert_eq!(abbreviate(b"1234 5678 9123", 5, 10), b"...5678...");
    }
}
