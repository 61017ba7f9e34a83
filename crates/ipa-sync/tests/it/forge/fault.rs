//! What goes wrong, on which call of which route, as a test has planned it. Knows no sockets.

use std::collections::BTreeMap;

use serde_json::json;

/// One mishap. Those before the work leave the world as it is; those after have changed it all the same.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fault {
    /// Another answer, and nothing is done.
    Instead(Canned),
    /// The connection is reset, and nothing is done.
    ResetBefore,
    /// Nothing is done and nothing answered until the test says so.
    Held,
    /// Done, and answered with half of the body in a whole message.
    CutJson,
    /// Done; half of the body arrives, then the connection ends.
    CutBody,
    /// Done, and answered 502.
    BadGatewayAfter,
    /// Done, and never answered.
    SilenceAfter,
    /// Done, then the connection is reset.
    ResetAfter,
}

/// An answer that has nothing to do with the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Canned {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// On which call from now a fault happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    Nth(u64),
    Always,
}

#[derive(Debug, Default)]
pub(crate) struct Faults {
    calls: BTreeMap<String, u64>,
    planned: Vec<Planned>,
}

#[derive(Debug)]
struct Planned {
    route: String,
    /// The number of the call; none: each.
    call: Option<u64>,
    fault: Fault,
}

impl Fault {
    pub(crate) fn status(status: u16, message: &str, headers: &[(&str, &str)]) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let body = json!({ "message": message, "status": status.to_string() }).to_string();
        Self::Instead(Canned { status, headers: headers.collect(), body })
    }

    pub(crate) fn unauthorized() -> Self {
        Self::status(401, "Bad credentials", &[])
    }

    /// GitHub's second limit, with or without a word on how long.
    pub(crate) fn secondary_limit(retry_after: Option<&str>) -> Self {
        let message =
            "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
        let header = retry_after.map(|after| ("retry-after", after));
        Self::status(403, message, header.as_slice())
    }

    pub(crate) fn too_many(retry_after: &str) -> Self {
        Self::status(429, "Too many requests", &[("retry-after", retry_after)])
    }

    pub(crate) fn not_found() -> Self {
        Self::status(404, "Not Found", &[])
    }

    pub(crate) fn server_error() -> Self {
        Self::status(500, "Server Error", &[])
    }
}

impl Faults {
    pub(crate) fn plan(&mut self, route: &str, when: When, fault: Fault) {
        let so_far = self.calls(route);
        let call = match when {
            When::Nth(nth) => Some(so_far + nth),
            When::Always => None,
        };
        self.planned.push(Planned { route: route.to_owned(), call, fault });
    }

    /// Forgets what is planned.
    pub(crate) fn mend(&mut self) {
        self.planned.clear();
    }

    /// Counts a call and tells what goes wrong with it.
    pub(crate) fn on_call(&mut self, route: &str) -> Option<Fault> {
        let calls = self.calls.entry(route.to_owned()).or_default();
        *calls += 1;
        let hit = self
            .planned
            .iter()
            .find(|plan| plan.route == route && plan.call.is_none_or(|call| call == *calls));
        hit.map(|plan| plan.fault.clone())
    }

    pub(crate) fn calls(&self, route: &str) -> u64 {
        self.calls.get(route).copied().unwrap_or_default()
    }

    /// The faults that never happened.
    pub(crate) fn unmet(&self) -> Vec<String> {
        let waiting = |plan: &&Planned| plan.call.is_some_and(|call| call > self.calls(&plan.route));
        self.planned.iter().filter(waiting).map(|plan| format!("{}: {:?}", plan.route, plan.fault)).collect()
    }
}
