//! Tests of layouts; the systematic ones run beside the real helm.

use super::*;

fn shown(unix: i64, layout: &str, zone: &str) -> String {
    let time = Time::from_unix(unix, 123_456_000).in_zone(Zone::load(zone).unwrap());
    String::from_utf8(time.format(layout.as_bytes())).unwrap()
}

#[test]
fn formats() {
    let unix = 1_709_210_096;
    assert_eq!(
        shown(unix, "2006-01-02T15:04:05Z07:00", "UTC"),
        "2024-02-29T12:34:56Z"
    );
    assert_eq!(
        shown(unix, "Mon Jan _2 15:04:05.000 MST 2006", "UTC"),
        "Thu Feb 29 12:34:56.123 UTC 2024"
    );
    assert_eq!(
        shown(unix, "3:04PM -0700 MST 002", "America/New_York"),
        "7:34AM -0500 EST 060"
    );
    assert_eq!(shown(-62_135_596_800, "2006", "UTC"), "0001");
    assert_eq!(
        shown(unix, "Janxx .999", "UTC"),
        "Janxx .123456".replace("456", "")
    );
}

#[test]
fn reads() {
    let time = Time::parse("2006-01-02", "2024-02-29").unwrap();
    assert_eq!((time.unix, time.zone), (1_709_164_800, Zone::Local));
    assert_eq!(
        Time::parse("2006-01-02", "2023-02-29")
            .unwrap_err()
            .to_string(),
        "parsing time \"2023-02-29\": day out of range"
    );
    assert_eq!(
        Time::parse("2006-01-02", "x").unwrap_err().to_string(),
        "parsing time \"x\" as \"2006-01-02\": cannot parse \"x\" as \"2006\""
    );
    let time = Time::parse("2006-01-02T15:04:05Z07:00", "2024-01-01T00:00:00+02:00").unwrap();
    assert_eq!(time.to_string(), "2024-01-01 00:00:00 +0200 +0200");
}
