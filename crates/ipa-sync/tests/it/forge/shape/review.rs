//! Reviews and the comments on lines.

use serde_json::{Value, json};

use super::{repo, user};
use crate::forge::model::{Issue, Note, Repo, Review};
use crate::forge::people::association;
use crate::forge::world::World;

pub(crate) fn review(world: &World, of: &Repo, about: &Issue, review: &Review) -> Value {
    let (pull, html) = pull_links(world, of, about);
    let html = format!("{html}#pullrequestreview-{}", review.id);
    json!({
        "id": review.id,
        "node_id": format!("PRR_{}", review.id),
        "user": user::simple(world, &review.user),
        "body": review.body,
        "state": review.verdict.written(),
        "html_url": html,
        "pull_request_url": pull,
        "_links": { "html": { "href": html }, "pull_request": { "href": pull } },
        "submitted_at": review.submitted,
        "commit_id": review.commit,
        "author_association": association(of.role(&review.user)),
    })
}

pub(crate) fn note(world: &World, of: &Repo, about: &Issue, note: &Note) -> Value {
    let (pull, html) = pull_links(world, of, about);
    let html = format!("{html}#discussion_r{}", note.id);
    let url = format!("{}/pulls/comments/{}", repo::api(world, of), note.id);
    let mut shown = json!({
        "id": note.id,
        "node_id": format!("PRRC_{}", note.id),
        "pull_request_review_id": note.review,
        "url": url,
        "html_url": html,
        "pull_request_url": pull,
        "_links": { "self": { "href": url }, "html": { "href": html }, "pull_request": { "href": pull } },
        "diff_hunk": note.hunk,
        "path": note.path,
        "line": note.line,
        "original_line": note.line,
        "side": "RIGHT",
        "start_line": null,
        "start_side": null,
        "subject_type": "line",
        "commit_id": note.commit,
        "original_commit_id": note.commit,
        "user": user::simple(world, &note.user),
        "body": note.body,
        "created_at": note.created,
        "updated_at": note.updated,
        "author_association": association(of.role(&note.user)),
    });
    // An absent key, not null, when it answers nobody.
    if let Some(root) = note.answers {
        shown["in_reply_to_id"] = root.into();
    }
    shown
}

fn pull_links(world: &World, of: &Repo, about: &Issue) -> (String, String) {
    let number = about.number;
    (format!("{}/pulls/{number}", repo::api(world, of)), format!("{}/pull/{number}", repo::html(world, of)))
}
