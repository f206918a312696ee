//! `nutkin show`: what is in a chart.

use std::process::ExitCode;

use super::Context;
use super::chart_flags::ChartFlags;
use super::error::{CommandError, Kind};
use crate::chart::{self, Chart};
use crate::template::jsonpath::Template;

/// Show a chart's metadata, values, README or CRDs
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  nutkin show values charts/flink-application > my-values.yaml
  nutkin show chart orders-1.2.0.tgz
  nutkin show crds ./operator")]
pub struct Args {
    #[command(subcommand)]
    part: Part,
}

#[derive(Debug, clap::Subcommand)]
enum Part {
    /// Everything
    All(Which),
    /// Chart.yaml
    Chart(Which),
    /// values.yaml, with its comments
    Values(Values),
    /// The README
    Readme(Which),
    /// The CRDs in crds/
    Crds(Which),
}

#[derive(Debug, clap::Args)]
struct Which {
    /// The chart: a folder, an archive, REPOSITORY/CHART, oci://…, an address, or a name with --repo
    #[arg(value_name = "CHART")]
    chart: String,
    #[command(flatten)]
    from: ChartFlags,
}

#[derive(Debug, clap::Args)]
struct Values {
    #[command(flatten)]
    which: Which,
    /// Print what this JSONPath template of kubectl's makes of the values, for instance {.image.tag}
    #[arg(long, value_name = "TEMPLATE")]
    jsonpath: Option<String>,
}

impl Values {
    /// What a template makes of the values. As in Helm, what isn't there is no error; it is told.
    fn chosen(&self, template: &str, cx: &Context) -> Result<(), CommandError> {
        let template = Template::parse(template)
            .map_err(|e| CommandError::new(Kind::Usage, format_args!("--jsonpath: {e}")))?;
        let values = self.which.from.load(&self.which.chart, cx)?.chart.values;
        match template.render(&values) {
            Ok(text) => cx.output.data(&text),
            Err(e) => {
                cx.output.note(&format!("Warning: --jsonpath: {e}"));
                Ok(())
            }
        }
    }
}

/// What makes the text of a part.
type Shown = fn(&Chart) -> Result<String, chart::Error>;

impl Args {
    /// Prints the part.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        let (which, parts): (&Which, Shown) = match &self.part {
            Part::All(which) => (which, all),
            Part::Chart(which) => (which, |c| Ok(format!("{}\n", chart::chart_yaml(c)?))),
            Part::Values(args) => {
                if let Some(template) = &args.jsonpath {
                    args.chosen(template, cx)?;
                    return Ok(ExitCode::SUCCESS);
                }
                (&args.which, |c| Ok(values(c)))
            }
            Part::Readme(which) => (which, |c| Ok(readme(c))),
            Part::Crds(which) => (which, |c| Ok(crds(c))),
        };
        let loaded = which.from.load(&which.chart, cx)?.chart;
        cx.output.data(&parts(&loaded)?)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The parts one after the other, `---` between them, as Helm prints them.
fn all(chart: &Chart) -> Result<String, chart::Error> {
    let readme = readme(chart);
    let readme = if readme.is_empty() {
        readme
    } else {
        format!("---\n{readme}")
    };
    Ok(format!(
        "{}\n---\n{}{readme}{}",
        chart::chart_yaml(chart)?,
        values(chart),
        crds(chart)
    ))
}

fn values(chart: &Chart) -> String {
    chart
        .values_text
        .as_ref()
        .map(|text| format!("{text}\n"))
        .unwrap_or_default()
}

fn readme(chart: &Chart) -> String {
    let names = ["readme.md", "readme.txt", "readme"];
    let found = chart
        .files
        .iter()
        .find(|f| names.contains(&f.name.to_ascii_lowercase().as_str()));
    found
        .map(|f| format!("{}\n", String::from_utf8_lossy(&f.data)))
        .unwrap_or_default()
}

fn crds(chart: &Chart) -> String {
    let mut out = String::new();
    for (_, file) in chart.crd_files() {
        let text = String::from_utf8_lossy(&file.data);
        if !text.starts_with("---") {
            out.push_str("---\n");
        }
        out.push_str(&text);
        out.push('\n');
    }
    out
}
