//! `nutkin get`: what a revision's record holds.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde::Serialize;
use serde_json::json;

use super::conceal::conceal;
use super::error::{CommandError, Kind};
use super::output::Format;
use super::shown::hide_secrets;
use super::status::{Show, describe};
use super::{Context, when};
use crate::chart::{Chart, Dependency};
use crate::release::{CLIENT_SIDE, Release, SERVER_SIDE, Store, Stored};
use crate::template::gotmpl::engine::render_text;
use crate::template::gotmpl::exec;
use crate::values;
use crate::yaml::{Map, Value, emit};

/// Show what the record of a release holds
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  nutkin get values orders --all -o json
  nutkin get manifest orders --revision 3
  nutkin get all orders --template '{{.Release.Info.Status}}'
  nutkin get notes orders")]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Notes, hooks, values and manifest
    All(All),
    /// The hooks, as YAML documents
    Hooks(Revision),
    /// The manifest
    Manifest(Revision),
    /// Name, chart, labels, status
    Metadata(Formatted),
    /// The notes of the chart
    Notes(Revision),
    /// The values that the user gave
    Values(ValuesArgs),
}

/// A release and one of its revisions.
#[derive(Debug, Clone, clap::Args)]
pub struct Revision {
    /// The release
    pub name: String,
    /// The revision (default: the newest)
    #[arg(long, default_value_t = 0, hide_default_value = true, value_name = "N")]
    pub revision: u32,
    /// Show the values that the chart's schema marks as secret too
    #[arg(long)]
    show_secrets: bool,
    /// Leave Kubernetes Secrets out of the manifest
    #[arg(long, conflicts_with = "show_secrets")]
    hide_secret: bool,
}

#[derive(Debug, clap::Args)]
struct All {
    #[command(flatten)]
    of: Revision,
    /// A Go template to print the release by, which it sees as Helm's fields: {{.Release.Name}}, {{.Release.Info.Status}}
    #[arg(long, value_name = "TEMPLATE")]
    template: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Formatted {
    #[command(flatten)]
    of: Revision,
    /// The output format
    #[arg(short = 'o', long, value_enum, default_value_t)]
    output: Format,
}

#[derive(Debug, clap::Args)]
struct ValuesArgs {
    #[command(flatten)]
    of: Revision,
    /// The values as computed, with the chart's defaults
    #[arg(short = 'a', long)]
    all: bool,
    /// The output format
    #[arg(short = 'o', long, value_enum, default_value_t)]
    output: Format,
}

impl Revision {
    /// Reads the record.
    pub async fn read(&self, store: &Store) -> Result<Stored, CommandError> {
        Ok(match self.revision {
            0 => store.last(&self.name).await?,
            revision => store.get(&self.name, revision).await?,
        })
    }

    fn fetch(&self, cx: &Context) -> Result<Stored, CommandError> {
        let mut stored = cx.block_on(async {
            let (_, store) = cx.store().await?;
            self.read(&store).await
        })?;
        self.conceal(cx, &mut stored.release);
        Ok(stored)
    }

    /// Masks what of a release is not to be shown.
    pub fn conceal(&self, cx: &Context, release: &mut Release) {
        if !self.show_secrets {
            conceal(&cx.output, release);
        }
        if self.hide_secret {
            hide_secrets(release);
        }
    }
}

impl Args {
    /// Shows it.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        match self.what {
            What::All(args) => {
                let release = args.of.fetch(cx)?.release;
                let text = match &args.template {
                    Some(template) => by_template(template, &release)?,
                    None => describe(&release, Show::All, None)?,
                };
                cx.output.data(&text)?;
            }
            What::Hooks(of) => {
                let release = of.fetch(cx)?.release;
                cx.output.data(&hooks(&release))?;
            }
            What::Manifest(of) => {
                let release = of.fetch(cx)?.release;
                cx.output.data(&format!("{}\n", release.manifest))?;
            }
            What::Notes(of) => {
                let notes = of.fetch(cx)?.release.info.notes;
                if !notes.is_empty() {
                    cx.output.data(&format!("NOTES:\n{notes}\n"))?;
                }
            }
            What::Metadata(args) => {
                let metadata = Metadata::new(args.of.fetch(cx)?, args.of.revision > 0);
                cx.output
                    .formatted(args.output, &metadata, || metadata.table())?;
            }
            What::Values(args) => {
                let release = args.of.fetch(cx)?.release;
                let (title, values) = if args.all {
                    ("COMPUTED VALUES:", computed(&release)?)
                } else {
                    ("USER-SUPPLIED VALUES:", given(&release))
                };
                cx.output.formatted(args.output, &values, || {
                    format!("{title}\n{}", emit(&values))
                })?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What a Go template makes of the release.
fn by_template(template: &str, release: &Release) -> Result<String, CommandError> {
    let release =
        serde_json::to_value(release).map_err(|e| CommandError::new(Kind::Internal, e))?;
    let data = json!({ "Release": go_fields(release) });
    render_text("template", template, &data, &exec::Options::default())
        .map_err(|e| CommandError::new(Kind::Usage, format_args!("--template: {e}")))
}

/// A record with the names that Helm's structs have in Go: `first_deployed` is `FirstDeployed`. The keys of maps
/// that users fill stay as they are.
fn go_fields(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .map(|(key, value)| {
                let free = ["config", "values", "labels", "annotations"].contains(&key.as_str());
                let value = if free { value } else { go_fields(value) };
                (go_name(&key), value)
            })
            .collect::<Map>()
            .into(),
        Value::Array(items) => items.into_iter().map(go_fields).collect(),
        scalar => scalar,
    }
}

fn go_name(key: &str) -> String {
    if key == "apiVersion" {
        return "APIVersion".to_owned();
    }
    let capital = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|c| c.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    key.split('_').map(capital).collect()
}

/// The hooks as documents with their sources.
pub fn hooks(release: &Release) -> String {
    let mut text = String::new();
    for hook in &release.hooks {
        let _ = writeln!(text, "---\n# Source: {}\n{}", hook.path, hook.manifest);
    }
    text
}

/// The values that the user gave; null when there were none, as Helm shows them.
pub fn given(release: &Release) -> Value {
    if release.config.is_empty() {
        Value::Null
    } else {
        Value::Object(release.config.clone())
    }
}

/// The user's values over the chart's defaults. Subcharts' defaults are not in a record.
pub fn computed(release: &Release) -> Result<Value, CommandError> {
    let chart = Chart {
        metadata: release.chart.metadata.clone(),
        values: release.chart.values.clone(),
        ..Chart::default()
    };
    values::coalesce(&chart, Value::Object(release.config.clone()))
        .map(|(values, _)| values)
        .map_err(|e| CommandError::new(Kind::Invalid, e))
}

/// A record's metadata in Helm's JSON shape.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    chart: String,
    version: String,
    app_version: String,
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    annotations: std::collections::BTreeMap<String, String>,
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    labels: std::collections::BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dependencies: Vec<Dependency>,
    namespace: String,
    revision: u32,
    status: &'static str,
    deployed_at: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    apply_method: String,
}

impl Metadata {
    /// Helm shows its own labels too, but for a revision that was named.
    fn new(stored: Stored, named: bool) -> Self {
        let release = stored.release;
        let chart = release.chart.metadata;
        Metadata {
            name: release.name,
            chart: chart.name,
            version: chart.version,
            app_version: chart.app_version,
            annotations: chart.annotations,
            labels: if named {
                release.labels
            } else {
                stored.secret_labels
            },
            dependencies: chart.dependencies,
            namespace: release.namespace,
            revision: release.version,
            status: release.info.status.as_str(),
            deployed_at: when::seconds(release.info.last_deployed.as_ref()),
            apply_method: release.apply_method,
        }
    }

    fn table(&self) -> String {
        let pairs = |map: &std::collections::BTreeMap<String, String>| {
            let list: Vec<String> = map.iter().map(|(k, v)| format!("{k}={v}")).collect();
            list.join(",")
        };
        let mut dependencies: Vec<&str> =
            self.dependencies.iter().map(|d| d.name.as_str()).collect();
        dependencies.sort_unstable();
        let method = match self.apply_method.as_str() {
            "" => "client-side apply (defaulted)".to_owned(),
            CLIENT_SIDE => "client-side apply".to_owned(),
            SERVER_SIDE => "server-side apply".to_owned(),
            other => format!("unknown ({other:?})"),
        };
        let rows = [
            ("NAME", self.name.clone()),
            ("CHART", self.chart.clone()),
            ("VERSION", self.version.clone()),
            ("APP_VERSION", self.app_version.clone()),
            ("ANNOTATIONS", pairs(&self.annotations)),
            ("LABELS", pairs(&self.labels)),
            ("DEPENDENCIES", dependencies.join(",")),
            ("NAMESPACE", self.namespace.clone()),
            ("REVISION", self.revision.to_string()),
            ("STATUS", self.status.to_owned()),
            ("DEPLOYED_AT", self.deployed_at.clone()),
            ("APPLY_METHOD", method),
        ];
        rows.iter()
            .map(|(key, value)| format!("{key}: {value}\n"))
            .collect()
    }
}
