//! The filters that charts need beyond Tera's own: encodings, quoting, maps, versions, quantities,
//! regular expressions. An undefined value is an error in each but `default`, `required` and `dig`.

use ::tera::value::{Key, ValueKind};
use ::tera::{Error, Kwargs, Map, State, TeraResult, Value as Tera};
use base64::Engine as _;
use sha2::Digest as _;

use super::value::{from_tera, map, to_tera};
use super::{Outcome, Registry};
use crate::template::funcs::quantity::{self, Quantity};
use crate::template::funcs::semver::{Constraint, Version};
use crate::yaml::{self, Value};

/// Signs the filters in.
pub(super) fn register(registry: &mut Registry<'_>) {
    type Filter = fn(Tera, Kwargs, &State) -> Outcome;
    let filters: [(&'static str, Filter); 41] = [
        ("to_yaml", to_yaml),
        ("from_yaml", from_yaml),
        ("to_json", to_json),
        ("from_json", from_json),
        ("to_toml", to_toml),
        ("nindent", nindent),
        ("quote", quote),
        ("squote", squote),
        ("b64encode", b64encode),
        ("b64decode", b64decode),
        ("sha256", sha256),
        ("trunc", trunc),
        ("trim_prefix", trim_prefix),
        ("trim_suffix", trim_suffix),
        ("default", default),
        ("required", required),
        ("dig", dig),
        ("merge", merge),
        ("pick", pick),
        ("omit", omit),
        ("concat", concat),
        ("compact", compact),
        ("semver", semver),
        ("semver_matches", semver_matches),
        ("semver_compare", semver_compare),
        ("regex_match", regex_match),
        ("regex_find", regex_find),
        ("regex_find_all", regex_find_all),
        ("regex_replace", regex_replace),
        ("regex_split", regex_split),
        ("quantity", quantity_canonical),
        ("quantity_add", quantity_add),
        ("quantity_sub", quantity_sub),
        ("quantity_scale", quantity_scale),
        ("quantity_compare", quantity_compare),
        ("quantity_units", quantity_units),
        ("quantity_millis", quantity_millis),
        ("quantity_cores", quantity_cores),
        ("quantity_to_flink", quantity_to_flink),
        ("flink_to_quantity", flink_to_quantity),
        ("flink_memory_bytes", flink_memory_bytes),
    ];
    for (name, filter) in filters {
        registry.filter(name, filter);
    }
}

/// The text of a string, number or boolean; other kinds and undefined values are errors.
pub(super) fn text(value: &Tera) -> TeraResult<String> {
    match value.kind() {
        ValueKind::Undefined => Err(Error::message("the value is undefined")),
        ValueKind::Array | ValueKind::Map => Err(Error::message(format!(
            "a {} is not text; use to_yaml or to_json",
            if value.is_map() { "map" } else { "list" }
        ))),
        _ => Ok(value.to_string()),
    }
}

/// A text argument; numbers are taken as they print.
fn argument(kwargs: &Kwargs, name: &str) -> TeraResult<String> {
    let value = kwargs.must_get::<Tera>(name)?;
    text(&value).map_err(|e| Error::message(format!("argument `{name}`: {e}")))
}

fn to_yaml(value: Tera, _: Kwargs, _: &State) -> Outcome {
    yaml::to_yaml(&from_tera(&value)?)
        .map(Tera::from)
        .map_err(Error::message)
}

fn from_yaml(value: Tera, _: Kwargs, _: &State) -> Outcome {
    let parsed = yaml::parse(&text(&value)?);
    parsed
        .map(|v| to_tera(&v))
        .map_err(|e| Error::message(format!("not valid YAML: {e}")))
}

fn to_json(value: Tera, kwargs: Kwargs, _: &State) -> Outcome {
    let value = from_tera(&value)?;
    if kwargs.get::<bool>("pretty")?.unwrap_or(false) {
        let mut value = value;
        value.sort_all_objects();
        return serde_json::to_string_pretty(&value)
            .map(Tera::from)
            .map_err(Error::message);
    }
    Ok(Tera::from(yaml::go_json(&value)))
}

fn from_json(value: Tera, _: Kwargs, _: &State) -> Outcome {
    let parsed = serde_json::from_str::<Value>(&text(&value)?);
    parsed
        .map(|v| to_tera(&v))
        .map_err(|e| Error::message(format!("not valid JSON: {e}")))
}

fn to_toml(value: Tera, _: Kwargs, _: &State) -> Outcome {
    super::toml::to_toml(&from_tera(&value)?)
        .map(Tera::from)
        .map_err(Error::message)
}

/// A line break, then every line indented: what a block below a key needs. Blank lines stay empty.
fn nindent(value: Tera, kwargs: Kwargs, _: &State) -> Outcome {
    let width = kwargs.must_get::<usize>("n")?.min(1000);
    let pad = " ".repeat(width);
    let mut out = String::new();
    for line in text(&value)?.trim_end_matches('\n').split('\n') {
        out.push('\n');
        if !line.trim().is_empty() {
            out.push_str(&pad);
            out.push_str(line);
        }
    }
    Ok(Tera::from(out))
}

/// A double-quoted YAML (and JSON) string.
fn quote(value: Tera, _: Kwargs, _: &State) -> Outcome {
    serde_json::to_string(&text(&value)?)
        .map(Tera::from)
        .map_err(Error::message)
}

fn squote(value: Tera, _: Kwargs, _: &State) -> Outcome {
    Ok(Tera::from(format!(
        "'{}'",
        text(&value)?.replace('\'', "''")
    )))
}

fn b64encode(value: Tera, _: Kwargs, _: &State) -> Outcome {
    let engine = base64::engine::general_purpose::STANDARD;
    Ok(Tera::from(match value.as_bytes() {
        Some(bytes) => engine.encode(bytes),
        None => engine.encode(text(&value)?),
    }))
}

fn b64decode(value: Tera, _: Kwargs, _: &State) -> Outcome {
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(text(&value)?.trim())
        .map_err(|e| Error::message(format!("not valid base64: {e}")))?;
    String::from_utf8(bytes)
        .map(Tera::from)
        .map_err(|_| Error::message("the decoded base64 is not UTF-8"))
}

fn sha256(value: Tera, _: Kwargs, _: &State) -> Outcome {
    let digest = sha2::Sha256::digest(text(&value)?.as_bytes());
    Ok(Tera::from(
        digest
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect::<String>(),
    ))
}

/// At most `n` characters, without a dash, dot or underscore at the end: for names and labels.
fn trunc(value: Tera, kwargs: Kwargs, _: &State) -> Outcome {
    let n = kwargs.must_get::<usize>("n")?;
    let cut: String = text(&value)?.chars().take(n).collect();
    Ok(Tera::from(cut.trim_end_matches(['-', '.', '_'])))
}

fn trim_prefix(value: Tera, kwargs: Kwargs, _: &State) -> Outcome {
    let prefix = argument(&kwargs, "prefix")?;
    let text = text(&value)?;
    Ok(Tera::from(text.strip_prefix(&prefix).unwrap_or(&text)))
}

fn trim_suffix(value: Tera, kwargs: Kwargs, _: &State) -> Outcome {
    let suffix = argument(&kwargs, "suffix")?;
    let text = text(&value)?;
    Ok(Tera::from(text.strip_suffix(&suffix).unwrap_or(&text)))
}

/// Tera's `default`, for null too: in values a null means 'not set'.
fn default(value: Tera, kwargs: Kwargs, _: &State) -> Outcome {
    let other = kwargs.must_get::<Tera>("value")?;
    let any_falsy = kwargs.get::<bool>("boolean")?.unwrap_or(false);
    let unset = value.is_undefined() || value.is_none() || (any_falsy && !value.is_truthy());
    Ok(if unset { other } else { value })
}

/// The value, or an error of the chart's author where it is undefined, null or the empty text.
fn required(value: Tera, kwargs: Kwargs, _: &State) -> Outcome {
    if value.is_undefined() || value.is_none() || value.as_str() == Some("") {
        return Err(Error::message(argument(&kwargs, "message")?));
    }
    Ok(value)
}

/// The value at a dotted path, or `default`.
fn dig(value: Tera, kwargs: Kwargs, _: &State) -> Outcome {
    let path = argument(&kwargs, "path")?;
    let mut at = Some(&value);
    for part in path.split('.') {
        at = at.and_then(|v| match (v.as_map(), v.as_array()) {
            (Some(map), _) => map.get(&Key::from(part.to_owned())),
            (_, Some(list)) => part.parse::<usize>().ok().and_then(|i| list.get(i)),
            _ => None,
        });
    }
    match (at, kwargs.get::<Tera>("default")?) {
        (Some(found), _) if !found.is_none() => Ok(found.clone()),
        (_, Some(default)) => Ok(default),
        _ => Err(Error::message(format!(
            "there is no {path}, and dig has no `default`"
        ))),
    }
}

/// Lays a map over the value: maps merge, all else is replaced.
fn merge(value: Tera, kwargs: Kwargs, _: &State) -> Outcome {
    let mut base = from_tera(&value)?;
    let over = from_tera(&kwargs.must_get::<Tera>("with")?)?;
    if !base.is_object() || !over.is_object() {
        return Err(Error::message("merge takes two maps"));
    }
    lay_over(&mut base, over);
    Ok(to_tera(&base))
}

fn lay_over(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, item) in over {
                match base.get_mut(&key) {
                    Some(existing) => lay_over(existing, item),
                    None => {
                        base.insert(key, item);
                    }
                }
            }
        }
        (base, over) => *base = over,
    }
}

fn entries_of(value: &Tera) -> TeraResult<&Map> {
    value
        .as_map()
        .ok_or_else(|| Error::message(format!("a map is needed, this is `{value}`")))
}

fn pick(value: Tera, kwargs: Kwargs, _: &State) -> Outcome {
    let keys = kwargs.must_get::<&[Tera]>("keys")?;
    let chosen = entries_of(&value)?
        .iter()
        .filter(|(k, _)| keys.contains(&k.as_value()));
    Ok(Tera::from(
        chosen.map(|(k, v)| (k.clone(), v.clone())).collect::<Map>(),
    ))
}

fn omit(value: Tera, kwargs: Kwargs, _: &State) -> Outcome {
    let keys = kwargs.must_get::<&[Tera]>("keys")?;
    let chosen = entries_of(&value)?
        .iter()
        .filter(|(k, _)| !keys.contains(&k.as_value()));
    Ok(Tera::from(
        chosen.map(|(k, v)| (k.clone(), v.clone())).collect::<Map>(),
    ))
}

fn list_of(value: &Tera) -> TeraResult<&[Tera]> {
    value
        .as_array()
        .ok_or_else(|| Error::message(format!("a list is needed, this is `{value}`")))
}

fn concat(value: Tera, kwargs: Kwargs, _: &State) -> Outcome {
    let with = kwargs.must_get::<&[Tera]>("with")?;
    Ok(Tera::from([list_of(&value)?, with].concat()))
}

/// The list without what is null, empty or false.
fn compact(value: Tera, _: Kwargs, _: &State) -> Outcome {
    Ok(Tera::from(
        list_of(&value)?
            .iter()
            .filter(|v| v.is_truthy())
            .cloned()
            .collect::<Vec<_>>(),
    ))
}

fn version(value: &Tera) -> TeraResult<Version> {
    Version::parse(&text(value)?).map_err(Error::message)
}

fn semver(value: Tera, _: Kwargs, _: &State) -> Outcome {
    let v = version(&value)?;
    Ok(map([
        ("major", Tera::from(v.major)),
        ("minor", Tera::from(v.minor)),
        ("patch", Tera::from(v.patch)),
        ("prerelease", Tera::from(v.pre)),
        ("build", Tera::from(v.build)),
    ]))
}

fn semver_matches(value: Tera, kwargs: Kwargs, _: &State) -> Outcome {
    let constraint =
        Constraint::parse(&argument(&kwargs, "constraint")?).map_err(Error::message)?;
    Ok(Tera::from(constraint.matches(&version(&value)?)))
}

fn semver_compare(value: Tera, kwargs: Kwargs, _: &State) -> Outcome {
    let other = version(&kwargs.must_get::<Tera>("with")?)?;
    Ok(Tera::from(version(&value)?.cmp(&other) as i64))
}

fn pattern(kwargs: &Kwargs) -> TeraResult<regex::Regex> {
    // A hostile pattern must not cost memory; matching is linear in this library.
    regex::RegexBuilder::new(&argument(kwargs, "pattern")?)
        .size_limit(1 << 20)
        .build()
        .map_err(Error::message)
}

fn regex_match(value: Tera, kwargs: Kwargs, _: &State) -> Outcome {
    Ok(Tera::from(pattern(&kwargs)?.is_match(&text(&value)?)))
}

fn regex_find(value: Tera, kwargs: Kwargs, _: &State) -> Outcome {
    let text = text(&value)?;
    Ok(Tera::from(
        pattern(&kwargs)?.find(&text).map_or("", |m| m.as_str()),
    ))
}

fn regex_find_all(value: Tera, kwargs: Kwargs, _: &State) -> Outcome {
    let text = text(&value)?;
    let found: Vec<Tera> = pattern(&kwargs)?
        .find_iter(&text)
        .map(|m| Tera::from(m.as_str()))
        .collect();
    Ok(Tera::from(found))
}

fn regex_replace(value: Tera, kwargs: Kwargs, _: &State) -> Outcome {
    let with = argument(&kwargs, "with")?;
    Ok(Tera::from(
        pattern(&kwargs)?
            .replace_all(&text(&value)?, with.as_str())
            .into_owned(),
    ))
}

fn regex_split(value: Tera, kwargs: Kwargs, _: &State) -> Outcome {
    let text = text(&value)?;
    Ok(Tera::from(
        pattern(&kwargs)?
            .split(&text)
            .map(Tera::from)
            .collect::<Vec<_>>(),
    ))
}

fn parsed(value: &Tera) -> TeraResult<Quantity> {
    Quantity::parse(&text(value)?).map_err(Error::message)
}

fn shown(result: Result<Quantity, quantity::Error>) -> Outcome {
    result
        .map(|q| Tera::from(q.to_string()))
        .map_err(Error::message)
}

fn quantity_canonical(value: Tera, _: Kwargs, _: &State) -> Outcome {
    Ok(Tera::from(parsed(&value)?.to_string()))
}

fn quantity_add(value: Tera, kwargs: Kwargs, _: &State) -> Outcome {
    shown(parsed(&value)?.plus(parsed(&kwargs.must_get::<Tera>("with")?)?))
}

fn quantity_sub(value: Tera, kwargs: Kwargs, _: &State) -> Outcome {
    shown(parsed(&value)?.minus(parsed(&kwargs.must_get::<Tera>("with")?)?))
}

fn quantity_scale(value: Tera, kwargs: Kwargs, _: &State) -> Outcome {
    shown(parsed(&value)?.scale(kwargs.must_get::<f64>("by")?))
}

fn quantity_compare(value: Tera, kwargs: Kwargs, _: &State) -> Outcome {
    let other = parsed(&kwargs.must_get::<Tera>("with")?)?;
    let order = parsed(&value)?.partial_cmp(&other);
    Ok(Tera::from(order.map_or(0, |o| o as i64)))
}

fn quantity_units(value: Tera, _: Kwargs, _: &State) -> Outcome {
    parsed(&value)?
        .units()
        .map(Tera::from)
        .map_err(Error::message)
}

fn quantity_millis(value: Tera, _: Kwargs, _: &State) -> Outcome {
    parsed(&value)?
        .millis()
        .map(Tera::from)
        .map_err(Error::message)
}

fn quantity_cores(value: Tera, _: Kwargs, _: &State) -> Outcome {
    Ok(Tera::from(parsed(&value)?.as_f64()))
}

/// Bytes of a Kubernetes quantity as a Flink memory size: `1728Mi` is `1728m`.
fn quantity_to_flink(value: Tera, _: Kwargs, _: &State) -> Outcome {
    let bytes = parsed(&value)?.units().map_err(Error::message)?;
    Ok(Tera::from(quantity::to_flink_memory(bytes)))
}

/// A Flink memory size as a Kubernetes quantity: `1728m` is `1728Mi`.
fn flink_to_quantity(value: Tera, _: Kwargs, _: &State) -> Outcome {
    let bytes = quantity::flink_memory(&text(&value)?).map_err(Error::message)?;
    Ok(Tera::from(Quantity::from_bytes(bytes).to_string()))
}

fn flink_memory_bytes(value: Tera, _: Kwargs, _: &State) -> Outcome {
    quantity::flink_memory(&text(&value)?)
        .map(Tera::from)
        .map_err(Error::message)
}
