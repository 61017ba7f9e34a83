//! Looks, changes and sweeps: the pure parts of this connector between two reads and writes.

use ipa_events::task::{Change, Link, MergeMethod};
use ipa_events::{BranchName, ConnectorId, InvalidValue, Oid, RemoteId, ResourceKind};

use super::change::{Opening, Plan, Write, of_pull, of_ticket, open, refusal};
use super::folder::{self, PrintOf};
use super::merge::{self, Settled, Wish};
use super::pull::{PullFiles, StateWord};
use super::ticket::TicketFiles;
use super::{LocalConnector, Seen};
use crate::connector::{Applied, Cx, Job, Observed, Probe, Swept, Target};
use crate::error::{ErrorClass, SyncError};

impl LocalConnector {
    /// Reads a thing.
    pub(super) async fn look(&self, cx: Cx<'_>, at: &Target) -> Result<Observed, SyncError> {
        let missing = || if at.link.is_some() { Observed::Gone } else { Observed::Absent };
        match at.resource.kind {
            ResourceKind::Branch => Ok(missing()),
            ResourceKind::Ticket => {
                let ticket = self.ticket(at).await?;
                Ok(ticket.map_or_else(missing, |files| Observed::Ticket(files.fold().into())))
            }
            ResourceKind::Pull => {
                let Some(files) = self.pull(at).await? else { return Ok(missing()) };
                let head = self.head(cx, &files).await?;
                let link = Link { remote: self.remote(files.number)?, url: None };
                Ok(Observed::Pull(link, files.fold(&head).into()))
            }
        }
    }

    /// Makes a change, unless it is made already.
    pub(super) async fn make(&self, cx: Cx<'_>, job: &Job) -> Result<Applied, SyncError> {
        match (&job.op.change, job.target.resource.kind) {
            (Change::OpenPull { .. }, ResourceKind::Pull) => match self.opening(cx, job).await? {
                Opening::There(number) => self.opened(number),
                Opening::Theirs(number) => {
                    let link = Some(Link { remote: self.remote(number)?, url: None });
                    let theirs = Job { target: Target { link, ..job.target.clone() }, ..job.clone() };
                    self.write(&theirs).await
                }
                Opening::New { pull, body } => {
                    let made = self
                        .files("opening a pull request", move |root| folder::make_pull(root, &pull, &body));
                    self.opened(made.await?)
                }
            },
            (Change::Merge { commit, method }, ResourceKind::Pull) => {
                let files = self.pull_there(job).await?;
                let merged = self.merge(cx, &files, wish(commit, *method)).await;
                let merged = merged?.map_err(|objection| refusal(ErrorClass::Conflict, job, &objection))?;
                Ok(Applied { remote: merged.as_str().parse().ok(), ..Applied::default() })
            }
            (_, ResourceKind::Pull) => self.write(job).await,
            (_, ResourceKind::Ticket) => {
                let files = self.ticket_there(job).await?;
                let plan = of_ticket(&files, job)?;
                self.write_ticket(files.key, plan.writes).await?;
                Ok(plan.applied)
            }
            (_, ResourceKind::Branch) => {
                Err(refusal(ErrorClass::Rejected, job, "branches are changed by git alone"))
            }
        }
    }

    /// Changes the files of a pull request.
    async fn write(&self, job: &Job) -> Result<Applied, SyncError> {
        let files = self.pull_there(job).await?;
        let plan = of_pull(&files, self.remote(files.number)?, job)?;
        self.write_pull(files.number, plan.writes).await?;
        Ok(plan.applied)
    }

    /// Finds out whether a change was made.
    pub(super) async fn find(&self, cx: Cx<'_>, job: &Job) -> Result<Probe, SyncError> {
        let planned = match (&job.op.change, job.target.resource.kind) {
            (Change::OpenPull { .. }, ResourceKind::Pull) => {
                return Ok(match self.opening(cx, job).await? {
                    Opening::There(number) => Probe::There(self.opened(number)?),
                    Opening::New { .. } | Opening::Theirs(_) => Probe::NotThere,
                });
            }
            (Change::Merge { commit, method }, ResourceKind::Pull) => {
                let files = self.pull_there(job).await?;
                let merged = self.merged(cx, &files, wish(commit, *method)).await?;
                let applied =
                    |base: Oid| Applied { remote: base.as_str().parse().ok(), ..Applied::default() };
                return Ok(merged.map_or(Probe::NotThere, |base| Probe::There(applied(base))));
            }
            (_, ResourceKind::Pull) => {
                let files = self.pull_there(job).await?;
                of_pull(&files, self.remote(files.number)?, job)
            }
            (_, ResourceKind::Ticket) => of_ticket(&self.ticket_there(job).await?, job),
            (_, ResourceKind::Branch) => return Ok(Probe::NotThere),
        };
        // What would be refused now was not made.
        Ok(planned.map_or(Probe::NotThere, |plan: Plan| {
            if plan.writes.is_empty() { Probe::There(plan.applied) } else { Probe::NotThere }
        }))
    }

    /// Lists what is other than the last sweep saw, and the tickets that want a task.
    pub(super) async fn compare(&self, cx: Cx<'_>, seen: &mut Seen) -> Result<Swept, SyncError> {
        let label = self.config.label.clone();
        let (prints, pulls, wanted) = self
            .files("looking for what changed", move |root| {
                let tickets = folder::all_tickets(root)?;
                let wanted = tickets.iter().filter_map(|files| files.wanted(&label)).collect();
                Ok((folder::prints(root)?, folder::pulls(root)?, wanted))
            })
            .await?;
        let mut now: Seen = prints.into_iter().map(|(of, prints)| (of, (prints, None))).collect();
        for (number, keys) in pulls {
            let Some(keys) = keys.ok().filter(|keys| keys.state == StateWord::Open) else { continue };
            let head = cx.git.head(&self.config.repo, &keys.head).await?;
            if let Some((_, at)) = now.get_mut(&PrintOf::Pull(number)) {
                *at = head;
            }
        }
        let changed = now.iter().filter(|(of, print)| seen.get(*of) != Some(*print)).map(|(of, _)| of);
        let gone = seen.keys().filter(|of| !now.contains_key(*of));
        let moved = changed.chain(gone).map(|of| match of {
            PrintOf::Pull(number) => self.remote(*number),
            PrintOf::Ticket(key) => Ok(key.clone()),
        });
        let moved = moved.collect::<Result<_, _>>()?;
        *seen = now;
        Ok(Swept { moved, wanted, until: Some(cx.now), ..Swept::default() })
    }

    /// Merges a pull request at a commit that was seen, or says what is against it. Who merged it is written down.
    pub(super) async fn merge(
        &self,
        cx: Cx<'_>,
        files: &PullFiles,
        wish: Wish<'_>,
    ) -> Result<Result<Oid, String>, SyncError> {
        let repo = &self.config.repo;
        if let Some(base) = self.merged(cx, files, wish).await? {
            return Ok(Ok(base));
        }
        let head = cx.git.head(repo, &files.keys.head).await?;
        if let Some(objection) = merge::objection(files, wish.seen, head.as_ref()) {
            return Ok(Err(objection));
        }
        let Some(base) = cx.git.head(repo, &files.keys.base).await? else {
            return Ok(Err(format!("there is no branch {} to merge it into", files.keys.base)));
        };
        self.write_pull(files.number, merge::begun(files, &base)).await?;
        let merged = cx.git.merge(&merge::order(files, repo, wish)).await;
        let end = match &merged {
            Ok(base) => merge::merged(files, wish, base),
            Err(error) if error.class == ErrorClass::Indeterminate => Vec::new(),
            Err(_) => merge::left(files),
        };
        self.write_pull(files.number, end).await?;
        merged.map(Ok)
    }

    /// Returns what the base became when the pull request was merged; none: it is not merged.
    async fn merged(&self, cx: Cx<'_>, files: &PullFiles, wish: Wish<'_>) -> Result<Option<Oid>, SyncError> {
        if files.keys.state == StateWord::Merged {
            return Ok(Some(files.keys.merged.clone().unwrap_or_else(|| wish.seen.clone())));
        }
        match merge::settle(files, wish.seen, &self.config.repo, cx).await? {
            Settled::NotMade => Ok(None),
            Settled::Made(base) => {
                self.write_pull(files.number, merge::merged(files, wish, &base)).await?;
                Ok(Some(base))
            }
        }
    }

    /// Returns where the head of a pull request is, and keeps it for when its branch is gone. One that is not open any
    /// more has the head that it had then.
    pub(super) async fn head(&self, cx: Cx<'_>, files: &PullFiles) -> Result<Oid, SyncError> {
        let keys = &files.keys;
        if let (Some(commit), StateWord::Merged | StateWord::Closed) = (&keys.commit, keys.state) {
            return Ok(commit.clone());
        }
        match (cx.git.head(&self.config.repo, &keys.head).await?, &keys.commit) {
            (Some(head), Some(commit)) if head == *commit => Ok(head),
            (Some(head), _) => {
                let commit = ("commit", super::change::text(head.as_str()));
                self.write_pull(files.number, super::change::set(&files.file, &[commit])).await?;
                Ok(head)
            }
            (None, Some(commit)) => Ok(commit.clone()),
            (None, None) => {
                let detail = format!("there is no branch {}; push it, or remove the pull request", keys.head);
                let doing = format!("looking at {}#{}", self.config.id, files.number);
                Err(SyncError::new(ErrorClass::Unexpected, doing, detail))
            }
        }
    }

    async fn opening(&self, cx: Cx<'_>, job: &Job) -> Result<Opening, SyncError> {
        let Change::OpenPull { head, repo, .. } = &job.op.change else {
            return Err(refusal(ErrorClass::Rejected, job, "this opens no pull request"));
        };
        if *repo != self.config.repo {
            let detail = format!("{} looks after {} only", self.config.id, self.config.repo);
            return Err(refusal(ErrorClass::Rejected, job, &detail));
        }
        let commit = cx.git.head(repo, head).await?;
        let all = self.files("looking for the pull request", |root| {
            folder::pulls(root)?
                .into_iter()
                .map(|(number, keys)| Ok((number, keys?)))
                .collect::<Result<Vec<_>, _>>()
        });
        open(&all.await?, job, &self.config.base, commit.as_ref())
    }

    fn opened(&self, number: u64) -> Result<Applied, SyncError> {
        Ok(Applied { remote: Some(self.remote(number)?), ..Applied::default() })
    }

    /// Returns what a pull request is called.
    fn remote(&self, number: u64) -> Result<RemoteId, SyncError> {
        let name = format!("{}#{number}", self.config.id);
        name.parse().map_err(|error: InvalidValue| {
            SyncError::new(ErrorClass::Unexpected, "naming a pull request", error.to_string())
        })
    }

    async fn pull_there(&self, job: &Job) -> Result<PullFiles, SyncError> {
        let gone = || refusal(ErrorClass::Gone, job, "the pull request is not there");
        self.pull(&job.target).await?.ok_or_else(gone)
    }

    async fn ticket_there(&self, job: &Job) -> Result<TicketFiles, SyncError> {
        let gone = || refusal(ErrorClass::Gone, job, "the ticket is not there");
        self.ticket(&job.target).await?.ok_or_else(gone)
    }

    async fn pull(&self, at: &Target) -> Result<Option<PullFiles>, SyncError> {
        let number = match &at.link {
            Some(link) => match number_of(&self.config.id, &link.remote) {
                Some(number) => Ok(number),
                None => return Ok(None),
            },
            None => match at.resource.name.parse::<BranchName>() {
                Ok(head) => Err(head),
                Err(_) => return Ok(None),
            },
        };
        let task = at.task;
        self.files("reading a pull request", move |root| {
            let number = match number {
                Ok(number) => Some(number),
                Err(head) => folder::pull_of(root, &head, task)?,
            };
            number.map_or(Ok(None), |number| folder::pull(root, number))
        })
        .await
    }

    async fn ticket(&self, at: &Target) -> Result<Option<TicketFiles>, SyncError> {
        let key =
            at.link.as_ref().map_or_else(|| at.resource.name.parse().ok(), |it| Some(it.remote.clone()));
        let Some(key) = key else { return Ok(None) };
        self.files("reading a ticket", move |root| folder::ticket(root, &key)).await
    }

    pub(super) async fn write_pull(&self, number: u64, writes: Vec<Write>) -> Result<(), SyncError> {
        if writes.is_empty() {
            return Ok(());
        }
        self.files("writing a pull request", move |root| folder::write_pull(root, number, &writes)).await
    }

    pub(super) async fn write_ticket(&self, key: RemoteId, writes: Vec<Write>) -> Result<(), SyncError> {
        if writes.is_empty() {
            return Ok(());
        }
        self.files("writing a ticket", move |root| folder::write_ticket(root, &key, &writes)).await
    }
}

const fn wish(seen: &Oid, method: MergeMethod) -> Wish<'_> {
    Wish { seen, method, by: "ipa" }
}

fn number_of(id: &ConnectorId, remote: &RemoteId) -> Option<u64> {
    let number = remote.as_str().strip_prefix(id.as_str())?.strip_prefix('#')?;
    number.parse().ok()
}
