//! Slash-separated paths as Go's `path` handles them (`path/filepath` is the same on Linux).

/// The shortest path that means the same: Go's `path.Clean`.
pub fn clean(path: &[u8]) -> Vec<u8> {
    let rooted = path.starts_with(b"/");
    let mut kept: Vec<&[u8]> = Vec::new();
    for part in path.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." if kept.last().is_some_and(|last| *last != b"..") => {
                kept.pop();
            }
            b".." if rooted => {}
            part => kept.push(part),
        }
    }
    let joined = kept.join(b"/".as_slice());
    match (rooted, joined.is_empty()) {
        (true, _) => [b"/".as_slice(), &joined].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    }
}

/// The last element: Go's `path.Base`.
pub fn base(path: &[u8]) -> Vec<u8> {
    if path.is_empty() {
        return b".".to_vec();
    }
    let mut end = path.len();
    while end > 0 && path.get(end - 1) == Some(&b'/') {
        end -= 1;
    }
    let trimmed = path.get(..end).unwrap_or_default();
    if trimmed.is_empty() {
        return b"/".to_vec();
    }
    trimmed
        .rsplit(|b| *b == b'/')
        .next()
        .unwrap_or_default()
        .to_vec()
}

/// All but the last element, cleaned: Go's `path.Dir`.
pub fn dir(path: &[u8]) -> Vec<u8> {
    let end = path.iter().rposition(|b| *b == b'/').map_or(0, |at| at + 1);
    clean(path.get(..end).unwrap_or_default())
}

/// The suffix of the last element from its last dot: Go's `path.Ext`.
pub fn ext(path: &[u8]) -> Vec<u8> {
    let last = path.rsplit(|b| *b == b'/').next().unwrap_or_default();
    let dot = last.iter().rposition(|b| *b == b'.');
    dot.and_then(|at| last.get(at..))
        .unwrap_or_default()
        .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_in_go() {
        for (path, cleaned, last, folder, suffix) in [
            ("", ".", ".", ".", ""),
            ("/", "/", "/", "/", ""),
            ("a/b/../c.txt", "a/c.txt", "c.txt", "a", ".txt"),
            ("../../a//b/", "../../a/b", "b", "../../a/b", ""),
            ("/../a/.", "/a", ".", "/a", "."),
            ("///", "/", "/", "/", ""),
        ] {
            assert_eq!(clean(path.as_bytes()), cleaned.as_bytes(), "clean {path}");
            assert_eq!(base(path.as_bytes()), last.as_bytes(), "base {path}");
            assert_eq!(dir(path.as_bytes()), folder.as_bytes(), "dir {path}");
            assert_eq!(ext(path.as_bytes()), suffix.as_bytes(), "ext {path}");
        }
    }
}
