//! Webhooks, from the socket to the inbox: what is let in, what is kept, and when it is answered.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use hmac::{Hmac, KeyInit as _, Mac as _};
use ipa_events::store::{DeliveryNumber, SqliteOptions, SqliteStore, Store};
use ipa_pod::hook::Maker;
use ipa_pod::{Engine, EngineConfig, Hooks, Outlet};
use ipa_server::{Server, ServerConfig, Token};
use ipa_sync::{LocalConfig, LocalConnector, Mode, Settings};
use secrecy::SecretString;
use sha2::Sha256;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::support::{DEADLINE, doubles};

const MIB: usize = 1024 * 1024;

/// A server with four connectors that take webhooks, and three that take none.
struct Site {
    dir: TempDir,
    address: SocketAddr,
    stop: CancellationToken,
    served: tokio::task::JoinHandle<()>,
}

impl Site {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("ipa.db"), SqliteOptions::default()).await.unwrap();
        let config = EngineConfig::new(dir.path().join("runs"));
        let outlets = [
            outlet("hub", Mode::Observe, Some((Maker::GitHub, &["new secret", "old secret"]))),
            outlet("work", Mode::Auto, Some((Maker::GitHub, &["of work"]))),
            outlet("twin", Mode::Auto, Some((Maker::GitHub, &["of work"]))),
            outlet("desk", Mode::Auto, Some((Maker::Jira, &["of desk"]))),
            outlet("off", Mode::Off, Some((Maker::GitHub, &["of off"]))),
            outlet("empty", Mode::Auto, Some((Maker::GitHub, &[]))),
            outlet("deaf", Mode::Auto, None),
        ];
        let builder = Engine::builder(store, config, Arc::new(doubles::Files));
        let engine = outlets.into_iter().fold(builder, ipa_pod::EngineBuilder::outlet).build();
        let server = Server::bind(engine, ServerConfig::new(Token::generate().unwrap())).await.unwrap();
        let (address, stop) = (server.addresses()[0], CancellationToken::new());
        let stopping = stop.clone();
        let served = tokio::spawn(async move { server.run(stopping).await.unwrap() });
        Self { dir, address, stop, served }
    }

    /// Sends a request and returns the status of its answer.
    async fn send(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> u16 {
        let answer = self.answer(path, headers, body).await;
        answer.split(' ').nth(1).unwrap_or_else(|| panic!("{answer:?}")).parse().unwrap()
    }

    async fn answer(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let mut head = format!("POST {path} HTTP/1.1\r\nHost: tunnel.example\r\nConnection: close\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body).await.unwrap();
        let mut answer = String::new();
        tokio::time::timeout(DEADLINE, stream.read_to_string(&mut answer)).await.expect("an answer").unwrap();
        answer
    }

    /// Sends a webhook as GitHub does.
    async fn github(&self, path: &str, id: &str, secret: &str, body: &[u8]) -> u16 {
        let signature = signature(secret, body);
        let headers = [
            ("X-GitHub-Event", "push"),
            ("X-GitHub-Delivery", id),
            ("X-Hub-Signature-256", signature.as_str()),
        ];
        self.send(path, &headers, body).await
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("ipa.db")
    }

    /// Lists what is kept, as somebody sees it who opens the file now: connector, name, kind, body.
    async fn kept(&self) -> Vec<String> {
        let store = SqliteStore::open_read_only(&self.file()).await.unwrap();
        kept(&store).await
    }

    async fn end(self) {
        self.stop.cancel();
        tokio::time::timeout(DEADLINE, self.served).await.expect("an end").unwrap();
    }
}

async fn kept(store: &Store) -> Vec<String> {
    let (mut all, mut after) = (Vec::new(), DeliveryNumber::ZERO);
    while let Some(next) = store.deliveries.next(after).await.unwrap() {
        let what = next.what;
        let body = String::from_utf8_lossy(&what.body[..what.body.len().min(20)]).into_owned();
        all.push(format!("{} {} {} {body}", what.connector, what.id, what.kind));
        after = next.number;
    }
    all
}

fn outlet(name: &str, mode: Mode, hooks: Option<(Maker, &[&str])>) -> Outlet {
    let id: ipa_events::ConnectorId = name.parse().unwrap();
    let (folder, repo) = (PathBuf::from("/nowhere"), "/nowhere/repo".parse().unwrap());
    let (base, label) = ("main".parse().unwrap(), "ipa".to_owned());
    let connector = LocalConnector::new(LocalConfig { id: id.clone(), folder, repo, base, label });
    let hooks = hooks.map(|(maker, secrets)| Hooks {
        maker,
        secrets: secrets.iter().map(|secret| SecretString::from(*secret).into()).collect(),
    });
    Outlet { hooks, ..Outlet::new(Arc::new(connector), Settings { mode, ..Settings::new(id) }) }
}

fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    let hex =
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    format!("sha256={hex}")
}

#[tokio::test]
async fn a_signed_webhook_is_kept_before_it_is_answered_and_its_repeat_is_no_work() {
    let site = Site::new().await;
    assert_eq!(site.github("/hooks/github/hub", "one", "new secret", b"{\"a\":1}").await, 202);
    assert_eq!(site.kept().await, ["hub one push {\"a\":1}"], "as soon as it was answered");
    // A repeat, also one with other words under the same name: a replay changes nothing.
    assert_eq!(site.github("/hooks/github/hub", "one", "new secret", b"{\"a\":1}").await, 200);
    assert_eq!(site.github("/hooks/github/hub", "one", "old secret", b"{\"a\":2}").await, 200);
    assert_eq!(site.kept().await.len(), 1);
    let jira = signature("of desk", b"{}");
    let headers = [("X-Atlassian-Webhook-Identifier", "two"), ("X-Hub-Signature", jira.as_str())];
    assert_eq!(site.send("/hooks/jira/desk", &headers, b"{}").await, 202);
    assert_eq!(site.send("/hooks/jira/desk", &headers, b"{}").await, 200);
    let file = site.file();
    let expected = ["hub one push {\"a\":1}", "desk two  {}"];
    assert_eq!(site.kept().await, expected);
    // And it survives the end of the server.
    let dir = {
        let Site { dir, stop, served, .. } = site;
        stop.cancel();
        served.await.unwrap();
        dir
    };
    let again = SqliteStore::open(&file, SqliteOptions::default()).await.unwrap();
    assert_eq!(kept(&again).await, expected);
    drop(dir);
}

#[tokio::test]
async fn both_secrets_open_during_a_rotation() {
    let site = Site::new().await;
    assert_eq!(site.github("/hooks/github/hub", "one", "old secret", b"{}").await, 202);
    assert_eq!(site.github("/hooks/github/hub", "two", "new secret", b"{}").await, 202);
    assert_eq!(site.github("/hooks/github/hub", "three", "older secret", b"{}").await, 401);
    assert_eq!(site.kept().await.len(), 2);
    site.end().await;
}

#[tokio::test]
async fn what_is_forged_or_not_signed_is_refused_and_nothing_of_it_is_kept() {
    let site = Site::new().await;
    let (body, good) = (b"{\"a\":1}", signature("new secret", b"{\"a\":1}"));
    let (other, empty) = (signature("of desk", body), signature("", body));
    let upper = good.to_ascii_uppercase();
    let cases: [&[(&str, &str)]; 9] = [
        &[],
        &[("X-Hub-Signature-256", "")],
        &[("X-Hub-Signature-256", "sha256=")],
        &[("X-Hub-Signature-256", &other)],
        &[("X-Hub-Signature-256", &empty)],
        &[("X-Hub-Signature-256", &upper)],
        &[("X-Hub-Signature-256", &good), ("X-Hub-Signature-256", &other)],
        &[("X-Hub-Signature", &good)],
        &[
            ("X-Hub-Signature", "sha1=3dca279e731c97c38e3019a075dee9ebbd0a99f0"),
            ("Authorization", "Bearer x"),
        ],
    ];
    for headers in cases {
        for path in ["/hooks/github/hub", "/hooks/github"] {
            assert_eq!(site.send(path, headers, body).await, 401, "{path} {headers:?}");
        }
    }
    let signed = [("X-Hub-Signature-256", good.as_str())];
    for changed in [&b"{\"a\":2}"[..], b"{\"a\":1} ", b""] {
        assert_eq!(site.send("/hooks/github/hub", &signed, changed).await, 401, "{changed:?}");
    }
    let told = site.answer("/hooks/github/hub", &[("X-Hub-Signature-256", &other)], body).await;
    assert!(!told.contains(good.trim_start_matches("sha256=")) && !told.contains("secret\""), "{told}");
    assert_eq!(site.kept().await, [""; 0]);
    assert_eq!(site.send("/hooks/github/hub", &signed, body).await, 202, "as it was signed it is taken");
    site.end().await;
}

#[tokio::test]
async fn where_no_webhooks_are_taken_nobody_learns_why() {
    let site = Site::new().await;
    let nobodys = signature("nobody", b"{}");
    let mut told = Vec::new();
    for (path, secret) in [
        ("/hooks/github/nowhere", "new secret"),
        ("/hooks/github/desk", "of desk"),
        ("/hooks/jira/hub", "new secret"),
        ("/hooks/github/off", "of off"),
        ("/hooks/github/empty", ""),
        ("/hooks/github/deaf", ""),
        ("/hooks/github/NO%20NAME", "new secret"),
        ("/hooks/github/nowhere", "nobody"),
    ] {
        let of_both = signature(secret, b"{}");
        let headers = [("X-Hub-Signature-256", of_both.as_str()), ("X-Hub-Signature", of_both.as_str())];
        let answer = site.answer(path, &headers, b"{}").await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
        let body = answer.split("\r\n\r\n").nth(1).unwrap();
        let mut body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert!(body["detail"].as_str().unwrap().starts_with("there is nothing at /hooks/"), "{body}");
        body["detail"] = "".into();
        body["request_id"] = "".into();
        told.push(body);
    }
    told.dedup();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(site.send("/hooks/github/nowhere", &[("X-Hub-Signature-256", &nobodys)], b"{}").await, 404);
    assert_eq!(site.kept().await, [""; 0]);
    site.end().await;
}

#[tokio::test]
async fn without_a_name_it_goes_to_each_that_it_is_signed_for() {
    let site = Site::new().await;
    assert_eq!(site.github("/hooks/github", "one", "of work", b"{}").await, 202);
    assert_eq!(site.kept().await, ["twin one push {}", "work one push {}"]);
    assert_eq!(site.github("/hooks/github", "one", "of work", b"{}").await, 200);
    assert_eq!(site.github("/hooks/github", "two", "new secret", b"{}").await, 202);
    assert_eq!(site.github("/hooks/github", "three", "of off", b"{}").await, 401);
    assert_eq!(site.github("/hooks/github", "four", "of desk", b"{}").await, 401);
    assert_eq!(site.kept().await.len(), 3);
    // One of them has it already; the other does not.
    assert_eq!(site.github("/hooks/github/work", "five", "of work", b"{}").await, 202);
    assert_eq!(site.github("/hooks/github", "five", "of work", b"{}").await, 202);
    assert_eq!(site.kept().await.len(), 5);
    site.end().await;
}

#[tokio::test]
async fn a_webhook_of_25_mib_is_taken_and_a_larger_one_is_not() {
    let site = Site::new().await;
    let mut body = vec![b' '; 25 * MIB];
    assert_eq!(site.github("/hooks/github/hub", "large", "new secret", &body).await, 202);
    body.push(b' ');
    assert_eq!(site.github("/hooks/github/hub", "larger", "new secret", &body).await, 413);
    body.resize(26 * MIB, b' ');
    assert_eq!(site.github("/hooks/github/hub", "26 MiB", "new secret", &body).await, 413);
    assert_eq!(
        site.github("/hooks/github/nowhere", "26 MiB", "new secret", &body).await,
        413,
        "whoever it is for"
    );
    assert_eq!(site.kept().await.len(), 1);
    site.end().await;
}

#[tokio::test]
async fn a_ping_is_answered_and_what_has_no_name_or_sense_is_kept_too() {
    let site = Site::new().await;
    let signed = signature("new secret", b"{\"zen\":\"Design for failure.\"}");
    let ping =
        [("X-GitHub-Event", "ping"), ("X-GitHub-Delivery", "p"), ("X-Hub-Signature-256", signed.as_str())];
    assert_eq!(site.send("/hooks/github/hub", &ping, b"{\"zen\":\"Design for failure.\"}").await, 202);
    let signed = signature("new secret", b"\xff not JSON");
    let nameless = [("X-Hub-Signature-256", signed.as_str())];
    assert_eq!(site.send("/hooks/github/hub", &nameless, b"\xff not JSON").await, 202);
    assert_eq!(site.send("/hooks/github/hub", &nameless, b"\xff not JSON").await, 200);
    let kept = site.kept().await;
    assert!(kept[0].starts_with("hub p ping {\"zen\":\"Design"), "{kept:?}");
    assert!(kept[1].starts_with("hub sha256:") && kept.len() == 2, "{kept:?}");
    site.end().await;
}

#[tokio::test]
async fn one_that_cannot_be_kept_is_not_taken_and_can_be_sent_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("ipa.db"), SqliteOptions::default()).await.unwrap();
    let log = store.log.clone();
    let config = EngineConfig::new(dir.path().join("runs"));
    let engine = Engine::builder(store, config, Arc::new(doubles::Files))
        .outlet(outlet("hub", Mode::Auto, Some((Maker::GitHub, &["new secret"]))))
        .build();
    let server = Server::bind(engine, ServerConfig::new(Token::generate().unwrap())).await.unwrap();
    let (address, stop) = (server.addresses()[0], CancellationToken::new());
    let stopping = stop.clone();
    let served = tokio::spawn(async move { server.run(stopping).await.unwrap() });
    let site = Site { dir, address, stop, served };
    log.close().await;
    assert_eq!(site.github("/hooks/github/hub", "one", "new secret", b"{}").await, 503);
    site.end().await;
}
