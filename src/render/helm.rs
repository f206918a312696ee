//! Charts whose templates are in Helm's language: the way to the Go-template engine and back.

use std::borrow::Cow;

use super::{Capabilities, Error, Options, ReleaseOptions};
use crate::chart::Chart;
use crate::template::gotmpl::engine;
use crate::template::gotmpl::exec;
use crate::yaml::Value;

/// Whether a template is in Helm's language.
pub(super) fn is_helm(name: &str) -> bool {
    !name.ends_with(".tera")
}

/// Renders all templates of Helm's language, of a chart and those below it. Each one's name and text are read while the
/// next are being rendered; gives what `read` gave, in no order.
///
/// # Errors
/// The first template that can't be read or fails.
pub(super) fn render<T: Send>(
    chart: &Chart,
    values: &Value,
    release: &ReleaseOptions,
    capabilities: &Capabilities,
    options: &Options,
    read: impl Fn(String, String) -> T + Sync,
) -> Result<Vec<T>, Error> {
    let input = engine::Input {
        chart: node(&Texts::new(chart)),
        values: Cow::Borrowed(values),
        release: engine::Release {
            name: &release.name,
            namespace: &release.namespace,
            revision: release.revision,
            is_upgrade: release.is_upgrade,
        },
        kube_version: &capabilities.kube_version,
        api_versions: &capabilities.api_versions,
    };
    let enable_dns = options.enable_dns;
    let lookup = options
        .lookup
        .clone()
        .map(|lookup| -> Box<exec::LookupHook> {
            Box::new(move |api, kind, namespace, name| {
                Ok(lookup(api, kind, namespace, name)?.unwrap_or_default())
            })
        });
    let options = exec::Options {
        lookup,
        enable_dns,
        ..exec::Options::default()
    };
    let (_, made) = engine::render_each(&input, &options, read)?;
    Ok(made)
}

/// A chart and the texts of its templates, which live as long as the render.
struct Texts<'c> {
    chart: &'c Chart,
    templates: Vec<(&'c str, Cow<'c, str>)>,
    children: Vec<Texts<'c>>,
}

impl<'c> Texts<'c> {
    fn new(chart: &'c Chart) -> Texts<'c> {
        let templates = chart.templates.iter().filter(|file| is_helm(&file.name));
        Texts {
            chart,
            templates: templates
                .map(|file| (file.name.as_str(), String::from_utf8_lossy(&file.data)))
                .collect(),
            children: chart.dependencies.iter().map(Texts::new).collect(),
        }
    }
}

fn node<'c>(texts: &Texts<'c>) -> engine::Chart<'c> {
    let chart = texts.chart;
    engine::Chart {
        name: chart.name(),
        metadata: serde_json::to_value(&chart.metadata).unwrap_or_default(),
        // To Helm, crds/ are files of the chart too.
        files: chart
            .files
            .iter()
            .chain(&chart.crds)
            .map(|file| (file.name.as_str(), &*file.data))
            .collect(),
        templates: texts.templates.clone(),
        children: texts.children.iter().map(node).collect(),
    }
}
