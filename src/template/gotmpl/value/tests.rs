use super::*;

#[test]
fn durations_print_as_in_go() {
    for (nanoseconds, text) in [
        (0, "0s"),
        (1, "1ns"),
        (1_100, "1.1µs"),
        (2_200_000, "2.2ms"),
        (3_300_000_000, "3.3s"),
        (245_000_000_000, "4m5s"),
        (3_600_000_000_000, "1h0m0s"),
        (-5_025_500_000_000, "-1h23m45.5s"),
        (i64::MIN, "-2562047h47m16.854775808s"),
    ] {
        assert_eq!(format_duration(nanoseconds), text);
    }
}

#[test]
fn maps_are_shared_under_any_type() {
    let map = Map::new(MapKind::Values, [("a", Val::Int(1))]);
    let other = map.with_kind(MapKind::Any);
    assert!(other.insert("b", Val::Map(map.clone())));
    assert_eq!(map.len(), 2);
    assert!(map.same(&other));
    assert!(!Map::nil(MapKind::Any).insert("a", Val::Nil));
}

#[test]
fn a_map_that_holds_itself_is_an_error_not_a_crash() {
    let map = Map::new(MapKind::Any, [("a", Val::Int(1))]);
    assert!(map.insert("self", Val::Map(map.clone())));
    let result = std::thread::Builder::new()
        .stack_size(256 << 20)
        .spawn(|| {
            let map = Map::new(MapKind::Any, [("a", Val::Int(1))]);
            let inserted = map.insert("self", Val::Map(map.clone()));
            (inserted, Val::Map(map).to_yaml().is_err())
        })
        .map(|thread| thread.join().expect("no panic"));
    assert_eq!(result.expect("a thread"), (true, true));
}

#[test]
fn deep_values_are_dropped_without_recursion() {
    let mut value = Val::Nil;
    for _ in 0..300_000 {
        value = Val::list(vec![Val::map([("deep", value)])]);
    }
    drop(value);
}
