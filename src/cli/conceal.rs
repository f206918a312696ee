//! What of a release is not shown: the values that its chart's schema marks as secret.

use super::output::Output;
use crate::chart::Chart;
use crate::release::Release;
use crate::values::{self, Redactor};
use crate::yaml::Value;

/// Masks the marked values in a release that is to be printed, and in everything that is printed from
/// here on. A record keeps the schema of its own chart, not those of the charts below.
pub fn conceal(output: &Output, release: &mut Release) {
    let chart = Chart {
        metadata: release.chart.metadata.clone(),
        values: release.chart.values.clone(),
        schema: release.chart.schema.clone(),
        ..Chart::default()
    };
    let config = Value::Object(release.config.clone());
    if let Ok((computed, _)) = values::coalesce(&chart, config.clone()) {
        let secrets = values::secrets(&chart, &computed);
        output.hide(Redactor::of(&secrets, &computed));
        let mut config = config;
        // What the user set may have been replaced by nothing else: the paths are the same.
        secrets.mask(&mut config);
        if let Value::Object(config) = config {
            release.config = config;
        }
        secrets.mask(&mut release.chart.values);
    }
}
