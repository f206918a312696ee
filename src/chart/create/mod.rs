//! The chart that `nutkin create` begins with: a Flink application cluster, in Tera or in Helm's
//! language, with the same values.

use std::path::Path;

use super::{Chart, DEFAULT_MTIME, Error, File, Metadata, chart_yaml, load, pack, package_name};

/// The language of a chart's templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Tera.
    Tera,
    /// Helm's: Go templates.
    GoTemplate,
}

macro_rules! files {
    ($folder:literal: $($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!($folder, $name)))),*]
    };
}

/// What both have in common: metadata, values, their schema.
const COMMON: [(&str, &str); 5] = files!(
    "../../../charts/flink-application/":
    "Chart.yaml", "values.yaml", "values.schema.json", "README.md", ".helmignore",
);

const TERA: [(&str, &str); 7] = files!(
    "../../../charts/flink-application/templates/":
    "_helpers.tera", "configmap.yaml.tera", "jobmanager.yaml.tera", "rbac.yaml.tera",
    "services.yaml.tera", "state.yaml.tera", "taskmanager.yaml.tera",
);

const TERA_NOTES: &str = include_str!("../../../charts/flink-application/templates/NOTES.txt.tera");

const GO_TEMPLATES: [(&str, &str); 8] = files!(
    "gotmpl/":
    "_helpers.tpl", "configmap.yaml", "jobmanager.yaml", "rbac.yaml", "services.yaml", "state.yaml",
    "taskmanager.yaml", "NOTES.txt",
);

/// The name of the chart that the files are taken from.
const ORIGINAL: &str = "flink-application";

/// The files of a new chart of this name.
///
/// # Errors
/// When the name is none that Kubernetes and Helm take for a chart: lower case letters, digits and
/// dashes, at most 53.
pub fn create(name: &str, language: Language) -> Result<Vec<File>, Error> {
    check_name(name)?;
    let mut files: Vec<File> = COMMON
        .iter()
        .map(|(file, text)| common(file, text, name))
        .collect();
    let mut add = |file: &str, text: &str| {
        files.push(File {
            name: format!("templates/{file}"),
            data: text.as_bytes().to_vec(),
        });
    };
    match language {
        Language::Tera => {
            TERA.iter().for_each(|(file, text)| add(file, text));
            add("NOTES.txt.tera", TERA_NOTES);
        }
        Language::GoTemplate => GO_TEMPLATES.iter().for_each(|(file, text)| add(file, text)),
    }
    Ok(files)
}

/// What stands for the new chart's name in a starter's templates and values.
const PLACEHOLDER: &str = "<CHARTNAME>";

/// The files of a new chart that is made of a starter, a chart of one's own, as Helm makes it: Chart.yaml is a
/// new one, the charts below are packed.
///
/// # Errors
/// When the name is none for a chart, or the starter can't be loaded.
pub fn from_starter(name: &str, starter: &Path) -> Result<Vec<File>, Error> {
    check_name(name)?;
    let starter = load(starter)?;
    let text = |text: String| text.replace(PLACEHOLDER, name).into_bytes();
    let metadata = Metadata {
        name: name.to_owned(),
        description: "A Helm chart for Kubernetes".to_owned(),
        kind: "application".to_owned(),
        version: "0.1.0".to_owned(),
        app_version: "0.1.0".to_owned(),
        api_version: "v2".to_owned(),
        ..Metadata::default()
    };
    let chart = Chart {
        metadata,
        ..Chart::default()
    };
    let mut files = vec![File {
        name: "Chart.yaml".to_owned(),
        data: chart_yaml(&chart)?.into_bytes(),
    }];
    files.extend(starter.values_text.map(|values| File {
        name: "values.yaml".to_owned(),
        data: text(values),
    }));
    files.extend(starter.schema.map(|data| File {
        name: "values.schema.json".to_owned(),
        data,
    }));
    files.extend(starter.templates.into_iter().map(|file| File {
        // What is no text has no name to be replaced.
        data: String::from_utf8(file.data).map_or_else(|e| e.into_bytes(), text),
        name: file.name,
    }));
    files.extend(starter.crds);
    files.extend(starter.files);
    for child in &starter.dependencies {
        files.push(File {
            name: format!("charts/{}", package_name(child)),
            data: pack(child, DEFAULT_MTIME)?,
        });
    }
    Ok(files)
}

fn check_name(name: &str) -> Result<(), Error> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let ends = edge(name.chars().next()) && edge(name.chars().next_back());
    if name.len() > 53 || !name.chars().all(fits) || !ends {
        return Err(Error::Invalid {
            file: "Chart.yaml".to_owned(),
            line: None,
            message: format!(
                "{name:?} is no name for a chart: lower case letters, digits and dashes, at most 53"
            ),
        });
    }
    Ok(())
}

fn common(file: &str, text: &str, name: &str) -> File {
    let text = text
        .replace(&format!("charts/{ORIGINAL}"), &format!("./{name}"))
        .replace(ORIGINAL, name);
    let text = match file {
        // So that the chart renders as it is; the class is to be replaced.
        "values.yaml" => text.replacen("className: \"\"", "className: com.example.Job", 1),
        "Chart.yaml" => text
            .lines()
            .map(|line| {
                if line.starts_with("version:") {
                    "version: 0.1.0"
                } else {
                    line
                }
            })
            .map(|line| format!("{line}\n"))
            .collect(),
        _ => text,
    };
    File {
        name: file.to_owned(),
        data: text.into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_file_of_the_chart_is_taken() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/charts/flink-application");
        let mut there = BTreeSet::new();
        let mut folders = vec![std::path::PathBuf::from(root)];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    there.insert(path.strip_prefix(root).unwrap().display().to_string());
                }
            }
        }
        let made: BTreeSet<String> = create("x", Language::Tera)
            .unwrap()
            .into_iter()
            .map(|f| f.name)
            .collect();
        assert_eq!(made, there);
    }

    #[test]
    fn bad_names_are_refused() {
        for name in ["", "a/b", "..", "A", "-a", "a-", "a_b", &"a".repeat(54)] {
            assert!(create(name, Language::Tera).is_err(), "{name}");
        }
    }
}
