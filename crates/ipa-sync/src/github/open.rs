//! Opens the pull request of a task's branch, or finds that there is one.

use ipa_events::task::Change;
use ipa_events::{BranchName, RepoSource};
use serde_json::json;

use super::GitHubConnector;
use super::api::{By, Opened};
use super::look::{place_of, remote};
use super::place::RepoName;
use super::text::OpenedFor;
use super::{shape, text};
use crate::connector::{Applied, Job};
use crate::error::{ErrorClass, SyncError};
use crate::gate::complaints;
use crate::wire::Answer;

/// The longest title of a pull request, in characters.
const TITLE: usize = 256;

impl GitHubConnector {
    pub(super) async fn open(&self, by: By, job: &Job) -> Result<Applied, SyncError> {
        let Change::OpenPull { repo: source, head, base, title, section, draft } = &job.op.change else {
            return Err(refusal(job, ErrorClass::Rejected, "this opens no pull request"));
        };
        let repo = self.repo_of(source, job)?;
        let base = match base {
            Some(base) => base.to_string(),
            None => self.default_branch(by, &repo, job).await?,
        };
        let body = json!({
            "title": title_of(title), "head": head.as_str(), "base": base,
            "body": text::description(section, &job.marker()), "draft": draft,
        });
        match self.api.open(by, &repo, body).await? {
            Opened::Made(pull, request_id) => made(&pull, &repo, request_id),
            Opened::Refused(answer) => match reason(&answer) {
                Reason::Exists => self.take_over(by, &repo, (head, section), job).await,
                Reason::Other(said) => Err(refusal(job, ErrorClass::Rejected, &said)),
            },
        }
    }

    /// There is a pull request of the branch: it is the task's if it was opened for it, or a person insists.
    async fn take_over(
        &self,
        by: By,
        repo: &RepoName,
        (head, section): (&BranchName, &str),
        job: &Job,
    ) -> Result<Applied, SyncError> {
        let pulls = self.api.pulls_of(by, repo, head.as_str()).await?;
        let Some(pull) = pulls.iter().find(|pull| pull.state == "open") else {
            let detail = "GitHub says that there is one already, and shows none";
            return Err(refusal(job, ErrorClass::Conflict, detail));
        };
        match text::opened_for(&pull.body, job.target.task) {
            OpenedFor::This => made(pull, repo, None),
            OpenedFor::Another => {
                let url = &pull.html_url;
                let detail =
                    format!("{url} is there for this branch already, of another task; close one of them");
                Err(refusal(job, ErrorClass::Rejected, &detail))
            }
            OpenedFor::None if job.op.insisted => {
                let body = text::taken_over(&pull.body, section, &job.marker());
                self.edit(by, &place_of(pull, repo), json!({ "body": body })).await?;
                made(pull, repo, None)
            }
            OpenedFor::None => {
                let detail = format!(
                    "{} is there for this branch already, and a person opened it: try again to take it over (our \
                     section is added to its text, all else stays), or close it first",
                    pull.html_url
                );
                Err(refusal(job, ErrorClass::Rejected, &detail))
            }
        }
    }

    /// Tells whether the pull request was opened.
    pub(super) async fn find_opened(&self, by: By, job: &Job) -> Result<Option<Applied>, SyncError> {
        let Change::OpenPull { repo: source, head, .. } = &job.op.change else { return Ok(None) };
        let repo = self.repo_of(source, job)?;
        let pulls = self.api.pulls_of(by, &repo, head.as_str()).await?;
        let ours = pulls.iter().find(|pull| text::opened_for(&pull.body, job.target.task) == OpenedFor::This);
        ours.map(|pull| made(pull, &repo, None)).transpose()
    }

    fn repo_of(&self, source: &RepoSource, job: &Job) -> Result<RepoName, SyncError> {
        RepoName::of(&self.config.web, source).ok_or_else(|| {
            let detail = format!("{source} is not at {}", self.config.web);
            refusal(job, ErrorClass::Rejected, &detail)
        })
    }

    async fn default_branch(&self, by: By, repo: &RepoName, job: &Job) -> Result<String, SyncError> {
        let branch = self.api.repo(by, repo).await?.default_branch;
        branch.ok_or_else(|| refusal(job, ErrorClass::Unexpected, "the repository names no default branch"))
    }
}

fn made(pull: &shape::Pull, repo: &RepoName, request_id: Option<String>) -> Result<Applied, SyncError> {
    let remote = Some(remote(&place_of(pull, repo))?);
    Ok(Applied { remote, url: Some(pull.html_url.clone()), request_id })
}

enum Reason {
    /// There is one of this branch already.
    Exists,
    Other(String),
}

/// Reads why none was opened.
fn reason(answer: &Answer) -> Reason {
    let words = complaints(answer);
    if words.iter().any(|words| words.starts_with("A pull request already exists")) {
        return Reason::Exists;
    }
    let words = words.join("; ");
    Reason::Other(words.chars().filter(|c| !c.is_control()).take(300).collect())
}

fn title_of(title: &str) -> String {
    title.chars().take(TITLE).collect()
}

/// Says why a change is not made.
pub(super) fn refusal(job: &Job, class: ErrorClass, detail: &str) -> SyncError {
    SyncError::new(class, format!("{} in {}", job.op.change.kind(), job.target.resource), detail)
}
