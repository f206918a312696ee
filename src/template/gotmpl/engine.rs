//! Helm's engine: the templates of a chart and its subcharts, each rendered with its own scope.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use super::builtins::Builtin;
use super::exec::{Ctx, Options, Scope, without_no_value};
use super::funcs;
use super::late;
use super::node::Callee;
use super::objects::{self, Capabilities, HelmVersion, KubeVersion};
use super::parse::parse;
use super::report::RenderError;
use super::stack::Stack;
use super::threads::{self, Beside, Text};
use super::value::{Map, MapKind, Val};
use crate::yaml::Value;

/// A chart to be rendered, with those below it.
#[derive(Debug, Clone, Default)]
pub struct Chart<'c> {
    /// The name; under an alias, the alias.
    pub name: &'c str,
    /// Chart.yaml as JSON has it.
    pub metadata: Value,
    /// Names below the chart's folder, and contents: what `.Files` gives.
    pub files: Vec<(&'c str, &'c [u8])>,
    /// Names below the chart's folder, and texts: `templates/deployment.yaml`.
    pub templates: Vec<(&'c str, Cow<'c, str>)>,
    /// The charts below.
    pub children: Vec<Chart<'c>>,
}

/// What Helm calls `.Release`.
#[derive(Debug, Clone, Default)]
pub struct Release<'r> {
    /// The name.
    pub name: &'r str,
    /// The namespace.
    pub namespace: &'r str,
    /// The revision, from 1.
    pub revision: u32,
    /// Whether this is an upgrade or a rollback, rather than an install.
    pub is_upgrade: bool,
}

/// All that a render works on.
#[derive(Debug, Clone, Default)]
pub struct Input<'i> {
    /// The chart.
    pub chart: Chart<'i>,
    /// The values, coalesced: those of subcharts below their names, globals handed down, numbers
    /// of files as floats.
    pub values: Cow<'i, Value>,
    /// The release.
    pub release: Release<'i>,
    /// The version of Kubernetes.
    pub kube_version: &'i str,
    /// The APIs it has: `apps/v1`, `apps/v1/Deployment`.
    pub api_versions: &'i [String],
}

/// The outcome of a render.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// The text of each template that is not a partial, by its name:
    /// `app/charts/db/templates/service.yaml`.
    pub texts: BTreeMap<String, String>,
    /// What `required` and `fail` said while linting.
    pub warnings: Vec<String>,
}

/// Renders all templates of a chart and its subcharts, on a thread of its own.
///
/// # Errors
/// The first error, in Helm's order of templates: those of deeper folders first, names descending.
pub fn render(input: &Input<'_>, options: &Options) -> Result<Output, Box<RenderError>> {
    let keep = |name: String, text: String| (name, text);
    let (warnings, texts) = render_each(input, options, keep)?;
    Ok(Output {
        texts: texts.into_iter().collect(),
        warnings,
    })
}

/// Renders as [`render`] does. What each template made is read while later ones are being rendered, by `read`, which gets
/// its name and its text. Gives the warnings, and what `read` gave, in no order.
///
/// # Errors
/// As [`render`].
pub fn render_each<T: Send>(
    input: &Input<'_>,
    options: &Options,
    read: impl Fn(String, String) -> T + Sync,
) -> Result<(Vec<String>, Vec<T>), Box<RenderError>> {
    threads::share(&find_function, &read, |stack, beside| {
        render_here(input, options, stack, beside)
    })
}

fn render_here<'c, T>(
    input: &'c Input<'_>,
    options: &Options,
    stack: Stack,
    beside: &mut Beside<'_, 'c, T>,
) -> Result<Vec<String>, Box<RenderError>> {
    let mut files = Vec::new();
    let shared = Shared::new(input);
    let values = match &*input.values {
        Value::Object(map) => Map::from_yaml(MapKind::Values, map),
        _ => Map::new::<&str>(MapKind::Values, []),
    };
    collect(
        &input.chart,
        values,
        input.chart.name,
        true,
        &shared,
        &mut files,
    );
    files.sort_by(|a, b| sort_key(&b.name).cmp(&sort_key(&a.name)));

    let texts: Vec<Text<'_>> = files.iter().map(|f| (f.name.clone(), f.text)).collect();
    let mut scope = Scope::new(None);
    for parsed in beside.parse(&texts, stack)? {
        parsed
            .into_templates()
            .for_each(|template| scope.define(template));
    }

    let mut ctx = Ctx::new(options, &find_function, Rc::new(scope), stack);
    for file in &files {
        let base = file.name.rsplit('/').next().unwrap_or(&file.name);
        if base.starts_with('_') {
            continue;
        }
        let template = [
            ("Name", file.name.as_str()),
            ("BasePath", file.base_path.as_str()),
        ];
        let template = template.map(|(key, text)| (key, Val::from(text)));
        let template = Val::Map(Map::new(MapKind::Values, template));
        let dot = &file.dot;
        if !dot.insert("Template", template) {
            continue;
        }
        let text = ctx.execute(&file.name, Val::Map(dot.with_kind(MapKind::Values)));
        let text = text.map_err(|err| Box::new(RenderError::exec(&file.name, *err)))?;
        let text = without_no_value(text);
        let is_text = std::str::from_utf8(text.as_bytes()).is_ok();
        if !is_text && !file.name.ends_with("NOTES.txt") {
            return Err(Box::new(RenderError::not_utf8(&file.name)));
        }
        beside.push(file.name.clone(), text.to_str().into_owned());
    }
    beside.finish();
    Ok(ctx.take_warnings())
}

/// Executes a text by itself: `--name-template`, with nothing to look at, or `version --template`. It has Go's
/// functions and sprig's, but no `include`, `tpl` or `required`.
///
/// # Errors
/// That it is no template, or fails.
pub fn render_text(
    name: &str,
    text: &str,
    data: &Value,
    options: &Options,
) -> Result<String, Box<RenderError>> {
    let work = |stack, _| {
        let find_function = |name: &str| {
            let func = funcs::find(name).map(Callee::Func);
            func.or_else(|| Builtin::find(name).map(Callee::Builtin))
        };
        let parsed = parse(name, text, &find_function, stack);
        let parsed = parsed.map_err(|err| Box::new(RenderError::parse(&err, text)))?;
        let mut scope = Scope::new(None);
        parsed
            .into_templates()
            .for_each(|template| scope.define(template));
        let mut ctx = Ctx::new(options, &find_function, Rc::new(scope), stack);
        let made = ctx.execute(name, Val::from_yaml(data));
        let made = made.map_err(|err| Box::new(RenderError::exec(name, *err)))?;
        Ok(String::from_utf8_lossy(&made).into_owned())
    };
    threads::on_large_stack(work, || {})
}

/// What a template may call: Helm's late functions, sprig's and Helm's others, Go's own.
fn find_function(name: &str) -> Option<Callee> {
    late::find(name)
        .or_else(|| funcs::find(name))
        .map(Callee::Func)
        .or_else(|| Builtin::find(name).map(Callee::Builtin))
}

/// The names of all functions that a template may call, sorted.
pub fn function_names() -> Vec<&'static str> {
    let named = late::FUNCTIONS.iter().chain(funcs::all());
    let mut names: Vec<&str> = named.map(|func| func.name).collect();
    names.extend(Builtin::NAMES);
    names.sort_unstable();
    names
}

/// Helm renders templates of deeper folders first, and names from the last to the first.
fn sort_key(name: &str) -> (usize, &str) {
    (name.matches('/').count(), name)
}

/// What all charts of a render share.
struct Shared {
    release: Val,
    capabilities: Val,
}

impl Shared {
    fn new(input: &Input<'_>) -> Shared {
        let release = &input.release;
        let capabilities = Capabilities::new(
            KubeVersion::new(input.kube_version),
            input.api_versions,
            HelmVersion::default(),
        );
        Shared {
            release: Val::map([
                ("Name", release.name.into()),
                ("Namespace", release.namespace.into()),
                ("IsUpgrade", Val::Bool(release.is_upgrade)),
                ("IsInstall", Val::Bool(!release.is_upgrade)),
                ("Revision", Val::Int(release.revision.into())),
                ("Service", "Helm".into()),
            ]),
            capabilities: Val::object(capabilities),
        }
    }
}

/// A template file, and the dot that it is executed with.
struct File<'c> {
    name: String,
    text: &'c str,
    base_path: String,
    dot: Map,
}

/// Gathers the templates of a chart and of those below it; answers with the chart's dot.
fn collect<'c>(
    chart: &'c Chart<'_>,
    values: Map,
    path: &str,
    is_root: bool,
    shared: &Shared,
    files: &mut Vec<File<'c>>,
) -> Map {
    let subcharts = Map::new::<&str>(MapKind::Any, []);
    let dot = Map::new(
        MapKind::Any,
        [
            ("Chart", objects::chart(&chart.metadata, is_root).into()),
            ("Files", objects::files(chart.files.iter().copied()).into()),
            ("Release", shared.release.clone()),
            ("Capabilities", shared.capabilities.clone()),
            ("Values", Val::Map(values.with_kind(MapKind::Values))),
            ("Subcharts", Val::Map(subcharts.clone())),
        ],
    );
    for child in &chart.children {
        // a subchart shares its part of the values with its parent
        let values = match values.get(child.name) {
            Some(Val::Map(map)) => map,
            _ => Map::new::<&str>(MapKind::Values, []),
        };
        let path = format!("{path}/charts/{}", child.name);
        let child_dot = collect(child, values, &path, false, shared, files);
        let _ = subcharts.insert(child.name, Val::Map(child_dot));
    }
    let kind = chart.metadata.get("type").and_then(Value::as_str);
    let library = kind.is_some_and(|kind| kind.eq_ignore_ascii_case("library"));
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for (name, text) in &chart.templates {
        let base = name.rsplit('/').next().unwrap_or(name);
        if library && !base.starts_with('_') {
            continue;
        }
        let file = File {
            name: format!("{path}/{name}"),
            text,
            base_path: format!("{path}/templates"),
            dot: dot.clone(),
        };
        // of two files of one name the last counts
        match seen.get(name).and_then(|&index| files.get_mut(index)) {
            Some(slot) => *slot = file,
            None => {
                seen.insert(name, files.len());
                files.push(file);
            }
        }
    }
    dot
}
