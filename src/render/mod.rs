//! From a chart, values and capabilities to documents, hooks and notes.

mod capabilities;
mod documents;
mod error;
mod helm;
pub mod lint;
mod order;
mod post;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::chart::Chart;
use crate::template::funcs::semver::{Constraint, Version};
use crate::template::tera;
use crate::values::Numbers;
use crate::yaml::{Map, Value};

pub use capabilities::{Capabilities, DEFAULT_KUBE_VERSION};
pub use error::Error;
pub use order::install_key;
pub use post::PostRenderer;

/// What a template may know of the release: Helm's `.Release`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseOptions {
    /// The release's name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The revision that this render makes, from 1.
    pub revision: u32,
    /// Whether this is an upgrade or a rollback; otherwise an install.
    pub is_upgrade: bool,
}

/// Reads one object, or a list where the name is empty: `(apiVersion, kind, namespace, name)`.
/// `None` where there is nothing; an error's text says why the question couldn't be answered.
pub type Lookup = dyn Fn(&str, &str, &str, &str) -> Result<Option<Value>, String> + Send + Sync;

/// What else a render may be given; the default is offline and deterministic.
#[derive(Clone, Default)]
pub struct Options {
    /// The cluster, for `lookup` and `lookup_or_generate`; without one, `lookup` finds nothing.
    pub lookup: Option<Arc<Lookup>>,
    /// Whether native templates may ask for random bytes and the time.
    pub allow_random: bool,
    /// Whether `getHostByName` may ask the network.
    pub enable_dns: bool,
    /// Whether the notes of subcharts stand below the chart's own.
    pub subchart_notes: bool,
    /// What the objects go through before they are sorted.
    pub post_renderer: Option<Arc<PostRenderer>>,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("lookup", &self.lookup.is_some())
            .field("allow_random", &self.allow_random)
            .field("enable_dns", &self.enable_dns)
            .field("subchart_notes", &self.subchart_notes)
            .field("post_renderer", &self.post_renderer.is_some())
            .finish()
    }
}

/// A document of a manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The template it came from, for instance `flink-application/templates/jobmanager.yaml.tera`.
    pub source: String,
    /// The text as rendered, without the separator.
    pub text: String,
    /// The parsed object: a map with apiVersion, kind and metadata.name; null for comments alone.
    pub object: Value,
}

impl Document {
    /// The object's `apiVersion`.
    pub fn api_version(&self) -> &str {
        self.object
            .get("apiVersion")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// The object's `kind`.
    pub fn kind(&self) -> &str {
        self.object
            .get("kind")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// The object's `metadata.name`.
    pub fn name(&self) -> &str {
        self.metadata("name").unwrap_or_default()
    }

    /// Whether the object is a Kubernetes Secret.
    pub fn is_secret(&self) -> bool {
        self.kind() == "Secret" && self.api_version() == "v1"
    }

    /// The object's `metadata.namespace`, where it has one.
    pub fn namespace(&self) -> Option<&str> {
        self.metadata("namespace")
    }

    fn metadata(&self, key: &str) -> Option<&str> {
        self.object.get("metadata")?.get(key)?.as_str()
    }
}

/// A document with the annotation `helm.sh/hook`.
#[derive(Debug, Clone, PartialEq)]
pub struct Hook {
    /// The document itself.
    pub document: Document,
    /// Events, in Helm's words: `pre-install`, `post-upgrade`, `test` …
    pub events: Vec<String>,
    /// Lower weights run first.
    pub weight: i32,
    /// `before-hook-creation`, `hook-succeeded`, `hook-failed`.
    pub delete_policies: Vec<String>,
    /// `hook-succeeded`, `hook-failed`: when the hook's log is shown.
    pub output_log_policies: Vec<String>,
}

/// The outcome of a render.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rendered {
    /// The objects in Helm's install order.
    pub documents: Vec<Document>,
    /// The hooks in the order of Helm's records: by kind, then as written. See [`Rendered::hooks_for`].
    pub hooks: Vec<Hook>,
    /// NOTES.txt of the root chart; empty where there is none.
    pub notes: String,
    /// What Helm passes over in silence: hooks of unknown events.
    pub warnings: Vec<String>,
}

impl Rendered {
    /// Helm's manifest: each document behind `---` and its source. Hooks and CRDs are not in it.
    pub fn manifest(&self) -> String {
        manifest(&self.documents)
    }

    /// The hooks of an event in the order they run: by weight, then name.
    pub fn hooks_for(&self, event: &str) -> Vec<&Hook> {
        let mut hooks: Vec<&Hook> = self
            .hooks
            .iter()
            .filter(|h| h.events.iter().any(|e| e == event))
            .collect();
        hooks.sort_by(|a, b| {
            a.weight
                .cmp(&b.weight)
                .then_with(|| a.document.name().cmp(b.document.name()))
        });
        hooks
    }
}

/// The text of documents as Helm's manifests have it.
pub fn manifest(documents: &[Document]) -> String {
    documents
        .iter()
        .map(|d| format!("---\n# Source: {}\n{}\n", d.source, d.text))
        .collect()
}

/// Renders a chart.
///
/// `chart` is as loaded, with its disabled subcharts already gone; `values` are the merged ones,
/// with each subchart's below its name and the globals handed down (`values::coalesce`).
///
/// # Errors
/// A template that cannot be read or fails, output that is no YAML or no object, an unknown hook
/// event, or a version of Kubernetes that the chart doesn't want.
pub fn render(
    chart: &Chart,
    values: &Value,
    release: &ReleaseOptions,
    capabilities: &Capabilities,
    options: &Options,
) -> Result<Rendered, Error> {
    check_kube_version(chart, capabilities)?;
    let mut outputs = BTreeMap::new();
    let scope = Scope {
        chart,
        path: chart.name().to_owned(),
        values,
        is_root: true,
    };
    let with = With {
        release,
        capabilities,
        options,
    };
    render_chart(&scope, &with, &mut outputs)?;
    // Documents that were read while later templates were being rendered; a post-renderer gets all first.
    let mut early = BTreeMap::new();
    if has_helm(chart) {
        let is_early = options.post_renderer.is_none();
        let read = |name: String, text: String| {
            let read = (is_early && !is_notes(&name)).then(|| {
                let mut found = documents::Found::default();
                documents::read(&name, &text, &mut found).map(|()| found)
            });
            (name, text, read)
        };
        let made = helm::render(chart, values, release, capabilities, options, read)?;
        for (name, text, read) in made {
            if let Some(read) = read {
                early.insert(name.clone(), read);
            }
            outputs.insert(name, text);
        }
    }

    let mut rendered = Rendered {
        notes: take_notes(&mut outputs, chart.name(), options.subchart_notes),
        ..Rendered::default()
    };
    let mut found = documents::Found::default();
    if let Some(run) = &options.post_renderer {
        outputs = post::apply(&outputs, &**run)?;
    }
    for (source, output) in outputs {
        match early.remove(&source) {
            Some(read) => found.append(read?),
            None => documents::read(&source, &output, &mut found)?,
        }
    }
    rendered.documents = found.documents;
    rendered.hooks = found.hooks;
    rendered.warnings = found.warnings;
    documents::sort_documents(&mut rendered.documents);
    documents::sort_hooks(&mut rendered.hooks);
    Ok(rendered)
}

/// A template's name without the suffix of its language.
fn bare(name: &str) -> &str {
    name.strip_suffix(".tera").unwrap_or(name)
}

fn is_notes(name: &str) -> bool {
    bare(name).ends_with("NOTES.txt")
}

/// Takes each NOTES.txt out of the outputs; gives the chart's own and, where they are wanted, the subcharts' below.
fn take_notes(outputs: &mut BTreeMap<String, String>, chart: &str, subcharts: bool) -> String {
    let all = std::mem::take(outputs);
    let (notes, others): (BTreeMap<_, _>, BTreeMap<_, _>) =
        all.into_iter().partition(|(name, _)| is_notes(name));
    *outputs = others;
    let is_own = |name: &str| bare(name) == format!("{chart}/templates/NOTES.txt");
    let own = notes.iter().filter(|(name, _)| is_own(name));
    let others = notes.iter().filter(|(name, _)| subcharts && !is_own(name));
    let mut text = String::new();
    for (_, notes) in own.chain(others) {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(notes);
    }
    text
}

/// How the numbers of a chart's values are to be read: exactly for Tera, as Helm does where a template
/// is in Helm's language.
pub fn numbers(chart: &Chart) -> Numbers {
    if has_helm(chart) {
        Numbers::Helm
    } else {
        Numbers::Exact
    }
}

/// Whether a template of the chart, or of one below it, is in Helm's language.
fn has_helm(chart: &Chart) -> bool {
    chart.templates.iter().any(|f| helm::is_helm(&f.name))
        || chart.dependencies.iter().any(has_helm)
}

fn check_kube_version(chart: &Chart, capabilities: &Capabilities) -> Result<(), Error> {
    let constraint = &chart.metadata.kube_version;
    if constraint.is_empty() {
        return Ok(());
    }
    // Helm leaves what a vendor adds (`-gke.1`) out of the comparison.
    let plain = capabilities
        .kube_version
        .split(['-', '+'])
        .next()
        .unwrap_or_default();
    let fits = match (Constraint::parse(constraint), Version::parse(plain)) {
        (Ok(constraint), Ok(version)) => constraint.matches(&version),
        _ => false,
    };
    if fits {
        return Ok(());
    }
    Err(Error::KubeVersion {
        chart: chart.name().to_owned(),
        constraint: constraint.clone(),
        version: capabilities.kube_version.clone(),
    })
}

/// A chart in the tree, with its own part of the values.
struct Scope<'a> {
    chart: &'a Chart,
    /// `root/charts/child`.
    path: String,
    values: &'a Value,
    is_root: bool,
}

/// What all charts of a render share.
struct With<'a> {
    release: &'a ReleaseOptions,
    capabilities: &'a Capabilities,
    options: &'a Options,
}

fn render_chart(
    scope: &Scope<'_>,
    with: &With<'_>,
    outputs: &mut BTreeMap<String, String>,
) -> Result<(), Error> {
    let empty = Value::Object(Map::new());
    for child in &scope.chart.dependencies {
        let values = scope
            .values
            .get(child.name())
            .filter(|v| v.is_object())
            .unwrap_or(&empty);
        let path = format!("{}/charts/{}", scope.path, child.name());
        let inner = Scope {
            chart: child,
            path,
            values,
            is_root: false,
        };
        render_chart(&inner, with, outputs)?;
    }
    // A library only lends its `_` files.
    if scope.chart.is_library() {
        return Ok(());
    }
    let has_tera = scope
        .chart
        .templates
        .iter()
        .any(|f| !helm::is_helm(&f.name));
    if has_tera {
        let context = tera::Scope {
            chart: scope.chart,
            path: &scope.path,
            values: scope.values,
            is_root: scope.is_root,
            release: with.release,
            capabilities: with.capabilities,
            options: with.options,
        };
        outputs.extend(tera::render_chart(&context)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
