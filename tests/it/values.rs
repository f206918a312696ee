//! Values set and merged beside the real helm.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nutkin::values::{self, Numbers, SetFile, Sources, ValuesFile};
use nutkin::yaml::{self, Value};

use crate::helm;
use crate::yaml::{Random, compare};

/// Prints the values as JSON, and the kinds that JSON doesn't show.
pub const TEMPLATE: &str = r#"{{- define "kinds" -}}
{{- if kindIs "map" . }}{ {{- range $k, $v := . }}{{ $k }}:{{ include "kinds" $v }},{{ end }}}
{{- else if kindIs "slice" . }}[{{ range . }}{{ include "kinds" . }},{{ end }}]
{{- else }}{{ kindOf . }}{{ end }}
{{- end -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: x
data:
  json: {{ toJson .Values | b64enc | quote }}
  kinds: {{ include "kinds" .Values | b64enc | quote }}
"#;

/// The same of ours: JSON and kinds, or that it is an error.
pub fn shown(value: &Value) -> String {
    format!("{} {}", yaml::go_json(value), kinds(value))
}

fn kinds(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let sorted: std::collections::BTreeMap<_, _> = map.iter().collect();
            let entries = sorted.iter().map(|(k, v)| format!("{k}:{},", kinds(v)));
            format!("{{{}}}", entries.collect::<String>())
        }
        Value::Array(items) => {
            let items = items.iter().map(|v| kinds(v) + ",");
            format!("[{}]", items.collect::<String>())
        }
        Value::Null => "invalid".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::String(_) => "string".to_owned(),
        Value::Number(n) if n.is_f64() => "float64".to_owned(),
        Value::Number(_) => "int64".to_owned(),
    }
}

/// What helm shows of a chart in a folder, with flags.
pub fn helm_values(home: &Path, args: &[String]) -> String {
    let mut all = vec![
        "template",
        "x",
        "chart",
        "--show-only",
        "templates/values.yaml",
    ];
    all.extend(args.iter().map(String::as_str));
    let output = helm::helm(home, &all);
    if !output.status.success() {
        if std::env::var("SHOW_ERRORS").is_ok() {
            println!("{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        return "error".to_owned();
    }
    let text = String::from_utf8(output.stdout).unwrap();
    let field = |name: &str| {
        let line = text.lines().find_map(|l| l.trim().strip_prefix(name));
        let bytes = STANDARD
            .decode(line.unwrap().trim().trim_matches('"'))
            .unwrap();
        String::from_utf8(bytes).unwrap()
    };
    format!("{} {}", field("json:"), field("kinds:"))
}

/// Does a work for each item on a few threads; the answers stay in order.
pub fn each<T: Sync>(items: &[T], work: impl Fn(&T) -> String + Sync) -> Vec<String> {
    let size = items.len().div_ceil(4).max(1);
    std::thread::scope(|scope| {
        let threads: Vec<_> = items
            .chunks(size)
            .map(|chunk| scope.spawn(|| chunk.iter().map(&work).collect::<Vec<_>>()))
            .collect();
        threads
            .into_iter()
            .flat_map(|t| t.join().unwrap())
            .collect()
    })
}

/// A case: what a values file holds, and flags.
struct Case {
    file: &'static str,
    flags: Vec<(String, String)>,
}

impl Case {
    fn sources(&self, home: &Path) -> Sources {
        let mut sources = Sources::default();
        if !self.file.is_empty() {
            sources.files.push(ValuesFile {
                name: "values.yaml".to_owned(),
                text: self.file.to_owned(),
                ..ValuesFile::default()
            });
        }
        for (flag, text) in &self.flags {
            let text = text.clone();
            match flag.as_str() {
                "--set" => sources.set.push(text),
                "--set-string" => sources.strings.push(text),
                "--set-json" => sources.json.push(text),
                "--set-literal" => sources.literals.push(text),
                _ => {
                    let paths = values::set_file_paths(&text).unwrap_or_default();
                    let texts = paths
                        .into_iter()
                        .filter_map(|path| {
                            let text = std::fs::read_to_string(home.join(&path)).ok()?;
                            Some((path, text))
                        })
                        .collect();
                    sources.set_files.push(SetFile {
                        argument: text,
                        texts,
                    });
                }
            }
        }
        sources
    }
}

#[rustfmt::skip]
const SETS: &[&str] = &[
    "a=1", "a=b", "a=", "a", "", "=", "=1", "a=b=c", "a=b,c=d", "a=b,", ",a=b", "a=b,,c=d", "a,b=1", "a=b ,c=d", " a=b", "a =b", "a= b", "a.b=c", "a.b.c=d",
    "a.b=c,a.d=e", "a.=b", ".a=b", "a..b=c", "a.", ".", "a.b", "a.b.", "a.b=,c=d", "a={}", "a={},b=1", "a={1,2}", "a={1,2},b=3", "a={1,2}b=3", "a={1", "a={1,2", "a={a,b,}", "a={,}", "a={ 1, 2 }",
    "a={{1,2},{3}}", "a={1}{2}", "a={1} ", "a=b}", "a={b=c}", "a.b={1,two,true,null}", "a={x},a={y}", "a=[]", "a=[1,2]", "a=[1", "a[0]=1", "a[1]=1", "a[0]=1,a[1]=2", "a[1]=2,a[0]=1", "a[0].b=1", "a[0].b=1,a[0].c=2",
    "a[0].b=1,a[1].b=2", "a[2].b=1", "a[0][0]=1", "a[0][1]=1,a[0][0]=2", "a[1][2].b=3", "a[0]={1,2}", "a[0]=", "a[0]", "a[0", "a[", "a[]=1", "a[x]=1", "a[-1]=1", "a[+1]=1", "a[01]=1", "a[1.5]=1", "a[65536]=1", "a[65537]=1",
    "a[99999999999999999999]=1", "a[0]b=1", "a[0] =1", "a[0].=1", "a[0]..b=1", "a[0],b=1", "[0]=1", "a.b[0]=1", "a.b[0].c=1,a.b[0].d=2", "a[0].b[1]=x", "a[0]=x,a[0].b=1", "a=x,a[0]=1", "a=x,a.b=1", "a.b=1,a=x",
    "a[0].b=1,a=x", "a.b=1,a[0]=x", "a={1,2},a[1]=3", "a={1,2},a[3]=3", "a={1,2},a[0].b=3", "a=null,a.b=1", "a=null,a[0]=1", "a[0]=null,a[0].b=1", "a[0]=null,a[0][0]=1", "a=0", "a=-0", "a=00", "a=01", "a=010", "a=-01", "a=+1",
    "a=-1", "a=1.5", "a=1e3", "a=0x10", "a=1_000", "a=9223372036854775807", "a=9223372036854775808", "a=-9223372036854775808", "a=-9223372036854775809", "a=1000000", "a=true", "a=True", "a=TRUE", "a=tRuE", "a=false", "a=yes", "a=on",
    "a=null", "a=Null", "a=NULL", "a=nil", "a=~", "a=\"b\"", "a='b'", "a=\"1\"", "a=\\\"", "a=b\\,c", "a=b\\,c,d=e", "a\\.b=c", "a\\.b.c=d", "a\\=b=c", "a\\[0\\]=b", "a=b\\=c", "a=\\\\", "a=b\\", "a=\\n", "a\\,b=c", "a={b\\,c,d}",
    "a={b\\}c}", "a=\\{b\\}", "a=\\1", "a=\\true", "a=é", "é=1", "日本.語=1", "a=😀", "a b=c d", "a=b c, d=e", "a=\tb", "a=b\nc", "a\n=b", "a.\"b.c\"=1", "a/b=c", "a-b_c=d", "a=http://x/y?z=1", "a={http://x,y:z}", "a=$(b)", "a=${b}",
    "a=<b>&c", "a=b#c", "nodeSelector.kubernetes\\.io/role=master", "x.annotations.foo\\.bar/baz=1\\,2", "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z=1",
    "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a=1", "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a=1", "a=b\\,c\\,d", "a={1,2}.b=3", "a[0].b.c[1].d=x", "a={}{}", "a.b={},a.c={}",
    "old=1", "old.new=1", "map.a=9", "map.c=9", "map=null", "map.a=null", "map.inner.x=9", "list[0]=9", "list[5]=9", "list=null", "list={}", "list[1].b=9", "items[0].v=9", "items[0].w=9", "items[2].v=9", "scalar.x=1", "scalar[0]=1", "null.x=1", "none.x=1", "none[0]=1",
    "map[0]=1", "list.a=1", "items[0]=null", "items[1][0]=5", "nested[0][1]=9", "nested[1][1]=9", "nested[0].a=9", "big=9", "flag=false",
];

const FILE: &str = "old: x\nmap: {a: 1, b: two, inner: {x: 1, y: 2}}\nlist: [1, 2, 3]\nitems: [{n: a, v: 1}, {n: b, v: 2}]\nscalar: s\nnone: null\nnested: [[1, 2], [3]]\nbig: 1000000\nflag: true\n";

#[rustfmt::skip]
const JSONS: &[&str] = &[
    "a=1", "a=1.5", "a=\"b\"", "a=b", "a=", "a", "a=null", "a=true", "a=[1,2]", "a=[1,2],b=3", "a={\"b\":1}", "a={\"b\":1},c=2", "a={\"b\":1} , c=2", "a= 1", "a=1 ,b=2", "a=1,b=2", "a=1b=2", "a=1 b=2", "a=,b=2", "a= ,b=2", "a.b={\"c\":[1,{\"d\":null}]}",
    "a[0]=1", "a[1]={\"b\":2}", "a[0].b=\"x,y\"", "a={", "a=[", "a={\"b\"}", "a='b'", "{\"a\":1}", " {\"a\":{\"b\":2}} ", "{\"map\":{\"a\":5,\"n\":6}}", "{\"a\":1", "[1]", "{}", "a=1e3", "a=1000000", "a=12345678901234567890", "a=-0", "a=0.1e-3", "a=\"\\u00e9\\n\"", "a=truex", "a=nullb=1", "a=01",
    "a={\"x\":1,\"x\":2}", "map.a=7", "map={\"z\":1}", "list[0]={}", "a=\"b\" c", "a={}{}", "a=[]b=1", "{\"a\":null,\"map\":null}", "a.b=1,a.c=2", "a=1\n,b=2",
];

#[rustfmt::skip]
const STRINGS: &[&str] = &[
    "a=1", "a=true", "a=null", "a=", "a={1,true}", "a[0]=1", "a.b=0x1", "a=b\\,c", "a=1,b=2", "map.a=5", "a", "a={", "list[0]=x", "a=-0", "old.x=1",
];

#[rustfmt::skip]
const LITERALS: &[&str] = &[
    "a=1", "a=b,c=d", "a={1,2}", "a=[1]", "a=\\,\\n\"'", "a.b=c.d=e", "a[0]=x,y", "a[1].b=x", "a", "a=", "a.b", "a[0]", "a[x]=1", "a\\.b=c", "a,b=c", "map.a=5", "old.x=1", "a[0][1]=z", "=x", "a=null", "a=é\n",
];

#[rustfmt::skip]
const FILES: &[&str] = &[
    "a=one.txt", "a=one.txt,b=two.txt", "a={one.txt,two.txt}", "a[1]=one.txt", "a.b=two.txt", "a=missing.txt", "a=", "a", "map.a=one.txt", "a.b[0].c=one.txt,a.d=two.txt",
];

#[test]
fn flags_set_what_helm_sets() {
    let home = tempfile::tempdir().unwrap();
    let files = [
        (
            "chart/Chart.yaml",
            "apiVersion: v2\nname: chart\nversion: 1.0.0\n",
        ),
        ("chart/templates/values.yaml", TEMPLATE),
        ("one.txt", "one\nline: 2\n"),
        ("two.txt", "2"),
        ("values.yaml", FILE),
    ];
    helm::write_chart(home.path(), &files);
    let mut cases = Vec::new();
    let mut add = |file: &'static str, flag: &str, text: &str| {
        let flags = vec![(flag.to_owned(), text.to_owned())];
        cases.push(Case { file, flags });
    };
    for (flag, texts) in [
        ("--set", SETS),
        ("--set-json", JSONS),
        ("--set-string", STRINGS),
        ("--set-literal", LITERALS),
        ("--set-file", FILES),
    ] {
        for text in texts {
            add("", flag, text);
            if [
                "old", "map", "list", "items", "scalar", "none", "nested", "big", "flag", "{",
            ]
            .iter()
            .any(|start| text.starts_with(start))
            {
                add(FILE, flag, text);
            }
        }
    }
    // The kinds of flags have a fixed order, whatever order they are given in.
    let mut random = Random::new(7);
    for _ in 0..60 {
        let flags = (0..2 + random.below(4)).map(|_| {
            let (flag, texts) = *random.pick(&[
                (
                    "--set",
                    &[
                        "a=1",
                        "a.b=2",
                        "a.c={x,y}",
                        "b[1]=3",
                        "map.a=null",
                        "list[0]=7",
                        "a.b.c=1",
                    ][..],
                ),
                (
                    "--set-json",
                    &[
                        "a={\"b\":{\"d\":1.5}}",
                        "b=[1,2,3]",
                        "{\"a\":{\"e\":5}}",
                        "map=null",
                    ][..],
                ),
                ("--set-string", &["a.f=1", "b[0]=z", "map.b=3"][..]),
                ("--set-literal", &["a.g={1}", "b[2]=k"][..]),
                ("--set-file", &["a.h=one.txt", "b[0]=two.txt"][..]),
            ]);
            let text: &&str = random.pick(texts);
            (flag.to_owned(), (*text).to_owned())
        });
        let flags = flags.collect();
        cases.push(Case {
            file: if random.below(2) == 0 { FILE } else { "" },
            flags,
        });
    }
    let args = |case: &Case| {
        let mut args: Vec<String> = case
            .flags
            .iter()
            .map(|(flag, text)| format!("{flag}={text}"))
            .collect();
        if !case.file.is_empty() {
            args.extend(["-f".to_owned(), "values.yaml".to_owned()]);
        }
        args
    };
    let theirs = each(&cases, |case| helm_values(home.path(), &args(case)));
    let ours: Vec<String> = cases
        .iter()
        .map(
            |case| match values::merge_user(&case.sources(home.path()), Numbers::Helm) {
                Ok(user) => shown(&user.value),
                Err(_) => "error".to_owned(),
            },
        )
        .collect();
    let names: Vec<String> = cases
        .iter()
        .map(|case| format!("{:?}", args(case)))
        .collect();
    compare("--set and its siblings", &names, &ours, &theirs);
}

#[test]
fn files_end_as_helm_ends_them() {
    let mut texts = Vec::new();
    for style in ["|", "|+", "|-", ">", ">+", ">-", "\"q\"", "plain", ""] {
        for body in [
            "",
            "\n  x",
            "\n  x\n  y",
            "\n  x\n ",
            "\n  x\n---\nb: |\n  z",
        ] {
            for end in ["", "\n", "\n\n", "\r\n", " "] {
                texts.push(format!("a: {style}{body}{end}"));
            }
        }
    }
    let home = tempfile::tempdir().unwrap();
    let chart = "apiVersion: v2\nname: chart\nversion: 1.0.0\n";
    let mut files = vec![
        ("chart/Chart.yaml".to_owned(), chart.to_owned()),
        (
            "chart/templates/values.yaml".to_owned(),
            TEMPLATE.to_owned(),
        ),
    ];
    let name = |index: usize| format!("values-{index}.yaml");
    files.extend(
        texts
            .iter()
            .enumerate()
            .map(|(index, text)| (name(index), text.clone())),
    );
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(n, t)| (n.as_str(), t.as_str()))
        .collect();
    helm::write_chart(home.path(), &files);
    let all: Vec<usize> = (0..texts.len()).collect();
    let theirs = each(&all, |index| {
        helm_values(home.path(), &["-f".to_owned(), name(*index)])
    });
    let ours: Vec<String> = texts
        .iter()
        .map(|text| {
            let mut sources = Sources::default();
            sources.files.push(ValuesFile {
                name: "values.yaml".to_owned(),
                text: text.clone(),
                ..ValuesFile::default()
            });
            match values::merge_user(&sources, Numbers::Helm) {
                Ok(user) => shown(&user.value),
                Err(_) => "error".to_owned(),
            }
        })
        .collect();
    compare("ends of values files", &texts, &ours, &theirs);
}
