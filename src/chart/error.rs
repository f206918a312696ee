//! What can go wrong with a chart before anything is rendered.

use std::path::PathBuf;

/// An error of loading, checking or packing a chart. Each names the chart's file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such folder or file.
    #[error("chart {path:?} not found")]
    NotFound {
        /// The path as given.
        path: PathBuf,
    },
    /// A file or folder cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// The cause.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: String,
        /// The cause.
        source: std::io::Error,
    },
    /// The file is no gzipped archive.
    #[error("{path} is not a gzipped chart archive{hint}")]
    NotAnArchive {
        /// The file.
        path: String,
        /// What it looks like instead, with a leading separator; may be empty.
        hint: String,
    },
    /// An archive is damaged.
    #[error("{path} is damaged: {reason}")]
    Damaged {
        /// The archive.
        path: String,
        /// What the reader says.
        reason: String,
    },
    /// A folder or an archive without Chart.yaml.
    #[error("{path}: Chart.yaml file is missing")]
    NoChartYaml {
        /// The chart's folder or archive.
        path: String,
    },
    /// A file's content is not what it must be.
    #[error("{file}{}: {message}", .line.map(|l| format!(":{l}")).unwrap_or_default())]
    Invalid {
        /// The file, with the chart's path before it.
        file: String,
        /// The line, from 1, where one is to blame.
        line: Option<usize>,
        /// The cause.
        message: String,
    },
    /// The chart's values.yaml cannot be read.
    #[error(transparent)]
    Values(Box<crate::values::Error>),
    /// A limit on size or number was passed.
    #[error("{path}: {what} (limit {limit})")]
    TooLarge {
        /// The chart.
        path: String,
        /// What is too large.
        what: String,
        /// The limit, in words.
        limit: String,
    },
    /// A path or a link that leaves the chart, or a device.
    #[error("{path}: {entry:?} {reason}")]
    Unsafe {
        /// The chart's folder or archive.
        path: String,
        /// The entry's name.
        entry: String,
        /// What is wrong with it.
        reason: String,
    },
}
