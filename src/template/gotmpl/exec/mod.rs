//! Execution of parsed templates: the state of a render and what functions may ask of it.

mod call;
mod eval;
mod limits;
mod walk;

pub use limits::Limits;

use std::rc::Rc;
use std::time::Instant;

use foldhash::{HashMap, HashMapExt};
use memchr::memmem;

use super::error::ExecError;
use super::fmt;
use super::func::FuncError;
use super::parse::{FindFunction, Template, parse};
use super::stack::Stack;
use super::strconv::quote;
use super::value::{Str, Val};
use walk::State;
pub(super) use walk::Typed;

/// Reads objects of a cluster for `lookup`: apiVersion, kind, namespace, name (empty: a list).
/// What is not found is an empty map.
pub type LookupHook =
    dyn Fn(&str, &str, &str, &str) -> Result<crate::yaml::Value, String> + Send + Sync;

/// What a render may do.
#[derive(Default)]
pub struct Options {
    /// A missing key is an error, as with `lint --strict`.
    pub strict: bool,
    /// `required` and `fail` do nothing, as in `lint`.
    pub lint: bool,
    /// `getHostByName` may ask the network.
    pub enable_dns: bool,
    /// Where `lookup` looks; without it, it finds nothing.
    pub lookup: Option<Box<LookupHook>>,
    /// How much a render may use.
    pub limits: Limits,
}

/// How often a template may include itself, through whatever others; Helm's number.
const MAX_INCLUDES: usize = 1000;

/// The templates that a template sees: those of all charts, and in a text given to `tpl` those
/// that the text defines, before them.
pub(super) struct Scope {
    templates: HashMap<Rc<str>, Rc<Template>>,
    outer: Option<Rc<Scope>>,
}

/// The name of the set of all templates, as Helm calls it; texts given to `tpl` have it too.
pub(super) const SET_NAME: &str = "gotpl";

impl Scope {
    pub(super) fn new(outer: Option<Rc<Scope>>) -> Scope {
        Scope {
            templates: HashMap::new(),
            outer,
        }
    }

    /// Defines a template; nothing but space never replaces a definition.
    pub(super) fn define(&mut self, template: Rc<Template>) {
        if !template.root.is_empty() || self.get(&template.name).is_none() {
            self.templates.insert(template.name.clone(), template);
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<Rc<Template>> {
        let mut scope = self;
        loop {
            if let Some(template) = scope.templates.get(name) {
                return Some(template.clone());
            }
            scope = scope.outer.as_ref()?;
        }
    }
}

/// The state of a render, and what a function may ask of it.
pub struct Ctx<'e> {
    options: &'e Options,
    functions: FindFunction<'e>,
    scope: Rc<Scope>,
    /// How often each template is being included now.
    included: HashMap<Rc<str>, usize>,
    /// The texts given to `tpl`, parsed.
    texts: HashMap<Str, Rc<[Rc<Template>]>>,
    stack: Stack,
    /// Bytes that may still be made.
    memory: usize,
    steps: u64,
    deadline: Instant,
    /// Names of the templates that `required` and `fail` would have ended, in lint mode.
    warnings: Vec<String>,
}

impl<'e> Ctx<'e> {
    pub(super) fn new(
        options: &'e Options,
        functions: FindFunction<'e>,
        scope: Rc<Scope>,
        stack: Stack,
    ) -> Ctx<'e> {
        Ctx {
            options,
            functions,
            scope,
            included: HashMap::new(),
            texts: HashMap::new(),
            stack,
            memory: options.limits.memory,
            steps: 0,
            deadline: Instant::now() + options.limits.time,
            warnings: Vec::new(),
        }
    }

    /// What this render may do.
    pub fn options(&self) -> &'e Options {
        self.options
    }

    /// Counts memory that a function is about to use, before it does; call it wherever the size
    /// of the result is not bounded by that of the arguments (`repeat`, `until`, `indent`, …).
    ///
    /// # Errors
    /// [`FuncError::Limit`] when the render has used what it may.
    pub fn charge(&mut self, bytes: usize) -> Result<(), FuncError> {
        match self.memory.checked_sub(bytes) {
            Some(left) => {
                self.memory = left;
                Ok(())
            }
            None => Err(FuncError::Limit(format!(
                "the templates make more than {} MiB of text and values",
                self.options.limits.memory >> 20
            ))),
        }
    }

    /// Go's `fmt.Sprintf`.
    ///
    /// # Errors
    /// [`FuncError::Limit`] for a text too large, or of a value that holds itself.
    pub fn sprintf(&mut self, format: &[u8], args: &[Val]) -> Result<Str, FuncError> {
        self.printed(fmt::sprintf(format, args, self.memory))
    }

    /// Go's `fmt.Sprint`.
    ///
    /// # Errors
    /// As [`Ctx::sprintf`].
    pub fn sprint(&mut self, args: &[Val]) -> Result<Str, FuncError> {
        self.printed(fmt::sprint(args, self.memory))
    }

    /// Go's `fmt.Sprintln`.
    ///
    /// # Errors
    /// As [`Ctx::sprintf`].
    pub fn sprintln(&mut self, args: &[Val]) -> Result<Str, FuncError> {
        self.printed(fmt::sprintln(args, self.memory))
    }

    fn printed(&mut self, text: Result<Vec<u8>, fmt::TooLarge>) -> Result<Str, FuncError> {
        let text = text.map_err(|_| {
            FuncError::Limit("a printed value is too large, or holds itself".to_string())
        })?;
        self.charge(text.len())?;
        Ok(Str::from_bytes(text))
    }

    /// Notes what `required` or `fail` let pass in lint mode.
    pub fn warn(&mut self, message: String) {
        self.warnings.push(message);
    }

    pub(super) fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    /// One step of execution: a bound of time and of the stack.
    fn step(&mut self) -> Result<(), String> {
        self.steps += 1;
        if self.steps.is_multiple_of(1024) && Instant::now() > self.deadline {
            let seconds = self.options.limits.time.as_secs();
            return Err(format!("the templates take longer than {seconds} s"));
        }
        if self.stack.is_low() {
            return Err("the templates are nested too deep".to_string());
        }
        Ok(())
    }

    /// Executes a template of the set.
    ///
    /// # Errors
    /// Go's, also if there is no such template.
    pub(super) fn execute(&mut self, name: &str, dot: Val) -> Result<Vec<u8>, Box<ExecError>> {
        let Some(template) = self.scope.get(name) else {
            return Err(Box::new(ExecError {
                text: format!(
                    "template: no template {} associated with template \"{SET_NAME}\"",
                    quote(name.as_bytes())
                ),
                ..ExecError::default()
            }));
        };
        self.run(&template, dot)
    }

    fn run(&mut self, template: &Template, dot: Val) -> Result<Vec<u8>, Box<ExecError>> {
        let mut out = Vec::new();
        State::new(self, template, dot, &mut out, 0).run()?;
        Ok(out)
    }

    /// Helm's `include`: the output of a template as a string.
    ///
    /// # Errors
    /// The template's, or that it includes itself too often.
    pub fn include(&mut self, name: &str, dot: Val) -> Result<Str, FuncError> {
        let key: Rc<str> = match self.included.get_key_value(name) {
            Some((key, _)) => key.clone(),
            None => name.into(),
        };
        let count = self.included.entry(key).or_insert(0);
        if *count > MAX_INCLUDES {
            return Err(FuncError::Message(format!(
                "rendering template has a nested reference name: {name}: unable to execute template"
            )));
        }
        *count += 1;
        let out = self.execute(name, dot);
        if let Some(count) = self.included.get_mut(name) {
            *count -= 1;
        }
        match out {
            Ok(out) => Ok(Str::from_bytes(out)),
            Err(source) => Err(FuncError::Template {
                prefix: String::new(),
                source,
            }),
        }
    }

    /// Helm's `tpl`: the output of a text as a template, which sees all templates. A text is
    /// parsed once, however often it is given.
    ///
    /// # Errors
    /// That the text is no template, or what its execution says.
    pub fn tpl(&mut self, text: &Str, dot: Val) -> Result<Str, FuncError> {
        if memmem::find(text.as_bytes(), b"{{").is_none() {
            return Ok(without_no_value(text.as_bytes().to_vec()));
        }
        let templates = match self.texts.get(text) {
            Some(templates) => templates.clone(),
            None => {
                let parsed = parse(SET_NAME, &text.to_str(), self.functions, self.stack);
                let parsed = parsed.map_err(|err| FuncError::Template {
                    prefix: format!("cannot parse template {}: ", quote(text.as_bytes())),
                    source: Box::new(ExecError {
                        text: err.to_string(),
                        ..ExecError::default()
                    }),
                })?;
                let templates: Rc<[Rc<Template>]> = parsed.into_templates().collect();
                self.charge(text.len())?;
                self.texts.insert(text.clone(), templates.clone());
                templates
            }
        };
        let main = templates
            .iter()
            .find(|template| &*template.name == SET_NAME);
        let Some(main) = main else {
            return Ok("".into());
        };
        let mut scope = Scope::new(Some(self.scope.clone()));
        for template in templates.iter() {
            scope.define(template.clone());
        }
        let outer = std::mem::replace(&mut self.scope, Rc::new(scope));
        let out = self.run(main, dot);
        self.scope = outer;
        match out {
            Ok(out) => Ok(without_no_value(out)),
            Err(source) => Err(FuncError::Template {
                prefix: format!(
                    "error during tpl function execution for {}: ",
                    quote(text.as_bytes())
                ),
                source,
            }),
        }
    }
}

/// Takes out what Go prints for a missing value, as Helm does.
pub(super) fn without_no_value(text: Vec<u8>) -> Str {
    const NO_VALUE: &[u8] = b"<no value>";
    let Some(first) = memmem::find(&text, NO_VALUE) else {
        return Str::from_bytes(text);
    };
    let mut out = text.get(..first).unwrap_or(&[]).to_vec();
    let mut rest = text.get(first + NO_VALUE.len()..).unwrap_or(&[]);
    while let Some(index) = memmem::find(rest, NO_VALUE) {
        out.extend_from_slice(rest.get(..index).unwrap_or(&[]));
        rest = rest.get(index + NO_VALUE.len()..).unwrap_or(&[]);
    }
    out.extend_from_slice(rest);
    Str::from_bytes(out)
}
