//! Why a chart could not be rendered.

/// An error of a render. Each names the template's file and, where there is one, the line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A template cannot be read or fails.
    #[error("{0}")]
    Template(Box<crate::template::Error>),
    /// A template of Helm's language cannot be read or fails.
    #[error("{0}")]
    Helm(Box<crate::template::gotmpl::report::RenderError>),
    /// What a template made is not YAML.
    #[error("{file}: the output is not valid YAML: line {line} of the output: {cause}\n{excerpt}")]
    Yaml {
        /// The template.
        file: String,
        /// The line of the template's output, from 1.
        line: usize,
        /// What the parser says.
        cause: String,
        /// The lines of the output around it.
        excerpt: String,
    },
    /// What a template made is no Kubernetes object.
    #[error("{file}: the document in line {line} of the output {reason}\n{excerpt}")]
    Object {
        /// The template.
        file: String,
        /// The line of the output where the document begins, from 1.
        line: usize,
        /// What it lacks.
        reason: String,
        /// The first lines of the document.
        excerpt: String,
    },
    /// A hook with an event that doesn't exist.
    #[error("{file}: {kind} {name:?} has an unknown helm.sh/hook {event:?}{hint}")]
    Hook {
        /// The template.
        file: String,
        /// The object's kind.
        kind: String,
        /// The object's name.
        name: String,
        /// The event.
        event: String,
        /// What was perhaps meant, with a leading separator; may be empty.
        hint: String,
    },
    /// The post-renderer failed.
    #[error("post-renderer: {cause}")]
    PostRender {
        /// What it complained about, or what is wrong with what it gave back.
        cause: String,
    },
    /// The chart wants another version of Kubernetes.
    #[error("chart {chart:?} requires kubeVersion {constraint}, which Kubernetes {version} is not")]
    KubeVersion {
        /// The chart's name.
        chart: String,
        /// Its constraint.
        constraint: String,
        /// The cluster's version.
        version: String,
    },
}

impl From<crate::template::Error> for Error {
    fn from(error: crate::template::Error) -> Self {
        Error::Template(Box::new(error))
    }
}

impl From<Box<crate::template::gotmpl::report::RenderError>> for Error {
    fn from(error: Box<crate::template::gotmpl::report::RenderError>) -> Self {
        Error::Helm(error)
    }
}

impl Error {
    /// The file to blame, with its chart's path, and the line of the template where it is known.
    pub fn place(&self) -> (&str, Option<usize>) {
        match self {
            Error::Template(e) => match e.places.first() {
                Some(place) => (&place.file, Some(place.line)),
                None => (&e.file, None),
            },
            Error::Helm(e) => match e.places.first() {
                Some(place) => (&place.template, Some(place.line)),
                None => (&e.template, None),
            },
            Error::Yaml { file, .. } | Error::Object { file, .. } | Error::Hook { file, .. } => {
                (file, None)
            }
            Error::KubeVersion { .. } => ("Chart.yaml", None),
            Error::PostRender { .. } => ("", None),
        }
    }
}
