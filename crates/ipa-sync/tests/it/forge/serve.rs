//! From a request to the right part of the forge.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::Timestamp;

use super::world::World;
use super::{backend, graphql, rest, routes, schema};
use crate::peer::{Desk, Peer, Repeat, Reply, Request, Schemas, locked};

/// All that requests, people and tests share.
pub(crate) struct Shared {
    world: Mutex<World>,
    pub(crate) desk: Desk,
    pub(crate) schemas: Schemas,
    pub(crate) home: PathBuf,
}

impl Shared {
    pub(crate) fn new(world: World, home: PathBuf) -> Self {
        Self { world: Mutex::new(world), desk: Desk::default(), schemas: schema::load(), home }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        locked(&self.world)
    }
}

impl Peer for Shared {
    fn desk(&self) -> &Desk {
        &self.desk
    }

    fn route(&self, request: &Request) -> String {
        if request.path == graphql::PATH {
            return graphql::route(request);
        }
        if let Some(path) = rest::below(request) {
            let found = routes::find(&request.method, path);
            return found.map_or_else(|| "unknown".to_owned(), |(operation, _)| operation.id.to_owned());
        }
        if request.path.starts_with(STORE) { "store/log" } else { backend::route(request) }.to_owned()
    }

    fn repeat(&self, request: &Request) -> Repeat {
        let is_idempotent = match request.path.as_str() {
            graphql::PATH => !graphql::is_mutation(request),
            path if path.ends_with("/git-upload-pack") => true,
            _ => request.method != "POST",
        };
        if is_idempotent { Repeat::Idempotent } else { Repeat::NotIdempotent }
    }

    fn clock(&self) -> Timestamp {
        self.world().now()
    }

    async fn work(self: Arc<Self>, request: Request) -> Reply {
        if request.path.starts_with("/api/") || request.path.starts_with(STORE) {
            let api = tokio::task::spawn_blocking(move || answer(&self, &request));
            return api.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        }
        let admitted = backend::admit(&self.world(), &request);
        let user = match admitted {
            Ok(user) => user,
            Err(refusal) => return refusal,
        };
        let reply = backend::serve(&self.home, &request, &user).await;
        if backend::route(&request) == "git/receive-pack" {
            let seen = tokio::task::spawn_blocking(move || {
                let name = backend::repository(&request.path).unwrap_or_default();
                self.world().look_at_branches(name, &user);
            });
            seen.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        }
        reply
    }
}

const STORE: &str = "/_store/logs/";

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
    shared.desk.complain(wrong.into_iter().map(|wrong| format!("{what} {wrong}")));
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
