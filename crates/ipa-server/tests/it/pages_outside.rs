//! What a person reads of the outside.

use ipa_events::task::{
    AfterFailure, Change, Ci, CiState, Link, News, PublishPolicy, Push, Remark, Review, ReviewVerdict,
};
use ipa_events::{Resource, TaskCommand};

use super::pages::in_review;
use super::pages_support::{Site, element, shows};

#[tokio::test]
async fn what_goes_outside_is_shown_with_how_far_it_is() {
    let site = Site::new().await;
    let task = in_review(&site).await;
    let view = site.view(task).await;
    let repo = view.state.created.as_ref().unwrap().repo.clone();
    let (branch, commit) = (view.state.branch().unwrap().clone(), view.state.head.clone().unwrap());
    let resource = format!("git/branch/{branch}").parse().unwrap();
    let push = Change::PushBranch(Push { repo, branch, commit, expected: None });
    site.pod(task, TaskCommand::QueueChanges { resource, changes: vec![(push, PublishPolicy::Auto)] }).await;
    shows(
        &element(&site.page("/tasks/T-1").await, "side-T-1"),
        &["Changes outside", "push", "○ to be tried"],
    );
    let op = view.state.ops.first().map_or(ipa_events::OpId::new(task.id, 1), |op| op.id);
    site.pod(task, TaskCommand::StartAttempt { op }).await;
    let next = AfterFailure::Ask;
    site.pod(task, TaskCommand::RecordSendFailed { op, detail: "no access".into(), next }).await;
    let page = site.page("/tasks/T-1").await;
    shows(&element(&page, "side-T-1"), &["✗ given up: no access"]);
    shows(&element(&page, "decisions-T-1"), &["Escalation", "could not be made", "Try again"]);
}

#[tokio::test]
async fn the_gate_of_the_review_shows_what_others_say_of_exactly_its_commit() {
    let site = Site::new().await;
    let task = in_review(&site).await;
    let head = site.view(task).await.state.head.clone().unwrap();
    let learn = |news: Vec<News>| {
        let resource: Resource = "hub/pull/ipa/t-1-x".parse().unwrap();
        let link = Link { remote: "o/r#2".parse().unwrap(), url: Some("https://hub.test/o/r/pull/2".into()) };
        async {
            site.pod(task, TaskCommand::RecordLink { resource: resource.clone(), link }).await;
            site.pod(task, TaskCommand::RecordNews { resource, news }).await;
        }
    };
    let found = News::PullFound { title: "x".into(), head: head.clone(), draft: false, section: None };
    learn(vec![found]).await;
    let gate = async || element(&site.page("/tasks/T-1").await, "decision-T-1.d4");
    shows(
        &gate().await,
        &["o/r#2: nobody said anything of this commit yet", "Approving lets this commit be merged."],
    );
    let ci = Ci { commit: head.clone(), state: CiState::Failed, failing: Vec::new() };
    let at = jiff::Timestamp::UNIX_EPOCH;
    let remark = Remark { by: "ann".into(), trusted: true, at, text: "".into() };
    let (id, verdict) = ("21".parse().unwrap(), ReviewVerdict::Approved);
    let review = Review { id, verdict, commit: head, remark };
    learn(vec![News::CiChanged { ci: Some(ci) }, News::Reviewed { review }]).await;
    shows(&gate().await, &["o/r#2: ✗ its checks failed, ✓ approved by ann"]);
}
