//! Templates made by rule: each construct with each kind of argument, each verb with each kind.

/// An operand of each kind that a template can meet.
const OPERANDS: &[&str] = &[
    "nil",
    "$nothing",
    ".Values.missing",
    ".Values.emap.missing",
    "true",
    ".Values.no",
    "0",
    "-3",
    "42",
    "'a'",
    "1.5",
    "1e3",
    ".Values.int",
    ".Values.million",
    ".Values.huge",
    ".Values.tiny",
    ".Values.int64",
    "(len \"héy\")",
    "(index \"héy\" 1)",
    "1+2i",
    "\"\"",
    "\"héy\"",
    "\"42\"",
    ".Values.str",
    ".Values.list",
    ".Values.none",
    ".Values.map",
    ".Values.emap",
    ".Values.words",
    ".Chart.Keywords",
    ".Chart.Annotations",
    ".Capabilities.KubeVersion",
    "(.Files.Glob \"conf/a*\")",
    "(.Files.GetBytes \"conf/b.yaml\")",
    "(.Files.Lines \"conf/a.txt\")",
];

/// Constructs with one operand, `X`.
const CONSTRUCTS: &[&str] = &[
    "{{ X }}",
    "{{ if X }}yes{{ else }}no{{ end }}",
    "{{ with X }}[{{ . }}]{{ else }}no{{ end }}",
    "{{ range X }}[{{ . }}]{{ else }}no{{ end }}",
    "{{ range $i, $x := X }}[{{ $i }}={{ $x }}]{{ else }}no{{ end }}",
    "{{ range $i := X }}{{ if $i }}{{ break }}{{ end }}[{{ $i }}]{{ end }}",
    "{{ $v := X }}{{ printf \"%T\" $v }}",
    "{{ $v := X }}{{ $v.field }}",
    "{{ (X).field }}",
    "{{ X | print }}",
    "{{ print X 1 \"s\" X }}{{ println X X }}",
    "{{ len X }}",
    "{{ X | len }}",
    "{{ not X }}",
    "{{ and X 1 }}|{{ and 1 X }}|{{ or X \"z\" }}|{{ or 0 X }}",
    "{{ index X 0 }}",
    "{{ index X 1 }}",
    "{{ index X -1 }}",
    "{{ index X \"a\" }}",
    "{{ index .Values.list X }}",
    "{{ index .Values.map X }}",
    "{{ index X }}",
    "{{ html X }}{{ js X }}{{ urlquery X }}",
    "{{ call X }}",
    "{{ template \"echo\" X }}",
    "{{ include \"echo\" X }}",
    "{{ include X . }}",
    "{{ tpl X . }}",
    "{{ required \"needed\" X }}",
    "{{ fail X }}",
    "{{ X 1 }}",
    "{{ 1 | X }}",
];

const VERBS: &str = "vdsqxXtTcUeEfFgGboOpwz%";

/// All pairs.
pub fn cases() -> Vec<String> {
    let mut cases = Vec::new();
    let declare = |operand: &str, case: String| match operand {
        "$nothing" => format!("{{{{ $nothing := .Values.missing }}}}{case}"),
        _ => case,
    };
    for construct in CONSTRUCTS {
        for operand in OPERANDS {
            cases.push(declare(operand, construct.replace('X', operand)));
        }
    }
    for verb in VERBS.chars() {
        // addresses differ from run to run
        let pointer = |operand: &&&str| verb != 'p' || !operand.contains(['.', '$']);
        for operand in OPERANDS.iter().filter(pointer) {
            let formats = [
                "%V",
                "%8V|",
                "%-8V|",
                "%08V",
                "%+V",
                "%#V",
                "% V",
                "%.1V",
                "%+-#10.3V|",
            ];
            let formats = formats.map(|format| {
                let format = format.replace('V', &verb.to_string());
                format!("{{{{ printf {format:?} {operand} }}}}")
            });
            cases.push(declare(operand, formats.join(" ")));
        }
    }
    for compare in ["eq", "ne", "lt", "le", "gt", "ge"] {
        for (index, left) in OPERANDS.iter().enumerate() {
            // all pairs for eq, a part of them for those that share its rules
            let step = match compare {
                "eq" => 1,
                "lt" => 3,
                _ => 7,
            };
            for right in OPERANDS.iter().skip(index % step).step_by(step) {
                let case = format!("{{{{ {compare} {left} {right} }}}}");
                let nothing = [left, right].contains(&&"$nothing");
                cases.push(declare(if nothing { "$nothing" } else { "" }, case));
            }
        }
    }
    cases
}
