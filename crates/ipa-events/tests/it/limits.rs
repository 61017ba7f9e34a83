//! What holds a task: the usage limits of its agents.

use ipa_events::task::{FinishedRun, Waits};
use ipa_events::{FailureClass, Outcome, Retry, Role, TaskCommand};
use jiff::SignedDuration;

use crate::support::story::Story;

fn failed(finished: &mut FinishedRun) {
    let (class, detail) = (FailureClass::Crashed, "it died".to_owned());
    finished.outcome = Outcome::Failed { class, detail, retry: Retry::Backoff };
}

#[test]
fn a_limit_that_ends_at_a_time_uses_up_no_attempt() {
    let mut story = Story::in_development(|_| ());
    let until = story.now + SignedDuration::from_hours(3);
    for _ in 0..5 {
        story.finish(Role::Develop, |finished| {
            let (class, detail) = (FailureClass::RateLimited, "usage limit".to_owned());
            finished.outcome = Outcome::Failed { class, detail, retry: Retry::At(until) };
        });
        let held = Waits::UsageLimit { agent: "scripted".parse().unwrap(), until };
        assert_eq!((story.state.failures, story.state.waits()), (0, held));
    }
}

#[test]
fn a_limit_of_unknown_length_holds_for_longer_and_longer_until_a_person_says_retry() {
    let mut story = Story::in_development(|_| ());
    let limited = |finished: &mut FinishedRun| {
        let (class, detail) = (FailureClass::RateLimited, "usage limit".to_owned());
        finished.outcome = Outcome::Failed { class, detail, retry: Retry::Hold };
    };
    for minutes in [5, 10, 20, 40, 60, 60] {
        story.finish(Role::Develop, limited);
        let until = story.now + SignedDuration::from_mins(minutes);
        let held = Waits::UsageLimit { agent: "scripted".parse().unwrap(), until };
        assert_eq!((story.state.failures, story.state.waits()), (0, held));
        story.later(60 * minutes);
    }
    // What was held is resumed, as the same attempt, as soon as a person wants it.
    story.finish(Role::Develop, limited);
    story.ann(TaskCommand::Retry).unwrap();
    assert_eq!(story.state.waits(), Waits::Until(story.now));
    assert_eq!(story.state.retry.as_ref().unwrap().attempt, 1);
    assert!(story.state.resumable(Role::Develop, &"scripted".parse().unwrap()).is_some());
    // What gets on ends the row.
    story.finish(Role::Develop, failed);
    story.finish(Role::Develop, limited);
    assert_eq!(story.state.retry.as_ref().unwrap().at, story.now + SignedDuration::from_mins(5));
    assert_eq!(story.state.failures, 1);
}

#[test]
fn a_limit_that_is_over_already_is_no_loop() {
    let mut story = Story::in_development(|_| ());
    let now = story.now;
    story.finish(Role::Develop, |finished| {
        let (class, detail) = (FailureClass::AgentError, "usage limit".to_owned());
        finished.outcome = Outcome::Failed { class, detail, retry: Retry::At(now) };
    });
    assert_eq!(story.state.waits(), Waits::Until(now + SignedDuration::from_mins(5)));
}
