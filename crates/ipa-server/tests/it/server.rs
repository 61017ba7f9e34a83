//! The server that listens, and the client that needs none.

use std::net::SocketAddr;

use axum::http::{HeaderMap, Method};
use ipa_server::{BindError, LocalClient, Server};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::support::{DEADLINE, House};

/// Sends a request over the network and returns the whole answer.
async fn send(address: SocketAddr, request: &str, headers: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let text = format!(
        "{request} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(DEADLINE, stream.read_to_string(&mut answer)).await.expect("an answer").unwrap();
    answer
}

fn bearer(house: &House) -> String {
    format!("Authorization: Bearer {}\r\n", house.config.token.expose())
}

#[tokio::test]
async fn a_login_code_lets_one_browser_in_once() {
    let house = House::new();
    let server = Server::bind(house.engine.clone(), house.config.clone()).await.unwrap();
    let (address, url) = (server.addresses()[0], server.login_url().unwrap());
    let (place, code) = url.split_once("/login#t=").unwrap();
    assert_eq!(place, format!("http://{address}"));
    let stop = CancellationToken::new();
    let visits = async {
        let form = "Content-Type: application/x-www-form-urlencoded\r\n";
        let body = format!("token={code}&next=/inbox");
        let first = send(address, "POST /login", form, &body).await;
        assert!(first.starts_with("HTTP/1.1 303") && first.contains("location: /inbox"), "{first}");
        let cookie = first.split("set-cookie: ").nth(1).unwrap().split(';').next().unwrap();
        let second = send(address, "POST /login", form, &body).await;
        assert!(second.starts_with("HTTP/1.1 401") && !second.contains("set-cookie"), "{second}");
        let inside = send(address, "GET /api/v1/tasks", &format!("Cookie: {cookie}\r\n"), "").await;
        assert!(inside.starts_with("HTTP/1.1 200"), "{inside}");
        stop.cancel();
    };
    let (served, ()) = tokio::join!(server.run(stop.clone()), visits);
    served.unwrap();
}

#[tokio::test]
async fn two_servers_in_one_process_do_not_know_each_other() {
    let (one, two) = (House::new(), House::new());
    one.task("mine").await;
    let first = Server::bind(one.engine.clone(), one.config.clone()).await.unwrap();
    let second = Server::bind(two.engine.clone(), two.config.clone()).await.unwrap();
    let (a, b, stop) = (first.addresses()[0], second.addresses()[0], CancellationToken::new());
    let visits = async {
        let mine = send(a, "GET /api/v1/tasks", &bearer(&one), "").await;
        assert!(mine.contains("mine"), "{mine}");
        let theirs = send(b, "GET /api/v1/tasks", &bearer(&two), "").await;
        assert!(theirs.starts_with("HTTP/1.1 200") && !theirs.contains("mine"), "{theirs}");
        let stranger = send(b, "GET /api/v1/tasks", &bearer(&one), "").await;
        assert!(stranger.starts_with("HTTP/1.1 401"), "{stranger}");
        stop.cancel();
    };
    let (first, second, ()) = tokio::join!(first.run(stop.clone()), second.run(stop.clone()), visits);
    first.unwrap();
    second.unwrap();
}

#[tokio::test]
async fn a_server_with_open_streams_ends_and_says_goodbye() {
    let house = House::new();
    house.task("one").await;
    let server = Server::bind(house.engine.clone(), house.config.clone()).await.unwrap();
    let (address, stop) = (server.addresses()[0], CancellationToken::new());
    let watch = async {
        let mut streams = Vec::new();
        for _ in 0..8 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let head = format!("GET /api/v1/events HTTP/1.1\r\nHost: {address}\r\n{}\r\n", bearer(&house));
            stream.write_all(head.as_bytes()).await.unwrap();
            let mut text = String::new();
            while !text.contains("task.created") {
                let mut piece = [0; 4096];
                let read = stream.read(&mut piece).await.unwrap();
                text.push_str(std::str::from_utf8(&piece[..read]).unwrap());
            }
            streams.push(stream);
        }
        stop.cancel();
        for mut stream in streams {
            let mut rest = String::new();
            stream.read_to_string(&mut rest).await.unwrap();
            assert!(rest.contains("event: bye"), "{rest}");
        }
    };
    let both = async { tokio::join!(server.run(stop.clone()), watch) };
    let (served, ()) = tokio::time::timeout(DEADLINE, both).await.expect("an end");
    served.unwrap();
}

#[tokio::test]
async fn a_client_that_never_reads_does_not_hold_the_server() {
    let house = House::new();
    let large = "x".repeat(900_000);
    for _ in 0..20 {
        house.task(&large).await;
    }
    let server = Server::bind(house.engine.clone(), house.config.clone()).await.unwrap();
    let (address, stop) = (server.addresses()[0], CancellationToken::new());
    let stuck = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!("GET /api/v1/events HTTP/1.1\r\nHost: {address}\r\n{}\r\n", bearer(&house));
        stream.write_all(head.as_bytes()).await.unwrap();
        // The answer has begun, and more of it is coming than fits in between.
        stream.read_exact(&mut vec![0; 1_000_000]).await.unwrap();
        stop.cancel();
        stream
    };
    let both = async { tokio::join!(server.run(stop.clone()), stuck) };
    let (served, _stream) = tokio::time::timeout(DEADLINE, both).await.expect("an end");
    served.unwrap();
}

#[tokio::test]
async fn an_address_that_cannot_be_taken_is_said_in_words() {
    let house = House::new();
    let first = Server::bind(house.engine.clone(), house.config.clone()).await.unwrap();
    let mut config = house.config.clone();
    config.bind = first.addresses()[0];
    let Err(error) = Server::bind(house.engine.clone(), config.clone()).await else { panic!("it was free") };
    assert!(matches!(error, BindError::InUse(address) if address == config.bind), "{error}");
    config.bind = "0.0.0.0:0".parse().unwrap();
    let Err(error) = Server::bind(house.engine.clone(), config.clone()).await else {
        panic!("no name was asked")
    };
    assert!(matches!(error, BindError::NamesNeeded(_)), "{error}");
    config.allow_hosts = vec!["ipa.example.org".to_owned()];
    let open = Server::bind(house.engine.clone(), config).await.unwrap();
    assert!(open.url().starts_with("http://127.0.0.1:"), "{}", open.url());
}

#[tokio::test]
async fn the_local_client_gets_what_the_network_gets() {
    let house = House::new();
    let client = LocalClient::new(house.engine.clone(), house.config.clone());
    let mut headers = HeaderMap::new();
    headers.insert("content-type", "application/json".parse().unwrap());
    let body = json!({ "request": "from here", "agent": "fake" }).to_string();
    let created = client.request(Method::POST, "/api/v1/tasks", headers, body).await.unwrap();
    assert_eq!(created.status, 201);
    assert!(created.headers.contains_key("x-ipa-position"));
    created.body.bytes().await.unwrap();
    let local = client.request(Method::GET, "/api/v1/tasks/T-1", HeaderMap::new(), "").await.unwrap();
    let network = house.get("/api/v1/tasks/T-1").bearer().send().await;
    assert_eq!(local.body.bytes().await.unwrap(), network.text.as_bytes());
    let mut lines = HeaderMap::new();
    lines.insert("accept", "application/x-ndjson".parse().unwrap());
    let stream = client.request(Method::GET, "/api/v1/events?follow=0", lines, "").await.unwrap();
    let mut body = stream.body;
    let event: serde_json::Value = serde_json::from_str(&body.next_line().await.unwrap().unwrap()).unwrap();
    assert_eq!((&event["actor"], &event["via"]), (&json!("user:ann"), &json!("cli")));
    assert!(body.next_line().await.unwrap().is_none());
    assert!(client.request(Method::GET, "no path", HeaderMap::new(), "").await.is_err());
}
