//! Pauses of which nobody said how long they are to be, and those that are on one thing only.

use super::*;
use crate::gate::lanes::Who;

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn errand(endpoint: &str, issue: &str) -> Errand {
    Errand { subject: Some(issue.to_owned()), ..Errand::new(Lane::Write, Who::Sweeper, endpoint) }
}

fn pause(scope: Scope) -> Limit {
    Limit::Pause { scope, length: Length::Unsaid }
}

fn until(shut: &Shut, errand: &Errand, now: Duration) -> Option<Duration> {
    shut.refusal(errand, now).and_then(|refusal| refusal.until)
}

#[test]
fn a_pause_of_unsaid_length_is_a_minute_and_doubles_to_fifteen_until_a_request_goes_well() {
    let (mut shut, errand, mut now) = (Shut::new(), errand("PUT issue", "K-1"), s(0));
    for (request, minutes) in (1..).zip([1, 2, 4, 8, 15, 15]) {
        shut.begin(request, now);
        shut.learn(request, &errand, &pause(Scope::Credential), now);
        assert_eq!(until(&shut, &errand, now), Some(now + s(60 * minutes)));
        now += s(60 * minutes);
        assert_eq!(until(&shut, &errand, now), None);
    }
    shut.begin(10, now);
    shut.learn(10, &errand, &Limit::None, now);
    shut.begin(11, now);
    shut.learn(11, &errand, &pause(Scope::Credential), now);
    assert_eq!(until(&shut, &errand, now), Some(now + s(60)));
}

#[test]
fn requests_that_were_under_way_together_lengthen_a_pause_once_and_end_none() {
    let (mut shut, errand) = (Shut::new(), errand("PUT issue", "K-1"));
    (1..=8).for_each(|request| shut.begin(request, s(0)));
    (1..=7).for_each(|request| shut.learn(request, &errand, &pause(Scope::Credential), s(1)));
    assert_eq!(until(&shut, &errand, s(1)), Some(s(61)));
    shut.learn(8, &errand, &Limit::None, s(2));
    assert_eq!(until(&shut, &errand, s(2)), Some(s(61)));
}

#[test]
fn a_pause_on_one_endpoint_or_one_issue_leaves_the_others_alone() {
    let mut shut = Shut::new();
    let (one, other) = (errand("PUT issue", "K-1"), errand("POST comment", "K-2"));
    let (same_endpoint, same_issue) = (errand("PUT issue", "K-3"), errand("GET issue", "K-1"));
    shut.learn(1, &one, &pause(Scope::Endpoint), s(0));
    assert!(until(&shut, &same_endpoint, s(0)).is_some());
    assert_eq!(until(&shut, &same_issue, s(0)), None);
    shut.learn(2, &other, &pause(Scope::Subject), s(0));
    assert!(until(&shut, &errand("GET issue", "K-2"), s(0)).is_some());
    assert_eq!(until(&shut, &errand("POST comment", "K-4"), s(0)), None);
    assert_eq!(shut.all(s(0)), None);
}

#[test]
fn a_refused_credential_is_closed_until_resumed_and_a_late_refusal_of_the_former_one_is_none() {
    let (mut shut, errand) = (Shut::new(), errand("PUT issue", "K-1"));
    shut.begin(1, s(0));
    shut.begin(2, s(0));
    shut.learn(1, &errand, &Limit::Credential, s(1));
    let refusal = Refusal { until: None, why: Why::CredentialRefused };
    assert_eq!(shut.refusal(&errand, s(100_000)), Some(refusal));
    shut.resume();
    assert_eq!(shut.refusal(&errand, s(2)), None);
    shut.learn(2, &errand, &Limit::Credential, s(3));
    assert_eq!(shut.refusal(&errand, s(3)), None);
    shut.begin(3, s(4));
    shut.learn(3, &errand, &Limit::Credential, s(4));
    assert_eq!(shut.refusal(&errand, s(4)), Some(refusal));
}
