//! Post-rendering: the objects of a render go through a program of the user's, hooks among them.
//!
//! As in Helm 4 it gets all objects in one stream, each with an annotation that says which template made it, and
//! what it gives back is sorted into files by that annotation.

use std::collections::BTreeMap;

use super::{Error, documents};
use crate::yaml::{self, Map, Value};

/// Takes a stream of documents, gives another; an error's text says what the program complained about.
pub type PostRenderer = dyn Fn(&str) -> Result<String, String> + Send + Sync;

/// The annotation of Helm 4 that names an object's template while it is with the post-renderer.
const FILE: &str = "postrenderer.helm.sh/postrender-filename";

/// Sends the templates' outputs through a post-renderer; what it made, by the names of the templates. An object
/// that it left as it was keeps its text.
pub(super) fn apply(
    outputs: &BTreeMap<String, String>,
    run: &PostRenderer,
) -> Result<BTreeMap<String, String>, Error> {
    let mut given = Vec::new();
    for (file, output) in outputs {
        let pieces = documents::pieces(file, output)?;
        given.extend(pieces.into_iter().filter(|d| !d.object.is_null()));
    }
    let stream: Vec<String> = given
        .iter()
        .map(|document| {
            let mut object = document.object.clone();
            annotate(&mut object, &document.source);
            yaml::emit(&object)
        })
        .collect();
    let failed = |cause: String| Error::PostRender { cause };
    let made = run(&stream.join("---\n")).map_err(failed)?;
    if made.trim().is_empty() {
        return Err(failed("it gave nothing back".to_owned()));
    }
    let made = yaml::parse_all(&made)
        .map_err(|e| failed(format!("what it gave back is not valid YAML: {e}")))?;
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for (index, mut object) in made.into_iter().enumerate() {
        if object.is_null() {
            continue;
        }
        let file = take_annotation(&mut object)
            .filter(|name| is_below(name))
            .unwrap_or_else(|| format!("generated-by-postrender-{index}.yaml"));
        let before = given
            .iter()
            .find(|d| d.source == file && d.object == object);
        let text = match before {
            Some(document) => document.text.clone(),
            None => yaml::emit(&object),
        };
        let output = files.entry(file).or_default();
        if !output.is_empty() {
            if !output.ends_with('\n') {
                output.push('\n');
            }
            output.push_str("---\n");
        }
        output.push_str(&text);
    }
    Ok(files)
}

/// Whether a file's name stays below the folder that it is written to.
fn is_below(name: &str) -> bool {
    !name.is_empty() && name.split(['/', '\\']).all(|p| !p.is_empty() && p != "..")
}

fn annotate(object: &mut Value, file: &str) {
    let Some(object) = object.as_object_mut() else {
        return;
    };
    if let Some(metadata) = map_of(object, "metadata")
        && let Some(annotations) = map_of(metadata, "annotations")
    {
        annotations.insert(FILE.to_owned(), file.into());
    }
}

/// The map of a key; made where there is nothing.
fn map_of<'a>(object: &'a mut Map, key: &str) -> Option<&'a mut Map> {
    let value = object.entry(key).or_insert(Value::Null);
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut()
}

/// Takes our annotation out, and the maps that it leaves empty.
fn take_annotation(object: &mut Value) -> Option<String> {
    let object = object.as_object_mut()?;
    let metadata = object.get_mut("metadata")?.as_object_mut()?;
    let annotations = metadata.get_mut("annotations")?.as_object_mut()?;
    let file = annotations.shift_remove(FILE)?;
    if annotations.is_empty() {
        metadata.shift_remove("annotations");
    }
    if metadata.is_empty() {
        object.shift_remove("metadata");
    }
    file.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POD: &str = "# why\nkind: Pod\napiVersion: v1\nmetadata:\n  name: a\n";

    fn outputs() -> BTreeMap<String, String> {
        let hook =
            "apiVersion: v1\nkind: Pod\nmetadata: {name: b, annotations: {helm.sh/hook: test}}\n";
        BTreeMap::from([
            ("c/templates/a.yaml".to_owned(), format!("{POD}---\n{hook}")),
            (
                "c/templates/z.yaml".to_owned(),
                POD.replace("name: a", "name: z"),
            ),
            (
                "c/templates/empty.yaml".to_owned(),
                "# nothing\n".to_owned(),
            ),
        ])
    }

    #[test]
    fn what_is_left_alone_keeps_its_text() {
        let after = apply(&outputs(), &|stream| Ok(stream.to_owned())).unwrap();
        let mut before = outputs();
        before.remove("c/templates/empty.yaml");
        assert_eq!(after, before);
    }

    #[test]
    fn objects_come_back_to_their_files_and_new_ones_get_one() {
        let run = |stream: &str| {
            assert_eq!(stream.matches(FILE).count(), 3, "{stream}");
            assert!(stream.contains("helm.sh/hook"), "{stream}");
            let changed = stream.replace("kind: Pod", "kind: Job");
            Ok(format!(
                "{changed}---\napiVersion: v1\nkind: New\nmetadata: {{name: n}}\n"
            ))
        };
        let after = apply(&outputs(), &run).unwrap();
        let names: Vec<&str> = after.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "c/templates/a.yaml",
                "c/templates/z.yaml",
                "generated-by-postrender-3.yaml"
            ]
        );
        assert_eq!(
            after["c/templates/z.yaml"],
            "apiVersion: v1\nkind: Job\nmetadata:\n  name: z\n"
        );
        assert_eq!(after["c/templates/a.yaml"].matches("kind: Job").count(), 2);
    }

    #[test]
    fn a_file_outside_the_folder_is_none() {
        let run = |_: &str| {
            Ok(format!(
                "apiVersion: v1\nkind: A\nmetadata: {{name: n, annotations: {{{FILE}: ../../x}}}}\n"
            ))
        };
        let after = apply(&outputs(), &run).unwrap();
        assert!(
            after.contains_key("generated-by-postrender-0.yaml"),
            "{after:?}"
        );
    }

    #[test]
    fn its_failures_are_errors() {
        let fails: [(&PostRenderer, &str); 3] = [
            (&|_| Err("exit status: 3".to_owned()), "exit status: 3"),
            (&|_| Ok(" \n".to_owned()), "nothing"),
            (&|_| Ok("a: [".to_owned()), "not valid YAML"),
        ];
        for (run, part) in fails {
            let error = apply(&outputs(), run).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
