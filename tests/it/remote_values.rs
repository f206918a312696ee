//! Values files that `-f` names by an address, from a server of the test's own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::{Command, Output};

use crate::helm::write_chart;

/// Serves `/values.yaml`, and asks for a password at `/private.yaml`, until the test ends.
fn serve() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut head = Vec::new();
            for line in BufReader::new(&stream).lines().map_while(Result::ok) {
                if line.is_empty() {
                    break;
                }
                head.push(line);
            }
            let asked = head.first().cloned().unwrap_or_default();
            let basic = head
                .iter()
                .any(|line| line.to_lowercase().starts_with("authorization: basic"));
            let (status, body) = match asked.split(' ').nth(1).unwrap_or_default() {
                path if path.starts_with("/values.yaml") => ("200 OK", "word: remote\n"),
                "/private.yaml" if basic => ("200 OK", "word: private\n"),
                "/private.yaml" => ("401 Unauthorized", ""),
                _ => ("404 Not Found", ""),
            };
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
        }
    });
    port
}

#[test]
fn values_are_fetched_only_when_that_is_allowed() {
    let home = tempfile::tempdir().expect("a folder");
    write_chart(
        &home.path().join("c"),
        &[
            ("Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"),
            ("values.yaml", "word: own\n"),
            (
                "templates/a.yaml.tera",
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {word: {{ values.word }}}\n",
            ),
        ],
    );
    let port = serve();
    let nutkin = |args: &[&str]| -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nutkin"));
        command.args(args).current_dir(home.path());
        for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            command.env_remove(name);
        }
        command.output().expect("nutkin runs")
    };
    let text = |output: &Output| {
        let both = [output.stdout.as_slice(), &output.stderr].concat();
        String::from_utf8_lossy(&both).into_owned()
    };
    let secret = "hunter2-token";
    let open = format!("http://127.0.0.1:{port}/values.yaml?token={secret}");
    let private = format!("http://ada:{secret}@127.0.0.1:{port}/private.yaml");
    let missing = format!("http://ada:{secret}@127.0.0.1:{port}/none.yaml?token={secret}");
    let refused = nutkin(&["template", "c", "-f", &open]);
    assert_eq!(refused.status.code(), Some(64), "{}", text(&refused));
    assert!(
        text(&refused).contains("--allow-remote-values"),
        "{}",
        text(&refused)
    );
    for (address, want) in [(&open, "word: remote"), (&private, "word: private")] {
        let fetched = nutkin(&["template", "c", "--allow-remote-values", "-f", address]);
        assert!(text(&fetched).contains(want), "{}", text(&fetched));
        let row = nutkin(&[
            "values",
            "explain",
            "word",
            "c",
            "--allow-remote-values",
            "-f",
            address,
        ]);
        assert!(
            text(&row).contains(&format!("http://127.0.0.1:{port}/")),
            "{}",
            text(&row)
        );
        assert!(!text(&row).contains(secret), "{}", text(&row));
    }
    let failed = nutkin(&["template", "c", "--allow-remote-values", "-f", &missing]);
    assert!(!failed.status.success());
    for output in [&refused, &failed] {
        assert!(!text(output).contains(secret), "{}", text(output));
    }
}
