//! One pull request and one issue, from the first to the last, as our connector makes and sees them.

use ipa_events::task::{Category, CheckReport, CiState, MergeMethod, PullState, ReviewVerdict};

use super::*;
use crate::forge::{REPO, Visibility};

#[tokio::test]
async fn a_pull_request_is_opened_reviewed_answered_and_merged() {
    let world = World::new().await;
    let head = world.push("one\ntwo\n");
    let absent = world.connector.observe(cx(), &target(PULL, None), Look::Closely).await;
    assert_eq!(absent, Ok(Observed::Absent));
    let number = world.open().await;

    let pull = world.pull(number).await;
    assert_eq!((&*pull.title, pull.draft, &pull.head), ("Fix the retry", true, &head));
    assert_eq!(pull.section, Some(Change::version_of("It gives up too early.")));
    assert_eq!((&pull.state, pull.ci, pull.remarks.len()), (&PullState::Open, None, 0));

    let checks = |state| Change::ReportCheck { commit: head.clone(), state, summary: "2 passed".into() };
    let status = world.make(number, Change::WriteStatus { text: "It is being worked on.".into() }).await;
    world.make(number, checks(CheckReport::Pending)).await;
    world.make(number, checks(CheckReport::Passed)).await;
    world.make(number, Change::AddLabels { names: vec!["ipa".into(), "bug".into()] }).await;
    world.make(number, Change::SetDraft { draft: false }).await;
    world.make(number, Change::RequestReviewers { names: vec!["ann".into()] }).await;
    world.make(number, Change::Rename { title: "Fix it".into() }).await;
    world.make(number, Change::WriteSection { section: "All is new.".into() }).await;
    let later = Job {
        earlier: status.remote.clone(),
        ..job(number, Change::WriteStatus { text: "In review.".into() })
    };
    assert_eq!(world.apply(&later).await.unwrap().remote, status.remote, "there is one such comment");

    let pull = world.pull(number).await;
    assert_eq!((&*pull.title, pull.draft, pull.mergeable), ("Fix it", false, Some(true)));
    assert_eq!(pull.section, Some(Change::version_of("All is new.")));
    assert_eq!((pull.remarks.len(), &pull.ci), (0, &None), "what we say ourselves is no news");

    let shown = world.forge.pull(number).unwrap();
    let labels: Vec<_> = shown["labels"].as_array().unwrap().iter().map(|label| &label["name"]).collect();
    assert_eq!(labels, ["bug", "ipa"]);
    assert_eq!(shown["requested_reviewers"][0]["login"], "ann");
    talked_about(&world, number, &head).await;

    let merge = |commit: &Oid| Change::Merge { commit: commit.clone(), method: MergeMethod::Squash };
    let merged = world.make(number, merge(&head)).await.remote.unwrap();
    assert_eq!(world.forge.head(REPO, "main").as_deref(), Some(merged.as_str()));
    let state = world.pull(number).await.state;
    assert_eq!(state, PullState::Merged { commit: merged.as_str().parse().ok(), by: Some("ipa".into()) });
}

/// Ann says what she thinks, CI too, and we answer in her thread.
async fn talked_about(world: &World, number: u64, head: &Oid) {
    let ann = world.forge.person("ann");
    let note = ann.comment_on_line(number, "fix.txt", 2, "why two?");
    ann.review(number, "REQUEST_CHANGES", "not yet");
    ann.comment(number, "and a test, please");
    world.forge.person("zed").comment(number, "me too");
    world.forge.ci().check(head.as_str(), "test", Some("failure"));

    let pull = world.pull(number).await;
    let thread: RemoteId = note.to_string().parse().unwrap();
    assert_eq!((&*pull.threads[&thread].path, pull.threads[&thread].line), ("fix.txt", Some(2)));
    assert_eq!(pull.reviews["ann"].verdict, ReviewVerdict::ChangesRequested);
    assert_eq!((&pull.reviews["ann"].commit, pull.reviews["ann"].remark.trusted), (head, true));
    let said: Vec<_> = pull.remarks.values().map(|it| (&*it.by, it.trusted, &*it.text)).collect();
    assert_eq!(said, [("ann", true, "and a test, please"), ("zed", false, "me too")]);
    let ci = pull.ci.unwrap();
    assert_eq!((ci.state, &*ci.failing[0].name), (CiState::Failed, "test"));

    let reply = Change::Reply { thread: thread.clone(), to: thread.clone(), text: "It is three now.".into() };
    world.make(number, reply).await;
    world.forge.ci().check(head.as_str(), "test", Some("success"));
    ann.review(number, "APPROVE", "");
    let pull = world.pull(number).await;
    assert_eq!(pull.threads[&thread].remarks.len(), 1, "our own answer is no news");
    let notes = world.forge.notes(number);
    assert_eq!((&notes[1]["in_reply_to_id"], &notes[1]["user"]["login"]), (&note.into(), &"ipa".into()));
    assert!(notes[1]["body"].as_str().unwrap().starts_with("It is three now."), "{}", notes[1]);
    assert_eq!(pull.reviews["ann"].verdict, ReviewVerdict::Approved);
    assert_eq!(pull.ci.unwrap().state, CiState::Passed);
}

#[tokio::test]
async fn an_issue_becomes_a_ticket_that_is_told_and_closed() {
    let world = World::new().await;
    let number = world.forge.person("ann").ask("It gives up", "after one try <!-- hidden -->");
    world.forge.person("zed").comment(number, "same here");
    let ticket = world.ticket(number).await;
    assert_eq!((&*ticket.title, &*ticket.status, ticket.category), ("It gives up", "open", Category::Active));
    assert_eq!(ticket.remarks.values().map(|it| it.trusted).collect::<Vec<_>>(), [false]);

    let of_ticket = |change| {
        let mut job = job(number, change);
        job.target.resource = format!("work/ticket/o/r#{number}").parse().unwrap();
        job.op.resource = job.target.resource.clone();
        job
    };
    let here = Change::LinkPull { url: format!("{WEB}/o/r/pull/9").into(), title: "x".into(), merged: false };
    let elsewhere = Change::LinkPull { url: "https://other.test/1".into(), title: "x".into(), merged: false };
    for (change, comments) in [
        (Change::MoveTicket { to: Category::Active }, 0),
        (here, 0),
        (elsewhere, 1),
        (Change::Comment { text: "T-1 is done.".into() }, 2),
        (Change::MoveTicket { to: Category::Done }, 2),
        (Change::MoveTicket { to: Category::Done }, 2),
    ] {
        world.apply(&of_ticket(change)).await.unwrap();
        assert_eq!(world.effects("issues/create-comment"), comments);
    }
    let ticket = world.ticket(number).await;
    assert_eq!((ticket.category, ticket.remarks.len()), (Category::Done, 1));
    assert_eq!(world.forge.issue_state(number), "closed");
}

#[tokio::test]
async fn what_is_gone_is_told_as_gone_and_what_nobody_opened_as_absent() {
    let world = World::new().await;
    assert_eq!(world.observe(77, Look::Closely).await, Ok(Observed::Gone));
    // A pull request of others, from a branch of the same name, is not the task's.
    world.push("one\n");
    world.forge.person("ann").open(BRANCH, "mine");
    let absent = world.connector.observe(cx(), &target(PULL, None), Look::Closely).await;
    assert_eq!(absent, Ok(Observed::Absent));
}

#[tokio::test]
async fn a_check_that_failed_comes_with_the_end_of_what_it_printed() {
    let world = World::new().await;
    let head = world.push("one\n");
    let number = world.open().await;
    let run = world.forge.ci().check(head.as_str(), "test", Some("failure"));
    world.forge.ci().check(head.as_str(), "lint", Some("failure"));
    world.forge.ci().log(run, 5, "2026-01-02T03:04:05.1Z \u{1b}[31mone is not two\u{1b}[0m\n");
    for _ in 0..2 {
        let failing = world.pull(number).await.ci.unwrap().failing;
        let said: Vec<_> = failing.iter().map(|check| (&*check.name, &*check.summary)).collect();
        assert_eq!(said, [("lint", ""), ("test", "one is not two")]);
    }
    assert_eq!(world.forge.calls("actions/download-job-logs-for-workflow-run"), 2, "each is read once");
    assert_eq!(world.forge.calls("store/log"), 1);
}

#[tokio::test]
async fn whether_it_works_is_told_with_what_lacks() {
    let sources = |config: &mut GitHubConfig| {
        config.issues_of = ["o/r", "o/gone", "o/other"].map(str::to_owned).to_vec();
    };
    let world = World::with(token("token-ipa"), sources).await;
    world.forge.add_repo("o/other", Visibility::Public);
    let checked = world.connector.check(cx()).await.unwrap();
    assert_eq!(checked.account.as_deref(), Some("ipa"));
    let lacks: Vec<_> = checked.missing.iter().map(|lack| lack.split(':').next().unwrap()).collect();
    assert_eq!(lacks, ["the sight of o/gone", "the right to push to o/other"]);
    assert!(checked.notes.iter().any(|note| note.contains("requests are left")), "{:?}", checked.notes);
    assert!(checked.clock.unwrap().as_secs().abs() <= 5);
    world.forge.revoke("token-ipa");
    assert_eq!(world.connector.check(cx()).await.unwrap_err().class, ErrorClass::Credential);
}
