//! One rule at work: what has begun and what goes on under it. Pure; times are the gate's age.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::lanes::{Errand, Rule};

/// Whether a request may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ready {
    /// Not before.
    pub(super) at: Duration,
    /// Not before another one has ended, either.
    pub(super) full: bool,
}

/// A rule and what happened under it.
pub(super) struct Pace {
    rule: Rule,
    going: usize,
    /// When the latest ones began, as many as the rule looks back upon.
    began: VecDeque<Duration>,
    on_subject: BTreeMap<String, Duration>,
}

impl Pace {
    pub(super) fn new(rule: Rule) -> Self {
        Self { rule, going: 0, began: VecDeque::new(), on_subject: BTreeMap::new() }
    }

    /// Says when a request may begin, as far as this rule is concerned.
    pub(super) fn ready(&self, errand: &Errand) -> Ready {
        if !self.concerns(errand) {
            return Ready { at: Duration::ZERO, full: false };
        }
        let spaced = self.began.back().map(|last| last.saturating_add(self.rule.apart));
        let subject = errand.subject.as_ref().and_then(|subject| self.on_subject.get(subject));
        let subject = subject.map(|last| last.saturating_add(self.rule.apart_on_subject));
        let windows = self.rule.at_most.iter().filter_map(|(most, span)| self.window(*most, *span));
        let at = windows.chain(spaced).chain(subject).max().unwrap_or_default();
        Ready { at, full: self.going >= self.rule.parallel }
    }

    pub(super) fn begin(&mut self, errand: &Errand, now: Duration) {
        if !self.concerns(errand) {
            return;
        }
        self.going = self.going.saturating_add(1);
        self.began.push_back(now);
        let looks_back = self.rule.at_most.iter().map(|(most, _)| *most).max().unwrap_or_default().max(1);
        while self.began.len() > looks_back {
            self.began.pop_front();
        }
        if let Some(subject) = errand.subject.as_ref().filter(|_| !self.rule.apart_on_subject.is_zero()) {
            let apart = self.rule.apart_on_subject;
            self.on_subject.retain(|_, last| last.saturating_add(apart) > now);
            self.on_subject.insert(subject.clone(), now);
        }
    }

    pub(super) fn end(&mut self, errand: &Errand) {
        if self.concerns(errand) {
            self.going = self.going.saturating_sub(1);
        }
    }

    fn concerns(&self, errand: &Errand) -> bool {
        self.rule.lanes.contains(&errand.lane)
    }

    /// Returns when the window has room again: when the last but `most` began, plus its span.
    fn window(&self, most: usize, span: Duration) -> Option<Duration> {
        let first = self.began.len().checked_sub(most)?;
        self.began.get(first).map(|began| began.saturating_add(span))
    }
}
