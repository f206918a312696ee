//! Flags of rendering that template, install and upgrade share, and the ways to a release's name.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::error::{CommandError, Kind};
use super::post_renderer::Program;
use crate::render;
use crate::template::gotmpl::engine::render_text;
use crate::template::gotmpl::exec;
use crate::yaml::Value;

/// How templates are rendered, with Helm's names and meanings.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Rendering")]
pub struct RenderFlags {
    /// Send the rendered objects, hooks too, through a program or an installed Helm plugin
    #[arg(long, value_name = "PROGRAM|PLUGIN")]
    post_renderer: Option<String>,
    /// An argument for the post-renderer. May be repeated
    #[arg(
        long,
        value_name = "ARG",
        requires = "post_renderer",
        allow_hyphen_values = true
    )]
    post_renderer_args: Vec<String>,
    /// Print the notes of subcharts too, below the chart's own
    #[arg(long)]
    render_subchart_notes: bool,
    /// Let templates resolve host names (getHostByName)
    #[arg(long)]
    enable_dns: bool,
    /// Let Tera templates ask for random text and the time, so that each render differs
    #[arg(long)]
    allow_random: bool,
    /// Taken as by helm: an API server that is asked checks the fields by its schema in any case
    #[arg(long)]
    pub disable_openapi_validation: bool,
}

impl RenderFlags {
    /// The options of a render without a cluster.
    ///
    /// # Errors
    /// When the post-renderer can't be found.
    pub fn options(&self) -> Result<render::Options, CommandError> {
        let mut post_renderer: Option<Arc<render::PostRenderer>> = None;
        if let Some(name) = self
            .post_renderer
            .as_deref()
            .filter(|name| !name.is_empty())
        {
            let program = Program::find(name, &self.post_renderer_args)?;
            post_renderer = Some(Arc::new(move |text: &str| program.run(text)));
        }
        Ok(render::Options {
            lookup: None,
            allow_random: self.allow_random,
            enable_dns: self.enable_dns,
            subchart_notes: self.render_subchart_notes,
            post_renderer,
        })
    }
}

/// A new release's name: given, made, or made from a template.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct NameFlags {
    /// Make a name of the chart's and the time; then only the chart is given
    #[arg(short = 'g', long)]
    generate_name: bool,
    /// Make the name from a Go template, for instance 'orders-{{ randAlphaNum 4 | lower }}'
    #[arg(long, value_name = "TEMPLATE")]
    name_template: Option<String>,
}

impl NameFlags {
    /// The name and the chart of `[NAME] CHART`. `otherwise` is the name where none is given: `template` has one,
    /// which even --generate-name doesn't replace, as in Helm.
    ///
    /// # Errors
    /// Where no name is given, or two are, or the template of names fails.
    pub fn resolve(
        &self,
        arguments: &[String],
        otherwise: Option<&str>,
    ) -> Result<(String, String), CommandError> {
        let usage = |text: String| CommandError::new(Kind::Usage, text);
        let template = self.name_template.as_deref().filter(|t| !t.is_empty());
        let (given, chart) = match arguments {
            [chart] => (None, chart),
            [name, chart] => (Some(name), chart),
            _ => return Err(usage("the chart is missing".to_owned())),
        };
        let twice = |flag| usage(format!("cannot set {flag} and also specify a name"));
        let name = match (given, template, otherwise) {
            (Some(_), ..) if self.generate_name => return Err(twice("--generate-name")),
            (Some(_), Some(_), _) => return Err(twice("--name-template")),
            (Some(name), ..) => name.clone(),
            (None, Some(template), _) => render_text(
                "name-template",
                template,
                &Value::Null,
                &exec::Options::default(),
            )
            .map_err(|e| usage(format!("--name-template: {e}")))?,
            (None, None, Some(name)) => name.to_owned(),
            (None, None, None) if self.generate_name => {
                format!(
                    "{}-{}",
                    base_name(chart),
                    jiff::Timestamp::now().as_second()
                )
            }
            (None, None, None) => {
                return Err(usage(
                    "must either provide a name or specify --generate-name".to_owned(),
                ));
            }
        };
        Ok((name, chart.clone()))
    }
}

/// How a new revision is labelled and shown.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Record and output")]
pub struct RevisionFlags {
    /// Labels of the release's record: key=value,key=value. With upgrade, key=null takes one away
    #[arg(short = 'l', long, value_name = "KEY=VALUE", value_delimiter = ',', value_parser = label)]
    labels: Vec<(String, Option<String>)>,
    /// Don't print the notes
    #[arg(long)]
    pub hide_notes: bool,
    /// Leave the Secrets out of what a dry run prints
    #[arg(long)]
    pub hide_secret: bool,
}

impl RevisionFlags {
    /// The labels by their keys; of two with one key the last counts.
    pub fn labels(&self) -> BTreeMap<String, Option<String>> {
        self.labels.iter().cloned().collect()
    }

    /// Refuses `--hide-secret` where nothing is printed that could hold one.
    ///
    /// # Errors
    /// Without a dry run.
    pub fn check(&self, dry_run: bool) -> Result<(), CommandError> {
        if self.hide_secret && !dry_run {
            return Err(CommandError::new(
                Kind::Usage,
                "hiding Kubernetes secrets requires a dry-run mode",
            ));
        }
        Ok(())
    }
}

/// `key=value`; a value of `null` is none.
fn label(text: &str) -> Result<(String, Option<String>), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| format!("{text:?} must be formatted as key=value"))?;
    let value = Some(value.to_owned()).filter(|value| value != "null");
    Ok((key.trim().to_owned(), value))
}

/// What a generated name begins with: the last part of the chart's path up to its first dot, as in Helm.
fn base_name(chart: &str) -> &str {
    let base = Path::new(chart).file_name().and_then(|n| n.to_str());
    match base.and_then(|base| base.split('.').next()) {
        None | Some("") => "chart",
        Some(base) => base,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(generate_name: bool, template: Option<&str>) -> NameFlags {
        NameFlags {
            generate_name,
            name_template: template.map(str::to_owned),
        }
    }

    #[test]
    fn names_come_from_one_place() {
        let resolve = |flags: NameFlags, arguments: &[&str], otherwise: Option<&str>| {
            let arguments: Vec<String> = arguments.iter().map(|a| (*a).to_owned()).collect();
            flags.resolve(&arguments, otherwise).map(|(name, _)| name)
        };
        let none = || flags(false, None);
        assert_eq!(resolve(none(), &["a", "c"], None).unwrap(), "a");
        assert_eq!(resolve(none(), &["c"], Some("x")).unwrap(), "x");
        assert!(resolve(none(), &["c"], None).is_err());
        assert_eq!(resolve(flags(true, None), &["c"], Some("x")).unwrap(), "x");
        assert!(resolve(flags(true, None), &["a", "c"], None).is_err());
        let template = "{{ printf \"%s-%d\" (upper \"a\" | lower) (add 1 2) }}";
        assert_eq!(
            resolve(flags(false, Some(template)), &["c"], Some("x")).unwrap(),
            "a-3"
        );
        assert!(resolve(flags(false, Some("a")), &["a", "c"], None).is_err());
        assert!(resolve(flags(false, Some("{{ include \"x\" . }}")), &["c"], None).is_err());
        let made = resolve(flags(true, None), &["./charts/orders-1.2.3.tgz"], None).unwrap();
        assert!(made.starts_with("orders-1-"), "{made}");
    }

    #[test]
    fn a_generated_name_begins_with_the_charts() {
        for (chart, base) in [
            ("./a/b", "b"),
            ("b-1.2.tgz", "b-1"),
            (".", "chart"),
            ("repo/x", "x"),
        ] {
            assert_eq!(base_name(chart), base);
        }
    }
}
