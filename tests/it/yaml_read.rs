//! YAML read beside the real helm.

use nutkin::yaml::{self, Value};

use crate::helm;
use crate::yaml::{Random, compare, strings};

/// What YAML 1.2's grammar, ours, reads otherwise than YAML 1.1's, Helm's: U+2028 and U+2029 as line breaks,
/// U+0085 beside a carriage return or before a tab, `?` without a space and a last colon or dash in flow
/// collections, `\'` in double quotes, and what follows a complete root in its line.
fn is_another_grammar(text: &str) -> bool {
    let pieces = [
        "[?", "{?", "[-]", "[a:]", "\\'", "#}]\"", "{}", "{ }", "\u{85}\t",
    ];
    let returns = text.contains('\r') && (text.contains('\u{85}') || text.contains("[#"));
    returns || text.contains(['\u{2028}', '\u{2029}']) || pieces.iter().any(|p| text.contains(p))
}

/// Compares readings, except of another grammar. What helm refuses and we read is counted apart: YAML 1.2
/// allows more keys, anchors and tabs.
fn reading(what: &str, texts: Vec<String>) {
    let (skipped, texts): (Vec<String>, Vec<String>) =
        texts.into_iter().partition(|text| is_another_grammar(text));
    let inputs: Vec<Value> = texts.iter().map(|t| Value::from(t.as_str())).collect();
    let theirs = helm::evaluate(
        "(ternary \"error\" (fromYaml $v | toJson) (hasKey (fromYaml $v) \"Error\"))",
        &inputs,
    );
    let (mut lenient, mut refused) = (0, 0);
    let ours: Vec<String> = texts
        .iter()
        .zip(&theirs)
        .map(|(text, theirs)| {
            let ours = match yaml::parse(text) {
                Ok(Value::Null) => "{}".to_owned(),
                Ok(mut value @ Value::Object(_)) => {
                    yaml::helm_numbers(&mut value);
                    yaml::go_json(&value)
                }
                _ => "error".to_owned(),
            };
            match (ours.as_str(), theirs.as_str()) {
                ("error", "error") => refused += 1,
                (_, "error") => {
                    lenient += 1;
                    return theirs.clone();
                }
                _ => {}
            }
            ours
        })
        .collect();
    println!(
        "{what}: {refused} refused by both, {lenient} read by us and refused by helm, {} left out for their grammar",
        skipped.len()
    );
    compare(what, &texts, &ours, &theirs);
}

#[test]
fn scalars_are_read_as_helm_does() {
    let mut texts = Vec::new();
    for s in strings() {
        texts.push(format!("a: {s}"));
        texts.push(format!("a: {s}\n"));
        texts.push(format!("a: [{s}]\n"));
        texts.push(format!("- {s}\n"));
        texts.push(format!("{s}: 1\n"));
        texts.push(format!("{{{s}: 1}}\n"));
        texts.push(format!("a: '{s}'\n"));
        texts.push(format!("a: \"{s}\"\n"));
        for header in ["|", "|-", "|+", ">", ">-", ">+", "|2", ">1-"] {
            let body: String = s.split('\n').map(|line| format!("  {line}\n")).collect();
            texts.push(format!("a: {header}\n{body}b: 1\n"));
        }
        for tag in [
            "str",
            "int",
            "float",
            "bool",
            "null",
            "timestamp",
            "binary",
            "foo",
        ] {
            if !s.contains('\n') {
                texts.push(format!("a: !!{tag} {s}\n"));
            }
        }
    }
    reading("scalars", texts);
}

#[rustfmt::skip]
const DOCUMENTS: &[&str] = &[
    "", "\n", "# only a comment\n", "---\n", "a: 1\n---\nb: 2\n", "---\na: 1\n", "--- # c\na: 1\n", "%YAML 1.1\n---\na: 1\n", "a: 1\n...\n",
    "\u{feff}a: 1\n", "a: 1 # c\nb: '#'\n", "a:\n- 1\n- 2\n", "a:\n  - 1\n  -\n  - [x, {y: z}]\n", "a: {b: 1, c: [1, 2], d: {}}\n",
    "a: {b: 1,\n  c: 2}\n", "a: [1,\n2,\n]\n", "a: {b, c: 1}\n", "a: [b: 1, c: 2]\n", "? a\n: b\n", "? a\n", "? [a]\n: b\n", "? {a: 1}\n: b\n",
    "a: &x 1\nb: *x\n", "a: &x {b: 1}\nc: *x\n", "a: &x [1]\nb: [*x, *x]\n", "a: *x\n", "a: &x 1\nb: &x 2\nc: *x\n", "*x : 1\n", "a: &x b\n*x : 1\n",
    "a: &x {b: 1}\nc:\n  <<: *x\n", "a: &x {b: 1, c: 2}\nd:\n  b: 0\n  <<: *x\n  c: 3\n", "a: &x {b: 1}\nc: &y {b: 2, d: 3}\ne:\n  <<: [*x, *y]\n",
    "e:\n  <<: {a: 1}\n", "e:\n  <<: [{a: 1}, {a: 2, b: 3}]\n", "e:\n  <<: 1\n", "e:\n  <<:\n", "e:\n  <<: [1]\n", "e:\n  '<<': {a: 1}\n", "e:\n  !!merge <<: {a: 1}\n",
    "<<: {a: 1}\na: 2\n", "a: &x [1]\nb:\n  <<: *x\n", "a: &x [{b: 1}]\nb:\n  <<: *x\n", "a: 1\na: 2\n", "a: {b: 1}\na: {c: 1}\n", "yes: 1\ny: 2\ntrue: 3\n",
    "1: a\n1.5: b\n0x10: c\n1e3: d\n-0: e\n", "~: 1\n", "null: 1\n", ": 1\n", "'': 1\n", "18446744073709551615: 1\n", "2024-01-01: 1\n", "1e40: 1\n", "0.1: 1\n",
    "1.10: 1\n", "100000000000000000000: a\n", "a: 1\n b: 2\n", "a:\n  b: 1\n c: 2\n", "a: b: c\n", "a: 'b\n", "a: \"b\n", "a: \"\\q\"\n",
    "a: \"\\x41\\u00e9\\U0001F600\\n\\t\\0\\e\\_\\N\\L\\P\"\n", "a: 'it''s'\n", "a: 'x\n  y\n\n  z'\n", "a: \"x\n  y\\\n  z\"\n", "a: x\n  y\n\n  z\n",
    "a: |\n x\n  y\n\n z\n\n\nb: 1\n", "a: >\n x\n y\n\n z\n  w\n v\n", "a: |1\n  x\n", "a: |+\n\n x\n\n\n", "a: |\n", "a: |\n  x", "a: >\n  x", "a: |-\n  x", "a: |+\n  x",
    "a: | # c\n  x\n", "a: |\n  # no comment\n", "a: >\n  # no comment\n  x\n", "- a\n- b\n", "a\n", "1\n", "[a]\n", "{a: 1}\n", "a:\n\tb: 1\n", "a:\tb\n", "a: b\t\n",
    "a:\n  b: 1\t# c\n", "a: !!str 1\nb: !!int '2'\nc: !!float 3\nd: !!bool yes\ne: !!null ''\n", "a: !x {b: 1}\nc: !y [1]\n", "a: !!set {b, c}\n", "a: !!map {b: 1}\n",
    "a: !<tag:yaml.org,2002:str> 1\n", "%TAG ! tag:x,2000:\n---\na: !b 1\n", "a: ! 1\n", "a: !!str\nb: !!null\n", "{\"a\":1,\"b\":[true,null,\"x\"]}\n",
    "{\"a\":{\"b\":1e3,\"c\":-0.5}}", "a: [a, b\n", "a: {b: 1\n", "a: ]\n", "a: @b\n", "a: `b\n", "a: %b\n", "%a: b\n", "a: - b\n", "-a: b\n", "- a: b\n  c: d\n",
    "a:\n- b: 1\n  c: 2\n-\n  d: 3\n- - e\n", "a: b # c: d\ne: f#g\n", "a: http://x.y:80/z?q=1#f\n", "a: C:\\x\n", "a:b\n", "a:b: c\n", "key with spaces: 1\n",
    "\"a\": 1\n'b': 2\n", "a: \"multi\n\n  line\"\n", "a: 1,2\n", "a: x, y\n", "a: 1 2\n", "a: <b>\n", "a: ${B}\n", "a: $(B)\n", "a: {{ .b }}\n", "a: '{{ .b }}'\n",
    "a: *\n", "a: &\n", "a: &b\n", "a: !\n", "a: .5\nb: 5.\nc: +.5\nd: -5e-3\ne: 1e400\n", "a: .inf\n", ".inf: 1\n",
    "a: 12345678901234567890\nb: 123456789012345678901234567890\nc: -9223372036854775809\n", "a: 1.0\nb: 1.50\nc: 100000000\nd: 1e21\n",
    "a: 0.1e1\nb: 00\nc: 007\nd: -012\ne: 0_1\n", "a: x\r\nb: |\r\n  y\r\n  z\r\n",
];

#[rustfmt::skip]
const LINES: &[&str] = &[
    "a:", "  b: 1", "  c:", "    d: x", "- e", "  - f", "  - g: 1", "    h: 2", "i: [1, 2]", "j: {k: l}", "m: |", "  text", "    more", "n: >-", "# note",
    "o: &p {q: 1}", "r: *p", "  <<: *p", "s: 'x", "  y'", "", "t: yes", "---", "u: \"v\"", "w: [x,", "  y]", "z: 1 # c", "  plain", "? aa", ": bb", "cc: !!str 1",
];

#[test]
fn documents_are_read_as_helm_does() {
    let mut texts: Vec<String> = DOCUMENTS.iter().map(|t| (*t).to_owned()).collect();
    // Lines put together at random; the first of each text makes most of them maps.
    let mut random = Random::new(3);
    for _ in 0..6000 {
        let len = 1 + random.below(6);
        let mut text = (*random.pick(&["a:\n", "o: &p {q: 1}\n", "b: 1\n"])).to_owned();
        for _ in 0..len {
            let line: &&str = random.pick(LINES);
            text.push_str(line);
            text.push('\n');
        }
        texts.push(text);
    }
    reading("documents", texts);
}
