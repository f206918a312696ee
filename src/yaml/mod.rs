//! The value model, YAML as Helm reads it (1.1 scalars, last duplicate wins), and emission equal to Go's.

/// A value of a values file, a manifest or a record.
///
/// One model for the whole house: Tera, the JSON Schema validator and the Kubernetes client speak
/// it natively. Maps keep the order they were written in; who needs Go's order sorts. The number
/// kinds mean what they mean in Go: an integer is an `int64` (from `--set`), a float is a `float64`
/// (Helm reads every number of a file through JSON, so integers of files are float64 there).
pub type Value = serde_json::Value;

/// A map of [`Value`]s, in the order of their insertion.
pub type Map = serde_json::Map<String, Value>;
