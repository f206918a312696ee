//! Packing a chart: the same chart gives the same bytes, on any machine and at any time.

use std::io::Write as _;

use super::{Chart, Error};
use crate::yaml;

/// The time that files in a package get when none is asked for: 1980-01-01, the oldest that every
/// archive format can hold.
pub const DEFAULT_MTIME: u64 = 315_532_800;

/// The file name of a chart's package: `name-version.tgz`.
pub fn package_name(chart: &Chart) -> String {
    format!("{}-{}.tgz", chart.name(), chart.metadata.version)
}

/// Packs a chart with the charts below it into a `.tgz`, as `helm package` lays it out. All files get
/// the time `mtime` (unix seconds).
///
/// # Errors
/// A dependency of Chart.yaml that is not in `charts/`, or a schema that is not JSON.
pub fn package(chart: &Chart, mtime: u64) -> Result<Vec<u8>, Error> {
    check_dependencies(chart)?;
    pack(chart, mtime)
}

/// The same, whether or not all charts that it wants are there.
///
/// # Errors
/// A schema that is not JSON.
pub fn pack(chart: &Chart, mtime: u64) -> Result<Vec<u8>, Error> {
    let gzip = flate2::GzBuilder::new()
        .mtime(0)
        .operating_system(255)
        .write(Vec::new(), flate2::Compression::best());
    let mut archive = tar::Builder::new(gzip);
    let failed = |source| Error::Write {
        path: package_name(chart),
        source,
    };
    append(&mut archive, chart, chart.name(), mtime)?;
    let mut gzip = archive.into_inner().map_err(failed)?;
    gzip.flush().map_err(failed)?;
    gzip.finish().map_err(failed)
}

/// What Chart.yaml wants must be there: a package is whole.
fn check_dependencies(chart: &Chart) -> Result<(), Error> {
    let missing = chart.missing_dependencies();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::Invalid {
        file: format!("{}/Chart.yaml", chart.name()),
        line: None,
        message: format!(
            "dependencies are missing in charts/: {} (fetch them with: nutkin dependency update)",
            missing.join(", ")
        ),
    })
}

type Archive = tar::Builder<flate2::write::GzEncoder<Vec<u8>>>;

fn append(archive: &mut Archive, chart: &Chart, base: &str, mtime: u64) -> Result<(), Error> {
    let is_v1 = chart.metadata.api_version == "v1";
    let mut add = |name: &str, data: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(data.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(mtime);
        let path = format!("{base}/{name}");
        archive
            .append_data(&mut header, &path, data)
            .map_err(|source| Error::Write { path, source })
    };
    add("Chart.yaml", chart_yaml(chart)?.as_bytes())?;
    if let Some(lock) = chart.lock.as_ref().filter(|_| !is_v1) {
        add("Chart.lock", yaml::emit(lock).as_bytes())?;
    }
    if let Some(values) = &chart.values_text {
        add("values.yaml", values.as_bytes())?;
    }
    if let Some(schema) = &chart.schema {
        serde_json::from_slice::<serde::de::IgnoredAny>(schema).map_err(|e| Error::Invalid {
            file: format!("{base}/values.schema.json"),
            line: Some(e.line()),
            message: e.to_string(),
        })?;
        add("values.schema.json", schema)?;
    }
    let files = chart
        .templates
        .iter()
        .chain(&chart.crds)
        .chain(&chart.files);
    for file in files {
        add(&file.name, &file.data)?;
    }
    for child in &chart.dependencies {
        append(
            archive,
            child,
            &format!("{base}/charts/{}", child.name()),
            mtime,
        )?;
    }
    Ok(())
}

/// Chart.yaml as Helm writes it: keys sorted, empty ones left out. A v1 chart's dependencies stay in
/// its requirements.yaml.
///
/// # Errors
/// Never in practice: the metadata can always be written.
pub fn chart_yaml(chart: &Chart) -> Result<String, Error> {
    let mut metadata = chart.metadata.clone();
    if metadata.api_version == "v1" {
        metadata.dependencies.clear();
    }
    let value = serde_json::to_value(&metadata).map_err(|e| Error::Invalid {
        file: "Chart.yaml".to_owned(),
        line: None,
        message: e.to_string(),
    })?;
    Ok(yaml::emit(&value))
}
