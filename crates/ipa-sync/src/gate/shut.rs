//! Why a request is not let through now: pauses, the credential, scarce requests, the breaker. Pure; times are the
//! gate's age, requests go by their number.

use std::collections::BTreeMap;
use std::time::Duration;

use super::breaker::Breaker;
use super::health::Why;
use super::lanes::{Errand, Lane};
use super::limits::{Length, Limit, Quota, Scope};

/// A pause of which the answer does not say how long it is to be; it doubles each time, to [`LONGEST_UNSAID`].
const UNSAID: Duration = Duration::from_mins(1);
const LONGEST_UNSAID: Duration = Duration::from_mins(15);

/// A request that is not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Until then; none: until somebody sees to it.
    pub(super) until: Option<Duration>,
    pub(super) why: Why,
}

/// What a pause is on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum On {
    Credential,
    Search,
    Endpoint(String),
    Subject(String),
}

/// A pause, kept after its end until a request went well, so that the next one can be longer.
struct Pause {
    until: Duration,
    /// How often it was begun without being told for how long.
    unsaid: u32,
    /// The latest request that had begun when it was set.
    seen: u64,
}

/// Everything that shuts the gate.
pub(super) struct Shut {
    pauses: BTreeMap<On, Pause>,
    refused: bool,
    /// The latest request that had begun when the credential was last seen to.
    resumed: u64,
    quota: Option<(Quota, Duration)>,
    breaker: Breaker,
    /// The latest request that has begun.
    latest: u64,
}

impl Shut {
    pub(super) fn new() -> Self {
        Self {
            pauses: BTreeMap::new(),
            refused: false,
            resumed: 0,
            quota: None,
            breaker: Breaker::closed(),
            latest: 0,
        }
    }

    /// Says why a request may not go now.
    pub(super) fn refusal(&self, errand: &Errand, now: Duration) -> Option<Refusal> {
        self.all(now).or_else(|| self.part(errand, now)).or_else(|| self.scarce(errand, now))
    }

    /// Says why no request may go now, whatever it is.
    pub(super) fn all(&self, now: Duration) -> Option<Refusal> {
        if self.refused {
            return Some(Refusal { until: None, why: Why::CredentialRefused });
        }
        let down =
            self.breaker.shut_until(now).map(|until| Refusal { until: Some(until), why: Why::HostDown });
        down.into_iter().chain(self.paused(&On::Credential, now)).max_by_key(|refusal| refusal.until)
    }

    /// Says whether one more request has to wait for one of those that are going.
    pub(super) fn holds(&self, going: usize, now: Duration) -> bool {
        self.breaker.holds(going, now)
    }

    pub(super) fn begin(&mut self, request: u64, now: Duration) {
        self.latest = request;
        self.breaker.begin(request, now);
    }

    pub(super) fn left(&mut self, request: u64, now: Duration) {
        self.breaker.left(request, now);
    }

    pub(super) fn failed(&mut self, request: u64, now: Duration) {
        self.breaker.failed(request, now);
    }

    pub(super) fn answered(&mut self, request: u64) {
        self.breaker.answered(request);
    }

    pub(super) fn learn(&mut self, request: u64, errand: &Errand, limit: &Limit, now: Duration) {
        match limit {
            Limit::Pause { scope, length } => self.pause(request, scoped(*scope, errand), *length, now),
            // A request with the former secret says nothing of the new one.
            Limit::Credential => self.refused |= request > self.resumed,
            Limit::None => self.went_well(request, errand, now),
            Limit::Permission { .. } => {}
        }
    }

    pub(super) fn count(&mut self, quota: Quota, now: Duration) {
        self.quota = Some((quota, now.saturating_add(quota.resets_in)));
    }

    pub(super) fn resume(&mut self) {
        self.refused = false;
        self.resumed = self.latest;
    }

    /// Returns how many requests are left, and until when that holds.
    pub(super) fn quota(&self, now: Duration) -> Option<(Quota, Duration)> {
        self.quota.filter(|(_, until)| now < *until)
    }

    /// Says why this request may not go while others may. Asked for all who wait, and seldom is there a pause.
    fn part(&self, errand: &Errand, now: Duration) -> Option<Refusal> {
        if self.pauses.is_empty() {
            return None;
        }
        let pauses = on(errand).into_iter().filter_map(|on| self.paused(&on, now));
        pauses.max_by_key(|refusal| refusal.until)
    }

    fn paused(&self, on: &On, now: Duration) -> Option<Refusal> {
        let pause = self.pauses.get(on).filter(|pause| now < pause.until)?;
        Some(Refusal { until: Some(pause.until), why: Why::Limited })
    }

    /// Polls are done without when less than a tenth is left.
    fn scarce(&self, errand: &Errand, now: Duration) -> Option<Refusal> {
        let (quota, until) = self.quota(now).filter(|_| errand.lane == Lane::Poll)?;
        let scarce = quota.remaining.saturating_mul(10) < quota.limit;
        scarce.then_some(Refusal { until: Some(until), why: Why::Scarce })
    }

    fn pause(&mut self, request: u64, on: On, length: Length, now: Duration) {
        self.pauses.retain(|_, pause| now < pause.until.saturating_add(LONGEST_UNSAID));
        let latest = self.latest;
        let pause = self.pauses.entry(on).or_insert(Pause { until: Duration::ZERO, unsaid: 0, seen: 0 });
        let length = match length {
            Length::For(length) => length,
            Length::Unsaid => {
                // Those that were under way together are told together, and that is one time.
                pause.unsaid += u32::from(pause.unsaid == 0 || request > pause.seen);
                let doubled = 1_u32.checked_shl(pause.unsaid.saturating_sub(1)).unwrap_or(u32::MAX);
                UNSAID.saturating_mul(doubled).min(LONGEST_UNSAID)
            }
        };
        pause.until = pause.until.max(now.saturating_add(length));
        pause.seen = latest;
    }

    fn went_well(&mut self, request: u64, errand: &Errand, now: Duration) {
        for on in on(errand) {
            if self.pauses.get(&on).is_some_and(|pause| request > pause.seen && pause.until <= now) {
                self.pauses.remove(&on);
            }
        }
    }
}

/// Lists what a pause may be on for it to hold this request up.
fn on(errand: &Errand) -> Vec<On> {
    let subject = errand.subject.clone().map(On::Subject);
    let search = (errand.lane == Lane::Search).then_some(On::Search);
    [On::Credential, On::Endpoint(errand.endpoint.clone())].into_iter().chain(subject).chain(search).collect()
}

fn scoped(scope: Scope, errand: &Errand) -> On {
    match scope {
        Scope::Credential => On::Credential,
        Scope::Search => On::Search,
        Scope::Endpoint => On::Endpoint(errand.endpoint.clone()),
        Scope::Subject => errand.subject.clone().map_or(On::Credential, On::Subject),
    }
}

#[cfg(test)]
mod tests;
