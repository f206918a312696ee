//! Tests of the translation; the systematic ones run beside the real helm.

use super::*;

#[test]
fn classes_are_ascii() {
    let re = |e: &str| Regexp::new(e).unwrap();
    assert!(!re(r"^\w+$").is_match("é"));
    assert!(!re(r"^\d$").is_match("٣"));
    assert_eq!(re(r"[\w.]+").find("héllo"), Some("h"));
    assert_eq!(re(r"a{,2}").find("xa{,2}"), Some("a{,2}"));
    assert_eq!(re(r"[a[b&&]+").find("x[a&"), Some("[a&"));
    assert_eq!(re(r"\Qa.b*\E+").find("a.b**"), Some("a.b**"));
    assert_eq!(re(r"\x41\101\x{42}").find("AAB"), Some("AAB"));
    assert_eq!(re(r"\bé").find("é"), None);
}

#[test]
fn replaces_and_splits() {
    let re = |e: &str| Regexp::new(e).unwrap();
    assert_eq!(
        re(r"(?P<y>\d+)-(\d+)").replace_all("1-2", "${2}/$y$$$1x"),
        "2/1$"
    );
    assert_eq!(re("a*").replace_all("baac", "X"), "XbXcX");
    assert_eq!(re("a").split("banana", -1), ["b", "n", "n", ""]);
    assert_eq!(re("z*").split("pizza", 2), ["p", "izza"]);
    assert_eq!(re("a").split("", -1), [""]);
}

#[test]
fn errors_are_gos() {
    for (expression, text) in [
        ("[a", "missing closing ]: `[a`"),
        ("a**", "invalid nested repetition operator: `**`"),
        ("*", "missing argument to repetition operator: `*`"),
        ("(a", "missing closing ): `(a`"),
        ("a)", "unexpected ): `a)`"),
        ("[z-a]", "invalid character class range: `z-a`"),
        (r"\8", "invalid escape sequence: `\\8`"),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        ("a{1001}", "invalid repeat count: `{1001}`"),
        ("\\", "trailing backslash at end of expression: ``"),
    ] {
        let err = Regexp::new(expression).unwrap_err().to_string();
        assert_eq!(err, format!("error parsing regexp: {text}"), "{expression}");
    }
}
