//! What GitHub says, as the pull request that a task knows. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use ipa_events::task::{
    Ci, CiState, FailedCheck, Pull, PullState, Remark, Review, ReviewVerdict, Thread, Ticket,
};
use ipa_events::{Oid, RemoteId};

use super::api::ThreadState;
use super::log;
use super::mark::Mark;
use super::shape;
use crate::body::inbound;
use crate::section;

/// The name under which our own checks are reported.
pub(super) const OURS: &str = "ipa";
/// How much of what a check says is kept, in bytes.
const SUMMARY: usize = 4096;

/// Whose words count.
#[derive(Debug, Clone)]
pub(super) struct Trust {
    /// Under which name we act.
    pub(super) me: Arc<str>,
    /// Who is trusted beside those whom the repository trusts.
    pub(super) also: Vec<Arc<str>>,
}

/// What is said about a pull request beside itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Talk {
    pub(super) reviews: Vec<shape::Review>,
    pub(super) notes: Vec<shape::Comment>,
    pub(super) comments: Vec<shape::Comment>,
    pub(super) threads: Vec<ThreadState>,
}

impl Trust {
    /// Tells whether somebody's words may reach an agent unasked.
    pub(super) fn trusts(&self, login: &str, association: &str) -> bool {
        let is = |other: &Arc<str>| other.eq_ignore_ascii_case(login);
        matches!(association, "OWNER" | "MEMBER" | "COLLABORATOR") || self.also.iter().any(is)
    }

    /// Tells whether a comment is one that we wrote. With a person's own token the name alone tells nothing.
    pub(super) fn is_ours(&self, comment: &shape::Comment) -> bool {
        let by = comment.user.as_ref().map_or("", |user| &*user.login);
        by.eq_ignore_ascii_case(&self.me) && Mark::at_end(&comment.body).is_some()
    }

    fn remark(&self, comment: &shape::Comment) -> Remark {
        let by = login(comment.user.as_ref());
        let trusted = self.trusts(&by, &comment.author_association);
        Remark { by, trusted, at: comment.created_at, text: clean(&comment.body) }
    }
}

/// Puts a pull request together; none when its head cannot be read.
pub(super) fn pull(shown: &shape::Pull, talk: &Talk, ci: Option<Ci>, trust: &Trust) -> Option<Pull> {
    let head: Oid = shown.head.sha.parse().ok()?;
    let mut pull = Pull::new(line(&shown.title), head, section::read(&shown.body));
    pull.state = state(shown);
    pull.draft = shown.draft;
    pull.mergeable = shown.mergeable.filter(|_| pull.state == PullState::Open);
    pull.ci = ci;
    threads(&mut pull, talk, trust);
    for comment in talk.comments.iter().filter(|comment| !trust.is_ours(comment)) {
        if let Some(id) = id(comment.id) {
            pull.remarks.insert(id, trust.remark(comment));
        }
    }
    reviews(&mut pull, &talk.reviews, trust);
    Some(pull)
}

/// Puts a ticket together from an issue. GitHub knows no more than open and closed; open work has begun.
pub(super) fn ticket(shown: &shape::Issue, comments: &[shape::Comment], trust: &Trust) -> Ticket {
    let theirs = comments.iter().filter(|comment| !trust.is_ours(comment));
    Ticket {
        title: line(&shown.title),
        status: line(&shown.state),
        category: category(&shown.state),
        remarks: theirs.filter_map(|it| Some((id(it.id)?, trust.remark(it)))).collect(),
    }
}

/// Where an issue stands.
pub(super) fn category(state: &str) -> ipa_events::task::Category {
    match state {
        "closed" => ipa_events::task::Category::Done,
        _ => ipa_events::task::Category::Active,
    }
}

fn state(shown: &shape::Pull) -> PullState {
    let by = || shown.merged_by.as_ref().map(|user| line(&user.login));
    let commit = || shown.merge_commit_sha.as_ref().and_then(|sha| sha.parse().ok());
    match shown.state.as_str() {
        _ if is_merged(shown) => PullState::Merged { commit: commit(), by: by() },
        "closed" => PullState::Closed { by: None },
        _ => PullState::Open,
    }
}

/// Tells whether it is merged. A list says only when.
pub(super) fn is_merged(shown: &shape::Pull) -> bool {
    shown.merged || shown.merged_at.is_some()
}

/// Puts the comments in the code into threads. A thread is named by its first comment.
fn threads(pull: &mut Pull, talk: &Talk, trust: &Trust) {
    let is_resolved = |first: u64| talk.threads.iter().any(|it| it.first == first && it.resolved);
    for note in &talk.notes {
        let first = note.in_reply_to_id.unwrap_or(note.id);
        let (Some(thread), Some(path)) = (id(first), &note.path) else { continue };
        let thread = pull.threads.entry(thread).or_insert_with(|| Thread {
            path: line(path),
            line: None,
            resolved: is_resolved(first),
            remarks: BTreeMap::new(),
        });
        if note.id == first {
            thread.line = note.line;
        }
        if let Some(id) = id(note.id).filter(|_| !trust.is_ours(note)) {
            thread.remarks.insert(id, trust.remark(note));
        }
    }
    // What we began ourselves, and nobody answered, is nobody's business.
    pull.threads.retain(|_, thread| !thread.remarks.is_empty());
}

/// Of each person the newest review that says yes or no counts; words without either are a remark.
fn reviews(pull: &mut Pull, reviews: &[shape::Review], trust: &Trust) {
    let mut newest: BTreeMap<Arc<str>, &shape::Review> = BTreeMap::new();
    for review in reviews {
        let by = login(review.user.as_ref());
        match review.state.to_ascii_uppercase().as_str() {
            "APPROVED" | "CHANGES_REQUESTED" | "DISMISSED" => {
                let order = |review: &shape::Review| (review.submitted_at, review.id);
                if newest.get(&by).is_none_or(|there| order(there) < order(review)) {
                    newest.insert(by, review);
                }
            }
            "COMMENTED" if !review.body.trim().is_empty() => {
                let name = format!("review-{}", review.id).parse::<RemoteId>();
                if let (Ok(name), Some(remark)) = (name, said(review, trust)) {
                    pull.remarks.insert(name, remark);
                }
            }
            _ => {}
        }
    }
    for (by, review) in newest {
        let verdict = match review.state.to_ascii_uppercase().as_str() {
            "APPROVED" => ReviewVerdict::Approved,
            "CHANGES_REQUESTED" => ReviewVerdict::ChangesRequested,
            _ => continue,
        };
        let commit = review.commit_id.as_ref().and_then(|sha| sha.parse().ok());
        if let (Some(id), Some(commit), Some(remark)) = (id(review.id), commit, said(review, trust)) {
            pull.reviews.insert(by, Review { id, verdict, commit, remark });
        }
    }
}

/// Returns what was written with a review; none while it is not handed in.
fn said(review: &shape::Review, trust: &Trust) -> Option<Remark> {
    let by = login(review.user.as_ref());
    let trusted = trust.trusts(&by, &review.author_association);
    Some(Remark { by, trusted, at: review.submitted_at?, text: clean(&review.body) })
}

/// What others' checks say of a commit; none: there are none.
pub(super) fn ci(commit: &Oid, runs: &[shape::CheckRun], statuses: &[shape::Status]) -> Option<Ci> {
    let runs = runs.iter().filter(|run| !is_our_run(run)).map(|run| {
        let output = run.output.clone().unwrap_or_default();
        let words = [output.title, output.summary].into_iter().filter(|text| !text.trim().is_empty());
        let words: Vec<String> = words.collect();
        (run_state(run), failed(&run.name, run.html_url.as_deref(), &words.join("\n")))
    });
    let statuses = statuses.iter().filter(|status| status.context != OURS).map(|status| {
        let words = failed(&status.context, status.target_url.as_deref(), &status.description);
        (status_state(&status.state), words)
    });
    let all: Vec<(CiState, FailedCheck)> = runs.chain(statuses).collect();
    let any = |state| all.iter().any(|(its, _)| *its == state);
    let state = match () {
        () if all.is_empty() => return None,
        () if any(CiState::Failed) => CiState::Failed,
        () if any(CiState::Pending) => CiState::Pending,
        () => CiState::Passed,
    };
    let failing = all.into_iter().filter(|(state, _)| *state == CiState::Failed);
    let mut failing: Vec<FailedCheck> = failing.map(|(_, check)| check).collect();
    failing.sort_by(|one, other| one.name.cmp(&other.name));
    Some(Ci { commit: commit.clone(), state, failing })
}

/// Names the jobs of GitHub's own CI, by their addresses: a check run of it has the id of its job.
pub(super) fn jobs(runs: &[shape::CheckRun]) -> BTreeMap<&str, u64> {
    let of_actions =
        |run: &&shape::CheckRun| run.app.as_ref().is_some_and(|app| app.slug == "github-actions");
    runs.iter().filter(of_actions).filter_map(|run| Some((run.html_url.as_deref()?, run.id))).collect()
}

/// What a check says, with the end of what it printed.
pub(super) fn with_log(summary: &str, log: &str) -> Arc<str> {
    let room = SUMMARY.saturating_sub(summary.len() + 1);
    let words = [summary, &log::tail(log, room)];
    words.into_iter().filter(|words| !words.is_empty()).collect::<Vec<_>>().join("\n").into()
}

fn is_our_run(run: &shape::CheckRun) -> bool {
    run.name == OURS && run.external_id.contains(".o")
}

fn run_state(run: &shape::CheckRun) -> CiState {
    if run.status != "completed" {
        return CiState::Pending;
    }
    match run.conclusion.as_deref().unwrap_or_default() {
        "success" | "neutral" | "skipped" => CiState::Passed,
        "failure" | "timed_out" | "cancelled" | "action_required" | "startup_failure" => CiState::Failed,
        // A word that is not known says neither yes nor no.
        _ => CiState::Pending,
    }
}

fn status_state(state: &str) -> CiState {
    match state {
        "success" => CiState::Passed,
        "failure" | "error" => CiState::Failed,
        _ => CiState::Pending,
    }
}

fn failed(name: &str, url: Option<&str>, words: &str) -> FailedCheck {
    let words = inbound::clean(words).text;
    let summary = words.get(..words.floor_char_boundary(SUMMARY)).unwrap_or(&words);
    FailedCheck { name: line(name), url: url.map(Into::into), summary: summary.into() }
}

fn id(number: u64) -> Option<RemoteId> {
    number.to_string().parse().ok()
}

/// Whoever deleted the account is a ghost, as on GitHub's own pages.
pub(super) fn login(user: Option<&shape::User>) -> Arc<str> {
    user.map_or_else(|| "ghost".into(), |user| line(&user.login))
}

pub(super) fn clean(text: &str) -> Arc<str> {
    inbound::clean(text).text.trim().into()
}

/// A text of one line.
pub(super) fn line(text: &str) -> Arc<str> {
    let text = inbound::clean(text).text;
    text.split_whitespace().collect::<Vec<_>>().join(" ").into()
}

#[cfg(test)]
mod tests;
