//! From a request to the site and back.

use std::sync::{Arc, Mutex, MutexGuard};

use jiff::Timestamp;

use super::site::Site;
use super::{rest, routes, schema};
use crate::peer::{Desk, Peer, Repeat, Reply, Request, Schemas, locked};

/// All that requests, people and tests share.
pub(crate) struct Shared {
    site: Mutex<Site>,
    pub(crate) desk: Desk,
    schemas: Schemas,
}

impl Shared {
    pub(crate) fn new(site: Site) -> Self {
        let schemas = schema::load(site.flavour);
        Self { site: Mutex::new(site), desk: Desk::default(), schemas }
    }

    pub(crate) fn site(&self) -> MutexGuard<'_, Site> {
        locked(&self.site)
    }
}

impl Peer for Shared {
    fn desk(&self) -> &Desk {
        &self.desk
    }

    fn route(&self, request: &Request) -> String {
        let found = routes::find(self.site().flavour, &request.method, &request.path);
        found.map_or_else(|| "unknown".to_owned(), |(operation, _)| operation.id.to_owned())
    }

    fn repeat(&self, request: &Request) -> Repeat {
        let route = self.route(request);
        let only_reads = route.starts_with("search") || route == "bulkFetchIssues";
        // A link has a global id, so putting it again changes nothing.
        let is_put = route == "createOrUpdateRemoteIssueLink" || request.method == "PUT";
        if request.method == "GET" || only_reads || is_put {
            Repeat::Idempotent
        } else {
            Repeat::NotIdempotent
        }
    }

    fn clock(&self) -> Timestamp {
        self.site().now()
    }

    async fn work(self: Arc<Self>, request: Request) -> Reply {
        let mut site = self.site();
        let rest::Exchange { reply, mut wrong } = rest::exchange(&mut site, &self.schemas, &request);
        let request_id = format!("f0f0{:08x}", site.next_id());
        drop(site);
        if request.count("user-agent") > 1 {
            wrong.push("more than one user-agent".to_owned());
        }
        let what = format!("{} {}?{}", request.method, request.path, request.query);
        self.desk.complain(wrong.into_iter().map(|wrong| format!("{what} {wrong}")));
        reply.with("atl-request-id", &request_id).with("x-arequestid", &request_id)
    }
}
