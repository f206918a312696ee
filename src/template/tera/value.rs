//! Values on their way into Tera and back, and the objects that every template sees.

use ::tera::value::{Key, ValueKind};
use ::tera::{Context, Map, TeraResult, Value as Tera};

use super::Scope;
use crate::yaml::{self, Value};

/// The value for a template. A whole float is an integer: Helm's values have only floats, and
/// `{{ values.replicas }}` must not print `2.0`.
pub(super) fn to_tera(value: &Value) -> Tera {
    match value {
        Value::Null => Tera::none(),
        Value::Bool(b) => Tera::from(*b),
        Value::Number(n) => match (n.as_i64(), n.as_u64(), n.as_f64()) {
            (Some(i), _, _) => Tera::from(i),
            (_, Some(u), _) => Tera::from(u),
            (_, _, Some(f)) if f.fract() == 0.0 && f.abs() < 9e18 => Tera::from(f as i64),
            (_, _, f) => Tera::from(f.unwrap_or_default()),
        },
        Value::String(s) => Tera::from(s.as_str()),
        Value::Array(items) => Tera::from(items.iter().map(to_tera).collect::<Vec<_>>()),
        Value::Object(map) => Tera::from(
            map.iter()
                .map(|(k, v)| (Key::from(k.clone()), to_tera(v)))
                .collect::<Map>(),
        ),
    }
}

/// The value as templates made it.
///
/// # Errors
/// For an undefined value, anywhere within.
pub(super) fn from_tera(value: &Tera) -> TeraResult<Value> {
    let number = |text: String| {
        text.parse::<f64>()
            .map(Value::from)
            .unwrap_or(Value::String(text))
    };
    Ok(match value.kind() {
        ValueKind::Undefined => return Err(::tera::Error::message("the value is undefined")),
        ValueKind::None => Value::Null,
        ValueKind::Bool => Value::Bool(value.is_truthy()),
        ValueKind::Array => Value::Array(
            value
                .as_array()
                .unwrap_or_default()
                .iter()
                .map(from_tera)
                .collect::<TeraResult<_>>()?,
        ),
        ValueKind::Map => {
            let mut map = yaml::Map::new();
            if let Some(inner) = value.as_map() {
                for (key, item) in inner {
                    map.insert(key.to_string(), from_tera(item)?);
                }
            }
            Value::Object(map)
        }
        ValueKind::I64 | ValueKind::U64 | ValueKind::I128 | ValueKind::U128 => {
            match value.as_i128().map(i64::try_from) {
                Some(Ok(i)) => Value::from(i),
                _ => number(value.to_string()),
            }
        }
        ValueKind::F64 => number(value.to_string()),
        _ => Value::String(value.to_string()),
    })
}

/// A map with string keys.
pub(super) fn map<const N: usize>(entries: [(&str, Tera); N]) -> Tera {
    Tera::from(
        entries
            .into_iter()
            .map(|(k, v)| (Key::from(k.to_owned()), v))
            .collect::<Map>(),
    )
}

/// What every template of a chart sees: `values`, `release`, `chart`, `capabilities`.
pub(super) fn context(scope: &Scope<'_>) -> Context {
    let mut context = Context::new();
    context.insert_value("values", to_tera(scope.values));
    let release = scope.release;
    context.insert_value(
        "release",
        map([
            ("name", Tera::from(release.name.as_str())),
            ("namespace", Tera::from(release.namespace.as_str())),
            ("revision", Tera::from(release.revision)),
            ("is_install", Tera::from(!release.is_upgrade)),
            ("is_upgrade", Tera::from(release.is_upgrade)),
            // What Helm calls itself; its label app.kubernetes.io/managed-by asks for this.
            ("service", Tera::from("Helm")),
        ]),
    );
    context.insert_value("chart", chart(scope));
    let (major, minor) = scope.capabilities.major_minor();
    let apis: Vec<Tera> = scope
        .capabilities
        .api_versions
        .iter()
        .map(|v| Tera::from(v.as_str()))
        .collect();
    context.insert_value(
        "capabilities",
        map([
            (
                "version",
                Tera::from(scope.capabilities.kube_version.as_str()),
            ),
            ("major", Tera::from(major)),
            ("minor", Tera::from(minor)),
            ("api_versions", Tera::from(apis)),
        ]),
    );
    context
}

/// Chart.yaml under names in the style of the language.
fn chart(scope: &Scope<'_>) -> Tera {
    let metadata = &scope.chart.metadata;
    let text = |s: &str| Tera::from(s);
    let strings = |list: &[String]| {
        Tera::from(
            list.iter()
                .map(|s| Tera::from(s.as_str()))
                .collect::<Vec<_>>(),
        )
    };
    let maintainers: Vec<Tera> = metadata
        .maintainers
        .iter()
        .map(|m| {
            map([
                ("name", text(&m.name)),
                ("email", text(&m.email)),
                ("url", text(&m.url)),
            ])
        })
        .collect();
    let annotations: Map = metadata
        .annotations
        .iter()
        .map(|(k, v)| (Key::from(k.clone()), text(v)))
        .collect();
    map([
        ("name", text(&metadata.name)),
        ("version", text(&metadata.version)),
        ("app_version", text(&metadata.app_version)),
        ("api_version", text(&metadata.api_version)),
        ("description", text(&metadata.description)),
        ("type", text(&metadata.kind)),
        ("kube_version", text(&metadata.kube_version)),
        ("home", text(&metadata.home)),
        ("icon", text(&metadata.icon)),
        ("sources", strings(&metadata.sources)),
        ("keywords", strings(&metadata.keywords)),
        ("maintainers", Tera::from(maintainers)),
        ("annotations", Tera::from(annotations)),
        ("deprecated", Tera::from(metadata.deprecated)),
        ("is_root", Tera::from(scope.is_root)),
    ])
}

/// The object `template`: the file that is being rendered.
pub(super) fn template(name: &str, path: &str) -> Tera {
    map([
        ("name", Tera::from(name)),
        ("base_path", Tera::from(format!("{path}/templates"))),
    ])
}
