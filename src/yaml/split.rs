//! Splitting a rendered manifest into its documents, as Helm does.

/// Splits a manifest at its separators, in order.
///
/// Helm 4.3.1 (`pkg/release/v1/util`) cuts at `(?m)^---[ \t]*`: whatever follows the three dashes in
/// their line belongs to the next document, and a line of four dashes separates as well. Pieces that
/// are blank are dropped; white space at the start of a piece is trimmed, at its end it stays.
pub fn split_documents(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut line_start) = (0, 0);
    for line in text.split_inclusive('\n') {
        if line.starts_with("---") {
            pieces.push(text[start..line_start].trim_start());
            start = line_start + 3;
        }
        line_start += line.len();
    }
    pieces.push(text[start..].trim_start());
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

#[cfg(test)]
mod tests {
    use super::split_documents;

    #[test]
    fn splits_as_helm_does() {
        let text = "\n  a: 1\n---\n\n---   # note\nb: 2\n\n---c: 3\n ---\n----\nd: 4";
        assert_eq!(
            split_documents(text),
            ["a: 1\n", "# note\nb: 2\n\n", "c: 3\n ---\n", "-\nd: 4"]
        );
        assert!(split_documents("---\n \n---").is_empty());
    }
}
