//! The native template language: Tera with what charts need.

mod error;
mod files;
mod filters;
mod flink;
mod functions;
mod toml;
mod value;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use super::Error;
use crate::chart::Chart;
use crate::render::{Capabilities, Options, ReleaseOptions};
use crate::yaml::Value;

/// The largest text that one template may make: more than a cluster would take.
const MAX_OUTPUT: usize = 64 * 1024 * 1024;

/// What the templates of one chart see.
pub struct Scope<'a> {
    /// The chart, with the charts below it, whose components it may use.
    pub chart: &'a Chart,
    /// The chart's place: `root/charts/child`.
    pub path: &'a str,
    /// The chart's own part of the merged values.
    pub values: &'a Value,
    /// Whether it is the chart that was asked for.
    pub is_root: bool,
    /// The release.
    pub release: &'a ReleaseOptions,
    /// The cluster.
    pub capabilities: &'a Capabilities,
    /// What is allowed.
    pub options: &'a Options,
}

/// Renders every `.tera` template of a chart whose name doesn't begin with `_`; the outputs come by
/// the templates' full names (`chart/templates/x.yaml.tera`).
///
/// Components come from the chart's `_` files and from those of the charts below it; of two with one
/// name the nearer counts, so that two subcharts may bring two versions of one library.
///
/// # Errors
/// The first thing that is wrong: syntax, an unknown filter, function or component, an undefined
/// value, a failing function.
pub fn render_chart(scope: &Scope<'_>) -> Result<BTreeMap<String, String>, Error> {
    let mut sources = BTreeMap::new();
    collect(scope.chart, scope.path, true, &mut sources)?;
    let (mut engine, names) = engine(scope);
    let mut context = value::context(scope);
    let failed = |file: &str, e: ::tera::Error, context: &::tera::Context| {
        error::translate(file, &e, &sources, &names, context)
    };
    engine
        .set_fallback_prefixes(prefixes(scope))
        .map_err(|e| failed(scope.path, e, &context))?;
    engine
        .add_raw_templates(
            sources
                .iter()
                .map(|(name, text)| (name.as_str(), text.as_str())),
        )
        .map_err(|e| failed(scope.path, e, &context))?;
    let mut outputs = BTreeMap::new();
    for file in &scope.chart.templates {
        if is_partial(&file.name) || !file.name.ends_with(".tera") {
            continue;
        }
        let name = format!("{}/{}", scope.path, file.name);
        context.insert_value("template", value::template(&name, scope.path));
        let mut output = Output(Vec::new());
        engine
            .render_to(&name, &context, &mut output)
            .map_err(|e| failed(&name, e, &context))?;
        let text = String::from_utf8(output.0)
            .map_err(|_| Error::new(name.as_str(), "the output is not UTF-8"))?;
        outputs.insert(name, text);
    }
    Ok(outputs)
}

/// Whether a template only lends components: its file's name begins with `_`.
fn is_partial(name: &str) -> bool {
    name.rsplit('/')
        .next()
        .is_some_and(|base| base.starts_with('_'))
}

/// An engine with all filters and functions, and their names for suggestions.
fn engine(scope: &Scope<'_>) -> (::tera::Tera, error::Names) {
    let mut engine = ::tera::Tera::new();
    // The output is YAML, never HTML.
    engine.autoescape_on(Vec::<String>::new());
    let mut names = error::Names::default();
    let mut registry = Registry {
        engine: &mut engine,
        names: &mut names,
    };
    filters::register(&mut registry);
    flink::register(&mut registry);
    files::register(&mut registry, scope.chart);
    let shared = functions::Shared {
        capabilities: scope.capabilities.clone(),
        namespace: scope.release.namespace.clone(),
        lookup: scope.options.lookup.clone(),
        allow_random: scope.options.allow_random,
    };
    functions::register(&mut registry, Arc::new(shared));
    (engine, names)
}

/// What a filter or a function gives.
type Outcome = ::tera::TeraResult<::tera::Value>;

/// Where filters and functions are signed in, so that their names are known for suggestions.
struct Registry<'a> {
    engine: &'a mut ::tera::Tera,
    names: &'a mut error::Names,
}

impl Registry<'_> {
    fn filter(
        &mut self,
        name: &'static str,
        f: fn(::tera::Value, ::tera::Kwargs, &::tera::State) -> Outcome,
    ) {
        self.engine.register_filter(name, f);
        self.names.filters.push(name);
    }

    fn function(
        &mut self,
        name: &'static str,
        f: impl Fn(::tera::Kwargs, &::tera::State) -> Outcome + Send + Sync + 'static,
    ) {
        self.engine.register_function(name, f);
        self.names.functions.push(name);
    }
}

/// Collects the templates' texts by their full names: the chart's own, and the `_` files of those
/// below it.
fn collect(
    chart: &Chart,
    path: &str,
    own: bool,
    sources: &mut BTreeMap<String, String>,
) -> Result<(), Error> {
    for file in chart.templates.iter().filter(|f| f.name.ends_with(".tera")) {
        if own || is_partial(&file.name) {
            let name = format!("{path}/{}", file.name);
            let text = String::from_utf8(file.data.clone())
                .map_err(|_| Error::new(name.as_str(), "is not UTF-8"))?;
            sources.insert(name, text);
        }
    }
    for child in &chart.dependencies {
        collect(
            child,
            &format!("{path}/charts/{}", child.name()),
            false,
            sources,
        )?;
    }
    Ok(())
}

/// The folders of templates, nearest first: Tera looks for includes and components in this order.
fn prefixes(scope: &Scope<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let mut level = vec![(scope.chart, scope.path.to_owned())];
    while !level.is_empty() {
        let mut next = Vec::new();
        for (chart, path) in level {
            found.push(format!("{path}/templates/"));
            for child in &chart.dependencies {
                next.push((child, format!("{path}/charts/{}", child.name())));
            }
        }
        level = next;
    }
    found
}

/// Takes a template's output up to [`MAX_OUTPUT`].
struct Output(Vec<u8>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_OUTPUT {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
