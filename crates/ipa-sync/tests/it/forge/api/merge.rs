//! Merging, for real, in the bare repository.

use serde_json::json;

use crate::forge::call::{Answer, Call, Outcome};
use crate::forge::model::{Issue, Merged, Pull, Repo, Stage};
use crate::forge::world::World;

pub(crate) fn merge(world: &mut World, call: &Call) -> Outcome {
    let (key, number) = (call.repo(), call.number("pull_number")?);
    let by = call.who.login().to_owned();
    let (repo, issue, pull) = world.pull(&key, number)?;
    may_merge(repo, issue, pull)?;
    if call.text("sha").is_some_and(|expected| expected != pull.head.commit) {
        return Err(Answer::message(409, "Head branch was modified. Review and try the merge again."));
    }
    let (base, head) = (&pull.base.commit, &pull.head.commit);
    let title = call.text("commit_title");
    let message = |default: String| {
        let body = call.text("commit_message").map(|body| format!("\n\n{body}")).unwrap_or_default();
        format!("{}{body}", title.map_or(default, str::to_owned))
    };
    let from = format!("{}/{}", repo.owner, pull.head.branch);
    let merged = match call.text("merge_method").unwrap_or("merge") {
        "squash" => repo.git.squash(base, head, &message(format!("{} (#{number})", issue.title))),
        "rebase" => repo.git.rebase(base, head),
        _ => {
            let default = format!("Merge pull request #{number} from {from}\n\n{}", issue.title);
            repo.git.merge(base, head, &message(default))
        }
    };
    let Some(commit) = merged else { return Err(not_allowed("Pull Request is not mergeable")) };
    if !repo.git.advance(&pull.base.branch, base, &commit) {
        return Err(not_allowed("Base branch was modified. Review and try the merge again."));
    }
    let at = world.now();
    let issue = world.issue_mut(&key, number)?;
    (issue.closed, issue.updated) = (Some(at), at);
    world.pull_mut(&key, number)?.merged = Some(Merged { commit: commit.clone(), by: by.clone(), at });
    world.tell_pull(&key, number, "closed", &by);
    world.look_at_branches(&key, &by);
    Answer::ok(json!({ "sha": commit, "merged": true, "message": "Pull Request successfully merged" }))
}

fn may_merge(repo: &Repo, issue: &Issue, pull: &Pull) -> Result<(), Answer> {
    if issue.closed.is_some() {
        return Err(not_allowed("Pull Request is not mergeable"));
    }
    if pull.stage == Stage::Draft {
        return Err(not_allowed("Pull Request is still a draft"));
    }
    if pull.approvals() < repo.approvals {
        let needed = repo.approvals;
        let message =
            format!("At least {needed} approving review is required by reviewers with write access.");
        return Err(not_allowed(&message));
    }
    if repo.approvals > 0 && pull.changes_are_requested() {
        return Err(not_allowed("Changes have been requested."));
    }
    Ok(())
}

fn not_allowed(message: &str) -> Answer {
    Answer::message(405, message)
}
