//! Makes changes. What is there already is not made again where that can be seen with one look; what must not be made
//! twice is looked for by `find` after an answer that did not come.

use ipa_events::task::{Category, Change, CheckReport, MergeMethod};
use ipa_events::{Oid, RemoteId, ResourceKind};
use serde::Deserialize;
use serde_json::json;

use super::GitHubConnector;
use super::api::{By, Draft, Made, Read, request_id};
use super::auth::Asker;
use super::look::remote;
use super::mark::{Kind, Mark};
use super::open::refusal;
use super::place::Place;
use super::read::OURS;
use super::{shape, text};
use crate::connector::{Applied, Job};
use crate::error::{ErrorClass, SyncError};
use crate::section;
use crate::wire::Answer;

/// The longest words of a status, in characters.
const STATUS: usize = 140;

impl GitHubConnector {
    /// Makes a change.
    pub(super) async fn make(&self, by: By, job: &Job) -> Result<Applied, SyncError> {
        match job.target.resource.kind {
            ResourceKind::Pull => self.change_pull(by, job).await,
            ResourceKind::Ticket => self.change_ticket(by, job).await,
            ResourceKind::Branch => Err(unfit(job)),
        }
    }

    async fn change_pull(&self, by: By, job: &Job) -> Result<Applied, SyncError> {
        if let Change::OpenPull { .. } = &job.op.change {
            return self.open(by, job).await;
        }
        let at = place(job)?;
        match &job.op.change {
            Change::WriteSection { section } => self.write_section(by, (&at, section), job).await,
            Change::Rename { title } => self.edit(by, &at, json!({ "title": &**title })).await,
            Change::ClosePull {} => self.edit(by, &at, json!({ "state": "closed" })).await,
            Change::WriteStatus { text } => self.write_status(by, (&at, text), job).await,
            Change::Comment { text } => self.comment(by, (&at, text), job).await,
            Change::Reply { thread, text, .. } => self.reply(by, (&at, thread, text), job).await,
            Change::SetDraft { draft: true } => self.set_draft(by, (&at, Draft::Yes), job).await,
            Change::SetDraft { draft: false } => self.set_draft(by, (&at, Draft::No), job).await,
            Change::RequestReviewers { names } => {
                let names: Vec<&str> = names.iter().map(|name| &**name).collect();
                applied(&at, &self.api.request_reviewers(by, &at, &names).await?)
            }
            Change::AddLabels { names } => {
                let names: Vec<&str> = names.iter().map(|name| &**name).collect();
                applied(&at, &self.api.add_labels(by, &at, &names).await?)
            }
            Change::ReportCheck { commit, state, summary } => {
                self.report(by, (&at, commit), (*state, summary), job).await
            }
            Change::Merge { commit, method } => self.merge(by, (&at, commit, *method), job).await,
            Change::PushBranch(_)
            | Change::DeleteBranch { .. }
            | Change::OpenPull { .. }
            | Change::MoveTicket { .. }
            | Change::LinkPull { .. } => Err(unfit(job)),
        }
    }

    async fn change_ticket(&self, by: By, job: &Job) -> Result<Applied, SyncError> {
        let at = place(job)?;
        match &job.op.change {
            Change::MoveTicket { to: Category::Done } => {
                let fields = json!({ "state": "closed", "state_reason": "completed" });
                applied(&at, &self.api.edit_issue(by, &at, fields).await?)
            }
            // An open issue is as far on its way as GitHub can tell.
            Change::MoveTicket { to: Category::New | Category::Active } => Ok(Applied::default()),
            // The description of the pull request names the issue, and GitHub shows the one in the other.
            Change::LinkPull { url, .. } if url.starts_with(self.config.web.as_str()) => {
                Ok(Applied::default())
            }
            Change::LinkPull { url, title, .. } => {
                let words = format!("Pull request: [{title}]({url})");
                self.comment(by, (&at, &words), job).await
            }
            Change::WriteStatus { text } => self.write_status(by, (&at, text), job).await,
            Change::Comment { text } => self.comment(by, (&at, text), job).await,
            Change::AddLabels { names } => {
                let names: Vec<&str> = names.iter().map(|name| &**name).collect();
                applied(&at, &self.api.add_labels(by, &at, &names).await?)
            }
            Change::PushBranch(_)
            | Change::DeleteBranch { .. }
            | Change::OpenPull { .. }
            | Change::WriteSection { .. }
            | Change::Rename { .. }
            | Change::Reply { .. }
            | Change::SetDraft { .. }
            | Change::RequestReviewers { .. }
            | Change::ReportCheck { .. }
            | Change::Merge { .. }
            | Change::ClosePull {} => Err(unfit(job)),
        }
    }

    /// Reads a pull request as it is at this moment.
    pub(super) async fn pull_now(&self, by: By, at: &Place, job: &Job) -> Result<shape::Pull, SyncError> {
        match self.api.pull(by, at, None).await? {
            Read::New(pull, _) => Ok(*pull),
            Read::Gone | Read::Same => Err(gone(job)),
        }
    }

    /// Reads an issue as it is at this moment.
    pub(super) async fn issue_now(&self, by: By, at: &Place, job: &Job) -> Result<shape::Issue, SyncError> {
        match self.api.issue(by, at, None).await? {
            Read::New(issue, _) => Ok(*issue),
            Read::Gone | Read::Same => Err(gone(job)),
        }
    }

    pub(super) async fn edit(
        &self,
        by: By,
        at: &Place,
        fields: serde_json::Value,
    ) -> Result<Applied, SyncError> {
        applied(at, &self.api.edit_pull(by, at, fields).await?)
    }

    async fn write_section(
        &self,
        by: By,
        (at, words): (&Place, &str),
        job: &Job,
    ) -> Result<Applied, SyncError> {
        let pull = self.pull_now(by, at, job).await?;
        if section::read(&pull.body).is_none() {
            return Err(refusal(job, ErrorClass::Gone, "a person took our section out of the description"));
        }
        let body = text::section_in(&pull.body, words);
        if body == pull.body { Ok(there(at)?) } else { self.edit(by, at, json!({ "body": body })).await }
    }

    /// A task has one comment that says how it stands; it is made once, and changed from then on.
    async fn write_status(
        &self,
        by: By,
        (at, words): (&Place, &str),
        job: &Job,
    ) -> Result<Applied, SyncError> {
        let body = text::comment(words, &job.marker(), Kind::Status);
        let Some(there) = self.status_comment(by, at, job).await? else {
            return self.api.add_comment(by, at, body).await.map(commented);
        };
        self.api.edit_comment(by, &at.repo, there.id, body).await.map(commented)
    }

    /// Finds the comment that says how the task stands.
    pub(super) async fn status_comment(
        &self,
        by: By,
        at: &Place,
        job: &Job,
    ) -> Result<Option<shape::Comment>, SyncError> {
        let trust = self.trust(by).await?;
        let is_it = |comment: &shape::Comment| {
            let mark = Mark::at_end(&comment.body);
            let is_status = mark.is_some_and(|it| it.kind == Kind::Status && it.is_of(job.target.task));
            is_status && trust.is_ours(comment)
        };
        if let Some(id) = job.earlier.as_ref().and_then(|id| id.as_str().parse().ok())
            && let Some(comment) = self.api.comment(by, &at.repo, id).await?.filter(is_it)
        {
            return Ok(Some(comment));
        }
        let all = self.api.comments(by, at, None).await?;
        Ok(all.into_iter().find(is_it))
    }

    async fn comment(&self, by: By, (at, words): (&Place, &str), job: &Job) -> Result<Applied, SyncError> {
        let body = text::comment(words, &job.marker(), Kind::Other);
        self.api.add_comment(by, at, body).await.map(commented)
    }

    async fn reply(
        &self,
        by: By,
        (at, thread, words): (&Place, &RemoteId, &str),
        job: &Job,
    ) -> Result<Applied, SyncError> {
        let Ok(first) = thread.as_str().parse() else {
            return Err(refusal(job, ErrorClass::Rejected, "this is no thread of GitHub's"));
        };
        let body = text::comment(words, &job.marker(), Kind::Other);
        self.api.reply(by, at, first, body).await.map(commented)
    }

    async fn set_draft(&self, by: By, (at, to): (&Place, Draft), job: &Job) -> Result<Applied, SyncError> {
        let pull = self.pull_now(by, at, job).await?;
        if pull.draft != (to == Draft::Yes) {
            if pull.state != "open" {
                return Err(refusal(job, ErrorClass::Conflict, "it is not open any more"));
            }
            self.api.set_draft(by, &pull, to).await?;
        }
        there(at)
    }

    /// Reports our own checks: an app by a check run, everybody else by a status. That there are none is never shown as
    /// a success.
    async fn report(
        &self,
        by: By,
        (at, commit): (&Place, &Oid),
        (state, summary): (CheckReport, &str),
        job: &Job,
    ) -> Result<Applied, SyncError> {
        let commit = commit.as_str();
        let answer = match self.api.asker() {
            Asker::App => {
                let (key, word) = conclusion(state);
                let run = json!({
                    "name": OURS, "head_sha": commit, "external_id": job.marker(), key: word,
                    "output": { "title": summary, "summary": summary },
                });
                self.api.add_check_run(by, &at.repo, run).await?
            }
            Asker::Token => {
                let Some((word, words)) = status_of(state, summary) else { return Ok(Applied::default()) };
                let status = json!({ "state": word, "context": OURS, "description": words });
                self.api.set_status(by, &at.repo, commit, status).await?
            }
        };
        applied(at, &answer)
    }

    async fn merge(
        &self,
        by: By,
        (at, commit, method): (&Place, &Oid, MergeMethod),
        job: &Job,
    ) -> Result<Applied, SyncError> {
        let method = match method {
            MergeMethod::Merge => "merge",
            MergeMethod::Squash => "squash",
            MergeMethod::Rebase => "rebase",
        };
        let answer =
            self.api.merge(by, at, json!({ "sha": commit.as_str(), "merge_method": method })).await?;
        let said: Merged = serde_json::from_slice(&answer.body).unwrap_or_default();
        let words = &*said.message;
        match answer.status.as_u16() {
            // The base moved under it, which says nothing against a second try.
            405 if words.starts_with("Base branch was modified") => {
                Err(refusal(job, ErrorClass::Transient, words))
            }
            405 | 409 => Err(refusal(job, ErrorClass::Conflict, words)),
            _ => Ok(Applied { remote: said.sha.parse().ok(), url: None, request_id: request_id(&answer) }),
        }
    }
}

/// What a merge says.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Merged {
    sha: String,
    message: String,
}

/// How a check run says it.
const fn conclusion(state: CheckReport) -> (&'static str, &'static str) {
    match state {
        CheckReport::Pending => ("status", "in_progress"),
        CheckReport::Passed => ("conclusion", "success"),
        CheckReport::Failed => ("conclusion", "failure"),
        CheckReport::None => ("conclusion", "neutral"),
    }
}

/// The word of a status and what it says; none: there is to be none.
pub(super) fn status_of(state: CheckReport, summary: &str) -> Option<(&'static str, String)> {
    let word = match state {
        CheckReport::Pending => "pending",
        CheckReport::Passed => "success",
        CheckReport::Failed => "failure",
        CheckReport::None => return None,
    };
    Some((word, summary.chars().take(STATUS).collect()))
}

/// Returns which pull request or issue is meant.
pub(super) fn place(job: &Job) -> Result<Place, SyncError> {
    let remote = job.target.link.as_ref().map(|link| link.remote.clone());
    let remote = remote.or_else(|| job.target.resource.name.parse().ok());
    remote
        .as_ref()
        .and_then(Place::parse)
        .ok_or_else(|| refusal(job, ErrorClass::Gone, "it is not known which one it is at GitHub"))
}

fn applied(at: &Place, answer: &Answer) -> Result<Applied, SyncError> {
    Ok(Applied { request_id: request_id(answer), ..there(at)? })
}

pub(super) fn there(at: &Place) -> Result<Applied, SyncError> {
    Ok(Applied { remote: Some(remote(at)?), ..Applied::default() })
}

fn commented(made: Made) -> Applied {
    Applied { remote: made.id.to_string().parse().ok(), url: made.url, request_id: made.request_id }
}

fn gone(job: &Job) -> SyncError {
    refusal(job, ErrorClass::Gone, "it is not there any more")
}

fn unfit(job: &Job) -> SyncError {
    refusal(job, ErrorClass::Rejected, "nothing at GitHub can be changed so")
}
