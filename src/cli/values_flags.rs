//! The flags that set values, shared by every command that renders a chart.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::error::{CommandError, Kind};
use super::output::Output;
use super::remote_values;
use crate::chart::Chart;
use crate::values::{
    self, Identities, MergeKeys, Numbers, SetFile, Sources, UserValues, ValuesFile,
};

/// The largest values file that is read, in bytes.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// Flags that set values, with Helm's names and meanings.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Values")]
pub struct ValueFlags {
    /// A values file; `-` is standard input. May be repeated, later ones win; an address needs --allow-remote-values
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
    /// A file with age identities (secret keys) for values files that are encrypted with age or SOPS,
    /// besides $SOPS_AGE_KEY, $SOPS_AGE_KEY_FILE and ~/.config/sops/age/keys.txt. May be repeated
    #[arg(long, value_name = "FILE")]
    pub age_identity: Vec<PathBuf>,
    /// Fetch values files that -f names by an address (http://, https://)
    #[arg(long)]
    pub allow_remote_values: bool,
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
                files.push(self.open(&shown, output)?);
            }
        }
        for name in &self.files {
            files.push(self.open(name, output)?);
        }
        let set_files = self.set_file.iter().map(|argument| {
            let paths = values::set_file_paths(argument)?;
            let texts = paths
                .into_iter()
                .map(|path| {
                    let bytes = read(&path)?;
                    Ok((path.clone(), text(&path, bytes)?))
                })
                .collect::<Result<_, CommandError>>()?;
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

    fn open(&self, name: &str, output: &Output) -> Result<ValuesFile, CommandError> {
        let keys = || identities(&self.age_identity);
        if remote_values::is_address(name) {
            let bytes = remote_values::fetch(name, self.allow_remote_values, MAX_FILE, output)?;
            return ValuesFile::open(&remote_values::shown(name), bytes, keys);
        }
        ValuesFile::open(name, read(name)?, keys)
    }

    /// Reads the files and merges all that is set, in Helm's order, lists by the merge keys of the chart's
    /// schemas; prints the files' YAML traps. What is secret is masked in all output from here on.
    /// `folder` is the chart's, where it is one.
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
        let user = values::merge_user_by(&sources, numbers, &keys)?;
        output.hide(values::redactor(chart, &user));
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
        values::validate(chart, resolved).map_err(|e| CommandError::new(Kind::Invalid, e))
    }
}

impl From<values::Error> for CommandError {
    fn from(e: values::Error) -> Self {
        let sealed = matches!(e, values::Error::Sealed { .. });
        let error = CommandError::new(Kind::Invalid, e);
        if sealed {
            error.hint("give the age identity with --age-identity FILE or $SOPS_AGE_KEY_FILE")
        } else {
            error
        }
    }
}

/// The user's age identities: of the flag, and of where SOPS looks for them.
pub(super) fn identities(files: &[PathBuf]) -> Result<Identities, CommandError> {
    let mut identities = Identities::default();
    let mut add = |name: &str, text: &str| {
        identities.add(text).map_err(|line| {
            CommandError::new(
                Kind::Invalid,
                format_args!("{name}:{line}: no age identity (AGE-SECRET-KEY-1…)"),
            )
        })
    };
    for path in files {
        let name = path.display().to_string();
        add(&name, &text(&name, read(&name)?)?)?;
    }
    let variable = |name| std::env::var(name).ok().filter(|v| !v.is_empty());
    if let Some(keys) = variable("SOPS_AGE_KEY") {
        add("$SOPS_AGE_KEY", &keys)?;
    }
    if let Some(path) = variable("SOPS_AGE_KEY_FILE") {
        add(&path, &text(&path, read(&path)?)?)?;
    }
    let config = variable("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| variable("HOME").map(|home| Path::new(&home).join(".config")));
    if let Some(path) = config.map(|folder| folder.join("sops/age/keys.txt"))
        && path.is_file()
    {
        let name = path.display().to_string();
        add(&name, &text(&name, read(&name)?)?)?;
    }
    Ok(identities)
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

/// Reads a file; `-` is standard input.
fn read(name: &str) -> Result<Vec<u8>, CommandError> {
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
    Ok(bytes)
}

fn text(name: &str, bytes: Vec<u8>) -> Result<String, CommandError> {
    Ok(values::file_text(name, bytes)?)
}
