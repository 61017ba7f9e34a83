//! What goes wrong, on which call of which route, as a test has planned it. Knows no sockets.

use std::collections::BTreeMap;

use serde_json::Value;

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
    /// An answer in place of the work.
    pub(crate) fn instead(status: u16, headers: &[(&str, &str)], body: &Value) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self::Instead(Canned { status, headers: headers.collect(), body: body.to_string() })
    }

    /// A page for people in place of the work, as a proxy or a site under maintenance gives it.
    pub(crate) fn page(status: u16, html: &str) -> Self {
        let headers = vec![("content-type".to_owned(), "text/html; charset=utf-8".to_owned())];
        Self::Instead(Canned { status, headers, body: html.to_owned() })
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
