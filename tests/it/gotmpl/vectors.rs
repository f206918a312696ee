//! Vectors: generated templates, what helm makes of each (recorded), and what we make of it.
//!
//! `scripts/vectors` records them again.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use nutkin::template::gotmpl::engine::{Chart, Input, Release, render};
use nutkin::template::gotmpl::exec::Options;
use nutkin::yaml;
use serde_json::Value;

/// A named set of templates; `CASE` in them stands for a name of their own.
struct Suite {
    name: &'static str,
    cases: fn() -> Vec<String>,
    /// One failing template in so many is kept.
    errors_kept: usize,
}

const SUITES: &[Suite] = &[
    Suite {
        name: "language",
        cases: super::language::cases,
        errors_kept: 1,
    },
    Suite {
        name: "pairs",
        cases: super::pairs::cases,
        errors_kept: 12,
    },
    Suite {
        name: "functions",
        cases: super::functions::cases,
        errors_kept: 8,
    },
];

/// The values that all vectors see; numbers of a file are floats, `int64` comes by `--set`.
const VALUES: &str = include_str!("../../gotmpl/values.yaml");
const HELPERS: &str = include_str!("../../gotmpl/_helpers.tpl");
const FILES: &[(&str, &str)] = &[
    ("conf/a.txt", "alpha\nbeta\n"),
    ("conf/b.yaml", "x: 1\n"),
    ("conf/sub/c.txt", "no line end"),
    ("empty.txt", ""),
];
const CHART: &str = "apiVersion: v2\nname: vec\nversion: 0.1.0\nappVersion: \"1.2\"\n\
    keywords: [k1, k2]\nmaintainers:\n- name: Jo\n  email: jo@example.org\n";

/// What a template yields: its text, or helm's error.
pub(super) type Outcome = Result<String, String>;

pub(super) fn ours(case: &str, index: usize) -> Outcome {
    ours_with(case, index, &Options::default())
}

pub(super) fn ours_with(case: &str, index: usize, options: &Options) -> Outcome {
    let text = named(case, index);
    match rendered(&text, options) {
        // what is no text is shown as helm's batch shows it
        Err(error) if error.contains("invalid leading UTF-8 octet") => {
            let hex = format!(
                "{{{{ define \"shown\" }}}}{text}{{{{ end }}}}{{{{ include \"shown\" . | printf \"%x\" }}}}"
            );
            rendered(&hex, options).map(|hex| from_hex(&hex))
        }
        outcome => anonymous(outcome, index),
    }
}

/// The bytes of a hexadecimal text, as text.
fn from_hex(hex: &str) -> String {
    let byte =
        |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("hex"), 16).expect("hex");
    let bytes: Vec<u8> = hex.as_bytes().chunks(2).map(byte).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn rendered(text: &str, options: &Options) -> Outcome {
    let mut values = yaml::parse(VALUES).expect("values");
    yaml::helm_numbers(&mut values);
    values["int64"] = Value::from(64);
    let input = Input {
        chart: Chart {
            name: "vec",
            metadata: yaml::parse(CHART).expect("Chart.yaml"),
            files: FILES
                .iter()
                .map(|(name, data)| (*name, data.as_bytes()))
                .collect(),
            templates: vec![
                ("templates/_helpers.tpl", HELPERS.into()),
                ("templates/case.yaml", text.into()),
            ],
            children: Vec::new(),
        },
        values: Cow::Owned(values),
        release: Release {
            name: "rel",
            namespace: "ns",
            revision: 1,
            is_upgrade: false,
        },
        kube_version: "v1.37.0",
        api_versions: &nutkin::render::Capabilities::default().api_versions,
    };
    match render(&input, options) {
        Ok(output) => Ok(output.texts["vec/templates/case.yaml"].clone()),
        Err(err) => Err(err.helm.trim_end().to_string()),
    }
}

/// The outcome without the case's own name.
fn anonymous(outcome: Outcome, index: usize) -> Outcome {
    let name = named("CASE", index);
    match outcome {
        Ok(text) => Ok(text.replace(&name, "CASE")),
        Err(text) => Err(text.replace(&name, "CASE")),
    }
}

/// The case under a name of its own, for what it defines.
fn named(case: &str, index: usize) -> String {
    case.replace("CASE", &format!("c{index:04}"))
}

fn data(suite: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("tests/gotmpl").join(format!("{suite}.jsonl"))
}

/// The recorded vectors of a suite: template and outcome.
fn recorded(suite: &str) -> Vec<(String, Outcome)> {
    let text = std::fs::read_to_string(data(suite)).expect("recorded vectors");
    let row = |line: &str| {
        let row: Value = serde_json::from_str(line).expect("a row");
        let text = |key: &str| row[key].as_str().map(str::to_string);
        let outcome = text("out").ok_or_else(|| text("err").expect("an outcome"));
        (text("t").expect("a template"), outcome)
    };
    text.lines().map(row).collect()
}

/// The templates of all suites.
pub(super) fn all_recorded() -> Vec<String> {
    let suites = SUITES.iter().flat_map(|suite| recorded(suite.name));
    suites.map(|(template, _)| template).collect()
}

#[test]
fn vectors_are_equal_to_helm() {
    let (mut wrong, mut all) = (String::new(), 0);
    let mut failures = 0;
    for suite in SUITES {
        let recorded = recorded(suite.name);
        let templates: HashSet<&String> = recorded.iter().map(|(template, _)| template).collect();
        let missing = |case: &&String| !templates.contains(*case);
        let generated = (suite.cases)();
        assert!(
            suite.errors_kept > 1 || !generated.iter().any(|case| missing(&case)),
            "vectors of {} are not recorded: run scripts/vectors",
            suite.name
        );
        all += recorded.len();
        for (index, (template, helm)) in recorded.iter().enumerate() {
            let ours = ours(template, index);
            if &ours != helm {
                failures += 1;
                if failures <= 40 {
                    let _ = writeln!(wrong, "{template}\n  helm: {helm:?}\n  ours: {ours:?}");
                }
            }
        }
    }
    assert!(
        failures == 0,
        "{failures} of {all} vectors differ:\n{wrong}"
    );
}

/// A sample of the vectors, rendered by helm now: the record is not out of date.
#[test]
fn recorded_vectors_are_what_helm_says() {
    let Some(helm) = helm() else {
        return;
    };
    for suite in SUITES {
        let recorded = recorded(suite.name);
        let good: Vec<(usize, &String, &String)> = recorded
            .iter()
            .enumerate()
            .filter_map(|(index, (template, out))| Some((index, template, out.as_ref().ok()?)))
            .step_by(7)
            .collect();
        let cases: Vec<(usize, &str)> = good.iter().map(|(i, t, _)| (*i, t.as_str())).collect();
        let outs = helm
            .batch(&cases)
            .expect("what rendered when it was recorded");
        for ((_, template, recorded), now) in good.iter().zip(outs) {
            assert_eq!(**recorded, now, "{template}");
        }
        let bad = recorded
            .iter()
            .enumerate()
            .filter(|(_, (_, out))| out.is_err());
        for (index, (template, out)) in bad.step_by(60) {
            assert_eq!(helm.one(index, template), *out, "{template}");
        }
    }
}

/// Records the vectors again; run by `scripts/vectors`. What is recorded already is kept, unless
/// `ALL` is set. Of the templates of a suite that is made by rule, which mostly fail in the same
/// few ways, only a part of the failing ones is kept: each costs a run of helm.
#[test]
#[ignore = "records; run by scripts/vectors"]
fn record() {
    let helm = helm().expect("helm in PATH or where NUTKIN_HELM says");
    let only = std::env::var("SUITE").ok();
    let again = std::env::var_os("ALL").is_some();
    for suite in SUITES
        .iter()
        .filter(|s| only.as_ref().is_none_or(|only| only == s.name))
    {
        let known: HashMap<String, Outcome> = match data(suite.name).exists() && !again {
            true => recorded(suite.name).into_iter().collect(),
            false => HashMap::new(),
        };
        let mut failing = 0;
        let keep = |case: &String| {
            let fails =
                !known.contains_key(case) && suite.errors_kept > 1 && ours(case, 0).is_err();
            failing += usize::from(fails);
            !fails || failing % suite.errors_kept == 0
        };
        let cases: Vec<String> = (suite.cases)().into_iter().filter(keep).collect();
        let new = cases
            .iter()
            .enumerate()
            .filter(|(_, case)| !known.contains_key(*case));
        // those that we render are likely to be rendered by helm, all in a few runs
        let (good, bad): (Vec<_>, Vec<_>) = new
            .map(|(index, case)| (index, case.as_str()))
            .partition(|(index, case)| ours(case, *index).is_ok());
        let mut outcomes: HashMap<usize, Outcome> = HashMap::new();
        for chunk in good.chunks(100) {
            outcomes.extend(chunk.iter().map(|(i, _)| *i).zip(helm.outcomes(chunk)));
        }
        for (index, case) in bad {
            outcomes.insert(index, helm.one(index, case));
        }
        let mut text = String::new();
        for (index, case) in cases.iter().enumerate() {
            let outcome = outcomes.remove(&index).or_else(|| known.get(case).cloned());
            let row = match outcome.expect("recorded") {
                Ok(out) => serde_json::json!({"t": case, "out": out}),
                Err(err) => serde_json::json!({"t": case, "err": err}),
            };
            let _ = writeln!(text, "{row}");
        }
        std::fs::write(data(suite.name), text).expect("written");
    }
}

/// The real helm.
pub(super) struct Helm(pub(super) PathBuf);

/// Helm from `NUTKIN_HELM` or the PATH; without it the live comparisons are left out.
pub(super) fn helm() -> Option<Helm> {
    let program = std::env::var_os("NUTKIN_HELM").map_or_else(|| "helm".into(), PathBuf::from);
    Command::new(&program).arg("version").output().ok()?;
    Some(Helm(program))
}

impl Helm {
    /// What helm makes of each template; those that fail are found by halving.
    fn outcomes(&self, cases: &[(usize, &str)]) -> Vec<Outcome> {
        match (self.batch(cases), cases) {
            (Ok(outs), _) => outs.into_iter().map(Ok).collect(),
            (Err(_), [(index, case)]) => vec![self.one(*index, case)],
            (Err(_), _) => {
                let (left, right) = cases.split_at(cases.len() / 2);
                [self.outcomes(left), self.outcomes(right)].concat()
            }
        }
    }

    /// The texts of templates that all succeed, from one run.
    pub(super) fn batch(&self, cases: &[(usize, &str)]) -> Result<Vec<String>, String> {
        let mut templates = Vec::new();
        let mut all = String::new();
        for (index, case) in cases {
            templates.push((format!("_case{index:04}.tpl"), named(case, *index)));
            let _ = writeln!(
                all,
                "k{index}: {{{{ include \"vec/templates/_case{index:04}.tpl\" . | printf \"%x\" | quote }}}}"
            );
        }
        templates.push(("all.yaml".to_string(), all));
        let text = self.template(&templates)?;
        let out = |(index, _): &(usize, &str)| -> String {
            let start = format!("k{index}: \"");
            let line = text.lines().find_map(|line| line.strip_prefix(&start));
            let hex = line
                .expect("a line for each")
                .trim_end_matches('"')
                .as_bytes();
            let byte = |pair: &[u8]| {
                u8::from_str_radix(std::str::from_utf8(pair).expect("hex"), 16).expect("hex")
            };
            let bytes: Vec<u8> = hex.chunks(2).map(byte).collect();
            let text = String::from_utf8_lossy(&bytes).replace("<no value>", "");
            text.replace(&named("CASE", *index), "CASE")
        };
        Ok(cases.iter().map(out).collect())
    }

    /// One template on its own; its text is of no interest, its error is.
    fn one(&self, index: usize, case: &str) -> Outcome {
        match self.template(&[("case.yaml".to_string(), named(case, index))]) {
            Ok(_) => self.batch(&[(index, case)]).map(|mut outs| outs.remove(0)),
            Err(err) if err.contains("YAML parse error") => {
                self.batch(&[(index, case)]).map(|mut outs| outs.remove(0))
            }
            Err(err) => anonymous(Err(err), index),
        }
    }

    /// Renders a chart with the templates; an error is helm's text without its frame.
    fn template(&self, templates: &[(String, String)]) -> Result<String, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            let path = folder.path().join("vec").join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, text).expect("written");
        };
        write("Chart.yaml", CHART);
        write("values.yaml", VALUES);
        write("templates/_helpers.tpl", HELPERS);
        for (name, text) in FILES {
            write(name, text);
        }
        for (name, text) in templates {
            write(&format!("templates/{name}"), text);
        }
        let output = Command::new(&self.0)
            .args(["template", "rel", "vec", "-n", "ns", "--set", "int64=64"])
            .current_dir(folder.path())
            .output()
            .expect("helm runs");
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let text = text.split("\n\nUse --debug flag").next().unwrap_or(&text);
        let start = text
            .find("Error: ")
            .map_or(0, |index| index + "Error: ".len());
        Err(text.get(start..).unwrap_or(text).trim_end().to_string())
    }
}
