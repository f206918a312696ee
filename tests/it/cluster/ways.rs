//! Ways to the API server: one connection for all requests, its loss, and proxies between.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use futures::StreamExt;
use nutkin::cluster::{Apply, Client, ObjectRef, Options};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{Namespace, config_map, connect};

/// What a relay speaks before it carries bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speaks {
    /// Nothing: it is in the API server's place.
    Nothing,
    /// HTTP's CONNECT.
    Connect,
    /// SOCKS 5 with name and password.
    Socks,
}

/// A relay to the API server that sees bytes, not requests.
struct Relay {
    port: u16,
    /// How many connections came.
    connections: Arc<AtomicU32>,
    /// After how many bytes of answers a connection is cut, each once.
    cuts: Arc<Mutex<Vec<usize>>>,
    /// What was asked of it as a proxy: the target, and the credentials.
    asked: Arc<Mutex<Vec<(String, String)>>>,
}

/// Host and port of the API server of KUBECONFIG.
async fn server() -> (String, u16) {
    let config = kube::Config::infer().await.expect("KUBECONFIG");
    let url = config.cluster_url;
    (
        url.host().expect("a host").to_owned(),
        url.port_u16().unwrap_or(443),
    )
}

impl Relay {
    async fn start(speaks: Speaks) -> Relay {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let relay = Relay {
            port: listener.local_addr().expect("an address").port(),
            connections: Arc::default(),
            cuts: Arc::default(),
            asked: Arc::default(),
        };
        let (connections, cuts, asked) = (
            Arc::clone(&relay.connections),
            Arc::clone(&relay.cuts),
            Arc::clone(&relay.asked),
        );
        let server = server().await;
        tokio::spawn(async move {
            while let Ok((mut here, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let (cuts, asked, server) = (Arc::clone(&cuts), Arc::clone(&asked), server.clone());
                tokio::spawn(async move {
                    let wanted = match speaks {
                        Speaks::Nothing => None,
                        Speaks::Connect => Some(answer_connect(&mut here).await?),
                        Speaks::Socks => Some(answer_socks(&mut here).await?),
                    };
                    if let Some(wanted) = wanted {
                        asked.lock().unwrap().push(wanted);
                    }
                    let there = TcpStream::connect(server).await?;
                    let cut = cuts.lock().unwrap().pop();
                    carry(here, there, cut.unwrap_or(usize::MAX)).await
                });
            }
        });
        relay
    }

    fn connections(&self) -> u32 {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Carries bytes both ways; the connection ends after so many bytes of answers.
async fn carry(here: TcpStream, there: TcpStream, limit: usize) -> std::io::Result<()> {
    let (mut from_here, mut to_here) = here.into_split();
    let (mut from_there, mut to_there) = there.into_split();
    let up = tokio::io::copy(&mut from_here, &mut to_there);
    let down = async {
        let (mut carried, mut buffer) = (0, vec![0; 4096]);
        while carried < limit {
            let read = from_there.read(&mut buffer).await?;
            if read == 0 {
                break;
            }
            carried += read;
            to_here.write_all(&buffer[..read]).await?;
        }
        Ok::<_, std::io::Error>(())
    };
    tokio::select! {
        up = up => up.map(drop),
        down = down => down,
    }
}

async fn answer_connect(stream: &mut TcpStream) -> std::io::Result<(String, String)> {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        text.push(stream.read_u8().await?);
    }
    stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let target = text.split(' ').nth(1).unwrap_or_default().to_owned();
    let credentials = text.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("Proxy-Authorization")
            .then(|| value.to_owned())
    });
    Ok((target, credentials.unwrap_or_default()))
}

async fn answer_socks(stream: &mut TcpStream) -> std::io::Result<(String, String)> {
    let _version = stream.read_u8().await?;
    let mut methods = vec![0; usize::from(stream.read_u8().await?)];
    stream.read_exact(&mut methods).await?;
    // By name and password (RFC 1929).
    stream.write_all(&[5, 2]).await?;
    let _version = stream.read_u8().await?;
    let mut words = Vec::new();
    for _ in 0..2 {
        let mut word = vec![0; usize::from(stream.read_u8().await?)];
        stream.read_exact(&mut word).await?;
        words.push(String::from_utf8_lossy(&word).into_owned());
    }
    stream.write_all(&[1, 0]).await?;
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    let host = match head[3] {
        1 => {
            let mut address = [0; 4];
            stream.read_exact(&mut address).await?;
            std::net::Ipv4Addr::from(address).to_string()
        }
        _ => {
            let mut name = vec![0; usize::from(stream.read_u8().await?)];
            stream.read_exact(&mut name).await?;
            String::from_utf8_lossy(&name).into_owned()
        }
    };
    let port = stream.read_u16().await?;
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    Ok((format!("{host}:{port}"), words.join(":")))
}

/// A client whose connections pass a relay in the API server's place.
async fn through(relay: &Relay, namespace: &str) -> Client {
    connect(Options {
        server: Some(format!("https://127.0.0.1:{}", relay.port)),
        tls_server_name: Some(server().await.0),
        namespace: Some(namespace.to_owned()),
        ..Options::default()
    })
    .await
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn all_requests_go_over_one_connection_and_survive_its_loss() {
    const OBJECTS: usize = 120;
    let ns = Namespace::new("ways").await;
    let relay = Relay::start(Speaks::Nothing).await;
    let client = through(&relay, &ns.name).await;
    // Each answer has some 2 KB: sixteen at once are less than a connection carries before it is cut, but
    // for the short one.
    let padding = "x".repeat(1200);
    let object = |n: usize, text: &str| {
        let data = json!({ "text": text, "padding": padding });
        config_map(&format!("c{n}"), data)
    };
    let write_all = |client: Client, text: &'static str| {
        let writes = (0..OBJECTS).map(|n| {
            let (client, object) = (client.clone(), object(n, text));
            async move { client.apply(&object, Apply::default()).await.unwrap() }
        });
        let writes: Vec<_> = writes.collect();
        futures::stream::iter(writes).buffer_unordered(16).count()
    };
    // Sixteen at once from the first one on.
    write_all(client, "first").await;
    assert_eq!(relay.connections(), 1);

    // From here each connection is cut, with up to sixteen requests on it; a write that had got through
    // is sent again all the same.
    let cuts = [
        90_000, 70_001, 4_000, 61_003, 50_480, 62_289, 45_057, 80_000,
    ];
    *relay.cuts.lock().unwrap() = cuts.to_vec();
    let client = through(&relay, &ns.name).await;
    for text in ["second", "third"] {
        assert_eq!(write_all(client.clone(), text).await, OBJECTS);
    }
    let lost = relay.connections() - 2;
    println!(
        "{} writes came through {lost} lost connections",
        2 * OBJECTS
    );
    assert!((5..=8).contains(&lost), "{lost}");
    for n in 0..OBJECTS {
        let reference = ObjectRef::new("v1", "ConfigMap", Some(&ns.name), &format!("c{n}"));
        let live = ns.client.get(&reference).await.unwrap();
        assert_eq!(live["data"]["text"], "third", "c{n}");
    }
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn proxies_are_used_as_by_kubectl() {
    let ns = Namespace::new("proxies").await;
    let (host, port) = server().await;
    let target = format!("{host}:{port}");
    let (tunnel, socks) = (
        Relay::start(Speaks::Connect).await,
        Relay::start(Speaks::Socks).await,
    );
    let tunnels = format!("http://user:word@127.0.0.1:{}", tunnel.port);
    let socket = format!("socks5://user:word@127.0.0.1:{}", socks.port);
    let run = |variables: Vec<(&'static str, String)>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nutkin"));
        command.args(["list", "--namespace", &ns.name]);
        for name in ["HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"] {
            command.env_remove(name);
        }
        command.envs(variables);
        async move {
            let run = tokio::task::spawn_blocking(move || command.output().expect("it runs"));
            let output = run.await.unwrap();
            (
                output.status.code(),
                String::from_utf8_lossy(&output.stderr).into_owned(),
            )
        }
    };
    let asked = |relay: &Relay| std::mem::take(&mut *relay.asked.lock().unwrap());

    let (code, error) = run(vec![("HTTPS_PROXY", tunnels.clone())]).await;
    assert_eq!(code, Some(0), "{error}");
    let seen = asked(&tunnel);
    let basic = "Basic dXNlcjp3b3Jk".to_owned();
    assert_eq!(seen, [(target.clone(), basic)]);

    let (code, error) = run(vec![("https_proxy", socket.clone())]).await;
    assert_eq!(code, Some(0), "{error}");
    assert_eq!(asked(&socks), [(target.clone(), "user:word".to_owned())]);

    let exempt = vec![("HTTPS_PROXY", tunnels.clone()), ("NO_PROXY", host.clone())];
    let (code, error) = run(exempt).await;
    assert_eq!(code, Some(0), "{error}");
    assert_eq!(asked(&tunnel), []);

    // The kubeconfig's own word counts more, NO_PROXY or not.
    let config = std::env::var("KUBECONFIG").expect("KUBECONFIG");
    let mut config: serde_json::Value =
        nutkin::yaml::parse(&std::fs::read_to_string(config).unwrap()).unwrap();
    for cluster in config["clusters"].as_array_mut().unwrap() {
        cluster["cluster"]["proxy-url"] = socket.clone().into();
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kubeconfig");
    std::fs::write(&file, config.to_string()).unwrap();
    let both = vec![
        ("HTTPS_PROXY", tunnels.clone()),
        ("NO_PROXY", host.clone()),
        ("KUBECONFIG", file.display().to_string()),
    ];
    let (code, error) = run(both).await;
    assert_eq!(code, Some(0), "{error}");
    assert_eq!((asked(&tunnel), asked(&socks).len()), (Vec::new(), 1));

    let (code, error) = run(vec![(
        "HTTPS_PROXY",
        "https://user:word@127.0.0.1:1".to_owned(),
    )])
    .await;
    assert_eq!(code, Some(69), "{error}");
    assert!(
        error.contains("socks5://") && !error.contains("word@"),
        "{error}"
    );
}
