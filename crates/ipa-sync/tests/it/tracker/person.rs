//! What people do in their browsers: the same operations that a client calls, done at once and never counted or failed.

use serde_json::{Value, json};

use super::Flavour;
use super::api::comments;
use super::call::{Answer, Call, Outcome};
use super::news;
use super::people::Who;
use super::rest::perform;
use super::routes::named;
use super::serve::Shared;
use super::site::Site;
use super::text;

/// Somebody at work in one project.
#[derive(Clone, Copy)]
pub(crate) struct Person<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) login: &'a str,
    pub(crate) project: &'a str,
}

impl<'a> Person<'a> {
    /// The same person in another project.
    pub(crate) fn at(self, project: &'a str) -> Self {
        Self { project, ..self }
    }

    /// Makes an issue and returns its key.
    pub(crate) fn create(self, summary: &str, description: &str) -> String {
        let mut site = self.shared.site();
        let description = match description {
            "" => Value::Null,
            text => text::typed(site.flavour, text),
        };
        let id = site.add_issue(self.project, self.login, summary, description);
        site.issues[&id].key.clone()
    }

    /// Comments and returns the comment's id.
    pub(crate) fn comment(self, issue: &str, words: &str) -> u64 {
        let body = json!({ "body": self.typed(words) });
        self.does("addComment", &[("issueIdOrKey", issue)], body)["id"].as_str().unwrap().parse().unwrap()
    }

    pub(crate) fn edit_comment(self, issue: &str, comment: u64, words: &str) {
        let params = [("issueIdOrKey", issue), ("id", &comment.to_string())];
        self.does("updateComment", &params, json!({ "body": self.typed(words) }));
    }

    pub(crate) fn delete_comment(self, issue: &str, comment: u64) {
        let params = [("issueIdOrKey", issue), ("id", &comment.to_string())];
        self.done("delete the comment", &params, Value::Null, comments::delete);
    }

    pub(crate) fn edit_title(self, issue: &str, title: &str) {
        self.edits(issue, json!({ "fields": { "summary": title } }));
    }

    pub(crate) fn describe(self, issue: &str, words: &str) {
        self.edits(issue, json!({ "fields": { "description": self.typed(words) } }));
    }

    pub(crate) fn label(self, issue: &str, label: &str) {
        self.edits(issue, json!({ "update": { "labels": [{ "add": label }] } }));
    }

    pub(crate) fn unlabel(self, issue: &str, label: &str) {
        self.edits(issue, json!({ "update": { "labels": [{ "remove": label }] } }));
    }

    /// Gives an issue to somebody; `""` to nobody.
    pub(crate) fn assign(self, issue: &str, login: &str) {
        let to = {
            let site = self.shared.site();
            match (site.users.get(login), site.flavour) {
                (None, _) => Value::Null,
                (Some(user), Flavour::Cloud) => json!({ "accountId": user.account_id }),
                (Some(user), Flavour::DataCenter) => json!({ "name": user.login }),
            }
        };
        self.edits(issue, json!({ "fields": { "assignee": to } }));
    }

    /// Moves an issue to a status of that name, in one step; where a resolution is asked for, to the first there is.
    pub(crate) fn move_to(self, issue: &str, status: &str) {
        let offered = self.does("getTransitions", &[("issueIdOrKey", issue)], Value::Null);
        let all = offered["transitions"].as_array().unwrap();
        let found = all.iter().find(|one| one["to"]["name"] == status);
        let found = found.unwrap_or_else(|| panic!("no way from {issue} to {status}: {offered}"));
        let mut body = json!({ "transition": { "id": found["id"] } });
        if self.asks_for_resolution(issue, &found["id"]) {
            body["fields"] = json!({ "resolution": { "name": "Done" } });
        }
        self.does("doTransition", &[("issueIdOrKey", issue)], body);
    }

    fn asks_for_resolution(self, issue: &str, id: &Value) -> bool {
        let site = self.shared.site();
        let Some(issue) = site.named(issue) else { return false };
        let mut all = site.project(issue).workflow.transitions.iter();
        let found = all.find(|one| one.id == *id);
        found.is_some_and(|one| one.screen.iter().any(|field| field.name == "resolution"))
    }

    /// Moves an issue to another project and returns its new key; the old one leads to it from then on.
    pub(crate) fn relocate(self, issue: &str, project: &str) -> String {
        let mut site = self.shared.site();
        let id = site.named(issue).unwrap_or_else(|| panic!("no issue {issue}")).id;
        site.relocate(id, self.login, project)
    }

    /// Deletes an issue for ever.
    pub(crate) fn delete(self, issue: &str) {
        let mut site = self.shared.site();
        let id = site.named(issue).unwrap_or_else(|| panic!("no issue {issue}")).id;
        news::deleted(&mut site, id, self.login);
        site.issues.remove(&id);
    }

    fn edits(self, issue: &str, body: Value) {
        self.does("editIssue", &[("issueIdOrKey", issue)], body);
    }

    fn typed(self, words: &str) -> Value {
        text::typed(self.shared.site().flavour, words)
    }

    #[track_caller]
    fn does(self, operation: &str, params: &[(&str, &str)], body: Value) -> Value {
        let found = named(self.shared.site().flavour, operation);
        self.done(operation, params, body, |site, call| perform(site, found, call))
    }

    #[track_caller]
    fn done(
        self,
        what: &str,
        params: &[(&str, &str)],
        body: Value,
        run: impl FnOnce(&mut Site, &Call) -> Outcome,
    ) -> Value {
        let params = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let who = Who::User(self.login.to_owned());
        let call = Call { params: params.collect(), query: [].into(), body, who };
        match run(&mut self.shared.site(), &call) {
            Ok(Answer { body, .. }) => body,
            Err(Answer { status, body, .. }) => panic!("{} may not {what}: {status} {body}", self.login),
        }
    }
}
