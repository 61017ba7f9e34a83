//! Finds out whether a change was made whose answer did not come.

use std::collections::BTreeSet;

use ipa_events::ResourceKind;
use ipa_events::task::{Category, Change};
use jiff::SignedDuration;

use super::GitHubConnector;
use super::api::By;
use super::change::{place, there};
use super::mark::Mark;
use super::place::Place;
use super::read::{self, OURS};
use super::shape;
use crate::connector::{Applied, Job, Probe};
use crate::error::SyncError;
use crate::section;

/// Comments are looked for from a little before the change was wanted: the clocks may differ.
const BACK: SignedDuration = SignedDuration::from_secs(60);

impl GitHubConnector {
    pub(super) async fn find(&self, by: By, job: &Job) -> Result<Probe, SyncError> {
        let found = match job.target.resource.kind {
            ResourceKind::Pull => self.find_at_pull(by, job).await?,
            ResourceKind::Ticket => self.find_at_ticket(by, job).await?,
            ResourceKind::Branch => None,
        };
        Ok(found.map_or(Probe::NotThere, Probe::There))
    }

    async fn find_at_pull(&self, by: By, job: &Job) -> Result<Option<Applied>, SyncError> {
        if let Change::OpenPull { .. } = &job.op.change {
            return self.find_opened(by, job).await;
        }
        let at = place(job)?;
        match &job.op.change {
            Change::WriteStatus { .. } | Change::Comment { .. } => self.find_comment(by, &at, job).await,
            Change::Reply { .. } => self.find_reply(by, &at, job).await,
            Change::ReportCheck { commit, .. } => {
                let runs = self.api.check_runs(by, &at.repo, commit.as_str()).await?;
                let statuses = self.api.statuses(by, &at.repo, commit.as_str()).await?;
                let is_run = runs.iter().any(|run| run.external_id == job.marker());
                let is_status = statuses.iter().any(|status| status.context == OURS && says(job, status));
                if is_run || is_status { there(&at).map(Some) } else { Ok(None) }
            }
            Change::WriteSection { .. }
            | Change::Rename { .. }
            | Change::SetDraft { .. }
            | Change::RequestReviewers { .. }
            | Change::AddLabels { .. }
            | Change::Merge { .. }
            | Change::ClosePull {} => {
                let pull = self.pull_now(by, &at, job).await?;
                let mut answered = Vec::new();
                if let Change::RequestReviewers { .. } = &job.op.change {
                    answered = self.api.reviews(by, &at).await?;
                }
                if !is_made(&job.op.change, &pull, &answered) {
                    return Ok(None);
                }
                let merged = matches!(job.op.change, Change::Merge { .. });
                let commit =
                    pull.merge_commit_sha.as_ref().filter(|_| merged).and_then(|sha| sha.parse().ok());
                let at = there(&at)?;
                Ok(Some(Applied { remote: commit.or(at.remote), ..Applied::default() }))
            }
            Change::PushBranch(_)
            | Change::DeleteBranch { .. }
            | Change::OpenPull { .. }
            | Change::MoveTicket { .. }
            | Change::LinkPull { .. } => Ok(None),
        }
    }

    async fn find_at_ticket(&self, by: By, job: &Job) -> Result<Option<Applied>, SyncError> {
        let at = place(job)?;
        match &job.op.change {
            Change::WriteStatus { .. } | Change::Comment { .. } | Change::LinkPull { .. } => {
                self.find_comment(by, &at, job).await
            }
            Change::MoveTicket { to: Category::Done } => {
                let issue = self.issue_now(by, &at, job).await?;
                if read::category(&issue.state) == Category::Done { there(&at).map(Some) } else { Ok(None) }
            }
            Change::AddLabels { names } => {
                let issue = self.issue_now(by, &at, job).await?;
                if has_labels(&issue.labels, names) { there(&at).map(Some) } else { Ok(None) }
            }
            Change::MoveTicket { to: Category::New | Category::Active }
            | Change::PushBranch(_)
            | Change::DeleteBranch { .. }
            | Change::OpenPull { .. }
            | Change::WriteSection { .. }
            | Change::Rename { .. }
            | Change::Reply { .. }
            | Change::SetDraft { .. }
            | Change::RequestReviewers { .. }
            | Change::ReportCheck { .. }
            | Change::Merge { .. }
            | Change::ClosePull {} => Ok(None),
        }
    }

    async fn find_comment(&self, by: By, at: &Place, job: &Job) -> Result<Option<Applied>, SyncError> {
        let comments = self.api.comments(by, at, job.op.queued_at.checked_sub(BACK).ok()).await?;
        self.marked(by, comments, job).await
    }

    async fn find_reply(&self, by: By, at: &Place, job: &Job) -> Result<Option<Applied>, SyncError> {
        let notes = self.api.notes(by, at, job.op.queued_at.checked_sub(BACK).ok()).await?;
        self.marked(by, notes, job).await
    }

    /// Finds the comment that has this change's mark, and is ours.
    async fn marked(
        &self,
        by: By,
        comments: Vec<shape::Comment>,
        job: &Job,
    ) -> Result<Option<Applied>, SyncError> {
        let trust = self.trust(by).await?;
        let marker = job.marker();
        let is_it = |comment: &&shape::Comment| {
            Mark::at_end(&comment.body).is_some_and(|mark| mark.op == marker) && trust.is_ours(comment)
        };
        let found = comments.iter().find(is_it);
        Ok(found.map(|comment| Applied {
            remote: comment.id.to_string().parse().ok(),
            url: comment.html_url.clone(),
            request_id: None,
        }))
    }
}

/// Tells whether a pull request is as a change would make it.
fn is_made(change: &Change, pull: &shape::Pull, reviews: &[shape::Review]) -> bool {
    match change {
        Change::WriteSection { section } => section::read(&pull.body) == Some(Change::version_of(section)),
        Change::Rename { title } => **title == pull.title,
        Change::SetDraft { draft } => *draft == pull.draft,
        // Who has given a review is not asked any more.
        Change::RequestReviewers { names } => {
            let asked = pull.requested_reviewers.iter().map(|user| user.login.as_str());
            let answered = reviews.iter().filter_map(|review| Some(review.user.as_ref()?.login.as_str()));
            let known: BTreeSet<String> = asked.chain(answered).map(str::to_lowercase).collect();
            names.iter().all(|name| known.contains(&name.to_lowercase()))
        }
        Change::AddLabels { names } => has_labels(&pull.labels, names),
        Change::Merge { .. } => read::is_merged(pull),
        Change::ClosePull {} => pull.state == "closed",
        Change::PushBranch(_)
        | Change::DeleteBranch { .. }
        | Change::OpenPull { .. }
        | Change::WriteStatus { .. }
        | Change::Comment { .. }
        | Change::Reply { .. }
        | Change::ReportCheck { .. }
        | Change::MoveTicket { .. }
        | Change::LinkPull { .. } => false,
    }
}

fn has_labels(labels: &[shape::Label], names: &[std::sync::Arc<str>]) -> bool {
    names.iter().all(|name| labels.iter().any(|label| label.name.eq_ignore_ascii_case(name)))
}

/// Tells whether a status is what we would report.
fn says(job: &Job, status: &shape::Status) -> bool {
    let Change::ReportCheck { state, summary, .. } = &job.op.change else { return false };
    super::change::status_of(*state, summary) == Some((status.state.as_str(), status.description.clone()))
}
