//! `nutkin values`: what a chart would be rendered with, and where each value comes from.

use std::process::ExitCode;

use serde::Serialize;

use super::Context;
use super::chart_flags::ChartFlags;
use super::error::{CommandError, Kind};
use super::output::Format;
use super::values_flags::ValueFlags;
use crate::values::{self, MASK, Numbers, Origin, Place, Secrets, Values};
use crate::yaml::{self, Value};

/// Look at the values of a chart
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Explain(Explain),
}

/// Print each final value with the file and line, or the flag, that set it, and what it replaced
///
/// Values that the chart's schema marks as secret, and those of encrypted files, are hidden.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nutkin values explain ./charts/flink-application -f values/prod.yaml\n  \
nutkin values explain image.tag ./charts/flink-application --overlay prod --set image.tag=2.0"
)]
struct Explain {
    /// A path, such as image.tag or `list[0].name`, and the chart; or the chart alone
    #[arg(required = true, num_args = 1..=2, value_names = ["PATH", "CHART"])]
    path_and_chart: Vec<String>,
    #[command(flatten)]
    values: ValueFlags,
    #[command(flatten)]
    from: ChartFlags,
    /// The shape of the output
    #[arg(short = 'o', long, value_enum, default_value_t, value_name = "SHAPE")]
    output: Format,
}

/// A final value, as printed.
#[derive(Debug, Serialize)]
struct Row {
    path: String,
    value: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<Shown>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    replaced: Vec<Replaced>,
}

/// Where a value comes from.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flag: Option<&'static str>,
}

/// What a value replaced.
#[derive(Debug, Serialize)]
struct Replaced {
    value: Value,
    origin: Shown,
}

impl Args {
    /// Runs the command below.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        match self.command {
            Command::Explain(explain) => explain.run(cx),
        }
    }
}

impl Explain {
    fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        let (wanted, path) = match self.path_and_chart.as_slice() {
            [chart] => (Vec::new(), chart),
            [wanted, chart, ..] => (parse_path(wanted)?, chart),
            [] => return Err(CommandError::new(Kind::Usage, "the chart is missing")),
        };
        let loaded = self.from.load(path, cx)?;
        let mut chart = loaded.chart;
        let user =
            self.values
                .merge(&chart, loaded.folder.as_deref(), Numbers::Exact, &cx.output)?;
        let resolved = values::resolve(&mut chart, &user, Numbers::Exact)
            .map_err(|e| CommandError::new(Kind::Invalid, e))?;
        for note in &resolved.notes {
            cx.output.note(&format!("Warning: {note}"));
        }
        let rows = rows(&resolved, &resolved.secrets, &wanted)?;
        match self.output {
            Format::Table => cx.output.table(&table(&rows))?,
            format => cx.output.value(&rows, format)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The rows below a path.
fn rows(resolved: &Values, secrets: &Secrets, wanted: &[String]) -> Result<Vec<Row>, CommandError> {
    let mut at = &resolved.value;
    for (i, key) in wanted.iter().enumerate() {
        let below = match at {
            Value::Array(items) => key.parse::<usize>().ok().and_then(|i| items.get(i)),
            _ => at.get(key.as_str()),
        };
        let Some(below) = below else {
            let path = wanted.get(..=i).unwrap_or(wanted);
            return Err(missing(resolved, wanted, path));
        };
        at = below;
    }
    let mut rows = Vec::new();
    collect(resolved, secrets, &mut wanted.to_vec(), at, &mut rows);
    Ok(rows)
}

fn missing(resolved: &Values, wanted: &[String], path: &[String]) -> CommandError {
    let shown = values::dotted(path);
    let error = CommandError::new(Kind::NotFound, format_args!("there is no value {shown}"));
    let was: Vec<Origin> = resolved.origins.candidates(wanted);
    match was.first() {
        Some(origin) if origin.value.is_null() => {
            error.hint(format_args!("{} deletes it with null", origin.place))
        }
        Some(origin) => error.hint(format_args!("{} sets it in vain", origin.place)),
        None => error,
    }
}

/// Maps, and lists that several sources made, are opened; all else is a row.
fn collect(
    resolved: &Values,
    secrets: &Secrets,
    path: &mut Vec<String>,
    value: &Value,
    rows: &mut Vec<Row>,
) {
    if secrets.hide(path) {
        rows.push(row(resolved, secrets, path, value));
        return;
    }
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, below) in map {
                path.push(key.clone());
                collect(resolved, secrets, path, below, rows);
                path.pop();
            }
        }
        Value::Array(items)
            if !items.is_empty()
                && (secrets.touch(path) || resolved.origins.get(path, value).is_none()) =>
        {
            for (i, below) in items.iter().enumerate() {
                path.push(i.to_string());
                collect(resolved, secrets, path, below, rows);
                path.pop();
            }
        }
        _ => rows.push(row(resolved, secrets, path, value)),
    }
}

fn row(resolved: &Values, secrets: &Secrets, path: &[String], value: &Value) -> Row {
    let hide = |value: &Value| {
        if secrets.hide(path) && !value.is_null() {
            Value::from(MASK)
        } else {
            value.clone()
        }
    };
    let history = resolved.origins.get(path, value);
    let (origin, replaced) = match history {
        Some(history) => (Some(shown(&history.set_by.place)), history.replaced),
        None => (None, Vec::new()),
    };
    Row {
        path: values::dotted(path),
        value: hide(value),
        origin,
        replaced: replaced
            .iter()
            .map(|origin| Replaced {
                value: hide(&origin.value),
                origin: shown(&origin.place),
            })
            .collect(),
    }
}

fn shown(place: &Place) -> Shown {
    match place {
        Place::File { file, line, .. } => Shown {
            file: Some(file.clone()),
            line: (*line > 0).then_some(*line),
            flag: None,
        },
        Place::Flag { flag, .. } => Shown {
            file: None,
            line: None,
            flag: Some(flag),
        },
    }
}

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.file, self.line, self.flag) {
            (Some(file), Some(line), _) => write!(f, "{file}:{line}"),
            (Some(file), None, _) => write!(f, "{file}"),
            (None, _, Some(flag)) => write!(f, "{flag}"),
            (None, _, None) => Ok(()),
        }
    }
}

fn table(rows: &[Row]) -> Vec<Vec<String>> {
    let header = ["PATH", "VALUE", "SET BY", "REPLACED"].map(str::to_owned);
    let mut lines = vec![header.to_vec()];
    for row in rows {
        let replaced: Vec<String> = row
            .replaced
            .iter()
            .map(|r| format!("{} ({})", short(&r.value), r.origin))
            .collect();
        let origin = row.origin.as_ref().map(ToString::to_string);
        lines.push(vec![
            row.path.clone(),
            short(&row.value),
            origin.unwrap_or_default(),
            replaced.join(", "),
        ]);
    }
    lines
}

/// A value in one short line.
fn short(value: &Value) -> String {
    let text = yaml::go_json(value);
    if text.chars().count() <= 60 {
        return text;
    }
    let start: String = text.chars().take(57).collect();
    format!("{start}...")
}

/// Reads a path such as `a.b[0]."c.d"`.
fn parse_path(text: &str) -> Result<Vec<String>, CommandError> {
    let bad = || {
        CommandError::new(
            Kind::Usage,
            format_args!("{text:?} is not a path of values"),
        )
    };
    let mut path = Vec::new();
    let mut rest = text.trim_start_matches('.');
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('[') {
            let (index, after) = after.split_once(']').ok_or_else(bad)?;
            path.push(index.to_owned());
            rest = after;
        } else if let Some(after) = rest.strip_prefix('"') {
            let (key, after) = after.split_once('"').ok_or_else(bad)?;
            path.push(key.to_owned());
            rest = after;
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            if end == 0 {
                return Err(bad());
            }
            path.push(rest[..end].to_owned());
            rest = &rest[end..];
        }
        rest = rest.strip_prefix('.').unwrap_or(rest);
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::parse_path;

    #[test]
    fn paths_are_read_as_they_are_written() {
        let cases = [
            ("a.b", vec!["a", "b"]),
            ("a[0].b", vec!["a", "0", "b"]),
            ("a.\"b.c\".d", vec!["a", "b.c", "d"]),
            (".a", vec!["a"]),
            ("", vec![]),
        ];
        for (text, want) in cases {
            assert_eq!(parse_path(text).unwrap(), want, "{text}");
        }
        assert!(parse_path("a..b").is_err());
        assert!(parse_path("a[0").is_err());
    }
}
