//! What people do on the forge's pages, and what CI does: the same operations that a client calls, done at once and
//! never counted or failed.

use serde_json::{Value, json};

use super::api::{checks, reviews};
use super::call::{Answer, Call};
use super::model::{App, Check, Job};
use super::people::{Scope, Who};
use super::rest::perform;
use super::routes::named;
use super::serve::Shared;

/// Somebody at work in one repository.
#[derive(Clone, Copy)]
pub(crate) struct Person<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) login: &'a str,
    pub(crate) repo: &'a str,
}

/// The checks of a repository.
#[derive(Clone, Copy)]
pub(crate) struct Ci<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) repo: &'a str,
}

impl<'a> Person<'a> {
    /// The same person in another repository.
    pub(crate) fn at(self, repo: &'a str) -> Self {
        Self { repo, ..self }
    }

    /// Opens a pull request to `main` and returns its number.
    pub(crate) fn open(self, branch: &str, title: &str) -> u64 {
        let body = json!({ "title": title, "head": branch, "base": "main" });
        self.does("pulls/create", &[], body)["number"].as_u64().unwrap()
    }

    /// Gives a review (`APPROVE`, `REQUEST_CHANGES`, `COMMENT`) and returns its id.
    pub(crate) fn review(self, pull: u64, event: &str, body: &str) -> u64 {
        let said = json!({ "event": event, "body": body });
        id(&self.does("pulls/create-review", &[("pull_number", pull)], said))
    }

    pub(crate) fn dismiss(self, pull: u64, review: u64) {
        reviews::dismiss(&mut self.shared.world(), self.repo, pull, review, self.login).unwrap();
    }

    /// Comments on a line of the head's version of a file and returns the comment's id.
    pub(crate) fn comment_on_line(self, pull: u64, path: &str, line: u64, body: &str) -> u64 {
        let commit = self.shared.world().pull(self.repo, pull).unwrap().2.head.commit.clone();
        let note = json!({ "commit_id": commit, "path": path, "line": line, "side": "RIGHT", "body": body });
        id(&self.does("pulls/create-review-comment", &[("pull_number", pull)], note))
    }

    pub(crate) fn reply(self, pull: u64, comment: u64, body: &str) -> u64 {
        let params = [("pull_number", pull), ("comment_id", comment)];
        id(&self.does("pulls/create-reply-for-review-comment", &params, json!({ "body": body })))
    }

    /// Opens an issue and returns its number.
    pub(crate) fn ask(self, title: &str, body: &str) -> u64 {
        let asked = self.does("issues/create", &[], json!({ "title": title, "body": body }));
        asked["number"].as_u64().unwrap()
    }

    pub(crate) fn comment(self, issue: u64, body: &str) -> u64 {
        id(&self.does("issues/create-comment", &[("issue_number", issue)], json!({ "body": body })))
    }

    pub(crate) fn edit_comment(self, comment: u64, body: &str) {
        self.does("issues/update-comment", &[("comment_id", comment)], json!({ "body": body }));
    }

    pub(crate) fn delete_comment(self, comment: u64) {
        self.does("issues/delete-comment", &[("comment_id", comment)], Value::Null);
    }

    pub(crate) fn close_issue(self, issue: u64) {
        self.does("issues/update", &[("issue_number", issue)], json!({ "state": "closed" }));
    }

    pub(crate) fn edit_title(self, pull: u64, title: &str) {
        self.edits(pull, json!({ "title": title }));
    }

    pub(crate) fn edit_body(self, pull: u64, body: &str) {
        self.edits(pull, json!({ "body": body }));
    }

    pub(crate) fn close(self, pull: u64) {
        self.edits(pull, json!({ "state": "closed" }));
    }

    pub(crate) fn reopen(self, pull: u64) {
        self.edits(pull, json!({ "state": "open" }));
    }

    /// Merges and returns the commit on the base.
    pub(crate) fn merge(self, pull: u64) -> String {
        let merged = self.does("pulls/merge", &[("pull_number", pull)], Value::Null);
        merged["sha"].as_str().unwrap().to_owned()
    }

    pub(crate) fn label(self, issue: u64, label: &str) {
        self.does("issues/add-labels", &[("issue_number", issue)], json!({ "labels": [label] }));
    }

    /// Only who may push can comment from here on.
    pub(crate) fn lock(self, issue: u64) {
        let mut world = self.shared.world();
        world.issue_mut(self.repo, issue).unwrap().locked = true;
        world.touch(self.repo, issue).unwrap();
    }

    /// Commits one file to a branch and returns the commit.
    pub(crate) fn push(self, branch: &str, file: &str, text: &str) -> String {
        let mut world = self.shared.world();
        let git = &world.repos[self.repo].git;
        let commit = git.commit(branch, file, text, &format!("{} writes {file}", self.login));
        world.look_at_branches(self.repo, self.login);
        commit
    }

    fn edits(self, pull: u64, fields: Value) {
        self.does("pulls/update", &[("pull_number", pull)], fields);
    }

    #[track_caller]
    fn does(self, operation: &str, params: &[(&str, u64)], body: Value) -> Value {
        let (owner, name) = self.repo.split_once('/').unwrap();
        let mut all = vec![("owner".to_owned(), owner.to_owned()), ("repo".to_owned(), name.to_owned())];
        all.extend(params.iter().map(|(name, value)| ((*name).to_owned(), value.to_string())));
        let who = Who::User { login: self.login.to_owned(), scope: Scope::All };
        let call = Call { params: all.into_iter().collect(), query: [].into(), body, who };
        match perform(&mut self.shared.world(), named(operation), &call) {
            Ok(Answer { body, .. }) => body,
            Err(Answer { status, body, .. }) => panic!("{} may not {operation}: {status} {body}", self.login),
        }
    }
}

impl Ci<'_> {
    /// A check run of CI as it stands now: running when there is no conclusion. Returns the id of it and its job.
    pub(crate) fn check(self, commit: &str, name: &str, conclusion: Option<&str>) -> u64 {
        let mut world = self.shared.world();
        let (id, now) = (world.next_id(), world.now());
        let check = Check {
            id,
            name: name.to_owned(),
            commit: commit.to_owned(),
            status: if conclusion.is_some() { "completed" } else { "in_progress" }.to_owned(),
            conclusion: conclusion.map(str::to_owned),
            external_id: String::new(),
            title: None,
            summary: None,
            text: None,
            started: now,
            completed: conclusion.map(|_| now),
            app: App::Actions,
        };
        checks::add(&mut world, self.repo, check, super::world::BOT).unwrap();
        id
    }

    /// Says what a job printed, and in which run it is.
    pub(crate) fn log(self, job: u64, run: u64, log: &str) {
        let mut world = self.shared.world();
        let job = Job { id: job, run, log: log.to_owned() };
        world.repo_mut(self.repo).unwrap().jobs.push(job);
    }
}

fn id(shown: &Value) -> u64 {
    shown["id"].as_u64().unwrap()
}
