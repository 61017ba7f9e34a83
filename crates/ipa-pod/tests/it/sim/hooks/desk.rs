//! A tracker in memory: tickets that people remark on, looks that take their time, sweeps that can be made silent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use ipa_events::task::{Category, Remark, Ticket};
use ipa_events::{ConnectorId, RemoteId, RepoSource};
use ipa_sync::{
    Applied, Checked, Connector, Cx, ErrorClass, Job, Look, Lost, Observed, Probe, Sweep, Swept, SyncError,
    Target, Undelivered,
};
use jiff::Timestamp;

/// Whether a sweep tells anything.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sweeps {
    /// All that changed since the last one.
    Telling,
    /// Nothing, so that only webhooks do.
    Silent,
}

#[derive(Clone)]
pub(super) struct Desk(ConnectorId, Sweeps, Arc<Mutex<Shelf>>);

#[derive(Default)]
struct Shelf {
    tickets: BTreeMap<RemoteId, Ticket>,
    /// What changed since the last sweep.
    moved: Vec<RemoteId>,
    looks: BTreeMap<RemoteId, usize>,
    sweeps: usize,
    /// What did not arrive, and from when on it was asked for.
    lost: Vec<u64>,
    asks: Vec<Option<Timestamp>>,
    /// What was sent again.
    again: Vec<u64>,
    refusal: Option<ErrorClass>,
    slow: Duration,
}

impl Desk {
    pub(super) fn new<const N: usize>(keys: [&str; N], sweeps: Sweeps) -> Self {
        let ticket = |key: &str| {
            let (title, status) = ("It is wrong".into(), "To do".into());
            let ticket = Ticket { title, status, category: Category::New, remarks: BTreeMap::new() };
            (key.parse().unwrap(), ticket)
        };
        let shelf = Shelf { tickets: keys.map(ticket).into(), ..Shelf::default() };
        Self("desk".parse().unwrap(), sweeps, Arc::new(Mutex::new(shelf)))
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.2.lock().unwrap()
    }

    /// Lets somebody say something about a ticket.
    pub(super) fn remark(&self, key: &str, name: &str) {
        let (id, at) = (name.parse().unwrap(), Timestamp::UNIX_EPOCH);
        let remark = Remark { by: "ann".into(), trusted: true, at, text: name.into() };
        let mut shelf = self.shelf();
        let key = key.parse().unwrap();
        shelf.tickets.get_mut(&key).unwrap().remarks.insert(id, remark);
        shelf.moved.push(key);
    }

    /// Lets the answer of each look take so long from when it was read.
    pub(super) fn slow(&self, slow: Duration) {
        self.shelf().slow = slow;
    }

    /// Counts the looks at a ticket.
    pub(super) fn looks(&self, key: &str) -> usize {
        self.shelf().looks.get(&key.parse().unwrap()).copied().unwrap_or_default()
    }

    /// Loses a webhook.
    pub(super) fn lose(&self, id: u64) {
        self.shelf().lost.push(id);
    }

    /// Refuses to send anything again, or not any more.
    pub(super) fn refuse(&self, refusal: Option<ErrorClass>) {
        self.shelf().refusal = refusal;
    }

    /// Lists from when on it was asked what did not arrive, each time that it was.
    pub(super) fn asks(&self) -> Vec<Option<Timestamp>> {
        self.shelf().asks.clone()
    }

    /// Lists what was sent again.
    pub(super) fn again(&self) -> Vec<u64> {
        self.shelf().again.clone()
    }

    pub(super) fn sweeps(&self) -> usize {
        self.shelf().sweeps
    }
}

impl Connector for Desk {
    fn id(&self) -> &ConnectorId {
        &self.0
    }

    fn hosts(&self, _repo: &RepoSource) -> bool {
        false
    }

    fn resume(&self) {}

    fn undelivered<'a>(
        &'a self,
        _cx: Cx<'a>,
        sweep: &'a Sweep,
    ) -> BoxFuture<'a, Result<Undelivered, SyncError>> {
        let mut shelf = self.shelf();
        shelf.asks.push(sweep.since);
        let lost = shelf.lost.iter().map(|id| Lost { hook: None, id: *id }).collect();
        ready(Ok(Undelivered { lost, unseen: vec!["one of them".to_owned()] })).boxed()
    }

    fn redeliver<'a>(&'a self, _cx: Cx<'a>, lost: &'a Lost) -> BoxFuture<'a, Result<(), SyncError>> {
        let mut shelf = self.shelf();
        if let Some(class) = shelf.refusal.clone() {
            return ready(Err(SyncError::new(class, "sending again", "not now"))).boxed();
        }
        shelf.lost.retain(|id| *id != lost.id);
        shelf.again.push(lost.id);
        ready(Ok(())).boxed()
    }

    fn check<'a>(&'a self, _cx: Cx<'a>) -> BoxFuture<'a, Result<Checked, SyncError>> {
        async { Ok(Checked::default()) }.boxed()
    }

    fn observe<'a>(
        &'a self,
        _cx: Cx<'a>,
        at: &'a Target,
        _look: Look,
    ) -> BoxFuture<'a, Result<Observed, SyncError>> {
        let key = at.link.as_ref().unwrap().remote.clone();
        let mut shelf = self.shelf();
        let (ticket, slow) = (shelf.tickets[&key].clone(), shelf.slow);
        *shelf.looks.entry(key).or_default() += 1;
        async move {
            tokio::time::sleep(slow).await;
            Ok(Observed::Ticket(Box::new(ticket)))
        }
        .boxed()
    }

    fn apply<'a>(&'a self, _cx: Cx<'a>, _job: &'a Job) -> BoxFuture<'a, Result<Applied, SyncError>> {
        let error = SyncError::new(ErrorClass::Rejected, "a change", "it is only looked at");
        ready(Err(error)).boxed()
    }

    fn probe<'a>(&'a self, _cx: Cx<'a>, _job: &'a Job) -> BoxFuture<'a, Result<Probe, SyncError>> {
        ready(Ok(Probe::NotThere)).boxed()
    }

    fn sweep<'a>(&'a self, cx: Cx<'a>, _sweep: &'a Sweep) -> BoxFuture<'a, Result<Swept, SyncError>> {
        let mut shelf = self.shelf();
        shelf.sweeps += 1;
        let moved = std::mem::take(&mut shelf.moved);
        let moved = if self.1 == Sweeps::Telling { moved } else { Vec::new() };
        ready(Ok(Swept { moved, until: Some(cx.now), ..Swept::default() })).boxed()
    }
}
