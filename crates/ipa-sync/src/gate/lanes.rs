//! Which requests there are, and how many of each kind may go at once: plain values, no state.

use std::time::Duration;

use ipa_events::TaskId;

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// A read that somebody or something needs.
    Read,
    /// A read that only looks whether something changed; it is done without when requests become scarce.
    Poll,
    /// A change that tells nobody.
    Write,
    /// A change that people are told of: a comment, a review, a pull request.
    Notify,
    /// A search.
    Search,
}

/// For whom a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// A person who waits for it; goes before all others.
    Person,
    /// A task. Tasks take turns.
    Task(TaskId),
    /// The sweeper of a connector, which takes turns with the tasks.
    Sweeper,
}

/// A request that wants to be let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errand {
    /// Its kind.
    pub lane: Lane,
    /// For whom it is.
    pub who: Who,
    /// Its method and endpoint, such as `GET issue/{k}`: some limits are on that.
    pub endpoint: String,
    /// The issue it concerns, if one: some limits are on that.
    pub subject: Option<String>,
}

impl Errand {
    /// Names a request that concerns no one issue.
    pub fn new(lane: Lane, who: Who, endpoint: impl Into<String>) -> Self {
        Self { lane, who, endpoint: endpoint.into(), subject: None }
    }
}

/// What holds for the requests of some lanes, taken together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The lanes.
    pub lanes: Vec<Lane>,
    /// So many go at once.
    pub parallel: usize,
    /// So much time lies between the beginnings of two.
    pub apart: Duration,
    /// So much time lies between the beginnings of two that concern the same issue.
    pub apart_on_subject: Duration,
    /// So many begin within a time.
    pub at_most: Vec<(usize, Duration)>,
}

impl Rule {
    fn on(lanes: &[Lane]) -> Self {
        let none = Duration::ZERO;
        let lanes = lanes.to_vec();
        Self { lanes, parallel: usize::MAX, apart: none, apart_on_subject: none, at_most: Vec::new() }
    }
}

/// The rules of a host: a request goes when each rule on its lane lets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The rules.
    pub rules: Vec<Rule>,
    /// Who would have to wait longer for a rule is told when to come back instead: 10 s.
    pub patience: Duration,
    /// So many wait at most: 1,000.
    pub waiting: usize,
}

impl Rules {
    /// Returns the rules for GitHub: what it documents as its secondary limits, less a margin.
    ///
    /// Seven reads and one change make eight requests at once, and four probes with them twelve in the first ten
    /// minutes of a host that is down.
    pub fn github() -> Self {
        let (second, minute, hour) =
            (Duration::from_secs(1), Duration::from_mins(1), Duration::from_hours(1));
        Self::of(vec![
            Rule { parallel: 7, ..Rule::on(&[Lane::Read, Lane::Poll, Lane::Search]) },
            Rule { apart: 2 * second, ..Rule::on(&[Lane::Search]) },
            Rule { parallel: 1, apart: second, ..Rule::on(&[Lane::Write, Lane::Notify]) },
            Rule { apart: 3 * second, at_most: vec![(70, minute), (450, hour)], ..Rule::on(&[Lane::Notify]) },
        ])
    }

    /// Returns the rules for Jira.
    pub fn jira() -> Self {
        let all = [Lane::Read, Lane::Poll, Lane::Write, Lane::Notify, Lane::Search];
        let apart_on_subject = Duration::from_millis(250);
        Self::of(vec![
            Rule { parallel: 5, ..Rule::on(&all) },
            Rule { apart_on_subject, ..Rule::on(&[Lane::Write, Lane::Notify]) },
        ])
    }

    fn of(rules: Vec<Rule>) -> Self {
        Self { rules, patience: Duration::from_secs(10), waiting: 1000 }
    }
}
