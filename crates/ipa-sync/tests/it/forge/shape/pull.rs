//! A pull request, in its two lengths.

use serde_json::{Value, json};

use super::{issue, repo, user};
use crate::forge::model::{Issue, Pull, Repo, Stage, Tip};
use crate::forge::people::association;
use crate::forge::world::World;

/// As in a list.
pub(crate) fn simple(world: &World, of: &Repo, about: &Issue, pull: &Pull) -> Value {
    let number = about.number;
    let (api, html) = (repo::api(world, of), format!("{}/pull/{number}", repo::html(world, of)));
    let (url, issue_url) = (format!("{api}/pulls/{number}"), format!("{api}/issues/{number}"));
    let statuses = format!("{api}/statuses/{}", pull.head.commit);
    let reviewers = pull.reviewers.iter().map(|login| user::simple(world, login));
    json!({
        "id": about.id,
        "node_id": format!("PR_{}", about.id),
        "number": number,
        "url": url,
        "html_url": html,
        "diff_url": format!("{html}.diff"),
        "patch_url": format!("{html}.patch"),
        "issue_url": issue_url,
        "commits_url": format!("{url}/commits"),
        "review_comments_url": format!("{url}/comments"),
        "review_comment_url": format!("{api}/pulls/comments{{/number}}"),
        "comments_url": format!("{issue_url}/comments"),
        "statuses_url": statuses,
        "state": issue::state(about),
        "locked": about.locked,
        "title": about.title,
        "body": about.body,
        "draft": pull.stage == Stage::Draft,
        "user": user::simple(world, &about.user),
        "labels": issue::labels(world, of, about),
        "milestone": null,
        "assignee": null,
        "assignees": [],
        "requested_reviewers": reviewers.collect::<Vec<_>>(),
        "requested_teams": [],
        "created_at": about.created,
        "updated_at": about.updated,
        "closed_at": about.closed,
        "merged_at": pull.merged.as_ref().map(|merged| merged.at),
        "merge_commit_sha": pull.merged.as_ref().map(|merged| &merged.commit),
        "head": tip(world, of, &pull.head),
        "base": tip(world, of, &pull.base),
        "author_association": association(of.role(&about.user)),
        "auto_merge": null,
        "_links": {
            "self": { "href": url },
            "html": { "href": html },
            "issue": { "href": issue_url },
            "comments": { "href": format!("{issue_url}/comments") },
            "review_comments": { "href": format!("{url}/comments") },
            "review_comment": { "href": format!("{api}/pulls/comments{{/number}}") },
            "commits": { "href": format!("{url}/commits") },
            "statuses": { "href": statuses },
        },
    })
}

/// Alone, with what git says about it. Whether it merges is unknown until somebody has asked once.
pub(crate) fn full(world: &World, of: &Repo, about: &Issue, pull: &Pull) -> Value {
    let mut shown = simple(world, of, about, pull);
    let size = of.git.size(&pull.base.commit, &pull.head.commit);
    let mergeable = mergeable(of, about, pull);
    for (name, value) in [
        ("merged", pull.merged.is_some().into()),
        ("merged_by", pull.merged.as_ref().map_or(Value::Null, |merged| user::simple(world, &merged.by))),
        ("mergeable", mergeable.into()),
        ("mergeable_state", mergeable_state(of, pull, mergeable).into()),
        ("rebaseable", mergeable.into()),
        ("comments", about.comments.len().into()),
        ("review_comments", pull.notes.len().into()),
        ("maintainer_can_modify", false.into()),
        ("commits", size.commits.into()),
        ("additions", size.additions.into()),
        ("deletions", size.deletions.into()),
        ("changed_files", size.files.into()),
    ] {
        shown[name] = value;
    }
    shown
}

/// Whether it merges; none while nobody knows, and when it is closed.
fn mergeable(of: &Repo, about: &Issue, pull: &Pull) -> Option<bool> {
    let now = (pull.head.commit.clone(), pull.base.commit.clone());
    if about.closed.is_some() || pull.tried.as_ref() != Some(&now) {
        return None;
    }
    Some(of.git.merged_tree(&now.1, &now.0).is_some())
}

fn mergeable_state(of: &Repo, pull: &Pull, mergeable: Option<bool>) -> &'static str {
    match mergeable {
        None => "unknown",
        Some(false) => "dirty",
        Some(true) if pull.stage == Stage::Draft => "draft",
        Some(true) if pull.approvals() < of.approvals || pull.changes_are_requested() && of.approvals > 0 => {
            "blocked"
        }
        Some(true) if has_failing_checks(of, &pull.head.commit) => "unstable",
        Some(true) => "clean",
    }
}

fn has_failing_checks(of: &Repo, commit: &str) -> bool {
    let passes = |conclusion: &str| matches!(conclusion, "success" | "neutral" | "skipped");
    let checks = of.latest_checks(commit);
    let unhappy = |conclusion: &Option<String>| !conclusion.as_deref().is_some_and(passes);
    checks.iter().any(|check| unhappy(&check.conclusion))
        || of.latest_statuses(commit).iter().any(|status| status.state != "success")
}

fn tip(world: &World, of: &Repo, tip: &Tip) -> Value {
    json!({
        "label": format!("{}:{}", of.owner, tip.branch),
        "ref": tip.branch,
        "sha": tip.commit,
        "user": user::simple(world, &of.owner),
        "repo": repo::full(world, of),
    })
}
