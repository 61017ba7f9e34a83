//! An issue, its labels and the comments of its conversation.

use serde_json::{Value, json};

use super::{repo, user};
use crate::forge::model::{Comment, Issue, Repo, Stage};
use crate::forge::people::association;
use crate::forge::world::World;

/// An issue; a pull request as an issue.
pub(crate) fn full(world: &World, of: &Repo, issue: &Issue) -> Value {
    let number = issue.number;
    let (api, html) = (repo::api(world, of), repo::html(world, of));
    let url = format!("{api}/issues/{number}");
    let mut shown = json!({
        "id": issue.id,
        "node_id": format!("I_{}", issue.id),
        "url": url,
        "repository_url": api,
        "labels_url": format!("{url}/labels{{/name}}"),
        "comments_url": format!("{url}/comments"),
        "events_url": format!("{url}/events"),
        "html_url": format!("{html}/{}/{number}", if issue.pull.is_some() { "pull" } else { "issues" }),
        "number": number,
        "state": state(issue),
        "state_reason": null,
        "title": issue.title,
        "body": issue.body,
        "user": user::simple(world, &issue.user),
        "labels": labels(world, of, issue),
        "assignee": null,
        "assignees": [],
        "milestone": null,
        "locked": issue.locked,
        "comments": issue.comments.len(),
        "closed_at": issue.closed,
        "created_at": issue.created,
        "updated_at": issue.updated,
        "author_association": association(of.role(&issue.user)),
    });
    if let Some(pull) = &issue.pull {
        let html = format!("{html}/pull/{number}");
        shown["draft"] = (pull.stage == Stage::Draft).into();
        shown["pull_request"] = json!({
            "url": format!("{api}/pulls/{number}"),
            "html_url": html,
            "diff_url": format!("{html}.diff"),
            "patch_url": format!("{html}.patch"),
            "merged_at": pull.merged.as_ref().map(|merged| merged.at),
        });
    }
    shown
}

pub(crate) fn state(issue: &Issue) -> &'static str {
    if issue.closed.is_some() { "closed" } else { "open" }
}

pub(crate) fn labels(world: &World, of: &Repo, issue: &Issue) -> Vec<Value> {
    issue.labels.iter().map(|name| label(world, of, name)).collect()
}

pub(crate) fn label(world: &World, of: &Repo, name: &str) -> Value {
    let id = of.labels.get(name).copied().unwrap_or_default();
    json!({
        "id": id,
        "node_id": format!("LA_{id}"),
        "url": format!("{}/labels/{}", repo::api(world, of), name.replace(' ', "%20")),
        "name": name,
        "description": "",
        "color": "ededed",
        "default": false,
    })
}

/// A comment of the conversation.
pub(crate) fn comment(world: &World, of: &Repo, issue: &Issue, comment: &Comment) -> Value {
    let (api, html) = (repo::api(world, of), repo::html(world, of));
    json!({
        "id": comment.id,
        "node_id": format!("IC_{}", comment.id),
        "url": format!("{api}/issues/comments/{}", comment.id),
        "html_url": format!("{html}/issues/{}#issuecomment-{}", issue.number, comment.id),
        "issue_url": format!("{api}/issues/{}", issue.number),
        "user": user::simple(world, &comment.user),
        "body": comment.body,
        "created_at": comment.created,
        "updated_at": comment.updated,
        "author_association": association(of.role(&comment.user)),
        "performed_via_github_app": null,
    })
}
