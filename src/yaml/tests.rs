//! Tests of reading and writing together.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn trap_lines(text: &str) -> Vec<String> {
    let document = parse_spanned(text).unwrap();
    document.warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn scalars_are_yaml_1_1() {
    let text = "a: yes\nb: off\nn: 1\n1: one\n1.5: x\nc: 010\nd: 1_000\ne: 2024-01-01\nf: ~\ng:\nh: 'yes'\ni: 1.0\nj: !!str 12\nk: !foo 12\nl: 1:30\n";
    assert_eq!(
        parse(text).unwrap(),
        json!({"a": true, "b": false, "false": 1, "1": "one", "1.5": "x", "c": 8, "d": 1000,
            "e": "2024-01-01", "f": null, "g": null, "h": "yes", "i": 1, "j": "12", "k": "12", "l": "1:30"})
    );
}

#[test]
fn merge_keys_override_what_stands_before_and_yield_to_what_stands_after() {
    let text =
        "base: &b {x: 1, w: 2}\nother: &o {x: 9, z: 3}\nm:\n  x: 0\n  <<: [*b, *o]\n  w: 5\n";
    assert_eq!(parse(text).unwrap()["m"], json!({"x": 1, "z": 3, "w": 5}));
    assert_eq!(
        trap_lines("a: &a {x: 1}\nb:\n  <<: *a\n  x: 2\n"),
        Vec::<String>::new()
    );
    for bad in [
        "a: &a 1\nb:\n  <<: *a\n",
        "b:\n  <<: [1]\n",
        "b:\n  <<: x\n",
    ] {
        assert_eq!(parse(bad).unwrap_err().cause, Cause::Merge, "{bad}");
    }
    // A quoted or aliased key is an ordinary one.
    assert_eq!(parse("'<<': 1").unwrap(), json!({"<<": 1}));
}

#[test]
fn traps_are_named_with_their_lines() {
    assert_eq!(
        trap_lines(
            "a: 1\nyes: 2\nb: on\nc: 010\nd: 1_0\ne: 1:30\nf: 9007199254740993\na: 3\ng: true\n"
        ),
        [
            "line 2: the key yes is read as the boolean true, so the key is \"true\"; quote it",
            "line 3: on is read as the boolean true; write true, or quote it",
            "line 4: 010 has a leading zero and is read as 8; quote it, or write the decimal number",
            "line 5: 1_0 is read as the number 10; quote it, or drop the underscore",
            "line 6: 1:30 is a string here and a number in base 60 to other YAML 1.1 readers; quote it",
            "line 7: 9007199254740993 is above 2^53 and becomes 9.007199254740992e+15 in Go templates; quote it",
            "line 8: the key \"a\" stands in line 1 too; this one counts",
        ]
    );
}

#[test]
fn positions_are_those_of_the_file() {
    let document = parse_spanned_at("# c\na:\n  b: [x, 2]\n", 10).unwrap();
    let Node::Map(root) = &document.root.node else {
        panic!("a map")
    };
    let a = &root["a"];
    assert_eq!((a.line, a.column), (11, 1));
    let Node::Map(inner) = &a.value.node else {
        panic!("a map")
    };
    assert_eq!((inner["b"].line, inner["b"].column), (12, 3));
    assert_eq!((inner["b"].value.line, inner["b"].value.column), (12, 6));
}

#[test]
fn errors_name_the_place() {
    let e = parse("a: 1\nb: [1, 2\nc: 3\n").unwrap_err();
    assert!(e.line >= 2, "{e}");
    assert!(
        e.to_string()
            .starts_with(&format!("line {}, column", e.line))
    );
    let e = parse("a: 1\n? [x]\n: 2\n").unwrap_err();
    assert_eq!((e.line, &e.cause), (2, &Cause::Key("list")));
    assert_eq!(
        parse("a: .inf").unwrap_err().cause,
        Cause::NotFinite(".inf".to_owned())
    );
    assert!(matches!(
        parse("a: !!int x").unwrap_err().cause,
        Cause::Tag { .. }
    ));
}

#[test]
fn hostile_texts_end_in_errors() {
    let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for i in 1..12 {
        let refs = vec![format!("*a{}", i - 1); 10].join(", ");
        laughs.push_str(&format!("a{i}: &a{i} [{refs}]\n"));
    }
    assert_eq!(parse(&laughs).unwrap_err().cause, Cause::Aliases);
    // Each anchor deepens the one before by as much as a document may be deep.
    let mut deep = String::new();
    for i in 0..40 {
        let inner = if i == 0 {
            "x".to_owned()
        } else {
            format!("*d{}", i - 1)
        };
        deep.push_str(&format!(
            "k{i}: &d{i} {}{inner}{}\n",
            "[".repeat(100),
            "]".repeat(100)
        ));
    }
    assert_eq!(parse(&deep).unwrap_err().cause, Cause::Depth);
    for text in [
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        "- ".repeat(100_000),
    ] {
        assert!(parse(&text).is_err());
    }
    assert_eq!(parse("a: &a [*a]").unwrap_err().cause, Cause::Cycle);
    assert_eq!(
        parse(&format!("a: {}", "9".repeat(1_000))).unwrap(),
        json!({"a": "9".repeat(1_000)})
    );
    for text in [
        "",
        "\u{feff}a: 1",
        "\t",
        "a:\n\t- b",
        "%",
        "---",
        "...",
        "!",
        "&",
        "*",
        "|",
        ">",
        "- - -",
        "?",
        ":",
        "\0",
    ] {
        let _ = parse(text);
    }
}

#[test]
fn documents_of_a_stream() {
    let text = "a: 1\n---\n---\nb: 2\n...\n";
    assert_eq!(
        parse_all(text).unwrap(),
        [json!({"a": 1}), Value::Null, json!({"b": 2})]
    );
    assert_eq!(parse(text).unwrap(), json!({"a": 1}));
    assert_eq!(parse("").unwrap(), Value::Null);
}

#[test]
fn emission_has_gos_shape() {
    let value = json!({
        "list": [1, [2, {"a": "b", "c": []}], {}],
        "text": "one\ntwo\n", "strip": "a\nb", "keep": "a\n\n", "lead": " a\nb",
        "on": "yes", "emoji": "😀", "tab": "a\tb", "f": 1.0, "big": 1e21, "date": "2024-01-01",
        "colon": "a: b", "hash": "a #b", "empty": "", "long": "word ".repeat(20).trim(),
    });
    let want = "\
big: 1e+21
colon: 'a: b'
date: \"2024-01-01\"
emoji: \"\\U0001F600\"
empty: \"\"
f: 1
hash: 'a #b'
keep: |+
  a

lead: |2-
   a
  b
list:
- 1
- - 2
  - a: b
    c: []
- {}
long: word word word word word word word word word word word word word word word word
  word word word word
\"on\": \"yes\"
strip: |-
  a
  b
tab: \"a\\tb\"
text: |
  one
  two
";
    assert_eq!(emit(&value), want);
    assert_eq!(
        emit_pretty(&json!({"a": [1, {"b": [1e6]}]})),
        "a:\n  - 1\n  - b:\n      - 1e+06"
    );
    assert_eq!(
        to_yaml(&json!("a\u{7f}")),
        Err(EmitError::Character('\u{7f}'))
    );
    assert_eq!(to_yaml(&Value::Null).unwrap(), "null");
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("finite", |f| f.is_finite())
            .prop_map(|f| {
                // As parsing has it: whole floats are integers.
                number::from_json_of_float(f + 0.0)
            }),
        any_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec(
                (
                    any_text().prop_filter("Go writes it as a merge", |k| k != "<<"),
                    inner
                ),
                0..6
            )
            .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        // Without what Go's detour over JSON changes (U+0085) and what YAML 1.2's parser reads otherwise.
        "[^\u{85}\u{2028}\u{2029}]{0,40}",
        "[ \n\t:#'\"\\[\\]{},&*!|>%@`a-c0-9_.~=<?-]{0,30}",
        "([a-z]{1,12} {1,2}){1,20}",
        "[0-9_xob.eE+:-]{1,8}",
        "(yes|no|on|off|y|n|true|null|~|<<|=|\\.inf|0x1|2024-01-01)",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_written_reads_back(value in any_value()) {
        let text = emit(&value);
        prop_assert_eq!(parse(&text).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?, value);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[ -~\n\t\u{85}\u{feff}é😀]{0,80}") {
        let _ = parse_all(&text);
        let _ = split_documents(&text);
    }
}

#[test]
fn anchors_and_aliases_cost_bounded_time_and_memory() {
    let nested = |levels: usize, items: usize| {
        let open: String = (0..levels).map(|i| format!("&x{i} [")).collect();
        let close = "]".repeat(levels);
        format!("a: {open}{}{close}\n", vec!["0"; items].join(","))
    };
    let long = |length: usize, times: usize| {
        let text = "x".repeat(length);
        format!("a: &a \"{text}\"\nb: [{}]\n", vec!["*a"; times].join(","))
    };
    for (text, cause) in [
        (nested(500, 50_000), Cause::Copies),
        (long(1 << 20, 1000), Cause::Copies),
        (format!("a: &a\n{}", "- *a\n".repeat(100_000)), Cause::Cycle),
    ] {
        assert_eq!(parse(&text).unwrap_err().cause, cause, "{}", &text[..40]);
    }
    assert!(parse(&nested(20, 1000)).is_ok());
    assert!(parse(&long(10_000, 1000)).is_ok());
    let begun = std::time::Instant::now();
    for piece in [
        "a: &a [- &b [*a, * &c {k: *bb, ",
        "a: &a [&b [*a, *b, &c {k: *b, ",
        "[&b [*b,",
        "* &c ",
        "&a ",
        "*a : ",
        "? *a\n",
        "{*a : ",
        "<<: *a\n",
        "a: &a {<<: *a}\n",
        "- &a\n- *a\n",
        "&a *a ",
        "&a &b ",
    ] {
        for times in [1, 2, 10, 250, 20_000] {
            let _ = parse(&piece.repeat(times));
            let _ = parse(&format!("a: &a x\nb: {}", piece.repeat(times)));
        }
    }
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}
