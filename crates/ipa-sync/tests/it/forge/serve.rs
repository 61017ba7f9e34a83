//! From the socket to the right part of the forge and back, with whatever is planned to go wrong in between.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, State};
use axum::http::{Request as HttpRequest, Response};
use futures::{StreamExt as _, stream};
use tokio::sync::watch;

use super::fault::{Canned, Fault, Faults};
use super::log::{Entry, Log};
use super::schema::Schemas;
use super::socket::{Door, Line};
use super::wire::{Reply, Request};
use super::world::World;
use super::{backend, graphql, rest, routes};

/// All that requests, people and tests share.
pub(crate) struct Shared {
    world: Mutex<World>,
    faults: Mutex<Faults>,
    log: Mutex<Log>,
    wrong: Mutex<Vec<String>>,
    pub(crate) schemas: Schemas,
    pub(crate) home: PathBuf,
    /// How often the test has let go what is held.
    pub(crate) released: watch::Sender<u64>,
    /// How many requests are done.
    pub(crate) done: watch::Sender<u64>,
    /// How many requests are held.
    pub(crate) held: watch::Sender<u64>,
}

impl Shared {
    pub(crate) fn new(world: World, home: PathBuf) -> Self {
        Self {
            world: Mutex::new(world),
            faults: Mutex::default(),
            log: Mutex::default(),
            wrong: Mutex::default(),
            schemas: Schemas::load(),
            home,
            released: watch::Sender::new(0),
            done: watch::Sender::new(0),
            held: watch::Sender::new(0),
        }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        locked(&self.world)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        locked(&self.faults)
    }

    pub(crate) fn log(&self) -> MutexGuard<'_, Log> {
        locked(&self.log)
    }

    pub(crate) fn wrong(&self) -> MutexGuard<'_, Vec<String>> {
        locked(&self.wrong)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves until it is dropped.
pub(crate) async fn serve(door: Door, shared: Arc<Shared>) {
    let router = Router::new().fallback(handle).with_state(shared);
    axum::serve(door, router.into_make_service_with_connect_info::<Line>()).await.unwrap();
}

async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: HttpRequest<Body>,
) -> Response<Body> {
    let Some(request) = read(request).await else { return hung_up(&line) };
    let route = route_of(&request);
    let fault = shared.faults().on_call(&route);
    let at = shared.log().begin(Entry::new(&route, &request));
    match fault {
        Some(Fault::ResetBefore) => hung_up(&line),
        Some(Fault::Instead(canned)) => {
            shared.log().answered(at, canned.status);
            written(canned.into())
        }
        fault => {
            let is_held = fault == Some(Fault::Held);
            let own = Arc::clone(&shared);
            // The work goes on when the client hangs up, as on a real server.
            let work = tokio::spawn(async move {
                let reply = if is_held { held(&own, request).await } else { work(&own, request).await };
                own.log().done(at, reply.status);
                own.done.send_modify(|done| *done += 1);
                reply
            });
            let reply = work.await.unwrap_or_else(|error| {
                shared.wrong().push(format!("{route}: the forge itself broke: {error}"));
                Reply::text(500, "the forge broke")
            });
            after(fault, reply, &line).await
        }
    }
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

/// The name under which a request is counted and may fail.
fn route_of(request: &Request) -> String {
    if request.path == graphql::PATH {
        return graphql::route(request);
    }
    if let Some(path) = request.api_path() {
        let found = routes::find(&request.method, path);
        return found.map_or_else(|| "unknown".to_owned(), |(operation, _)| operation.id.to_owned());
    }
    if request.path.starts_with(STORE) { "store/log" } else { backend::route(request) }.to_owned()
}

const STORE: &str = "/_store/logs/";

/// Does the work when the test lets go.
async fn held(shared: &Arc<Shared>, request: Request) -> Reply {
    let mut released = shared.released.subscribe();
    shared.held.send_modify(|held| *held += 1);
    released.changed().await.ok();
    let reply = work(shared, request).await;
    shared.held.send_modify(|held| *held -= 1);
    reply
}

async fn work(shared: &Arc<Shared>, request: Request) -> Reply {
    let shared = Arc::clone(shared);
    if request.path.starts_with("/api/") || request.path.starts_with(STORE) {
        let api = tokio::task::spawn_blocking(move || answer(&shared, &request));
        return api.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    }
    let admitted = backend::admit(&shared.world(), &request);
    let user = match admitted {
        Ok(user) => user,
        Err(refusal) => return refusal,
    };
    let reply = backend::serve(&shared.home, &request, &user).await;
    if backend::route(&request) == "git/receive-pack" {
        let seen = tokio::task::spawn_blocking(move || {
            let name = backend::repository(&request.path).unwrap_or_default();
            shared.world().look_at_branches(name, &user);
        });
        seen.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    }
    reply
}

fn answer(shared: &Shared, request: &Request) -> Reply {
    if request.path.starts_with(STORE) {
        return stored_log(&shared.world(), request);
    }
    let mut world = shared.world();
    let exchange = if request.path == graphql::PATH {
        graphql::exchange(&mut world, request)
    } else {
        rest::exchange(&mut world, &shared.schemas, request)
    };
    let request_id = format!("F0F0:{:06X}", world.next_id());
    drop(world);
    let mut wrong = exchange.wrong;
    if request.count("user-agent") > 1 {
        wrong.push("more than one user-agent".to_owned());
    }
    let what = format!("{} {}?{}", request.method, request.path, request.query);
    shared.wrong().extend(wrong.into_iter().map(|wrong| format!("{what} {wrong}")));
    exchange
        .reply
        .with("x-github-request-id", &request_id)
        .with("x-github-media-type", "github.v3; format=json")
}

/// A log of CI, from a store that wants a signed link and refuses a token.
fn stored_log(world: &World, request: &Request) -> Reply {
    if request.header("authorization").is_some() {
        return Reply::text(400, "InvalidAuthenticationInfo");
    }
    let rest = request.path.trim_start_matches(STORE);
    let found = rest.rsplit_once('/').and_then(|(name, id)| {
        let id: u64 = id.parse().ok()?;
        world.repos.get(name)?.jobs.iter().find(|job| job.id == id)
    });
    found.map_or_else(|| Reply::text(404, "BlobNotFound"), |job| Reply::text(200, &job.log))
}

/// What becomes of a reply on its way back.
async fn after(fault: Option<Fault>, reply: Reply, line: &Line) -> Response<Body> {
    match fault {
        None => written(reply),
        Some(Fault::Held | Fault::SilenceAfter) => std::future::pending().await,
        Some(Fault::BadGatewayAfter) => written(Reply::text(502, "<html>502 Bad Gateway</html>")),
        Some(Fault::ResetAfter | Fault::ResetBefore) => hung_up(line),
        Some(Fault::CutJson) => {
            let half = reply.body.slice(..reply.body.len() / 2);
            written(Reply { body: half, ..reply })
        }
        Some(Fault::CutBody) => cut_body(reply),
        Some(Fault::Instead(canned)) => written(canned.into()),
    }
}

impl From<Canned> for Reply {
    fn from(canned: Canned) -> Self {
        let Canned { status, mut headers, body } = canned;
        headers.push(("content-type".to_owned(), "application/json; charset=utf-8".to_owned()));
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
