//! The chart that `nutkin create` begins with: a Flink application cluster, in Tera or in Helm's
//! language, with the same values.

use super::{Error, File};

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
