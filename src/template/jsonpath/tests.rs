use super::*;
use serde_json::json;

fn render(template: &str) -> Result<String, Error> {
    let data = json!({
        "name": "orders", "port": 8081.0, "big": 1e6, "on": true, "nothing": null,
        "jobs": [{"name": "a", "n": 1.0}, {"name": "b", "n": 2.0, "x": {"y": "z"}}, {"name": "c", "n": 3.0}],
        "a.b": {"c": "dotted"}, "list": ["p", "q", "r", "s"],
    });
    Template::parse(template)?.render(&data)
}

#[test]
fn paths_find_values() {
    let cases = [
        ("{.name}", "orders"),
        ("n={.name} p={.port}", "n=orders p=8081"),
        ("{.big} {.on} {.nothing}", "1e+06 true null"),
        ("{$.jobs[1].x}", "{\"y\":\"z\"}"),
        ("{.jobs[*].name}", "a b c"),
        ("{.jobs[-1].name}", "c"),
        ("{.list[1:3]}", "q r"),
        ("{.list[::2]}", "p r"),
        ("{.list[0,2]}", "p r"),
        ("{['name','port']}", "orders 8081"),
        ("{.a\\.b.c}", "dotted"),
        ("{['a\\.b'].c}", "dotted"),
        ("{.jobs[?(@.name==\"b\")].n}", "2"),
        ("{.jobs[?(@.n>=2)].name}", "b c"),
        ("{.jobs[?(@.x)].name}", "b"),
        ("{..y}", "z"),
        (
            "{range .jobs[*]}{.name}:{.n}{\"\\n\"}{end}.",
            "a:1\nb:2\nc:3\n.",
        ),
        ("{range .list[1:1]}x{end}y", "y"),
    ];
    for (template, want) in cases {
        assert_eq!(render(template).as_deref(), Ok(want), "{template}");
    }
}

#[test]
fn mistakes_are_told() {
    for bad in [
        "{",
        "{.a",
        "{end}",
        "{x}",
        "{.jobs[}",
        "{.jobs[x]}",
        "{\"a}",
        "{.jobs[?(@.n==1]}",
        "{....a}",
        "{.jobs[?(@.n=1)]}",
        "{#}",
        "{.list[1:2:3:4]}",
    ] {
        assert!(
            matches!(render(bad), Err(Error::Syntax { .. })),
            "{bad}: {:?}",
            render(bad)
        );
    }
    for missing in [
        "{.x}",
        "{.name.x}",
        "{.list[9]}",
        "{.name[0]}",
        "{.list[3:1]}",
        "{.list[::0]}",
    ] {
        assert!(
            matches!(render(missing), Err(Error::Missing(_))),
            "{missing}: {:?}",
            render(missing)
        );
    }
    let deep = "{range .list}".repeat(10_000);
    assert!(render(&deep).is_err());
}
