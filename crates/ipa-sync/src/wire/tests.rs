//! The wire over loopback sockets, in real time: what is counted are requests, never seconds.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::HeaderValue;
use http::header::USER_AGENT;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::*;

/// What the other side does with a request it has read.
#[derive(Clone)]
enum Do {
    /// Sends these bytes and waits for the next request.
    Say(String),
    /// Sends these bytes and closes the connection.
    Cut(String),
    /// Sends a chunk again and again, for as long as anybody reads.
    Flood,
    /// Never answers.
    Hang,
}

/// Another side on the loopback that treats each request alike.
struct Peer {
    listener: TcpListener,
    at: SocketAddr,
    acts: Box<dyn Fn(&str) -> Do + Send + Sync>,
    heads: Mutex<Vec<String>>,
    connections: AtomicUsize,
}

impl Peer {
    async fn new(acts: impl Fn(&str) -> Do + Send + Sync + 'static) -> &'static Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let (heads, connections) = (Mutex::default(), AtomicUsize::new(0));
        Box::leak(Box::new(Self { listener, at, acts: Box::new(acts), heads, connections }))
    }

    /// Serves while something is done.
    async fn during<T>(&'static self, doing: impl Future<Output = T>) -> T {
        let serving = async {
            let mut open = JoinSet::new();
            loop {
                let (stream, _) = self.listener.accept().await.unwrap();
                self.connections.fetch_add(1, Ordering::SeqCst);
                open.spawn(self.serve(stream));
            }
        };
        tokio::select! { biased; done = doing => done, () = serving => panic!("the peer stopped serving") }
    }

    async fn serve(&self, mut stream: TcpStream) {
        let mut read = Vec::new();
        loop {
            let mut some = [0; 4096];
            let Ok(n @ 1..) = stream.read(&mut some).await else { return };
            read.extend_from_slice(&some[..n]);
            let Some(head) = String::from_utf8_lossy(&read).find("\r\n\r\n") else { continue };
            let head = String::from_utf8_lossy(&read[..head]).into_owned();
            read.clear();
            self.heads.lock().unwrap().push(head.clone());
            match (self.acts)(&head) {
                Do::Say(text) => stream.write_all(text.as_bytes()).await.unwrap(),
                Do::Cut(text) => return stream.write_all(text.as_bytes()).await.unwrap(),
                Do::Flood => {
                    let begin = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
                    stream.write_all(begin).await.unwrap();
                    while stream.write_all(b"4\r\nbyte\r\n").await.is_ok() {}
                    return;
                }
                Do::Hang => std::future::pending().await,
            }
        }
    }

    fn url(&self, path: &str) -> Url {
        format!("http://{}{path}", self.at).parse().unwrap()
    }

    fn requests(&self) -> usize {
        self.heads.lock().unwrap().len()
    }
}

fn saying(status: &str, headers: &str, body: &str) -> Do {
    Do::Say(format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len()))
}

fn wire() -> NetWire {
    wire_with(|_| {})
}

fn wire_with(change: impl FnOnce(&mut WireConfig)) -> NetWire {
    let mut config = WireConfig::new("ipa/1.0");
    change(&mut config);
    NetWire::new(config).unwrap()
}

fn signed(method: Method, url: Url) -> Request {
    let mut request = Request::new(method, url);
    Credential::Bearer("s3cret".into()).sign(&mut request).unwrap();
    request
}

/// Sends one request to a peer that treats it so, and returns the outcome and how many requests arrived.
async fn outcome(method: Method, act: Do, wire: NetWire) -> (Result<Answer, WireError>, usize) {
    let peer = Peer::new(move |_| act.clone()).await;
    let got = peer.during(wire.send(signed(method, peer.url("/")))).await;
    (got, peer.requests())
}

#[tokio::test]
async fn an_answer_of_any_status_comes_back_whole_and_the_request_names_one_user_agent() {
    let peer = Peer::new(|_| saying("418 No Coffee", "x-github-request-id: A1\r\n", "tea")).await;
    let mut request = signed(Method::POST, peer.url("/pots?n=1#top"));
    request.headers.insert(USER_AGENT, HeaderValue::from_static("another"));
    request.body = Bytes::from_static(b"{}");
    let answer = peer.during(wire().send(request)).await.unwrap();
    assert_eq!((answer.status.as_u16(), &answer.body[..]), (418, &b"tea"[..]));
    assert_eq!(answer.header("x-github-request-id"), Some("A1"));
    let head = peer.heads.lock().unwrap().remove(0);
    assert!(head.starts_with("POST /pots?n=1 HTTP/1.1"), "{head}");
    assert_eq!(head.matches("user-agent: ").count(), 1, "{head}");
    for line in ["user-agent: ipa/1.0", "authorization: Bearer s3cret", "content-length: 2"] {
        assert!(head.contains(line), "{head}");
    }
}

#[tokio::test]
async fn an_answer_over_the_limit_is_not_taken_in() {
    let small = || wire_with(|config| config.longest_answer = 10);
    let (got, _) = outcome(Method::GET, saying("200 OK", "", "0123456789"), small()).await;
    assert_eq!(got.unwrap().body.len(), 10);
    for act in [saying("200 OK", "", "0123456789A"), Do::Flood] {
        let (got, requests) = outcome(Method::GET, act, small()).await;
        assert!(matches!(got, Err(WireError::TooLong { status: 200, limit: 10, .. })), "{got:?}");
        assert_eq!(requests, 1);
    }
}

#[tokio::test]
async fn a_read_is_followed_at_its_origin_five_times_and_nothing_else_is_followed() {
    let around = || saying("302 Found", "location: /again\r\n", "");
    let (got, requests) = outcome(Method::GET, around(), wire()).await;
    assert_eq!((got.unwrap().status.as_u16(), requests), (302, 6));
    let (got, requests) = outcome(Method::POST, around(), wire()).await;
    assert_eq!((got.unwrap().status.as_u16(), requests), (302, 1));

    let elsewhere = Peer::new(|_| saying("200 OK", "", "")).await;
    let location = format!("location: {}\r\n", elsewhere.url("/"));
    let away = saying("301 Moved", &location, "");
    let (got, requests) = elsewhere.during(outcome(Method::GET, away, wire())).await;
    assert_eq!((got.unwrap().status.as_u16(), requests), (301, 1));
    assert_eq!(elsewhere.requests(), 0);
}

#[tokio::test]
async fn what_was_moved_is_read_where_it_is_now() {
    let old = |head: &str| head.starts_with("GET /old ");
    let moved = || saying("301 Moved", "location: /new\r\n", "");
    let peer = Peer::new(move |head| if old(head) { moved() } else { saying("200 OK", "", "here") }).await;
    let answer = peer.during(wire().send(Request::new(Method::GET, peer.url("/old")))).await.unwrap();
    assert_eq!(&answer.body[..], b"here");
}

#[tokio::test]
async fn a_request_that_found_no_connection_was_not_sent() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let url = format!("http://{closed}/").parse().unwrap();
    let refused = wire().send(signed(Method::POST, url)).await;
    assert!(matches!(refused, Err(WireError::NotSent { .. })), "{refused:?}");

    // The first sends something that is no TLS, the second nothing at all.
    for act in [Do::Cut("no TLS here\r\n\r\n".to_owned()), Do::Hang] {
        let peer = Peer::new(move |_| act.clone()).await;
        let url = format!("https://{}/", peer.at).parse().unwrap();
        let wire = wire_with(|config| config.connect = Duration::from_millis(200));
        let no_tls = peer.during(wire.send(signed(Method::POST, url))).await;
        assert!(matches!(no_tls, Err(WireError::NotSent { .. })), "{no_tls:?}");
        assert_eq!(peer.connections.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn the_outcome_of_a_request_without_a_whole_answer_is_unknown_and_it_is_sent_once() {
    let cut = "HTTP/1.1 201 Created\r\ncontent-length: 100\r\n\r\n{\"id\":";
    for act in [Do::Cut(String::new()), Do::Cut(cut.to_owned()), Do::Cut("HTTP/1.1 2".to_owned()), Do::Hang] {
        for method in [Method::GET, Method::POST] {
            let impatient = wire_with(|config| {
                config.read = Duration::from_millis(200);
                config.write = Duration::from_millis(200);
            });
            let (got, requests) = outcome(method, act.clone(), impatient).await;
            assert!(matches!(got, Err(WireError::Unknown { .. })), "{got:?}");
            assert_eq!(requests, 1);
        }
    }
}

#[tokio::test]
async fn a_request_that_is_cut_off_on_a_kept_connection_is_not_sent_again() {
    let first = |head: &str| head.starts_with("GET /first ");
    let cut = || Do::Cut(String::new());
    let peer = Peer::new(move |head| if first(head) { saying("200 OK", "", "") } else { cut() }).await;
    let wire = wire();
    let both = async {
        wire.send(signed(Method::GET, peer.url("/first"))).await.unwrap();
        wire.send(signed(Method::POST, peer.url("/second"))).await
    };
    let got = peer.during(both).await;
    assert!(matches!(got, Err(WireError::Unknown { .. })), "{got:?}");
    assert_eq!((peer.requests(), peer.connections.load(Ordering::SeqCst)), (2, 1));
}

#[tokio::test]
async fn no_secret_is_in_a_text_about_a_request() {
    let url: Url = "https://me:s3cret@example.test/a?token=s3cret".parse().unwrap();
    let mut texts = vec![format!("{:?}", signed(Method::GET, url.clone()))];
    let basic = Credential::Basic { user: "me".to_owned(), token: "s3cret".into() };
    let mut request = Request::new(Method::PUT, url);
    basic.sign(&mut request).unwrap();
    // Basic is base64, which a search for the token would not find.
    assert_eq!(request.headers["authorization"], "Basic bWU6czNjcmV0");
    texts.push(format!(
        "{:?} {request:?} {basic:?} {:?}",
        request.headers,
        Credential::Bearer("s3cret".into())
    ));
    for act in
        [Do::Hang, Do::Cut("s3cret\r\n\r\n".to_owned()), saying("200 OK", "token: s3cret\r\n", "s3cret")]
    {
        let wire = wire_with(|config| config.write = Duration::from_millis(200));
        let (got, _) = outcome(Method::POST, act, wire).await;
        texts.push(format!("{got:?} {}", got.as_ref().err().map(ToString::to_string).unwrap_or_default()));
    }
    for text in texts {
        assert!(!text.contains("s3cret") && !text.contains("bWU6"), "{text}");
    }
    let broken = Credential::Bearer("s3cret\n".into()).sign(&mut request).unwrap_err();
    assert!(!format!("{broken} {broken:?}").contains("s3cret"));
}
