//! From the socket to a host's work and back, with whatever is planned to go wrong in between.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, State};
use axum::http::{Request as HttpRequest, Response};
use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use tokio::net::TcpListener;

use super::desk::Desk;
use super::fault::{Canned, Fault};
use super::log::{Entry, Repeat};
use super::socket::{Door, Line};
use super::wire::{Reply, Request};

/// A simulated host.
pub(crate) trait Peer: Send + Sync + 'static {
    fn desk(&self) -> &Desk;

    /// The name under which a request is counted and may fail.
    fn route(&self, request: &Request) -> String;

    /// Whether asking twice is asking once.
    fn repeat(&self, request: &Request) -> Repeat;

    /// What the host's clock shows.
    fn clock(&self) -> Timestamp;

    fn work(self: Arc<Self>, request: Request) -> impl Future<Output = Reply> + Send;
}

/// Serves until it is dropped.
pub(crate) async fn serve<P: Peer>(listener: TcpListener, peer: Arc<P>) {
    let router = Router::new().fallback(handle::<P>).with_state(peer);
    axum::serve(Door(listener), router.into_make_service_with_connect_info::<Line>()).await.unwrap();
}

async fn handle<P: Peer>(
    State(peer): State<Arc<P>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: HttpRequest<Body>,
) -> Response<Body> {
    let Some(request) = read(request).await else { return hung_up(&line) };
    match treat(&peer, request).await {
        Fate::Answered(reply) => written(reply),
        Fate::Half(reply) => cut_body(reply),
        Fate::HungUp => hung_up(&line),
    }
}

/// What becomes of a request, as its client sees it.
pub(crate) enum Fate {
    Answered(Reply),
    /// Half of the body arrives, then the connection ends.
    Half(Reply),
    HungUp,
}

/// Treats a request as the host does, with whatever is planned to go wrong. Knows no sockets.
pub(crate) async fn treat<P: Peer>(peer: &Arc<P>, request: Request) -> Fate {
    let route = peer.route(&request);
    let fault = peer.desk().faults().on_call(&route);
    let entry = Entry::new(&route, &request, peer.repeat(&request));
    let at = peer.desk().log().begin(entry);
    match fault {
        Some(Fault::ResetBefore) => Fate::HungUp,
        Some(Fault::Instead(canned)) => {
            peer.desk().log().answered(at, canned.status);
            Fate::Answered(dated(peer.as_ref(), canned.into()))
        }
        fault => {
            let is_held = fault == Some(Fault::Held);
            let own = Arc::clone(peer);
            // The work goes on when the client hangs up, as on a real server.
            let work = tokio::spawn(async move {
                let reply =
                    if is_held { held(&own, request).await } else { Arc::clone(&own).work(request).await };
                own.desk().log().done(at, reply.status);
                own.desk().done.send_modify(|done| *done += 1);
                reply
            });
            let reply = work.await.unwrap_or_else(|error| {
                peer.desk().complain([format!("{route}: the simulation itself broke: {error}")]);
                Reply::text(500, "the simulation broke")
            });
            after(fault, dated(peer.as_ref(), reply)).await
        }
    }
}

/// Says when a reply was given, by the host's own clock.
fn dated(peer: &impl Peer, reply: Reply) -> Reply {
    if reply.headers.iter().any(|(name, _)| name == "date") {
        return reply;
    }
    reply.with("date", &http_date(peer.clock()))
}

/// A time as HTTP's headers have it.
pub(crate) fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Reads a request; none when it ends before its end.
async fn read(request: HttpRequest<Body>) -> Option<Request> {
    let (head, body) = request.into_parts();
    let headers = head.headers.iter().map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    Some(Request {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: headers.collect(),
        body: to_bytes(body, usize::MAX).await.ok()?,
    })
}

/// Does the work when the test lets go.
async fn held<P: Peer>(peer: &Arc<P>, request: Request) -> Reply {
    let mut released = peer.desk().released.subscribe();
    peer.desk().held.send_modify(|held| *held += 1);
    released.changed().await.ok();
    let reply = Arc::clone(peer).work(request).await;
    peer.desk().held.send_modify(|held| *held -= 1);
    reply
}

/// What becomes of a reply on its way back.
async fn after(fault: Option<Fault>, reply: Reply) -> Fate {
    match fault {
        None => Fate::Answered(reply),
        Some(Fault::Held | Fault::SilenceAfter) => std::future::pending().await,
        Some(Fault::BadGatewayAfter) => {
            let date = reply.headers.into_iter().filter(|(name, _)| name == "date");
            let bad = Reply::text(502, "<html>502 Bad Gateway</html>");
            Fate::Answered(date.fold(bad, |bad, (name, date)| bad.with(&name, &date)))
        }
        Some(Fault::ResetAfter | Fault::ResetBefore) => Fate::HungUp,
        Some(Fault::CutJson) => {
            let half = reply.body.slice(..reply.body.len() / 2);
            Fate::Answered(Reply { body: half, ..reply })
        }
        Some(Fault::CutBody) => Fate::Half(reply),
        Some(Fault::Instead(canned)) => Fate::Answered(canned.into()),
    }
}

impl From<Canned> for Reply {
    fn from(canned: Canned) -> Self {
        let Canned { status, mut headers, body } = canned;
        if !headers.iter().any(|(name, _)| name == "content-type") {
            headers.push(("content-type".to_owned(), "application/json; charset=utf-8".to_owned()));
        }
        Self { status, headers, body: body.into() }
    }
}

fn written(reply: Reply) -> Response<Body> {
    let body = Body::from(reply.body.clone());
    with_head(reply, body)
}

/// Promises the whole body, gives half of it, and ends the connection.
fn cut_body(reply: Reply) -> Response<Body> {
    let half = reply.body.slice(..reply.body.len() / 2);
    let length = reply.body.len().to_string();
    let end = async {
        // Hyper writes what it has when it has to wait, and not when it fails.
        tokio::task::yield_now().await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted))
    };
    let parts = stream::iter([Ok(half)]).chain(stream::once(end));
    with_head(reply.with("content-length", &length), Body::from_stream(parts))
}

fn with_head(reply: Reply, body: Body) -> Response<Body> {
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    response.body(body).unwrap()
}

fn hung_up(line: &Line) -> Response<Body> {
    line.cut();
    Response::new(Body::empty())
}
