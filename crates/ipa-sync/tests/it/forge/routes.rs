//! The operations that the forge serves, under GitHub's own names, and who may call them.

use std::collections::BTreeMap;

use super::api::{
    actions, apps, checks, comments, hooks, issues, labels, merge, notes, pulls, refs, reviewers, reviews,
    statuses, user,
};
use super::call::{Answer, Call, Outcome};
use super::people::{Role, Scope, Who};
use super::world::World;
use crate::peer::path::params;

pub(crate) struct Operation {
    /// The `operationId` of GitHub's description.
    pub(crate) id: &'static str,
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) needs: Needs,
    pub(crate) run: fn(&mut World, &Call) -> Outcome,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Somebody.
    User,
    /// The app itself.
    App,
    /// To see the repository.
    Sight,
    /// To see the repository, and a token with this permission.
    Voice(&'static str),
    /// To be able to push, and a token with this permission.
    Push(&'static str),
    /// To own the repository, and a token that may see its webhooks.
    Hooks,
    /// The token of an app's installation.
    Installation(&'static str),
}

macro_rules! operations {
    ($($id:literal $method:ident $path:literal $needs:expr, $run:path;)*) => {
        pub(crate) const OPERATIONS: &[Operation] = &[
            $(Operation { id: $id, method: stringify!($method), path: $path, needs: $needs, run: $run }),*
        ];
    };
}

operations! {
    "users/get-authenticated" GET "/user" Needs::User, user::me;
    "rate-limit/get" GET "/rate_limit" Needs::User, user::rate_limit;
    "repos/get" GET "/repos/{owner}/{repo}" Needs::Sight, user::repo;
    "pulls/list" GET "/repos/{owner}/{repo}/pulls" Needs::Sight, pulls::list;
    "pulls/create" POST "/repos/{owner}/{repo}/pulls" Needs::Push("pull_requests"), pulls::create;
    "pulls/get" GET "/repos/{owner}/{repo}/pulls/{pull_number}" Needs::Sight, pulls::look;
    "pulls/update" PATCH "/repos/{owner}/{repo}/pulls/{pull_number}" Needs::Push("pull_requests"), pulls::edit;
    "pulls/merge" PUT "/repos/{owner}/{repo}/pulls/{pull_number}/merge" Needs::Push("contents"), merge::merge;
    "pulls/list-reviews" GET "/repos/{owner}/{repo}/pulls/{pull_number}/reviews" Needs::Sight, reviews::list;
    "pulls/create-review" POST "/repos/{owner}/{repo}/pulls/{pull_number}/reviews"
        Needs::Voice("pull_requests"), reviews::create;
    "pulls/list-review-comments" GET "/repos/{owner}/{repo}/pulls/{pull_number}/comments" Needs::Sight, notes::list;
    "pulls/create-review-comment" POST "/repos/{owner}/{repo}/pulls/{pull_number}/comments"
        Needs::Voice("pull_requests"), notes::create;
    "pulls/create-reply-for-review-comment" POST
        "/repos/{owner}/{repo}/pulls/{pull_number}/comments/{comment_id}/replies"
        Needs::Voice("pull_requests"), notes::reply;
    "pulls/list-requested-reviewers" GET "/repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers"
        Needs::Sight, reviewers::list;
    "pulls/request-reviewers" POST "/repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers"
        Needs::Push("pull_requests"), reviewers::request;
    "issues/list-for-repo" GET "/repos/{owner}/{repo}/issues" Needs::Sight, issues::list;
    "issues/create" POST "/repos/{owner}/{repo}/issues" Needs::Voice("issues"), issues::create;
    "issues/update" PATCH "/repos/{owner}/{repo}/issues/{issue_number}" Needs::Push("issues"), issues::edit;
    "issues/get" GET "/repos/{owner}/{repo}/issues/{issue_number}" Needs::Sight, issues::look;
    "issues/list-comments" GET "/repos/{owner}/{repo}/issues/{issue_number}/comments" Needs::Sight, comments::list;
    "issues/create-comment" POST "/repos/{owner}/{repo}/issues/{issue_number}/comments"
        Needs::Voice("issues"), comments::create;
    "issues/get-comment" GET "/repos/{owner}/{repo}/issues/comments/{comment_id}" Needs::Sight, comments::look;
    "issues/update-comment" PATCH "/repos/{owner}/{repo}/issues/comments/{comment_id}"
        Needs::Voice("issues"), comments::edit;
    "issues/delete-comment" DELETE "/repos/{owner}/{repo}/issues/comments/{comment_id}"
        Needs::Voice("issues"), comments::delete;
    "issues/list-labels-on-issue" GET "/repos/{owner}/{repo}/issues/{issue_number}/labels" Needs::Sight, labels::list;
    "issues/add-labels" POST "/repos/{owner}/{repo}/issues/{issue_number}/labels" Needs::Push("issues"), labels::add;
    "issues/remove-label" DELETE "/repos/{owner}/{repo}/issues/{issue_number}/labels/{name}"
        Needs::Push("issues"), labels::remove;
    "checks/create" POST "/repos/{owner}/{repo}/check-runs" Needs::Installation("checks"), checks::create;
    "checks/update" PATCH "/repos/{owner}/{repo}/check-runs/{check_run_id}"
        Needs::Installation("checks"), checks::edit;
    "checks/list-for-ref" GET "/repos/{owner}/{repo}/commits/{ref}/check-runs" Needs::Sight, checks::list;
    "repos/get-combined-status-for-ref" GET "/repos/{owner}/{repo}/commits/{ref}/status"
        Needs::Sight, statuses::combined;
    "repos/create-commit-status" POST "/repos/{owner}/{repo}/statuses/{sha}" Needs::Push("statuses"), statuses::create;
    "actions/list-jobs-for-workflow-run" GET "/repos/{owner}/{repo}/actions/runs/{run_id}/jobs"
        Needs::Sight, actions::jobs;
    "actions/download-job-logs-for-workflow-run" GET "/repos/{owner}/{repo}/actions/jobs/{job_id}/logs"
        Needs::Sight, actions::log;
    "git/delete-ref" DELETE "/repos/{owner}/{repo}/git/refs/{ref}" Needs::Push("contents"), refs::delete;
    "apps/create-installation-access-token" POST "/app/installations/{installation_id}/access_tokens"
        Needs::App, apps::token;
    "apps/list-webhook-deliveries" GET "/app/hook/deliveries" Needs::App, hooks::deliveries_of_app;
    "apps/redeliver-webhook-delivery" POST "/app/hook/deliveries/{delivery_id}/attempts"
        Needs::App, hooks::redeliver_of_app;
    "repos/list-webhooks" GET "/repos/{owner}/{repo}/hooks" Needs::Hooks, hooks::list;
    "repos/list-webhook-deliveries" GET "/repos/{owner}/{repo}/hooks/{hook_id}/deliveries"
        Needs::Hooks, hooks::deliveries_of_repo;
    "repos/redeliver-webhook-delivery" POST
        "/repos/{owner}/{repo}/hooks/{hook_id}/deliveries/{delivery_id}/attempts"
        Needs::Hooks, hooks::redeliver_of_repo;
}

/// The operation of that name.
pub(crate) fn named(id: &str) -> &'static Operation {
    OPERATIONS.iter().find(|operation| operation.id == id).unwrap_or_else(|| panic!("no operation {id}"))
}

/// The operation that a path below the API's base means, with what it names.
pub(crate) fn find(method: &str, path: &str) -> Option<(&'static Operation, BTreeMap<String, String>)> {
    let fitting = OPERATIONS.iter().filter(|operation| operation.method == method);
    // A fixed word wins over a name: `issues/comments/5` is no issue.
    let mut found: Vec<_> =
        fitting.filter_map(|operation| Some((operation, params(operation.path, path)?))).collect();
    found.sort_by_key(|(_, params)| params.len());
    found.into_iter().next()
}

/// Refuses who may not, as GitHub does: what is private to them is not there.
pub(crate) fn check(world: &World, operation: &Operation, call: &Call) -> Result<(), Answer> {
    match operation.needs {
        Needs::App if call.who == Who::App => Ok(()),
        Needs::App => Err(Answer::message(401, "A JSON web token could not be decoded")),
        _ if call.who == Who::App => Err(Answer::message(403, "Resource not accessible by integration")),
        Needs::User => need_user(call),
        Needs::Sight => world.repo(&call.repo(), &call.who).map(|_| ()),
        Needs::Voice(permission) => {
            world.repo(&call.repo(), &call.who)?;
            need_user(call)?;
            need_permission(call, permission)
        }
        Needs::Push(permission) => {
            let repo = world.repo(&call.repo(), &call.who)?;
            need_user(call)?;
            need_permission(call, permission)?;
            if repo.role(call.who.login()) < Some(Role::Collaborator) {
                return Err(not_accessible(call, permission));
            }
            Ok(())
        }
        Needs::Hooks => {
            let repo = world.repo(&call.repo(), &call.who)?;
            need_user(call)?;
            need_permission(call, "repository_hooks")?;
            // Who may not see them is not told that there may be any.
            if repo.role(call.who.login()) < Some(Role::Owner) {
                return Err(Answer::not_found());
            }
            Ok(())
        }
        Needs::Installation(permission) => {
            world.repo(&call.repo(), &call.who)?;
            if call.who.is_installation() {
                return Ok(());
            }
            let message = "You must authenticate via a GitHub App.";
            Err(Answer::message(403, message).with(ACCEPTED, format!("{permission}=write")))
        }
    }
}

const ACCEPTED: &str = "x-accepted-github-permissions";

fn need_user(call: &Call) -> Result<(), Answer> {
    if call.who == Who::Nobody { Err(Answer::message(401, "Requires authentication")) } else { Ok(()) }
}

fn need_permission(call: &Call, permission: &str) -> Result<(), Answer> {
    match &call.who {
        Who::User { scope: Scope::Only(permissions), .. }
            if !permissions.iter().any(|one| one == permission) =>
        {
            Err(not_accessible(call, permission))
        }
        Who::Nobody | Who::App | Who::User { .. } => Ok(()),
    }
}

/// The 403 that names the permission which is missing.
pub(crate) fn not_accessible(call: &Call, permission: &str) -> Answer {
    let by = if call.who.is_installation() { "integration" } else { "personal access token" };
    Answer::message(403, &format!("Resource not accessible by {by}"))
        .with(ACCEPTED, format!("{permission}=write"))
}
