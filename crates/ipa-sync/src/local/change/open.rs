//! Opening a pull request: a new one, or the one that is there. Pure.

use ipa_events::task::Change;
use ipa_events::{BranchName, Oid};

use super::{AUTHOR, refusal, text};
use crate::connector::Job;
use crate::error::{ErrorClass, SyncError};
use crate::local::front::Front;
use crate::local::pull::{PullKeys, StateWord};
use crate::section;

/// How a pull request comes to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::local) enum Opening {
    /// It is there, under this number.
    There(u64),
    /// A person opened this one, and hands it over.
    Theirs(u64),
    /// These are its files.
    New { pull: Front, body: String },
}

/// Tells what opening one needs, with the pull requests that there are and the head of the branch.
pub(in crate::local) fn open(
    there: &[(u64, PullKeys)],
    job: &Job,
    base: &BranchName,
    commit: Option<&Oid>,
) -> Result<Opening, SyncError> {
    let Change::OpenPull { head, base: wanted, title, section, draft, .. } = &job.op.change else {
        return Err(refusal(ErrorClass::Rejected, job, "this opens no pull request"));
    };
    let (marker, task) = (job.marker(), job.target.task.to_string());
    if let Some((number, _)) = there.iter().find(|(_, it)| it.marker.as_deref() == Some(&*marker)) {
        return Ok(Opening::There(*number));
    }
    let open = there.iter().find(|(_, it)| it.state == StateWord::Open && it.head == *head);
    match open {
        Some((number, it)) if it.task.as_deref() == Some(&*task) => return Ok(Opening::There(*number)),
        Some((number, it)) if it.task.is_none() && job.op.insisted => return Ok(Opening::Theirs(*number)),
        Some((number, it)) => {
            let what_now = match &it.task {
                Some(_) => "and of another task; close one of them",
                None => {
                    "and a person opened it: try again to take it over (our section is added), or close it first"
                }
            };
            let detail = format!("the pull request {number} of {head} is open, {what_now}");
            return Err(refusal(ErrorClass::Rejected, job, &detail));
        }
        None => {}
    }
    let Some(commit) = commit else {
        let detail = format!("the branch {head} is not there; push it first");
        return Err(refusal(ErrorClass::Rejected, job, &detail));
    };
    let mut pull = Front::default();
    let keys = [
        ("title", text(title)),
        ("state", "open".into()),
        ("draft", (*draft).into()),
        ("head", text(head.as_str())),
        ("base", text(wanted.as_ref().unwrap_or(base).as_str())),
        ("commit", text(commit.as_str())),
        ("author", AUTHOR.into()),
        ("task", text(&task)),
        ("marker", text(&marker)),
    ];
    for (key, value) in keys.into_iter().rev() {
        pull.set(key, value);
    }
    Ok(Opening::New { pull, body: section::write("", section, &Change::version_of(section)) })
}
