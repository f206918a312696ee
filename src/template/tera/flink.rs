//! What a chart needs to know of Flink: the configuration file and its keys by version, start
//! arguments, memory limits. Key names were read from flink-dist 1.20.5 and 2.3.0.

use tera::{Error, Kwargs, State, TeraResult, Value as Tera};

use super::filters::text;
use super::value::from_tera;
use super::{Outcome, Registry};
use crate::template::funcs::quantity::{self, Quantity};
use crate::template::funcs::semver::Version;
use crate::yaml::{self, Map, Value};

/// Keys that got new names by Flink 1.20 (FLIP-406 and before). Until 1.20 the old ones are written,
/// for every 1.x reads them; from 1.20 on the new ones, for 2.x only tolerates some of the old.
const RENAMED: [(&str, &str); 22] = [
    ("execution.checkpointing.dir", "state.checkpoints.dir"),
    (
        "execution.checkpointing.savepoint-dir",
        "state.savepoints.dir",
    ),
    (
        "execution.checkpointing.num-retained",
        "state.checkpoints.num-retained",
    ),
    (
        "execution.checkpointing.create-subdir",
        "state.checkpoints.create-subdir",
    ),
    (
        "execution.checkpointing.incremental",
        "state.backend.incremental",
    ),
    (
        "execution.checkpointing.local-backup.enabled",
        "state.backend.local-recovery",
    ),
    (
        "execution.checkpointing.local-backup.dirs",
        "taskmanager.state.local.root-dirs",
    ),
    (
        "execution.checkpointing.storage",
        "state.checkpoint-storage",
    ),
    (
        "execution.checkpointing.cleaner.parallel-mode",
        "state.checkpoint.cleaner.parallel-mode",
    ),
    (
        "execution.checkpointing.data-inline-threshold",
        "state.storage.fs.memory-threshold",
    ),
    (
        "execution.checkpointing.write-buffer-size",
        "state.storage.fs.write-buffer-size",
    ),
    (
        "execution.checkpointing.unaligned.enabled",
        "execution.checkpointing.unaligned",
    ),
    ("execution.state-recovery.path", "execution.savepoint.path"),
    (
        "execution.state-recovery.claim-mode",
        "execution.savepoint-restore-mode",
    ),
    (
        "execution.state-recovery.ignore-unclaimed-state",
        "execution.savepoint.ignore-unclaimed-state",
    ),
    ("state.backend.type", "state.backend"),
    ("restart-strategy.type", "restart-strategy"),
    ("high-availability.type", "high-availability"),
    (
        "kubernetes.container.image.ref",
        "kubernetes.container.image",
    ),
    (
        "kubernetes.jobmanager.cpu.amount",
        "kubernetes.jobmanager.cpu",
    ),
    (
        "kubernetes.taskmanager.cpu.amount",
        "kubernetes.taskmanager.cpu",
    ),
    (
        "execution.state-recovery.from-local",
        "state.backend.local-recovery",
    ),
];

/// Signs the functions in.
pub(super) fn register(registry: &mut Registry<'_>) {
    registry.function("flink_config_file", |kwargs: Kwargs, _: &State| {
        Ok(Tera::from(config_file(&version(&kwargs)?)))
    });
    registry.function("flink_config_key", |kwargs: Kwargs, _: &State| {
        Ok(Tera::from(key_for(
            &version(&kwargs)?,
            kwargs.must_get::<&str>("key")?,
        )))
    });
    registry.function("flink_config", |kwargs: Kwargs, _: &State| {
        let version = version(&kwargs)?;
        let settings = from_tera(&kwargs.must_get::<Tera>("settings")?)?;
        let text = config(&version, &settings).map_err(Error::message)?;
        // As to_yaml: without a line break at the end.
        Ok(Tera::from(text.trim_end()))
    });
    registry.function("flink_memory_limit", |kwargs: Kwargs, _: &State| {
        let size = text(&kwargs.must_get::<Tera>("process_size")?)?;
        let factor = kwargs.get::<f64>("factor")?.unwrap_or(1.0);
        memory_limit(&size, factor)
            .map(Tera::from)
            .map_err(Error::message)
    });
    registry.function("flink_args", |kwargs: Kwargs, _: &State| args(&kwargs));
}

fn version(kwargs: &Kwargs) -> TeraResult<Version> {
    let given = text(&kwargs.must_get::<Tera>("version")?)
        .map_err(|e| Error::message(format!("argument `version`: {e}")))?;
    Version::parse(&given).map_err(Error::message)
}

/// `config.yaml` from 1.19 on (2.x reads nothing else), `flink-conf.yaml` before.
fn config_file(version: &Version) -> &'static str {
    if (version.major, version.minor) >= (1, 19) {
        "config.yaml"
    } else {
        "flink-conf.yaml"
    }
}

/// The key's name in a version, whichever of its names is given.
fn key_for<'a>(version: &Version, key: &'a str) -> &'a str {
    let new = (version.major, version.minor) >= (1, 20);
    RENAMED
        .iter()
        .find(|(n, o)| if new { *o == key } else { *n == key })
        .map_or(key, |(n, o)| if new { n } else { o })
}

/// The configuration file's content: flat keys under the version's names, in order of the keys.
/// Nested settings are flattened, null ones left out.
fn config(version: &Version, settings: &Value) -> Result<String, String> {
    let Value::Object(settings) = settings else {
        return Err("`settings` must be a map".to_owned());
    };
    let mut flat = Map::new();
    flatten(version, "", settings, &mut flat)?;
    if config_file(version) == "config.yaml" {
        return Ok(yaml::emit(&Value::Object(flat)));
    }
    // The old reader takes each line up to a `#` as `key: value`, without YAML's quotes.
    let mut lines: Vec<String> = Vec::new();
    for (key, value) in &flat {
        let value = plain(value);
        if value.contains(['\n', '#']) {
            return Err(format!(
                "flink-conf.yaml can't hold the value of {key}: it has a line break or a #"
            ));
        }
        lines.push(format!("{key}: {value}\n"));
    }
    lines.sort();
    Ok(lines.concat())
}

fn flatten(version: &Version, prefix: &str, map: &Map, flat: &mut Map) -> Result<(), String> {
    for (key, value) in map {
        let full = if prefix.is_empty() {
            key.clone()
        } else {
            format!("{prefix}.{key}")
        };
        match value {
            Value::Null => {}
            Value::Object(inner) => flatten(version, &full, inner, flat)?,
            value => {
                let name = key_for(version, &full);
                if let Some(before) = flat.insert(name.to_owned(), value.clone())
                    && before != *value
                {
                    return Err(format!(
                        "{name} is set twice, with different values: perhaps under an older name"
                    ));
                }
            }
        }
    }
    Ok(())
}

/// A value as Flink's own writers put it on a line: lists with `;` between.
fn plain(value: &Value) -> String {
    match value {
        Value::String(s) => s.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(";"),
        other => yaml::go_json(other),
    }
}

/// A container's memory limit as a Kubernetes quantity for a Flink process size: at least that size.
fn memory_limit(process_size: &str, factor: f64) -> Result<String, String> {
    if factor < 1.0 {
        return Err(format!(
            "a limit below the process size ({factor} of it) gets the process killed"
        ));
    }
    let bytes = quantity::flink_memory(process_size).map_err(|e| {
        let kubernetes = Quantity::parse(process_size).is_ok();
        let hint = if kubernetes {
            ": it is a Kubernetes quantity; Flink writes 1728Mi as 1728m"
        } else {
            ""
        };
        format!("{e}{hint}")
    })?;
    Quantity::from_bytes(bytes)
        .scale(factor)
        .map(|q| q.to_string())
        .map_err(|e| e.to_string())
}

/// Arguments of the image's entrypoint. The job's own come last: the first token that the entrypoint
/// doesn't know makes job arguments of all behind it.
fn args(kwargs: &Kwargs) -> Outcome {
    let version = version(kwargs)?;
    let component = kwargs.must_get::<&str>("component")?;
    let mode = kwargs.get::<&str>("mode")?.unwrap_or("application");
    let one = |name: &str| -> TeraResult<Option<String>> {
        match kwargs.get::<Tera>(name)? {
            Some(value) if value.is_truthy() => text(&value).map(Some),
            _ => Ok(None),
        }
    };
    let mut args: Vec<String> = Vec::new();
    let is_job = match (component, mode) {
        ("taskmanager", _) => {
            args.push("taskmanager".to_owned());
            false
        }
        ("jobmanager", "session") => {
            args.push("jobmanager".to_owned());
            false
        }
        ("jobmanager", "application") => {
            args.push("standalone-job".to_owned());
            true
        }
        _ => {
            return Err(Error::message(format!(
                "component {component:?} in mode {mode:?}: use jobmanager or taskmanager, application or session"
            )));
        }
    };
    if is_job {
        for (name, flag) in [
            ("main_class", "--job-classname"),
            ("job_id", "--job-id"),
            ("savepoint", "--fromSavepoint"),
        ] {
            if let Some(value) = one(name)? {
                args.extend([flag.to_owned(), value]);
            }
        }
        if kwargs
            .get::<bool>("allow_non_restored_state")?
            .unwrap_or(false)
        {
            args.push("--allowNonRestoredState".to_owned());
        }
    }
    if let Some(options) = kwargs.get::<Tera>("options")? {
        let mut flat = Map::new();
        if let Value::Object(map) = from_tera(&options)? {
            flatten(&version, "", &map, &mut flat).map_err(Error::message)?;
        }
        let mut options: Vec<String> = flat
            .iter()
            .map(|(key, value)| format!("-D{key}={}", plain(value)))
            .collect();
        options.sort();
        args.extend(options);
    }
    if let Some(own) = kwargs.get::<&[Tera]>("args")? {
        if !is_job && !own.is_empty() {
            return Err(Error::message(
                "only an application's JobManager takes the job's arguments",
            ));
        }
        for arg in own {
            args.push(text(arg)?);
        }
    }
    Ok(Tera::from(
        args.into_iter().map(Tera::from).collect::<Vec<_>>(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn v(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    #[test]
    fn files_and_keys_by_version() {
        for (version, file, checkpoints) in [
            ("1.18.1", "flink-conf.yaml", "state.checkpoints.dir"),
            ("1.19", "config.yaml", "state.checkpoints.dir"),
            ("1.20.5", "config.yaml", "execution.checkpointing.dir"),
            ("2.3.0", "config.yaml", "execution.checkpointing.dir"),
        ] {
            assert_eq!(config_file(&v(version)), file);
            assert_eq!(
                key_for(&v(version), "execution.checkpointing.dir"),
                checkpoints
            );
            assert_eq!(key_for(&v(version), "state.checkpoints.dir"), checkpoints);
            assert_eq!(key_for(&v(version), "rest.port"), "rest.port");
        }
    }

    #[test]
    fn the_file_is_flat_and_sorted() {
        let settings = json!({
            "state": {"checkpoints.dir": "file:///c"},
            "rest.port": 8081,
            "pipeline.jars": ["a", "b"],
            "off": null,
            "yes": "true",
        });
        assert_eq!(
            config(&v("2.3.0"), &settings).unwrap(),
            "execution.checkpointing.dir: file:///c\npipeline.jars:\n- a\n- b\nrest.port: 8081\n\"yes\": \"true\"\n"
        );
        assert_eq!(
            config(&v("1.18.1"), &settings).unwrap(),
            "pipeline.jars: a;b\nrest.port: 8081\nstate.checkpoints.dir: file:///c\nyes: true\n"
        );
        let twice = json!({"state.backend": "rocksdb", "state.backend.type": "hashmap"});
        assert!(
            config(&v("2.3.0"), &twice)
                .unwrap_err()
                .contains("state.backend.type is set twice")
        );
    }

    #[test]
    fn limits_from_process_sizes() {
        assert_eq!(memory_limit("1728m", 1.0).unwrap(), "1728Mi");
        assert_eq!(memory_limit("1600 mb", 1.5).unwrap(), "2400Mi");
        assert!(
            memory_limit("1728Mi", 1.0)
                .unwrap_err()
                .contains("Kubernetes quantity")
        );
        assert!(memory_limit("1g", 0.5).is_err());
    }
}
