//! The operations that the site serves, under the names that Cloud's description gives them, and who may call them.

use std::collections::BTreeMap;

use super::Flavour;
use super::api::{changelog, comments, issues, links, properties, roles, search, server, transitions, users};
use super::call::{Answer, Call, Outcome};
use super::people::{Right, Who};
use super::site::Site;
use crate::peer::path::params;

pub(crate) struct Operation {
    /// The `operationId` of the description.
    pub(crate) id: &'static str,
    pub(crate) method: &'static str,
    /// Below `/rest/api/3` or `/rest/api/2`.
    pub(crate) path: &'static str,
    pub(crate) needs: Needs,
    /// The values of `expand` that are understood here.
    pub(crate) expands: &'static [&'static str],
    pub(crate) run: fn(&mut Site, &Call) -> Outcome,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    Nothing,
    /// Somebody.
    User,
    /// To see the issue, and this right in its project.
    Issue(Right),
    /// The right to administer the project.
    Project,
}

macro_rules! operations {
    ($name:ident: $($id:literal $method:ident $path:literal $needs:expr, $expands:expr, $run:path;)*) => {
        const $name: &[Operation] = &[$(Operation {
            id: $id,
            method: stringify!($method),
            path: $path,
            needs: $needs,
            expands: $expands,
            run: $run,
        }),*];
    };
}

operations! { BOTH:
    "getServerInfo" GET "/serverInfo" Needs::Nothing, &[], server::info;
    "getCurrentUser" GET "/myself" Needs::User, &[], server::myself;
    "getIssue" GET "/issue/{issueIdOrKey}" Needs::Issue(Right::Browse), &["changelog", "transitions"], issues::look;
    "editIssue" PUT "/issue/{issueIdOrKey}" Needs::Issue(Right::Edit), &[], issues::edit;
    "getTransitions" GET "/issue/{issueIdOrKey}/transitions" Needs::Issue(Right::Browse),
        &["transitions.fields"], transitions::list;
    // Who may not gets a 400 here, so the endpoint looks at the right itself.
    "doTransition" POST "/issue/{issueIdOrKey}/transitions" Needs::Issue(Right::Browse), &[], transitions::perform;
    "getComments" GET "/issue/{issueIdOrKey}/comment" Needs::Issue(Right::Browse), &["properties"], comments::list;
    "addComment" POST "/issue/{issueIdOrKey}/comment" Needs::Issue(Right::Comment), &["properties"], comments::create;
    "getComment" GET "/issue/{issueIdOrKey}/comment/{id}" Needs::Issue(Right::Browse), &["properties"], comments::look;
    "updateComment" PUT "/issue/{issueIdOrKey}/comment/{id}" Needs::Issue(Right::Comment),
        &["properties"], comments::edit;
    "getRemoteIssueLinks" GET "/issue/{issueIdOrKey}/remotelink" Needs::Issue(Right::Browse), &[], links::list;
    "createOrUpdateRemoteIssueLink" POST "/issue/{issueIdOrKey}/remotelink" Needs::Issue(Right::Link), &[], links::put;
    "getIssueProperty" GET "/issue/{issueIdOrKey}/properties/{propertyKey}"
        Needs::Issue(Right::Browse), &[], properties::look;
    "setIssueProperty" PUT "/issue/{issueIdOrKey}/properties/{propertyKey}"
        Needs::Issue(Right::Edit), &[], properties::put;
    "findAssignableUsers" GET "/user/assignable/search" Needs::User, &[], users::assignable;
    "getUser" GET "/user" Needs::User, &["groups"], users::look;
    "getProjectRoles" GET "/project/{projectIdOrKey}/role" Needs::Project, &[], roles::list;
    "getProjectRole" GET "/project/{projectIdOrKey}/role/{id}" Needs::Project, &[], roles::look;
}

operations! { CLOUD:
    "getChangeLogs" GET "/issue/{issueIdOrKey}/changelog" Needs::Issue(Right::Browse), &[], changelog::list;
    "getUserGroups" GET "/user/groups" Needs::User, &[], users::groups;
    "searchAndReconsileIssuesUsingJqlPost" POST "/search/jql" Needs::Nothing, &[], search::with_tokens;
    "bulkFetchIssues" POST "/issue/bulkfetch" Needs::Nothing, &[], issues::fetch;
}

operations! { DATA_CENTER:
    "searchForIssuesUsingJql" GET "/search" Needs::Nothing, &[], search::with_pages;
    "searchForIssuesUsingJqlPost" POST "/search" Needs::Nothing, &[], search::with_pages;
}

/// All that a site of this flavour serves.
pub(crate) fn operations(flavour: Flavour) -> impl Iterator<Item = &'static Operation> {
    let own = match flavour {
        Flavour::Cloud => CLOUD,
        Flavour::DataCenter => DATA_CENTER,
    };
    BOTH.iter().chain(own)
}

/// The operation of that name.
pub(crate) fn named(flavour: Flavour, id: &str) -> &'static Operation {
    operations(flavour).find(|operation| operation.id == id).unwrap_or_else(|| panic!("no operation {id}"))
}

/// The operation that a path means, with what it names.
pub(crate) fn find(
    flavour: Flavour,
    method: &str,
    path: &str,
) -> Option<(&'static Operation, BTreeMap<String, String>)> {
    // Each Cloud site serves the older version too; here as much of it as a client asks that does not know yet.
    let is_question = flavour == Flavour::Cloud && path == "/rest/api/2/serverInfo";
    let path = if is_question { "/serverInfo" } else { path.strip_prefix(flavour.api())? };
    let fitting = operations(flavour).filter(|operation| operation.method == method);
    let mut found: Vec<_> =
        fitting.filter_map(|operation| Some((operation, params(operation.path, path)?))).collect();
    // A fixed word wins over a name: `issue/bulkfetch` is no issue.
    found.sort_by_key(|(_, params)| params.len());
    found.into_iter().next()
}

/// Refuses who may not, as Jira does: what is private to them is not there.
pub(crate) fn check(site: &Site, operation: &Operation, call: &Call) -> Result<(), Answer> {
    match operation.needs {
        Needs::User if call.who == Who::Nobody => Err(Answer::stranger()),
        Needs::Nothing | Needs::User => Ok(()),
        Needs::Issue(right) => {
            let issue = site.issue(&call.who, call.issue())?;
            if site.may(site.project(issue), call.by(), right) {
                return Ok(());
            }
            if call.who == Who::Nobody { Err(Answer::stranger()) } else { Err(refusal(right)) }
        }
        Needs::Project => {
            let key = call.param("projectIdOrKey");
            let project = site.projects.values().find(|one| one.key == key || one.id.to_string() == key);
            let visible = project.filter(|project| site.may(project, call.by(), Right::Browse));
            let Some(project) = visible else {
                return Err(Answer::trouble(404, &format!("No project could be found with key '{key}'.")));
            };
            if site.may(project, call.by(), Right::Administer) {
                return Ok(());
            }
            // Documented: who may not administer it is told that there is none.
            Err(Answer::trouble(404, "You cannot edit the configuration of this project."))
        }
    }
}

fn refusal(right: Right) -> Answer {
    let words = match right {
        Right::Browse => return Answer::no_issue(),
        Right::Comment => "You do not have the permission to comment on this issue.",
        Right::Edit => "You do not have permission to edit issues in this project.",
        Right::Link => "You do not have permission to link issues in this project.",
        Right::Transition | Right::BeAssigned | Right::Administer => "You do not have permission to do this.",
    };
    Answer::trouble(403, words)
}
