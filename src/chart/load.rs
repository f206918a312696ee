//! Loading a chart from a folder or an archive: the same result from both.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::archive::{self, Budget};
use super::ignore::Rules;
use super::{Chart, Error, File, fields, metadata};
use crate::values;
use crate::yaml::{self, Map, Value};

/// Loads a chart from a folder or a `.tgz`.
///
/// # Errors
/// A missing or unreadable path, a damaged or hostile archive, a link that leaves the folder,
/// a limit passed (100 MiB and 10,000 files with all subcharts), a Chart.yaml, values.yaml or lock
/// that is not valid; each names the file, and the line where there is one.
pub fn load(path: &Path) -> Result<Chart, Error> {
    let shown = path.display().to_string();
    let meta = fs::metadata(path).map_err(|source| {
        if source.kind() == std::io::ErrorKind::NotFound {
            Error::NotFound {
                path: path.to_owned(),
            }
        } else {
            Error::Read {
                path: shown.clone(),
                source,
            }
        }
    })?;
    let mut budget = Budget::new();
    if meta.is_dir() {
        let files = read_folder(path, &mut budget)?;
        return root(shown.trim_end_matches('/'), files, &mut budget);
    }
    // A compressed chart is never larger than an unpacked one may be.
    if meta.len() > archive::MAX_TOTAL {
        return Err(Error::TooLarge {
            path: shown,
            what: "the archive is too large".to_owned(),
            limit: "100 MiB".to_owned(),
        });
    }
    let bytes = fs::read(path).map_err(|source| Error::Read {
        path: shown.clone(),
        source,
    })?;
    load_archive(&shown, &bytes)
}

/// Loads the chart of a folder without the charts in `charts/`, so that these may be missing or damaged.
///
/// # Errors
/// As [`load`].
pub fn load_alone(folder: &Path) -> Result<Chart, Error> {
    if !folder.is_dir() {
        return Err(Error::NotFound {
            path: folder.to_owned(),
        });
    }
    let mut budget = Budget::new();
    let mut files = read_folder(folder, &mut budget)?;
    files.retain(|f| !f.name.starts_with("charts/"));
    let shown = folder.display().to_string();
    assemble(shown.trim_end_matches('/'), files, &mut budget, 0)
}

/// Loads a chart from an archive's bytes; `name` is for messages.
///
/// # Errors
/// As [`load`].
pub fn load_archive(name: &str, bytes: &[u8]) -> Result<Chart, Error> {
    let mut budget = Budget::new();
    let files = archive::unpack(name, bytes, &mut budget)?;
    root(name, files, &mut budget)
}

/// A chart that is no subchart must be of a kind that Helm installs.
fn root(path: &str, files: Vec<File>, budget: &mut Budget) -> Result<Chart, Error> {
    let chart = assemble(path, files, budget, 0)?;
    match chart.metadata.api_version.as_str() {
        "v1" | "v2" => Ok(chart),
        other => Err(Error::Invalid {
            file: format!("{path}/Chart.yaml"),
            line: None,
            message: format!("apiVersion {other:?} is not known: v1 and v2 are"),
        }),
    }
}

/// The chart's name and all files of an archive, as they are in it.
///
/// # Errors
/// As [`load`].
pub fn unpack_archive(name: &str, bytes: &[u8]) -> Result<(String, Vec<File>), Error> {
    let chart = load_archive(name, bytes)?;
    let files = archive::unpack(name, bytes, &mut Budget::new())?;
    Ok((chart.metadata.name, files))
}

/// Reads all files of a folder that .helmignore lets through, in the order of their names.
pub(super) fn read_folder(root: &Path, budget: &mut Budget) -> Result<Vec<File>, Error> {
    let shown = root.display().to_string();
    let real_root = root.canonicalize().map_err(|source| Error::Read {
        path: shown.clone(),
        source,
    })?;
    let ignore_file = root.join(".helmignore");
    let text = match fs::read_to_string(&ignore_file) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(source) => {
            return Err(Error::Read {
                path: ignore_file.display().to_string(),
                source,
            });
        }
    };
    let rules = Rules::parse(&text).map_err(|(line, message)| Error::Invalid {
        file: ignore_file.display().to_string(),
        line: Some(line),
        message,
    })?;
    let mut walk = Walk {
        root: &shown,
        real_root: &real_root,
        rules: &rules,
        budget,
        files: Vec::new(),
    };
    walk.folder(root, "", 0)?;
    Ok(walk.files)
}

struct Walk<'a> {
    root: &'a str,
    real_root: &'a Path,
    rules: &'a Rules,
    budget: &'a mut Budget,
    files: Vec<File>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<(), Error> {
        // Only a link to a folder above it can nest so deep.
        if depth > 64 {
            return Err(self.refuse(prefix, "is nested too deep (a link in a circle?)"));
        }
        let read = |source| Error::Read {
            path: folder.display().to_string(),
            source,
        };
        let mut entries: Vec<(String, PathBuf)> = Vec::new();
        for entry in fs::read_dir(folder).map_err(read)? {
            let entry = entry.map_err(read)?;
            let name = entry.file_name().into_string().map_err(|name| {
                self.refuse(
                    &format!("{prefix}{}", name.to_string_lossy()),
                    "has a name that is not UTF-8",
                )
            })?;
            entries.push((name, entry.path()));
        }
        entries.sort();
        for (name, path) in entries {
            let inner = format!("{prefix}{name}");
            let read = |source| Error::Read {
                path: path.display().to_string(),
                source,
            };
            let own = fs::symlink_metadata(&path).map_err(read)?;
            let meta = if own.is_symlink() {
                // What .helmignore leaves out may point anywhere.
                if self.rules.ignores(&inner, path.is_dir()) {
                    continue;
                }
                let target = path.canonicalize().map_err(read)?;
                if !target.starts_with(self.real_root) && !is_shared(self.real_root, &target) {
                    if is_paper(&inner) {
                        continue;
                    }
                    return Err(self.refuse(&inner, "is a link that leaves the chart"));
                }
                let real_folder = folder.canonicalize().map_err(read)?;
                if real_folder.starts_with(&target) {
                    return Err(self.refuse(&inner, "is a link to a folder that it lies in"));
                }
                fs::metadata(&path).map_err(read)?
            } else {
                own
            };
            if self.rules.ignores(&inner, meta.is_dir()) {
                continue;
            }
            self.budget.entry(self.root)?;
            if meta.is_dir() {
                self.folder(&path, &format!("{inner}/"), depth + 1)?;
            } else if meta.is_file() {
                let file = fs::File::open(&path).map_err(read)?;
                let data = self.budget.read(self.root, &inner, meta.len(), file)?;
                self.files.push(File { name: inner, data });
            } else {
                return Err(self.refuse(&inner, "is a device, a pipe or a socket"));
            }
        }
        Ok(())
    }

    fn refuse(&self, entry: &str, reason: &str) -> Error {
        Error::Unsafe {
            path: self.root.to_owned(),
            entry: entry.to_owned(),
            reason: reason.to_owned(),
        }
    }
}

/// Whether a link may leave the chart for this target: into another chart's folder, or to a place in the
/// same git work tree. So repositories put charts and CRDs that they share in place; Argo CD too takes the
/// repository as the bound. Links to anything else of the machine stay refused.
fn is_shared(real_root: &Path, target: &Path) -> bool {
    let in_a_chart = target
        .ancestors()
        .any(|above| above.join("Chart.yaml").is_file());
    let repository = real_root
        .ancestors()
        .find(|above| above.join(".git").exists());
    let in_the_repository = repository.is_some_and(|repository| {
        target
            .strip_prefix(repository)
            .is_ok_and(|inner| !inner.starts_with(".git"))
    });
    in_a_chart || in_the_repository
}

/// Papers that repositories share among their charts by links, and that no template reads: left out.
fn is_paper(inner: &str) -> bool {
    let stem = inner.split('.').next().unwrap_or(inner);
    matches!(
        stem,
        "LICENSE"
            | "LICENCE"
            | "NOTICE"
            | "README"
            | "CHANGELOG"
            | "CONTRIBUTING"
            | "OWNERS"
            | "SECURITY"
    )
}

/// Makes a chart of its files; `path` stands before each name in messages.
fn assemble(
    path: &str,
    files: Vec<File>,
    budget: &mut Budget,
    depth: usize,
) -> Result<Chart, Error> {
    if depth > archive::MAX_DEPTH {
        return Err(Error::TooLarge {
            path: path.to_owned(),
            what: "subcharts are nested too deep".to_owned(),
            limit: archive::MAX_DEPTH.to_string(),
        });
    }
    let mut chart = Chart {
        values: Value::Object(Map::new()),
        ..Chart::default()
    };
    let mut subcharts: BTreeMap<String, Vec<File>> = BTreeMap::new();
    let mut requirements = None;
    let mut chart_yaml = None;
    for file in files {
        let shown = || format!("{path}/{}", file.name);
        match file.name.as_str() {
            "Chart.yaml" => chart_yaml = Some(text(&shown(), file.data)?),
            "values.yaml" => {
                let text = text(&shown(), file.data)?;
                chart.values =
                    values::parse_file(&shown(), &text).map_err(|e| Error::Values(Box::new(e)))?;
                chart.values_text = Some(text);
            }
            "values.schema.json" => chart.schema = Some(file.data),
            "Chart.lock" | "requirements.lock" => {
                let content = text(&shown(), file.data.clone())?;
                chart.lock = lock(&shown(), &content)?;
                if file.name == "requirements.lock" {
                    chart.files.push(file);
                }
            }
            "requirements.yaml" => {
                requirements = Some(text(&shown(), file.data.clone())?);
                chart.files.push(file);
            }
            name if name.starts_with("templates/") => chart.templates.push(file),
            name if name.starts_with("crds/") => chart.crds.push(file),
            name if name.starts_with("charts/") && !name.ends_with(".prov") => {
                let inner = name.trim_start_matches("charts/");
                let top = inner.split('/').next().unwrap_or(inner).to_owned();
                // `_name` and `.name` are not charts, as in Helm.
                if !top.starts_with(['_', '.']) {
                    let file = File {
                        name: inner.to_owned(),
                        data: file.data,
                    };
                    subcharts.entry(top).or_default().push(file);
                }
            }
            _ => chart.files.push(file),
        }
    }
    let Some(chart_yaml) = chart_yaml else {
        return Err(Error::NoChartYaml {
            path: path.to_owned(),
        });
    };
    let file = format!("{path}/Chart.yaml");
    let requirements_yaml = format!("{path}/requirements.yaml");
    let over = requirements
        .as_ref()
        .map(|text| (requirements_yaml.as_str(), text.as_str()));
    chart.metadata = metadata::read((&file, &chart_yaml), over)?;
    // What they say counts in newer charts too, but there they are none of the chart's files.
    if chart.metadata.api_version != "v1" {
        let old = ["requirements.yaml", "requirements.lock"];
        chart.files.retain(|f| !old.contains(&f.name.as_str()));
    }
    metadata::validate(&file, &chart_yaml, &mut chart.metadata)?;
    for (top, files) in subcharts {
        if let Some(child) = subchart(path, &top, files, budget, depth + 1)? {
            chart.dependencies.push(child);
        }
    }
    Ok(chart)
}

/// A chart in `charts/`: a folder, or an archive. A loose file is passed over, as in Helm.
fn subchart(
    path: &str,
    top: &str,
    files: Vec<File>,
    budget: &mut Budget,
    depth: usize,
) -> Result<Option<Chart>, Error> {
    let shown = format!("{path}/charts/{top}");
    if Path::new(top).extension().is_some_and(|e| e == "tgz") {
        let Some(file) = files.into_iter().find(|f| f.name == top) else {
            return Err(Error::Invalid {
                file: shown,
                line: None,
                message: "is a folder with the name of an archive".to_owned(),
            });
        };
        let files = archive::unpack(&shown, &file.data, budget)?;
        return assemble(&shown, files, budget, depth).map(Some);
    }
    let inner: Vec<File> = files
        .into_iter()
        .filter_map(|f| {
            let (_, name) = f.name.split_once('/')?;
            Some(File {
                name: name.to_owned(),
                data: f.data,
            })
        })
        .collect();
    if inner.is_empty() {
        return Ok(None);
    }
    assemble(&shown, inner, budget, depth).map(Some)
}

fn text(file: &str, data: Vec<u8>) -> Result<String, Error> {
    String::from_utf8(data).map_err(|e| {
        let good = e
            .as_bytes()
            .get(..e.utf8_error().valid_up_to())
            .unwrap_or_default();
        let line = good.iter().filter(|b| **b == b'\n').count() + 1;
        Error::Invalid {
            file: file.to_owned(),
            line: Some(line),
            message: "is not UTF-8".to_owned(),
        }
    })
}

/// A lock's fields; `None` where the file is empty.
fn lock(file: &str, text: &str) -> Result<Option<Value>, Error> {
    let invalid = |line, message| Error::Invalid {
        file: file.to_owned(),
        line,
        message,
    };
    match yaml::parse_with_floats(text).map_err(|e| invalid(Some(e.line), e.to_string()))? {
        Value::Object(map) => Ok(Some(Value::Object(fields::read(map, fields::LOCK)))),
        Value::Null => Ok(None),
        _ => Err(invalid(None, "must be a map".to_owned())),
    }
}
