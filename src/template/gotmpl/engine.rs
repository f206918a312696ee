//! Helm's engine: the templates of a chart and its subcharts, each rendered with its own scope.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::{Mutex, mpsc};

use super::builtins::Builtin;
use super::exec::{Ctx, Options, Scope, without_no_value};
use super::funcs;
use super::late;
use super::node::Callee;
use super::objects::{self, Capabilities, HelmVersion, KubeVersion};
use super::parse::parse;
use super::report::RenderError;
use super::stack::Stack;
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

/// The stack of a render; only what is used of it is ever taken.
const STACK_SIZE: usize = 512 << 20;

/// How much text is handed over at once, in bytes: to wake the other thread costs as much as reading some of it.
const BATCH: usize = 16 << 10;

/// Renders all templates of a chart and its subcharts, on a thread of its own.
///
/// # Errors
/// The first error, in Helm's order of templates: those of deeper folders first, names descending.
pub fn render(input: &Input<'_>, options: &Options) -> Result<Output, Box<RenderError>> {
    let mut texts = BTreeMap::new();
    let warnings = render_each(input, options, |name, text| {
        texts.insert(name, text);
    })?;
    Ok(Output { texts, warnings })
}

/// Renders as [`render`] does, and hands over the templates' names and texts while later ones are being rendered: the
/// caller works on them beside. Gives the warnings.
///
/// # Errors
/// As [`render`]; what was handed over before is then of no use.
pub fn render_each(
    input: &Input<'_>,
    options: &Options,
    mut take: impl FnMut(String, String),
) -> Result<Vec<String>, Box<RenderError>> {
    let (made, ready) = mpsc::channel();
    // The renderer's end is dropped with its work, which ends the taking.
    let made = Mutex::new(Some(made));
    on_large_stack(
        |stack| {
            let made = made.lock().ok().and_then(|mut end| end.take());
            let mut batch = Vec::new();
            let mut size = 0;
            let send = |batch: &mut Vec<(String, String)>| {
                if let Some(end) = &made {
                    let _ = end.send(std::mem::take(batch));
                }
            };
            let warnings = render_here(input, options, stack, |name, text| {
                size += text.len();
                batch.push((name, text));
                if size >= BATCH {
                    size = 0;
                    send(&mut batch);
                }
            });
            send(&mut batch);
            warnings
        },
        || {
            for (name, text) in ready.iter().flatten() {
                take(name, text);
            }
        },
    )
}

/// Does something on a thread with a stack for deep templates, and `beside` on this one.
fn on_large_stack<T: Send>(
    work: impl Fn(Stack) -> Result<T, Box<RenderError>> + Sync,
    mut beside: impl FnMut(),
) -> Result<T, Box<RenderError>> {
    let work = &work;
    std::thread::scope(|scope| {
        for size in [STACK_SIZE, STACK_SIZE / 8] {
            let thread = std::thread::Builder::new().stack_size(size);
            // the system may not grant so large a stack
            if let Ok(thread) = thread.spawn_scoped(scope, move || work(Stack::here(size))) {
                beside();
                return thread
                    .join()
                    .unwrap_or_else(|_| Err(Box::new(RenderError::bug())));
            }
        }
        // of a thread's usual 2 MiB, what is surely left
        let done = work(Stack::here(1 << 20));
        beside();
        done
    })
}

fn render_here(
    input: &Input<'_>,
    options: &Options,
    stack: Stack,
    mut hand_over: impl FnMut(String, String),
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

    let find_function = |name: &str| find_function(name);
    let mut scope = Scope::new(None);
    for file in &files {
        let parsed = parse(&file.name, file.text, &find_function, stack);
        let parsed = parsed.map_err(|err| Box::new(RenderError::parse(&err, file.text)))?;
        for template in parsed {
            scope.define(Rc::new(template));
        }
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
        hand_over(file.name.clone(), text.to_str().into_owned());
    }
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
    let work = |stack| {
        let find_function = |name: &str| {
            let func = funcs::find(name).map(Callee::Func);
            func.or_else(|| Builtin::find(name).map(Callee::Builtin))
        };
        let parsed = parse(name, text, &find_function, stack);
        let parsed = parsed.map_err(|err| Box::new(RenderError::parse(&err, text)))?;
        let mut scope = Scope::new(None);
        for template in parsed {
            scope.define(Rc::new(template));
        }
        let mut ctx = Ctx::new(options, &find_function, Rc::new(scope), stack);
        let made = ctx.execute(name, Val::from_yaml(data));
        let made = made.map_err(|err| Box::new(RenderError::exec(name, *err)))?;
        Ok(String::from_utf8_lossy(&made).into_owned())
    };
    on_large_stack(work, || {})
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
