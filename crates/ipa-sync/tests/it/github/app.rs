//! As an app: it fetches a token for itself, and reports its checks as check runs.

use super::faults::drive;
use super::*;
use crate::forge::{Fault, When};
use ipa_events::task::CheckReport;
use ipa_sync::Probe;

/// A key that is used nowhere else.
pub(super) fn app() -> GitHubAuth {
    let key = SecretString::from(include_str!("../../fixtures/github/app.pem")).into();
    GitHubAuth::App { app: "77".to_owned(), installation: 7, key }
}

const MINT: &str = "apps/create-installation-access-token";

#[tokio::test]
async fn an_app_fetches_one_token_for_all_that_goes_on_at_once() {
    let world = World::with(app(), |_| {}).await;
    world.push("one\n");
    let number = world.open().await;
    let looks = (0..10).map(|_| world.observe(number, Look::Closely));
    for seen in futures::future::join_all(looks).await {
        assert!(matches!(seen, Ok(Observed::Pull(..))), "{seen:?}");
    }
    assert_eq!(world.forge.calls(MINT), 1);
}

#[tokio::test]
async fn an_app_reports_its_checks_as_runs_once_whatever_becomes_of_the_answer() {
    let world = World::with(app(), |_| {}).await;
    let head = world.push("one\n");
    let number = world.open().await;
    for (state, lost) in [
        (CheckReport::Pending, Fault::ResetAfter),
        (CheckReport::Failed, Fault::BadGatewayAfter),
        (CheckReport::None, Fault::CutJson),
    ] {
        let before = world.effects("checks/create");
        let change = Change::ReportCheck { commit: head.clone(), state, summary: "so it is".into() };
        let job = job_at(Some("o/r#1".parse().unwrap()), 20 + u32::try_from(before).unwrap(), change);
        assert_eq!(world.connector.probe(cx(), &job).await, Ok(Probe::NotThere));
        world.forge.fail("checks/create", When::Nth(1), lost);
        drive(&world.connector, &job).await;
        assert_eq!(world.effects("checks/create") - before, 1, "{state:?}");
    }
    assert_eq!(world.pull(number).await.ci, None, "our own checks are no news");
}

#[tokio::test]
async fn a_token_that_was_taken_from_an_app_is_fetched_anew_when_somebody_resumes() {
    let world = World::with(app(), |_| {}).await;
    world.push("one\n");
    let number = world.open().await;
    world.forge.revoke_minted();
    assert_eq!(world.observe(number, Look::Closely).await.unwrap_err().class, ErrorClass::Credential);
    world.gate.resume();
    assert!(world.observe(number, Look::Closely).await.is_ok());
    assert_eq!(world.forge.calls(MINT), 2);
}

#[tokio::test]
async fn a_key_that_is_none_is_refused_without_a_request_and_shown_nowhere() {
    for key in ["", "s3cret", "-----BEGIN RSA PRIVATE KEY-----\ns3cret\n-----END RSA PRIVATE KEY-----\n"] {
        let key = SecretString::from(key).into();
        let auth = GitHubAuth::App { app: "77".to_owned(), installation: 7, key };
        let shown = format!("{auth:?}");
        let world = World::with(auth, |_| {}).await;
        let error = world.observe(1, Look::Closely).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::Credential);
        assert!(!format!("{error} {error:?} {shown}").contains("s3cret"));
        assert_eq!(world.forge.requests().len(), 0);
    }
}
