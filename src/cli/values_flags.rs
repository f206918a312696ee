//! The flags that set values, shared by every command that renders a chart.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::error::{CommandError, Kind};
use super::output::Output;
use crate::chart::Chart;
use crate::values::{self, MergeKeys, Numbers, SetFile, Sources, UserValues, ValuesFile};

/// The largest values file that is read, in bytes.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// Flags that set values, with Helm's names and meanings.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Values")]
pub struct ValueFlags {
    /// A values file; `-` is standard input. May be repeated, later ones win
    #[arg(short = 'f', long = "values", value_name = "FILE")]
    pub files: Vec<String>,
    /// Take values/NAME.yaml from beside the chart or the working folder, before the files of -f. May be repeated
    #[arg(long, value_name = "NAME")]
    pub overlay: Vec<String>,
    /// Set values: key1=val1,key2=val2. May be repeated
    #[arg(long, value_name = "KEY=VALUE", allow_hyphen_values = true)]
    pub set: Vec<String>,
    /// Set string values: key1=val1,key2=val2. May be repeated
    #[arg(long, value_name = "KEY=VALUE", allow_hyphen_values = true)]
    pub set_string: Vec<String>,
    /// Set JSON values: key1=jsonval1,key2=jsonval2, or a whole object. May be repeated
    #[arg(long, value_name = "KEY=JSON", allow_hyphen_values = true)]
    pub set_json: Vec<String>,
    /// Set values from files: key1=path1,key2=path2. May be repeated
    #[arg(long, value_name = "KEY=PATH", allow_hyphen_values = true)]
    pub set_file: Vec<String>,
    /// Set one string value, taken as it is: key=value. May be repeated
    #[arg(long, value_name = "KEY=VALUE", allow_hyphen_values = true)]
    pub set_literal: Vec<String>,
    /// Don't validate the values against the charts' schemas
    #[arg(long)]
    pub skip_schema_validation: bool,
}

impl ValueFlags {
    /// Reads the files. `chart` is the chart's folder, where overlays are looked for; `None` where the
    /// chart is no folder. Prints which overlays were taken.
    ///
    /// # Errors
    /// When a file cannot be read, or an overlay has no file.
    pub fn sources(&self, chart: Option<&Path>, output: &Output) -> Result<Sources, CommandError> {
        let mut files = Vec::new();
        for name in &self.overlay {
            let found = overlay_files(name, chart)?;
            for path in found {
                let shown = path.display().to_string();
                output.note(&format!("overlay {name}: {shown}"));
                files.push(ValuesFile {
                    text: read_text(&shown)?,
                    name: shown,
                });
            }
        }
        for name in &self.files {
            files.push(ValuesFile {
                name: name.clone(),
                text: read_text(name)?,
            });
        }
        let set_files = self.set_file.iter().map(|argument| {
            let paths = values::set_file_paths(argument).map_err(invalid)?;
            let texts = paths
                .into_iter()
                .map(|path| read_text(&path).map(|text| (path, text)))
                .collect::<Result<_, _>>()?;
            Ok(SetFile {
                argument: argument.clone(),
                texts,
            })
        });
        Ok(Sources {
            files,
            json: self.set_json.clone(),
            set: self.set.clone(),
            strings: self.set_string.clone(),
            set_files: set_files.collect::<Result<_, CommandError>>()?,
            literals: self.set_literal.clone(),
        })
    }

    /// Reads the files and merges all that is set, in Helm's order, lists by the merge keys of the chart's
    /// schemas; prints the files' YAML traps. `folder` is the chart's, where it is one.
    ///
    /// # Errors
    /// When something cannot be read.
    pub fn merge(
        &self,
        chart: &Chart,
        folder: Option<&Path>,
        numbers: Numbers,
        output: &Output,
    ) -> Result<UserValues, CommandError> {
        let sources = self.sources(folder, output)?;
        let keys = MergeKeys::of(chart);
        let user = values::merge_user_by(&sources, numbers, &keys).map_err(invalid)?;
        for warning in &user.warnings {
            output.note(&format!("Warning: {warning}"));
        }
        Ok(user)
    }

    /// Validates final values against the schemas of the chart and the charts below it.
    ///
    /// # Errors
    /// With all violations, each with the place that set the value.
    pub fn validate(&self, chart: &Chart, resolved: &values::Values) -> Result<(), CommandError> {
        if self.skip_schema_validation {
            return Ok(());
        }
        values::validate(chart, &resolved.value, &resolved.origins)
            .map_err(|e| CommandError::new(Kind::Invalid, e))
    }
}

fn invalid(e: values::Error) -> CommandError {
    CommandError::new(Kind::Invalid, e)
}

/// The files of an overlay: beside the chart first, then in the working folder, which thus wins.
fn overlay_files(name: &str, chart: Option<&Path>) -> Result<Vec<PathBuf>, CommandError> {
    if name.is_empty() || name.contains(['/', '\\']) || name.starts_with('.') {
        return Err(CommandError::new(
            Kind::Usage,
            format_args!("{name:?} is not the name of an overlay"),
        ));
    }
    let file = format!("values/{name}.yaml");
    let beside = chart
        .and_then(Path::parent)
        .map(|folder| folder.join(&file));
    let inside = chart.map(|folder| folder.join(&file));
    let mut found: Vec<PathBuf> = Vec::new();
    for path in [inside, beside, Some(PathBuf::from(&file))]
        .into_iter()
        .flatten()
    {
        let same = |other: &PathBuf| match (other.canonicalize(), path.canonicalize()) {
            (Ok(a), Ok(b)) => a == b,
            _ => false,
        };
        if path.is_file() && !found.iter().any(same) {
            found.push(path);
        }
    }
    if found.is_empty() {
        return Err(CommandError::new(
            Kind::NotFound,
            format_args!(
                "overlay {name} not found: there is no {file} in the chart, beside it or in the working folder"
            ),
        ));
    }
    Ok(found)
}

/// Reads a text file; `-` is standard input.
fn read_text(name: &str) -> Result<String, CommandError> {
    let failed = |e: std::io::Error| {
        let kind = match e.kind() {
            std::io::ErrorKind::NotFound => Kind::NotFound,
            _ => Kind::Failed,
        };
        CommandError::new(kind, format_args!("cannot read {name}: {e}"))
    };
    let mut bytes = Vec::new();
    let read = if name.trim() == "-" {
        std::io::stdin()
            .lock()
            .take(MAX_FILE + 1)
            .read_to_end(&mut bytes)
    } else {
        std::fs::File::open(name).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes))
    };
    read.map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(CommandError::new(
            Kind::Invalid,
            format_args!("{name} has more than {MAX_FILE} bytes"),
        ));
    }
    String::from_utf8(bytes).map_err(|e| {
        let good = e.utf8_error().valid_up_to();
        let line = 1 + e.as_bytes()[..good].iter().filter(|b| **b == b'\n').count();
        CommandError::new(Kind::Invalid, format_args!("{name}:{line}: not UTF-8"))
    })
}
