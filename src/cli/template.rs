//! `nutkin template`: renders a chart without a cluster.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::chart_flags::ChartFlags;
use super::error::{CommandError, Kind};
use super::kube::release_name;
use super::release_flags::DryRun;
use super::render_flags::{NameFlags, RenderFlags};
use super::shown::HIDDEN;
use super::values_flags::ValueFlags;
use super::{Context, charts};
use crate::chart::{Chart, path_match};
use crate::cluster::{self, Apply, ObjectRef, ownership};
use crate::render::{Capabilities, Document, Options, ReleaseOptions, Rendered};

/// Render a chart's templates, without a cluster
///
/// Prints the manifest as Helm does: objects in the order of their installation, then the hooks.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nutkin template my-job ./charts/flink-application -f values/dev.yaml\n  \
nutkin template ./charts/flink-application -s 'templates/jobmanager*'"
)]
pub struct Args {
    /// The release's name and the chart, or the chart alone
    #[arg(required = true, num_args = 1..=2, value_names = ["NAME", "CHART"])]
    name_and_chart: Vec<String>,
    #[command(flatten)]
    naming: NameFlags,
    #[command(flatten)]
    values: ValueFlags,
    #[command(flatten)]
    rendering: RenderFlags,
    /// Show only what these templates make; a glob below the chart, may be repeated
    #[arg(short = 's', long, value_name = "TEMPLATE")]
    show_only: Vec<String>,
    /// Print the chart's CRDs too
    #[arg(long)]
    include_crds: bool,
    /// Leave out the tests
    #[arg(long)]
    skip_tests: bool,
    /// Leave out all hooks
    #[arg(long)]
    no_hooks: bool,
    /// Let the templates think that this is an upgrade
    #[arg(long)]
    is_upgrade: bool,
    /// The Kubernetes version that templates see
    #[arg(long, value_name = "VERSION")]
    kube_version: Option<String>,
    /// API versions that templates see besides the usual ones; comma separated, may be repeated
    #[arg(short = 'a', long, value_delimiter = ',', value_name = "GROUP/VERSION")]
    api_versions: Vec<String>,
    /// Write a file for each template below this folder, and print their names
    #[arg(long, value_name = "FOLDER")]
    output_dir: Option<PathBuf>,
    /// Put the release's name into the path below --output-dir
    #[arg(long)]
    release_name: bool,
    /// Leave Kubernetes Secrets out, and hide the values that are marked as secret
    #[arg(long)]
    hide_secret: bool,
    #[command(flatten)]
    from: ChartFlags,
    /// Fetch the charts that Chart.yaml wants and charts/ doesn't have
    #[arg(long)]
    dependency_update: bool,
    /// With `server`, ask the cluster: for its version and APIs, in `lookup`, and whether it would take the objects
    #[arg(long, value_enum, hide_possible_values = true, value_name = "client|server", num_args = 0..=1, default_value = "client", default_missing_value = "client", require_equals = true)]
    dry_run: DryRun,
    /// The old name of --dry-run=server
    #[arg(long, hide = true, conflicts_with = "dry_run")]
    validate: bool,
    #[command(flatten)]
    install: InstallFlags,
}

/// Flags of install that helm's template takes too, so that a command line serves both. Nothing is installed, so
/// they change nothing.
#[derive(Debug, Clone, clap::Args)]
#[allow(dead_code, reason = "they change nothing")]
struct InstallFlags {
    #[arg(long, hide = true)]
    create_namespace: bool,
    #[arg(long, hide = true)]
    description: Option<String>,
    #[arg(long, hide = true)]
    force_conflicts: bool,
    #[arg(long, hide = true, alias = "force")]
    force_replace: bool,
    #[arg(short = 'l', long, hide = true)]
    labels: Vec<String>,
    #[arg(long, hide = true)]
    replace: bool,
    #[arg(long, hide = true, alias = "atomic")]
    rollback_on_failure: bool,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true)]
    server_side: Option<Option<String>>,
    #[arg(long, hide = true)]
    skip_crds: bool,
    #[arg(long, hide = true)]
    take_ownership: bool,
    #[arg(long, hide = true)]
    timeout: Option<String>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true)]
    wait: Option<Option<String>>,
    #[arg(long, hide = true)]
    wait_for_jobs: bool,
}

/// A piece of output: its source, and its text without the separator.
struct Piece {
    source: String,
    text: String,
}

impl Args {
    /// Renders and prints.
    pub fn run(self, cx: &Context) -> Result<ExitCode, CommandError> {
        let (name, path) = self
            .naming
            .resolve(&self.name_and_chart, Some("release-name"))?;
        release_name(&name)?;
        let loaded = self.from.load_whole(&path, self.dependency_update, cx)?;
        let chart = loaded.chart;
        if chart.is_library() {
            return Err(CommandError::new(
                Kind::Invalid,
                format_args!(
                    "{} is a library chart: it lends templates and has no objects",
                    chart.name()
                ),
            ));
        }
        let release = ReleaseOptions {
            name: name.clone(),
            namespace: cx.release_namespace(),
            revision: 1,
            is_upgrade: self.is_upgrade,
        };
        let folder = loaded.folder.as_deref();
        let (chart, rendered) = if self.validate || self.dry_run == DryRun::Server {
            cx.block_on(self.render_with_cluster(cx, chart, folder, &release))?
        } else {
            let capabilities = self.capabilities(Capabilities::default())?;
            let options = self.rendering.options()?;
            self.render(cx, chart, folder, &release, &capabilities, &options)?
        };
        // those of subcharts that are switched off are not among them
        let crds: Vec<Piece> = chart
            .crd_files()
            .into_iter()
            .filter(|_| self.include_crds)
            .map(|(source, file)| Piece {
                source,
                text: String::from_utf8_lossy(&file.data).into_owned(),
            })
            .collect();
        let hooks = rendered
            .hooks
            .into_iter()
            .filter(|_| !self.no_hooks)
            .filter(|h| !(self.skip_tests && h.events.iter().any(|e| e == "test")))
            .map(|h| h.document);
        let hide = self.hide_secret;
        let piece = |document: Document| {
            let text = match hide && document.is_secret() {
                true => HIDDEN.trim_end().to_owned(),
                false => document.text,
            };
            // Nothing follows but the output: to take thousands of values apart now is what it would wait for.
            std::mem::forget(document.object);
            Piece {
                text,
                source: document.source,
            }
        };
        let objects: Vec<Piece> = crds
            .into_iter()
            .chain(rendered.documents.into_iter().map(piece))
            .collect();
        let hooks: Vec<Piece> = hooks.map(piece).collect();
        if let Some(folder) = &self.output_dir {
            let folder = if self.release_name {
                folder.join(&name)
            } else {
                folder.clone()
            };
            let wanted = self.selected(objects, hooks)?;
            return self.write_files(&folder, wanted, cx);
        }
        if self.show_only.is_empty() {
            let size: usize = objects
                .iter()
                .chain(&hooks)
                .map(|p| p.source.len() + p.text.len() + 20)
                .sum();
            let mut text = String::with_capacity(size);
            objects.iter().for_each(|piece| show(piece, &mut text));
            text.truncate(text.trim_end().len());
            text.push('\n');
            hooks.iter().for_each(|piece| show(piece, &mut text));
            return self.print(cx, &text);
        }
        // Helm cuts the white space behind the last object off before it chooses.
        let mut objects = objects;
        if let Some(last) = objects.last_mut() {
            last.text.truncate(last.text.trim_end().len());
        }
        let text: String = self
            .selected(objects, hooks)?
            .iter()
            .map(|p| format!("{}\n", shown(p)))
            .collect();
        self.print(cx, &text)
    }

    /// The manifest is a product for other programs: whole, unless --hide-secret makes it one for people.
    fn print(&self, cx: &Context, text: &str) -> Result<ExitCode, CommandError> {
        if self.hide_secret {
            cx.output.data(text)?;
        } else {
            cx.output.product(text)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Writes each piece to the file of its source; the pieces of one source go into one file.
    fn write_files(
        &self,
        folder: &Path,
        pieces: Vec<Piece>,
        cx: &Context,
    ) -> Result<ExitCode, CommandError> {
        let failed = |path: &Path, e: std::io::Error| {
            CommandError::new(
                Kind::Failed,
                format_args!("cannot write {}: {e}", path.display()),
            )
        };
        let mut files: Vec<(PathBuf, String)> = Vec::new();
        for piece in &pieces {
            let path = folder.join(&piece.source);
            match files.iter_mut().find(|(p, _)| *p == path) {
                Some((_, text)) => text.push_str(&shown(piece)),
                None => files.push((path, shown(piece))),
            }
        }
        for (path, mut text) in files {
            if self.hide_secret {
                text = cx.output.masked(&text);
            }
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(|e| failed(parent, e))?;
            }
            fs::write(&path, text).map_err(|e| failed(&path, e))?;
        }
        // As Helm has it: a line for each document, and at the end the manifest, of which nothing is left.
        for piece in &pieces {
            let path = folder.join(&piece.source);
            cx.output.data(&format!("wrote {}\n", path.display()))?;
        }
        cx.output.data("\n")?;
        Ok(ExitCode::SUCCESS)
    }

    fn render(
        &self,
        cx: &Context,
        chart: Chart,
        folder: Option<&Path>,
        release: &ReleaseOptions,
        capabilities: &Capabilities,
        options: &Options,
    ) -> Result<(Chart, Rendered), CommandError> {
        let values = &self.values;
        charts::render_chart(
            chart,
            folder,
            values,
            release,
            capabilities,
            options,
            &cx.output,
        )
    }

    /// Renders with what the cluster says of itself, and asks it whether it would take the objects.
    async fn render_with_cluster(
        &self,
        cx: &Context,
        chart: Chart,
        folder: Option<&Path>,
        release: &ReleaseOptions,
    ) -> Result<(Chart, Rendered), CommandError> {
        let client = cx.connect().await?;
        let capabilities = self.capabilities(client.capabilities().await?)?;
        let options = Options {
            lookup: Some(client.lookup()),
            ..self.rendering.options()?
        };
        let (chart, rendered) = self.render(cx, chart, folder, release, &capabilities, &options)?;
        let crds = chart.crd_files().len();
        let mut refused = Vec::new();
        for document in &rendered.documents {
            if document.object.is_null() {
                continue;
            }
            document.check().map_err(|fault| {
                let text = format!("{}: a document {fault}", document.source);
                CommandError::new(Kind::Invalid, text)
            })?;
            // an install would not take over what belongs to others
            if !self.is_upgrade && !document.name().is_empty() {
                let reference = ObjectRef::of(&document.object)?;
                if let Some(live) = client.find(&reference).await? {
                    ownership::check(&reference, &live, &release.name, client.namespace())?;
                }
            }
            let how = Apply {
                force: true,
                dry_run: true,
            };
            let tried = if document.name().is_empty() {
                client.create(&document.object, true).await
            } else {
                client.apply(&document.object, how).await
            };
            let what = format!("{} {}", document.kind(), document.name());
            match tried {
                Ok(_) => {}
                // What it lives in may be made before it.
                Err(e @ cluster::Error::NoNamespace { .. }) => {
                    cx.output.note(&format!("not verified: {what}: {e}"));
                }
                Err(e @ cluster::Error::NoKind { .. }) if crds > 0 => {
                    cx.output.note(&format!("not verified: {what}: {e}"));
                }
                Err(e) => refused.push((document.source.clone(), what, e)),
            }
        }
        let Some((_, _, first)) = refused.first() else {
            return Ok((chart, rendered));
        };
        let kind = CommandError::from(first.clone()).kind;
        let lines: Vec<String> = refused
            .iter()
            .map(|(source, what, e)| format!("{source}: {what}: {e}"))
            .collect();
        Err(CommandError::new(kind, lines.join("\n")))
    }

    /// Capabilities with what the flags say of them.
    fn capabilities(&self, known: Capabilities) -> Result<Capabilities, CommandError> {
        let mut capabilities = known;
        if let Some(version) = &self.kube_version {
            capabilities = capabilities
                .with_kube_version(version)
                .map_err(|e| CommandError::new(Kind::Usage, format_args!("--kube-version: {e}")))?;
        }
        capabilities
            .api_versions
            .extend(self.api_versions.iter().cloned());
        Ok(capabilities)
    }

    /// What `--show-only` asks for, in the order of its patterns.
    fn selected(&self, objects: Vec<Piece>, hooks: Vec<Piece>) -> Result<Vec<Piece>, CommandError> {
        let pieces: Vec<Piece> = objects.into_iter().chain(hooks).collect();
        if self.show_only.is_empty() {
            return Ok(pieces);
        }
        let mut chosen = Vec::new();
        for pattern in &self.show_only {
            let before = chosen.len();
            for piece in &pieces {
                let inner = piece
                    .source
                    .split_once('/')
                    .map_or(piece.source.as_str(), |(_, rest)| rest);
                let fits = path_match(pattern, inner).map_err(|e| {
                    CommandError::new(Kind::Usage, format_args!("--show-only {pattern}: {e}"))
                })?;
                if fits {
                    chosen.push(Piece {
                        source: piece.source.clone(),
                        text: piece.text.clone(),
                    });
                }
            }
            if chosen.len() == before {
                let names: BTreeSet<&str> = pieces
                    .iter()
                    .filter_map(|p| p.source.split_once('/').map(|(_, rest)| rest))
                    .collect();
                let names = names.into_iter().collect::<Vec<_>>().join(", ");
                return Err(CommandError::new(
                    Kind::NotFound,
                    format_args!("no template {pattern} in the chart makes an object"),
                )
                .hint(format_args!("one of: {names}")));
            }
        }
        Ok(chosen)
    }
}

/// Writes a piece as Helm shows it, its separator and its source before it.
fn show(piece: &Piece, out: &mut String) {
    let parts = ["---\n# Source: ", &piece.source, "\n", &piece.text, "\n"];
    parts.iter().for_each(|part| out.push_str(part));
}

fn shown(piece: &Piece) -> String {
    let mut text = String::new();
    show(piece, &mut text);
    text
}
