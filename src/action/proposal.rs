//! From a chart and values to a revision in the making.

use super::deploy::Proposal;
use super::journal::Operation;
use super::target::Target;
use super::{Error, Session};
use crate::chart::Chart;
use crate::flink::manifest;
use crate::plan::crds::{Mode, served};
use crate::plan::values::{ValueChange, changes, secret_texts};
use crate::release::{Hook, Release, SERVER_SIDE, Status, Time};
use crate::render::{self, Capabilities, ReleaseOptions, Rendered};
use crate::values::{self, UserValues, Values};
use crate::yaml::{self, Map, Value};

/// What a revision is made from.
#[derive(Debug, Clone)]
pub struct Source {
    /// The chart as loaded.
    pub chart: Chart,
    /// The user's values.
    pub values: UserValues,
    /// Whether the values are checked against the chart's schema.
    pub check_schema: bool,
    /// How the templates are rendered. The cluster is added to it where there is one.
    pub rendering: render::Options,
}

impl Session<'_> {
    /// Renders a chart as a revision of the release.
    pub(crate) async fn propose(
        &self,
        source: &Source,
        operation: Operation,
        revision: u32,
        first: Option<&Release>,
    ) -> Result<Proposal, Error> {
        let options = ReleaseOptions {
            name: self.release.clone(),
            namespace: self.namespace.clone(),
            revision,
            is_upgrade: operation != Operation::Install,
        };
        let capabilities = self.client.capabilities().await?;
        let mut rendering = source.rendering.clone();
        if !self.options.client_only {
            rendering.lookup = Some(self.client.lookup());
        }
        let mode = self.options.crds;
        // Before anything of them can be part of an error.
        self.report
            .hide(&first.map(recorded_secrets).unwrap_or_default());
        let Made {
            mut record,
            target,
            chart,
            values,
        } = make(source, &options, &capabilities, &rendering, mode)?;
        if let Some(first) = first {
            if first.info.first_deployed.is_some() {
                record
                    .info
                    .first_deployed
                    .clone_from(&first.info.first_deployed);
            }
            record.labels.clone_from(&first.labels);
        }
        for (key, value) in &self.options.labels {
            match value {
                Some(value) => record.labels.insert(key.clone(), value.clone()),
                None => record.labels.remove(key),
            };
        }
        record.info.description = self.options.description.clone().unwrap_or_default();
        let (values, secrets) = compare_values(first, &record, &chart, &values);
        self.report.hide(&secrets);
        Ok(Proposal {
            operation,
            record,
            target,
            always: self.options.force_revision,
            values,
            secrets,
            approved: None,
            from: super::note::Origin {
                chart_digest: Some(source.chart.digest()),
                ..self.options.origin.clone()
            },
        })
    }
}

/// The values that differ from an older revision's, and the texts of those that are secret.
fn compare_values(
    older: Option<&Release>,
    record: &Release,
    chart: &Chart,
    values: &Values,
) -> (Vec<ValueChange>, Vec<String>) {
    let secrets = values.secrets.clone();
    let mut texts = secret_texts(&values.value, &secrets);
    let Some(older) = older else {
        return (Vec::new(), texts);
    };
    // Without the charts below, which a record doesn't keep.
    let (before, after) = (recorded_values(older), recorded_values(record));
    let old_secrets = values::secrets(chart, &before);
    texts.extend(secret_texts(&before, &secrets));
    texts.extend(secret_texts(&before, &old_secrets));
    texts.extend(recorded_secrets(older));
    let changed = changes(
        &before,
        &after,
        Some(&values.origins),
        &[&secrets, &old_secrets],
    );
    (changed, texts)
}

/// The values that differ between two recorded revisions, and the texts of those that are secret.
pub(crate) fn compare_records(
    before: &Release,
    after: &Release,
) -> (Vec<ValueChange>, Vec<String>) {
    let (old, new) = (recorded_values(before), recorded_values(after));
    let of = |release: &Release, value: &Value| values::secrets(&recorded_chart(release), value);
    let secrets = [of(before, &old), of(after, &new)];
    let texts = recorded_secrets(before)
        .into_iter()
        .chain(recorded_secrets(after))
        .collect();
    let all: Vec<&values::Secrets> = secrets.iter().collect();
    (changes(&old, &new, None, &all), texts)
}

/// The texts of a recorded revision's values that its chart marks as secret.
pub(crate) fn recorded_secrets(release: &Release) -> Vec<String> {
    let value = recorded_values(release);
    let secrets = values::secrets(&recorded_chart(release), &value);
    secret_texts(&value, &secrets)
}

/// A recorded revision's chart, without the charts below.
fn recorded_chart(release: &Release) -> Chart {
    Chart {
        metadata: release.chart.metadata.clone(),
        values: release.chart.values.clone(),
        schema: release.chart.schema.clone(),
        ..Chart::default()
    }
}

/// A recorded revision's final values, as far as its record has them.
fn recorded_values(release: &Release) -> Value {
    let config = Value::Object(release.config.clone());
    values::coalesce(&recorded_chart(release), config.clone()).map_or(config, |(value, _)| value)
}

/// A rendered revision.
struct Made {
    /// Its record, of an unknown status.
    record: Release,
    /// What it wants on the cluster.
    target: Target,
    /// The chart with its dependencies processed.
    chart: Chart,
    /// The final values.
    values: Values,
}

/// What an install would record, without a cluster.
///
/// # Errors
/// Those of the values and the templates.
pub fn offline(source: &Source, name: &str, namespace: &str, mode: Mode) -> Result<Release, Error> {
    let options = ReleaseOptions {
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        revision: 1,
        is_upgrade: false,
    };
    let capabilities = Capabilities::default();
    let made = make(source, &options, &capabilities, &source.rendering, mode)?;
    Ok(made.record)
}

/// Renders a revision.
fn make(
    source: &Source,
    options: &ReleaseOptions,
    capabilities: &Capabilities,
    rendering: &render::Options,
    mode: Mode,
) -> Result<Made, Error> {
    let (chart, values, rendered) = render(source, options, capabilities, rendering, mode)?;
    let mut target = Target::of_render(&rendered, &options.namespace)?;
    target.crd_mode = mode;
    if mode != Mode::Skip {
        target.crds = crds(&chart)?;
    }
    let now = Time::now();
    let config = source.values.value.as_object().cloned();
    let mut record = Release {
        name: options.name.clone(),
        namespace: options.namespace.clone(),
        version: options.revision,
        apply_method: SERVER_SIDE.to_owned(),
        chart: (&chart).into(),
        config: config.unwrap_or_else(Map::new),
        manifest: target.manifest.clone(),
        hooks: rendered.hooks.iter().map(Hook::from).collect(),
        ..Release::default()
    };
    record.info.first_deployed = Some(now.clone());
    record.info.last_deployed = Some(now);
    record.info.status = Status::Unknown;
    record.info.notes = rendered.notes;
    Ok(Made {
        record,
        target,
        chart,
        values,
    })
}

/// Merges, checks and renders. Templates see also what the charts' CRDs bring, unless these are skipped.
fn render(
    source: &Source,
    options: &ReleaseOptions,
    capabilities: &Capabilities,
    rendering: &render::Options,
    mode: Mode,
) -> Result<(Chart, Values, Rendered), Error> {
    let mut chart = source.chart.clone();
    let invalid = |e: &dyn std::fmt::Display| Error::Invalid(e.to_string());
    let values = values::resolve(&mut chart, &source.values, render::numbers(&source.chart))
        .map_err(|e| invalid(&e))?;
    if source.check_schema {
        values::validate(&chart, &values).map_err(|e| invalid(&e))?;
    }
    let mut capabilities = capabilities.clone();
    if mode != Mode::Skip {
        for crd in crds(&chart)? {
            for (version, kind, ..) in served(&crd) {
                for known in [version.clone(), format!("{version}/{kind}")] {
                    if !capabilities.api_versions.contains(&known) {
                        capabilities.api_versions.push(known);
                    }
                }
            }
        }
    }
    let rendered = render::render(&chart, &values.value, options, &capabilities, rendering)
        .map_err(|e| invalid(&e))?;
    // What Helm's rendering lets pass no cluster would take.
    let hooks = rendered.hooks.iter().map(|hook| &hook.document);
    for document in rendered.documents.iter().chain(hooks) {
        document
            .check()
            .map_err(|fault| invalid(&format!("{}: a document {fault}", document.source)))?;
    }
    Ok((chart, values, rendered))
}

/// The CRDs in the crds/ of a chart and of all below it, those of subcharts that are turned off
/// left out.
fn crds(chart: &Chart) -> Result<Vec<Value>, Error> {
    let mut all: Vec<Value> = Vec::new();
    for (path, file) in chart.crd_files() {
        let text = String::from_utf8_lossy(&file.data);
        for document in yaml::split_documents(&text) {
            let object = yaml::parse(document)
                .map_err(|e| Error::Invalid(format!("{path}: it can't be read as YAML: {e}")))?;
            if object.is_null() {
                continue;
            }
            if manifest::kind(&object) != "CustomResourceDefinition" {
                return Err(Error::Invalid(format!(
                    "{path}: a {} in crds/, where only CRDs may stand",
                    if manifest::kind(&object).is_empty() {
                        "document without a kind"
                    } else {
                        manifest::kind(&object)
                    }
                )));
            }
            let name = manifest::name(&object);
            if name.is_empty() {
                return Err(Error::Invalid(format!(
                    "{path}: a CRD without a metadata.name"
                )));
            }
            // Two charts may bring the same one; the parent's comes first.
            if all.iter().all(|c| manifest::name(c) != name) {
                all.push(object);
            }
        }
    }
    Ok(all)
}
