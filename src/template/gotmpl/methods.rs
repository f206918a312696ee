//! Methods of values that the engine itself brings: durations, `.Files`, version sets.

use std::rc::Rc;

use base64::Engine as _;

use super::func::{Func, FuncError, Ty};
use super::glob::Glob;
use super::value::{Elem, Map, MapKind, Val};

/// The method of a value by its name; its first argument is the value.
pub fn find(value: &Val, name: &str) -> Option<&'static Func> {
    let among = |funcs: &'static [Func]| funcs.iter().find(|func| func.name == name);
    match value {
        Val::Map(map) if map.kind() == MapKind::Files => among(FILES),
        Val::Map(map) if map.kind() == MapKind::Values => among(VALUES),
        Val::List(list) if list.elem() == Elem::VersionSet => among(VERSION_SET),
        Val::Named(ty, _) => (ty.method)(name),
        Val::Object(object) => object.method(name),
        _ => None,
    }
}

/// The methods of `time.Duration`.
pub fn duration(name: &str) -> Option<&'static Func> {
    DURATION.iter().find(|func| func.name == name)
}

static DURATION: &[Func] = &[
    Func::new("Hours", &[], |_, args| float(args, 3_600_000_000_000)),
    Func::new("Minutes", &[], |_, args| float(args, 60_000_000_000)),
    Func::new("Seconds", &[], |_, args| float(args, 1_000_000_000)),
    Func::new("Milliseconds", &[], |_, args| whole(args, 1_000_000)),
    Func::new("Microseconds", &[], |_, args| whole(args, 1_000)),
    Func::new("Nanoseconds", &[], |_, args| whole(args, 1)),
    Func::new("Abs", &[], |_, args| {
        Ok(Val::duration(nanoseconds(args).saturating_abs()))
    }),
    Func::new("Truncate", &[Ty::Duration], |_, args| {
        let (d, m) = (nanoseconds(args), argument_nanoseconds(args));
        Ok(Val::duration(if m <= 0 { d } else { d - d % m }))
    }),
    Func::new("Round", &[Ty::Duration], |_, args| {
        let (d, m) = (nanoseconds(args), argument_nanoseconds(args));
        Ok(Val::duration(round_duration(d, m)))
    }),
    Func::new("String", &[], |_, args| {
        Ok(super::value::format_duration(nanoseconds(args)).into())
    }),
];

/// Go's `time.Duration.Round`: to the nearest multiple, halves away from zero; what would
/// overflow becomes the largest duration of its sign.
pub fn round_duration(duration: i64, multiple: i64) -> i64 {
    if multiple <= 0 {
        return duration;
    }
    let rest = duration % multiple;
    let down = duration - rest;
    if rest.unsigned_abs() < multiple.unsigned_abs() - rest.unsigned_abs() {
        return down;
    }
    match duration < 0 {
        true => down.checked_sub(multiple).unwrap_or(i64::MIN),
        false => down.checked_add(multiple).unwrap_or(i64::MAX),
    }
}

fn nanoseconds(args: &[Val]) -> i64 {
    args.first().and_then(Val::as_duration).unwrap_or(0)
}

fn argument_nanoseconds(args: &[Val]) -> i64 {
    args.get(1).and_then(Val::as_duration).unwrap_or(0)
}

/// Go divides whole units and the rest apart, so that large durations keep their precision.
fn float(args: &[Val], unit: i64) -> Result<Val, FuncError> {
    let n = nanoseconds(args);
    Ok(Val::Float(
        (n / unit) as f64 + (n % unit) as f64 / unit as f64,
    ))
}

fn whole(args: &[Val], unit: i64) -> Result<Val, FuncError> {
    Ok(Val::Int64(nanoseconds(args) / unit))
}

static VERSION_SET: &[Func] = &[Func::new("Has", &[Ty::Str], |_, args| {
    let (Some(Val::List(set)), Some(Val::Str(version))) = (args.first(), args.get(1)) else {
        return Ok(Val::Bool(false));
    };
    let has = |item: &Val| item.as_str() == Some(version);
    Ok(Val::Bool(set.items().iter().any(has)))
})];

static VALUES: &[Func] = &[
    Func::new("AsMap", &[], |_, args| {
        let map = map(args);
        Ok(Val::Map(map.with_kind(MapKind::Any)))
    }),
    Func::new("YAML", &[], |_, args| {
        Ok(crate::yaml::emit(&Val::Map(map(args)).to_yaml()?).into())
    }),
    Func::new("Table", &[Ty::Str], |_, args| {
        let mut table = map(args);
        let path = args.get(1).and_then(Val::as_str);
        let path = path
            .map(|path| path.to_str().into_owned())
            .unwrap_or_default();
        for name in path.split('.') {
            let Some(Val::Map(next)) = table.get(name) else {
                return Err(format!("\"{name}\" is not a table").into());
            };
            table = next;
        }
        Ok(Val::Map(table.with_kind(MapKind::Values)))
    }),
];

fn map(args: &[Val]) -> Map {
    match args.first() {
        Some(Val::Map(map)) => map.clone(),
        _ => Map::nil(MapKind::Any),
    }
}

static FILES: &[Func] = &[
    Func::new("Get", &[Ty::Str], |_, args| {
        Ok(Val::Str(super::value::Str::from_bytes(file(args).to_vec())))
    }),
    Func::new("GetBytes", &[Ty::Str], |_, args| Ok(Val::Bytes(file(args)))),
    Func::new("Glob", &[Ty::Str], |_, args| {
        let pattern = args.get(1).and_then(Val::as_str);
        let pattern = pattern.map(|pattern| pattern.to_str().into_owned());
        // a pattern that is none matches everything, as in Helm
        let glob = pattern.and_then(|pattern| Glob::new(&pattern));
        let entries = map(args).entries().into_iter();
        let found = entries.filter(|(name, _)| glob.as_ref().is_none_or(|glob| glob.matches(name)));
        Ok(Val::Map(Map::new(MapKind::Files, found)))
    }),
    Func::new("Lines", &[Ty::Str], |_, args| {
        let bytes = file(args);
        if bytes.is_empty() {
            return Ok(Val::strings::<&str>([]));
        }
        let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let lines = text.split(|&byte| byte == b'\n');
        Ok(Val::strings(lines.map(super::value::Str::from_bytes)))
    }),
    Func::new("AsConfig", &[], |_, args| {
        by_base_name(args, |bytes| String::from_utf8_lossy(bytes).into_owned())
    }),
    Func::new("AsSecrets", &[], |_, args| {
        by_base_name(args, |bytes| {
            base64::engine::general_purpose::STANDARD.encode(bytes)
        })
    }),
];

fn file(args: &[Val]) -> Rc<[u8]> {
    let name = args.get(1).and_then(Val::as_str);
    match name.and_then(|name| map(args).get(&name.to_str())) {
        Some(Val::Bytes(bytes)) => bytes,
        _ => Rc::from([]),
    }
}

/// The files as a YAML map from the last part of their names to their content.
fn by_base_name(args: &[Val], content: fn(&[u8]) -> String) -> Result<Val, FuncError> {
    let mut data = crate::yaml::Map::new();
    for (name, value) in map(args).entries() {
        if let Val::Bytes(bytes) = value {
            let base = name.rsplit('/').next().unwrap_or(&name);
            data.insert(base.to_string(), content(&bytes).into());
        }
    }
    let text = crate::yaml::to_yaml(&crate::yaml::Value::Object(data));
    Ok(text.unwrap_or_default().into())
}
