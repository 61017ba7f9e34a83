//! The seam to the outside: what every forge and every tracker can do.
//!
//! A connector reads and changes, and nothing else. What is to be changed, what a difference means, when to try again
//! and who must agree is decided by the pure parts of this crate, once for all connectors.

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use ipa_events::task::{Link, Op, Pull, Ticket};
use ipa_events::{ConnectorId, RemoteId, RepoSource, Resource, TaskId};
use jiff::{SignedDuration, Timestamp};

use crate::error::SyncError;
use crate::port::GitPort;

/// Leads to one forge, or one tracker, or both in one.
///
/// None of its functions tries anything twice: a retry is a state of the operation, and comes after a look.
pub trait Connector: Send + Sync {
    /// Returns its name.
    fn id(&self) -> &ConnectorId;

    /// Tells whether a repository is one of its forge's.
    fn hosts(&self, repo: &RepoSource) -> bool;

    /// A person has seen to the credential: it is read anew, and asked with again if it was refused.
    fn resume(&self);

    /// Reads a thing as it is.
    fn observe<'a>(
        &'a self,
        cx: Cx<'a>,
        at: &'a Target,
        look: Look,
    ) -> BoxFuture<'a, Result<Observed, SyncError>>;

    /// Makes a change.
    fn apply<'a>(&'a self, cx: Cx<'a>, job: &'a Job) -> BoxFuture<'a, Result<Applied, SyncError>>;

    /// Finds out whether a change was made whose answer did not come.
    fn probe<'a>(&'a self, cx: Cx<'a>, job: &'a Job) -> BoxFuture<'a, Result<Probe, SyncError>>;

    /// Lists what moved since the last sweep, and the tickets that want a task.
    fn sweep<'a>(&'a self, cx: Cx<'a>, sweep: &'a Sweep) -> BoxFuture<'a, Result<Swept, SyncError>>;

    /// Lists the webhooks that the other side could not deliver since a time and sends no more by itself. A connector
    /// whose other side does has none.
    fn undelivered<'a>(
        &'a self,
        _cx: Cx<'a>,
        _sweep: &'a Sweep,
    ) -> BoxFuture<'a, Result<Undelivered, SyncError>> {
        ready(Ok(Undelivered::default())).boxed()
    }

    /// Has one of them sent again. Twice does no harm: it has its old name.
    fn redeliver<'a>(&'a self, _cx: Cx<'a>, _lost: &'a Lost) -> BoxFuture<'a, Result<(), SyncError>> {
        ready(Ok(())).boxed()
    }

    /// Finds out whether it works: whether the other side answers, takes the credential and allows what will be needed.
    /// Changes nothing, there or here. An error says that it does not work, and what a person can do.
    fn check<'a>(&'a self, cx: Cx<'a>) -> BoxFuture<'a, Result<Checked, SyncError>>;
}

/// What a connector that answers found out about itself. Every text is one line for a person, without secrets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// As whom the other side knows us, if it knows anybody.
    pub account: Option<String>,
    /// What is good to know: where it leads, the kind of credential, what is left of its limits, when a hook last came.
    pub notes: Vec<String>,
    /// What it may not or cannot do and will need to, each with what mends it.
    pub missing: Vec<String>,
    /// The other side's clock less ours, if it told the time.
    pub clock: Option<SignedDuration>,
}

/// What a connector may use.
#[derive(Clone, Copy)]
pub struct Cx<'a> {
    /// Git.
    pub git: &'a dyn GitPort,
    /// The time.
    pub now: Timestamp,
}

/// How closely a thing is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// As little as shows whether it changed, and what a connector has read lately stands for the rest.
    Glance,
    /// All of it: something is known to have changed, or a person wants to know.
    Closely,
}

/// What a sweep is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sweep {
    /// Where the last one ended; none: all that may have moved while nobody looked is wanted.
    pub since: Option<Timestamp>,
    /// The things that tasks wait for.
    pub linked: Vec<RemoteId>,
}

/// A thing outside, with all that leads to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The task that it belongs to.
    pub task: TaskId,
    /// The task's repository.
    pub repo: RepoSource,
    /// What is meant.
    pub resource: Resource,
    /// How the other side knows it, once it does.
    pub link: Option<Link>,
}

/// A change to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// What it changes.
    pub target: Target,
    /// The operation.
    pub op: Op,
    /// What an earlier operation of the same kind made there: the comment to be edited.
    pub earlier: Option<RemoteId>,
}

impl Job {
    /// Returns the mark that what this change makes is known by: the same for every attempt, and for no other change.
    pub fn marker(&self) -> String {
        format!("{}.o{}", self.target.task, self.op.id.number)
    }
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observed {
    /// A pull request, with what the other side calls it.
    Pull(Link, Box<Pull>),
    /// A ticket.
    Ticket(Box<Ticket>),
    /// There is no such thing yet.
    Absent,
    /// It was there, and is not any more.
    Gone,
}

/// A change that was made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied {
    /// What it made, or changed.
    pub remote: Option<RemoteId>,
    /// Where a person finds it.
    pub url: Option<String>,
    /// The id under which the other side knows the request.
    pub request_id: Option<String>,
}

/// What became of a change whose answer did not come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// It was made.
    There(Applied),
    /// It was not, as far as can be seen.
    NotThere,
}

/// What moved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Swept {
    /// Things that may be other than they were.
    pub moved: Vec<RemoteId>,
    /// Things of which nobody says that they moved, and that are to be looked at all the same.
    pub due: Vec<RemoteId>,
    /// Tickets that want a task.
    pub wanted: Vec<NewTicket>,
    /// Up to when this says everything; the next sweep begins there.
    pub until: Option<Timestamp>,
}

/// Webhooks that did not reach us.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Undelivered {
    /// Those that can be sent again, in the order in which they were sent; of many the last ones.
    pub lost: Vec<Lost>,
    /// Where we may not ask, each a line for a person with what mends it.
    pub unseen: Vec<String>,
}

/// A webhook that did not reach us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Which of the other side's webhooks it was sent for; none: the one that belongs to our account.
    pub hook: Option<RemoteId>,
    /// The other side's number for the attempt.
    pub id: u64,
}

/// A ticket that wants a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTicket {
    /// What the other side calls it.
    pub link: Link,
    /// Its title.
    pub title: String,
    /// What is asked for, Markdown, without what was hidden in it.
    pub text: String,
    /// Who asks.
    pub by: String,
    /// Whether that one's words may reach an agent unasked.
    pub trusted: bool,
    /// The repository to work on, if it says so.
    pub repo: Option<RepoSource>,
}
