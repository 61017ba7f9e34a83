//! What the demo has for a forge and a tracker: a bare repository, and a folder with a ticket, in which somebody who
//! reviews leaves a comment. Knows what is said there, and how far the story outside is.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use ipa_events::task::{Category, Change, ChangeKind, Link};
use ipa_events::{ConnectorId, OpId, Phase, RemoteId, RepoSource, Resource, ResourceKind};
use ipa_server::wire::{SyncOp, SyncState, TaskDetail};
use serde_json::json;

use super::repo::{BROKEN, DemoRepo, write};
use crate::config::ConnectorValues;
use crate::failure::Failure;

/// What the demo's connector is called.
const NAME: &str = "demo";
/// The ticket.
const TICKET: &str = "DEMO-1";
/// Who wrote the ticket and reviews.
const REVIEWER: &str = "rae";
/// What that one asks for.
const REMARK: &str = "Please say here what an empty range is, too.";

/// The demo's forge and tracker.
pub(super) struct Forge {
    folder: PathBuf,
    repo: RepoSource,
    told: BTreeSet<OpId>,
    reviewed: Reviewed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reviewed {
    NotYet,
    Asked,
}

/// What is to be done with a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is somebody's turn; what opening it also does, if anything.
    Now(&'static str),
    /// The outside has not come as far.
    Later,
}

impl Forge {
    /// Puts the ticket down.
    pub(super) fn make(repo: &DemoRepo, (title, request): (&str, &str)) -> Result<Self, Failure> {
        let folder = repo.forge_folder();
        let tickets = folder.join("tickets");
        for folder in [&tickets, &folder.join("inbox")] {
            let doing = format!("making {}", folder.display());
            fs::create_dir_all(folder).map_err(|source| Failure::Io { doing, source })?;
        }
        let ticket = format!("+++\ntitle = {title:?}\nauthor = \"{REVIEWER}\"\n+++\n{request}\n");
        write(&tickets.join(format!("{TICKET}.md")), &ticket)?;
        Ok(Self { folder, repo: repo.source()?, told: BTreeSet::new(), reviewed: Reviewed::NotYet })
    }

    /// Returns the connector as it would be configured.
    pub(super) fn connector(&self) -> Result<(ConnectorId, ConnectorValues), Failure> {
        let auto =
            ["open_pull", "mark_ready", "reply", "comment", "finish_ticket"].map(|kind| (kind, "auto"));
        // Who looks for the branch afterwards finds it.
        let kept = [("delete_branch", "deny")];
        let publish: serde_json::Map<_, _> =
            auto.into_iter().chain(kept).map(|(kind, policy)| (kind.to_owned(), json!(policy))).collect();
        let values = json!({
            "kind": "local", "folder": self.folder, "repo": self.repo, "base": "main", "poll": "200ms",
            "merge": "merge", "publish": publish,
        });
        let wrong = |error: String| Failure::Wrong(format!("the demo's connector: {error}"));
        let values = serde_json::from_value(values).map_err(|error| wrong(error.to_string()))?;
        Ok((id()?, values))
    }

    /// Names the ticket.
    pub(super) fn ticket() -> Result<(Resource, Link), Failure> {
        let remote: RemoteId = TICKET.parse().map_err(invalid)?;
        let resource = Resource { connector: id()?, kind: ResourceKind::Ticket, name: TICKET.to_owned() };
        Ok((resource, Link { remote, url: None }))
    }

    /// Says where it all lies.
    pub(super) fn told(&self) -> String {
        format!("outside    {}   tickets, pull requests and comments are files here", self.folder.display())
    }

    /// Lists what happened outside since the last time, a line each with the phase that it is part of; somebody reviews
    /// when it is time.
    pub(super) fn news(&mut self, now: &TaskDetail) -> Result<Vec<(Phase, String)>, Failure> {
        let mut lines = Vec::new();
        for op in now.sync.iter().filter(|op| op.state == SyncState::Sent) {
            if self.told.insert(op.id) {
                lines.extend(line(op));
            }
        }
        if self.reviewed == Reviewed::NotYet && sent(now, ChangeKind::MarkReady) {
            self.reviewed = Reviewed::Asked;
            let line = BROKEN.lines().position(|line| line.starts_with("total()")).unwrap_or_default().max(1);
            let keys = format!(
                "pull = 1\nkind = \"comment\"\nauthor = \"{REVIEWER}\"\npath = \"total.sh\"\nline = {line}"
            );
            write(&self.folder.join("inbox/review.md"), &format!("+++\n{keys}\n+++\n{REMARK}\n"))?;
            lines.push((Phase::Review, format!("← {REVIEWER} comments on total.sh:{line}: {REMARK}")));
        }
        Ok(lines)
    }

    /// Says whether it is time for the gate of a phase: each waits for what is to be seen of it outside.
    pub(super) fn turn(now: &TaskDetail) -> Turn {
        match now.task.phase {
            Phase::Development if !sent(now, ChangeKind::OpenPull) => Turn::Later,
            Phase::Review if !sent(now, ChangeKind::Reply) => Turn::Later,
            Phase::Development => Turn::Now(" and let others review it"),
            Phase::Review => Turn::Now(" and merge it"),
            Phase::SpecClarification | Phase::Planning | Phase::Completed | Phase::Cancelled => Turn::Now(""),
        }
    }

    /// Tells whether nothing is left to do outside.
    pub(super) fn is_done(now: &TaskDetail) -> bool {
        let open =
            |op: &&SyncOp| matches!(op.state, SyncState::Ready | SyncState::InFlight | SyncState::Waiting);
        sent(now, ChangeKind::FinishTicket) && !now.sync.iter().any(|op| open(&op))
    }
}

/// Says what was made, where it is worth a line.
fn line(op: &SyncOp) -> Option<(Phase, String)> {
    let remote = || op.remote.as_ref().map(ToString::to_string).unwrap_or_default();
    Some(match &op.change {
        Change::MoveTicket { to: Category::Active } => {
            (Phase::Development, format!("→ {TICKET} is in progress"))
        }
        Change::MoveTicket { to: Category::Done } => (Phase::Completed, format!("→ {TICKET} is done")),
        Change::OpenPull { head, .. } => {
            (Phase::Development, format!("→ {}: a draft pull request of {head}", remote()))
        }
        Change::SetDraft { draft: false } => (Phase::Review, format!("→ {} is ready for review", remote())),
        Change::Reply { text, .. } => (Phase::Review, format!("→ answered in the thread: {text}")),
        Change::Merge { .. } => (Phase::Review, "→ merged into main".to_owned()),
        Change::MoveTicket { to: Category::New }
        | Change::SetDraft { draft: true }
        | Change::PushBranch(_)
        | Change::DeleteBranch { .. }
        | Change::WriteSection { .. }
        | Change::Rename { .. }
        | Change::WriteStatus { .. }
        | Change::Comment { .. }
        | Change::RequestReviewers { .. }
        | Change::AddLabels { .. }
        | Change::ReportCheck { .. }
        | Change::ClosePull {}
        | Change::LinkPull { .. } => return None,
    })
}

fn sent(now: &TaskDetail, kind: ChangeKind) -> bool {
    now.sync.iter().any(|op| op.kind == kind && op.state == SyncState::Sent)
}

fn id() -> Result<ConnectorId, Failure> {
    NAME.parse().map_err(invalid)
}

#[expect(clippy::needless_pass_by_value, reason = "it takes what `map_err` gives")]
fn invalid(error: ipa_events::InvalidValue) -> Failure {
    Failure::Wrong(error.to_string())
}
