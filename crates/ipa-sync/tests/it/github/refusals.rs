//! What GitHub refuses, and what that means for the next try.

use ipa_events::task::MergeMethod;
use ipa_sync::gate::Why;

use super::*;
use crate::forge::{Fault, When};

#[tokio::test]
async fn each_refusal_has_its_class_and_github_s_own_words() {
    use ErrorClass::{Conflict, Gone, Permission, Rejected};
    let world = World::new().await;
    let head = world.push("one\n");
    let number = world.open().await;
    let other: Oid = "9".repeat(40).parse().unwrap();
    let merge = |commit: &Oid| Change::Merge { commit: commit.clone(), method: MergeMethod::Squash };
    let nobody = Change::RequestReviewers { names: vec!["zed".into()] };
    let thread: RemoteId = "4711".parse().unwrap();
    let reply =
        |thread: &RemoteId| Change::Reply { thread: thread.clone(), to: thread.clone(), text: "x".into() };
    for (change, class, words) in [
        (merge(&head), Conflict, "still a draft"),
        (nobody, Rejected, "not a collaborator"),
        (reply(&thread), Gone, "Not Found"),
        (reply(&"review-1".parse().unwrap()), Rejected, "no thread"),
    ] {
        let (got, detail) = error_of(world.apply(&job(number, change)).await);
        assert_eq!(got, class, "{detail}");
        assert!(detail.contains(words), "{detail}");
    }
    world.make(number, Change::SetDraft { draft: false }).await;
    let (class, detail) = error_of(world.apply(&job(number, merge(&other))).await);
    assert_eq!(class, Conflict, "{detail}");
    world.forge.person("ann").close(number);
    let (class, detail) = error_of(world.apply(&job(number, Change::SetDraft { draft: true })).await);
    assert_eq!(class, Conflict, "{detail}");
    let (class, detail) = error_of(world.apply(&job(99, Change::Rename { title: "x".into() })).await);
    assert_eq!(class, Gone, "{detail}");
    let limited = crate::forge::Scope::Only(vec!["contents".to_owned()]);
    world.forge.add_token("token-poor", "ipa", limited);
    let poor = world.with_token("token-poor");
    let (class, detail) = error_of(poor.apply(cx(), &job(number, Change::ClosePull {})).await);
    assert_eq!(class, Permission, "{detail}");
    assert!(detail.contains("pull_requests=write"), "{detail}");
}

#[tokio::test]
async fn a_pull_request_that_cannot_be_opened_says_why() {
    let world = World::new().await;
    world.forge.person("ipa").push(BRANCH, "fix.txt", "one\n");
    let to = |base: &str, head: &str| {
        let Change::OpenPull { repo, title, section, draft, .. } = open() else { panic!() };
        let (head, base) = (head.parse().unwrap(), Some(base.parse().unwrap()));
        Change::OpenPull { repo, head, base, title, section, draft }
    };
    for (change, words) in
        [(to("nowhere", BRANCH), "base is invalid"), (to("main", "main"), "No commits between")]
    {
        let (class, detail) = error_of(world.apply(&job_at(None, 1, change)).await);
        assert_eq!(class, ErrorClass::Rejected);
        assert!(detail.contains(words), "{detail}");
    }
}

#[tokio::test]
async fn a_pull_request_that_a_person_opened_is_taken_over_when_a_person_insists() {
    let world = World::new().await;
    world.forge.person("ipa").push(BRANCH, "fix.txt", "one\n");
    let number = world.forge.person("ann").open(BRANCH, "mine");
    let body = || world.forge.pull(number).unwrap()["body"].as_str().unwrap_or_default().to_owned();
    let before = body();
    let (class, detail) = error_of(world.apply(&job_at(None, 1, open())).await);
    assert_eq!(class, ErrorClass::Rejected);
    assert!(detail.contains("try again to take it over") && detail.contains("/o/r/pull/1"), "{detail}");
    assert_eq!(body(), before, "nothing of a person's is touched unasked");
    // The same, although it was refused.
    let mut job = job_at(None, 1, open());
    job.op.insisted = true;
    let applied = world.apply(&job).await.unwrap();
    assert_eq!(applied.remote, Some(format!("o/r#{number}").parse().unwrap()));
    assert!(body().starts_with(&before) && body().contains("It gives up too early."), "{}", body());
    assert_eq!(world.effects("pulls/create"), 0);
    // Another task takes nothing over that is of this one, however it insists.
    job.target.task = TaskId::from_key("another");
    let (class, detail) = error_of(world.apply(&job).await);
    assert_eq!(class, ErrorClass::Rejected);
    assert!(detail.contains("of another task"), "{detail}");
}

#[tokio::test]
async fn a_pull_request_that_the_task_had_opened_before_is_its_own() {
    let world = World::new().await;
    world.push("one\n");
    let number = world.open().await;
    assert_eq!(world.open().await, number);
    assert_eq!(world.effects("pulls/create"), 1);
    let target = target(PULL, None);
    let found = world.connector.observe(cx(), &target, Look::Closely).await.unwrap();
    assert!(matches!(found, Observed::Pull(link, _) if link.remote.as_str() == format!("o/r#{number}")));
}

#[tokio::test]
async fn a_revoked_token_is_shown_once_and_what_is_wanted_waits_for_a_new_one() {
    let world = World::new().await;
    world.push("one\n");
    let number = world.open().await;
    world.forge.revoke("token-ipa");
    let before = world.forge.requests().len();
    for _ in 0..5 {
        let rename = job(number, Change::Rename { title: "Other".into() });
        assert_eq!(error_of(world.apply(&rename).await).0, ErrorClass::Credential);
        assert_eq!(world.observe(number, Look::Glance).await.unwrap_err().class, ErrorClass::Credential);
    }
    assert_eq!(world.forge.requests().len() - before, 1);
    assert_eq!(world.gate.health().paused.map(|it| it.why), Some(Why::CredentialRefused));
    world.forge.add_token("token-ipa", "ipa", crate::forge::Scope::All);
    world.gate.resume();
    world.make(number, Change::Rename { title: "Other".into() }).await;
    assert_eq!(&*world.pull(number).await.title, "Other");
}

#[tokio::test]
async fn a_limit_is_kept_by_all_that_use_the_credential() {
    let world = World::new().await;
    world.push("one\n");
    let number = world.open().await;
    world.forge.fail("issues/create-comment", When::Nth(1), Fault::secondary_limit(Some("60")));
    let comment = job(number, Change::Comment { text: "A word.".into() });
    let (class, _) = error_of(world.apply(&comment).await);
    let ErrorClass::RateLimited { until } = class else { panic!("{class:?}") };
    assert!(until.duration_since(Timestamp::now()).as_secs() >= 50, "{until}");
    let before = world.forge.requests().len();
    assert!(matches!(
        world.observe(number, Look::Closely).await.unwrap_err().class,
        ErrorClass::RateLimited { .. }
    ));
    assert_eq!(world.forge.requests().len(), before, "nothing is sent before its time");
}
