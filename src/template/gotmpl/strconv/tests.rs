use super::*;

#[test]
fn floats_print_as_in_go() {
    // (value, verb, precision, Go's text)
    for (value, verb, precision, text) in [
        (1e6, b'g', None, "1e+06"),
        (999999.0, b'g', None, "999999"),
        (123456789.0, b'g', None, "1.23456789e+08"),
        (0.0001, b'g', None, "0.0001"),
        (0.00001, b'g', None, "1e-05"),
        (100.0, b'g', None, "100"),
        (0.0, b'g', None, "0"),
        (-0.0, b'g', None, "-0"),
        (2.5, b'f', Some(0), "2"),
        (3.5, b'f', Some(0), "4"),
        (0.125, b'f', Some(2), "0.12"),
        (1e21, b'f', None, "1000000000000000000000"),
        (1.5, b'e', Some(0), "2e+00"),
        (100000.0, b'g', Some(6), "100000"),
        (1000000.0, b'g', Some(6), "1e+06"),
        (1234.5678, b'g', Some(3), "1.23e+03"),
        (1.0, b'x', None, "0x1p+00"),
        (-1.5, b'x', Some(0), "-0x1p+01"),
        (1.0, b'b', None, "4503599627370496p-52"),
        (5e-324, b'e', None, "5e-324"),
        (f64::MAX, b'G', None, "1.7976931348623157E+308"),
        (f64::INFINITY, b'g', None, "+Inf"),
    ] {
        assert_eq!(
            format_float(value, verb, precision),
            text,
            "{value} {}",
            verb as char
        );
    }
}

#[test]
fn numbers_are_read_as_in_go() {
    for (text, number) in [
        ("0", Some(0)),
        ("-0x1F", Some(-31)),
        ("0o17", Some(15)),
        ("017", Some(15)),
        ("0b101", Some(5)),
        ("1_000", Some(1000)),
        ("0x_ff", Some(255)),
        ("1__0", None),
        ("_1", None),
        ("09", None),
        ("0x", None),
        ("-9223372036854775808", Some(i64::MIN)),
        ("9223372036854775808", None),
        ("", None),
        ("+", None),
    ] {
        assert_eq!(parse_int(text), number, "{text}");
    }
    for (text, number) in [
        ("1e3", Some(1000.0)),
        (".5", Some(0.5)),
        ("5.", Some(5.0)),
        ("0x1p-2", Some(0.25)),
        ("0x1.8p1", Some(3.0)),
        ("0x1", None),
        ("1e", None),
        ("--1", None),
        ("1_0.5", Some(10.5)),
        ("", None),
        (".", None),
    ] {
        assert_eq!(parse_float(text).map(|(n, _)| n), number, "{text}");
    }
    assert_eq!(parse_float("1e999"), Some((f64::INFINITY, true)));
}

#[test]
fn strings_are_quoted_and_read_back() {
    for (bytes, quoted) in [
        (&b"plain"[..], r#""plain""#),
        (b"a\"b\\c\n\t\x00\x7f", r#""a\"b\\c\n\t\x00\x7f""#),
        (
            "ünï \u{a0}\u{200b}\u{1f600}e\u{301}".as_bytes(),
            "\"ünï \\u00a0\\u200b😀e\u{301}\"",
        ),
        (b"\xff\xfe", r#""\xff\xfe""#),
    ] {
        assert_eq!(quote(bytes), quoted);
        assert_eq!(unquote(quoted).as_deref(), Some(bytes));
    }
    assert_eq!(quote_to_ascii("é😀".as_bytes()), r#""\u00e9\U0001f600""#);
    assert_eq!(quote_rune('\''), r"'\''");
    assert_eq!(unquote("`a\r\nb`").as_deref(), Some(&b"a\nb"[..]));
    assert_eq!(unquote(r#""\101\x41A""#).as_deref(), Some(&b"AAA"[..]));
    for bad in [
        r#""\q""#,
        r#""\'""#,
        "\"a\nb\"",
        r#""\400""#,
        r#""\ud800""#,
        "\"",
        "``a`",
    ] {
        assert_eq!(unquote(bad), None, "{bad}");
    }
}
