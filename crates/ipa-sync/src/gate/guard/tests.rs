//! Each outcome of a request has its class.

use super::*;
use crate::gate::tests::{World, call};
use crate::gate::{Lane, Who};
use crate::wire::{FakeWire, Reaction};

async fn outcome(reaction: Reaction, effect: Effect) -> Result<Answer, SyncError> {
    let (world, wire) = (World::github(), FakeWire::script([reaction]));
    let call = Call { effect, expected: vec![418], ..call(Lane::Write, Who::Person) };
    let outcome = guarded(&world.gate, &wire, call).await;
    assert_eq!(wire.sent().len(), 1);
    outcome
}

async fn class_of(reaction: Reaction, effect: Effect) -> Option<ErrorClass> {
    outcome(reaction, effect).await.err().map(|error| error.class)
}

#[tokio::test(start_paused = true)]
async fn each_status_has_its_class_and_what_may_have_been_done_once_is_indeterminate() {
    use ErrorClass::{
        Conflict, Credential, Gone, Indeterminate, Permission, Rejected, Transient, Unexpected,
    };
    for (status, idempotent, once) in [
        (200, None, None),
        (204, None, None),
        (304, None, None),
        (418, None, None),
        (301, Some(Unexpected), Some(Unexpected)),
        (400, Some(Rejected), Some(Rejected)),
        (401, Some(Credential), Some(Credential)),
        (403, Some(Permission), Some(Permission)),
        (404, Some(Gone), Some(Gone)),
        (405, Some(Rejected), Some(Rejected)),
        (408, Some(Transient), Some(Indeterminate)),
        (409, Some(Conflict), Some(Conflict)),
        (410, Some(Gone), Some(Gone)),
        (412, Some(Conflict), Some(Conflict)),
        (422, Some(Rejected), Some(Rejected)),
        (425, Some(Transient), Some(Transient)),
        (500, Some(Transient), Some(Indeterminate)),
        (502, Some(Transient), Some(Indeterminate)),
        (503, Some(Transient), Some(Indeterminate)),
        (504, Some(Transient), Some(Indeterminate)),
    ] {
        assert_eq!(class_of(Reaction::status(status), Effect::Idempotent).await, idempotent, "{status}");
        assert_eq!(class_of(Reaction::status(status), Effect::Once).await, once, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_jira_answers_to_nobody_in_particular_is_no_answer() {
    for (status, reason, says) in [
        (200, "AUTHENTICATED_FAILED", "revoked"),
        (418, "AUTHENTICATED_FAILED", "revoked"),
        (404, "AUTHENTICATED_FAILED", "revoked"),
        (403, "AUTHENTICATION_DENIED", "CAPTCHA"),
    ] {
        let reaction = Reaction::status(status).header("x-seraph-loginreason", reason);
        let error = outcome(reaction, Effect::Idempotent).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::Credential, "{status} {reason}");
        assert!(error.detail.contains(says), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_not_sent_may_be_tried_again_and_what_may_have_arrived_is_looked_into() {
    for effect in [Effect::Idempotent, Effect::Once] {
        assert_eq!(class_of(Reaction::down(), effect).await, Some(ErrorClass::Transient));
    }
    let too_long = || Err(WireError::TooLong { host: "h".to_owned(), status: 200, limit: 1 }).into();
    assert_eq!(class_of(Reaction::lost(), Effect::Idempotent).await, Some(ErrorClass::Transient));
    assert_eq!(class_of(Reaction::lost(), Effect::Once).await, Some(ErrorClass::Indeterminate));
    assert_eq!(class_of(too_long(), Effect::Idempotent).await, Some(ErrorClass::Unexpected));
    assert_eq!(class_of(too_long(), Effect::Once).await, Some(ErrorClass::Indeterminate));
}

#[tokio::test(start_paused = true)]
async fn a_limit_says_until_when() {
    let until = |seconds| Some(ErrorClass::RateLimited { until: Timestamp::from_second(seconds).unwrap() });
    let limited = |status| Reaction::status(status).header("retry-after", "30");
    for status in [403, 429] {
        assert_eq!(class_of(limited(status), Effect::Once).await, until(30));
        let secondary = Reaction::status(status).body("You have exceeded a secondary rate limit");
        assert_eq!(class_of(secondary, Effect::Once).await, until(60));
    }
    assert_eq!(class_of(limited(503), Effect::Idempotent).await, until(30));
    assert_eq!(class_of(limited(503), Effect::Once).await, Some(ErrorClass::Indeterminate));
}

#[tokio::test(start_paused = true)]
async fn an_error_says_what_the_other_side_said_on_one_line_and_under_which_id() {
    for (body, said) in [
        (
            r#"{"message":"Validation Failed","errors":[{"code":"invalid"},{"message":"No commits\nbetween"}]}"#,
            "422 Unprocessable Entity: Validation Failed: invalid: No commits between",
        ),
        (
            r#"{"errorMessages":["It does not exist"],"errors":{"summary":"is required"}}"#,
            "422 Unprocessable Entity: It does not exist: summary: is required",
        ),
        ("<html>", "422 Unprocessable Entity"),
        (r#"{"message":7,"errors":[null,3]}"#, "422 Unprocessable Entity"),
    ] {
        let reaction = Reaction::status(422).body(body).header("x-github-request-id", "A1");
        let error = outcome(reaction, Effect::Once).await.unwrap_err();
        assert_eq!((error.detail.as_str(), error.status), (said, Some(422)));
        assert_eq!(error.request_id.as_deref(), Some("A1"));
        assert_eq!(error.to_string(), format!("changing it: {said}"));
    }
    let rights = Reaction::status(403).header("X-Accepted-GitHub-Permissions", "contents=write");
    let error = outcome(rights, Effect::Once).await.unwrap_err();
    assert_eq!(error.detail, "403 Forbidden: needs contents=write");
}
