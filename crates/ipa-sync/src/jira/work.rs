//! Looks, changes and probes: the pure parts of this connector between its requests.

use std::sync::Arc;

use http::Method;
use ipa_events::ResourceKind;
use ipa_events::task::{Category, Change, Ticket};
use serde_json::json;

use super::link::Says;
use super::mark::Sort;
use super::shape::{Issue, RemoteLink, Status, Transitions};
use super::site::{Visit, request_id};
use super::sweep::title;
use super::transition::{Go, Hop, Way, Wish, way};
use super::{Quiet, Seen, Trusting};
use crate::channel::{Ask, parsed};
use crate::connector::{Applied, Job, Look, Observed, Probe, Target};
use crate::error::{ErrorClass, SyncError};
use crate::gate::{Effect, Lane};

/// What a change does to a ticket.
enum Act<'a> {
    Move(Category),
    Link(Says<'a>),
    Label(&'a [Arc<str>]),
    Comment(&'a str),
    Status(&'a str),
}

impl Visit<'_> {
    /// Reads the ticket. At a glance the comments are those of the last look, unless the ticket was changed since.
    pub(super) async fn look(
        &self,
        (trust, seen): (&Trusting, &Seen),
        at: &Target,
        look: Look,
    ) -> Result<Observed, SyncError> {
        let lane = match look {
            Look::Glance => Lane::Poll,
            Look::Closely => Lane::Read,
        };
        let missing = || if at.link.is_some() { Observed::Gone } else { Observed::Absent };
        let Some(issue) = self.issue("summary,status,updated", lane).await? else { return Ok(missing()) };
        let status = self.status_of(&issue)?;
        let known = (look == Look::Glance).then(|| seen.of(&issue)).flatten();
        let remarks = match known {
            Some(remarks) => remarks,
            None => self.remarks(trust).await?,
        };
        seen.keep(&issue, &remarks);
        let (title, category) = (title(&issue).into(), status.category());
        let ticket = Ticket { title, status: status.name.as_str().into(), category, remarks };
        Ok(Observed::Ticket(ticket.into()))
    }

    /// Makes a change, unless it is made already.
    pub(super) async fn make(&self, quiet: &Quiet, job: &Job) -> Result<Applied, SyncError> {
        match self.act(job)? {
            Act::Move(to) => self.go(to).await,
            Act::Link(says) => self.link(says).await,
            Act::Label(names) => {
                let add: Vec<_> = names.iter().map(|name| json!({ "add": name })).collect();
                let change = (Method::PUT, json!({ "update": { "labels": add } }), Effect::Idempotent);
                let answer = quiet.send(self, self.change(("labelling", "issue/{}"), &[], change)).await?;
                Ok(Applied { request_id: request_id(&answer), ..self.itself() })
            }
            Act::Comment(text) => {
                // Another try may come after one whose end was misjudged: a look costs one request.
                if job.op.attempts > 1
                    && let Some(comment) = self.written(job).await?
                {
                    return Ok(self.as_applied(&comment.id));
                }
                self.post(job, Sort::Comment, text).await
            }
            Act::Status(text) => match self.status(job).await? {
                Some(comment) => self.put(quiet, job, &comment.id, text).await,
                None => self.post(job, Sort::Status, text).await,
            },
        }
    }

    /// Finds out whether a change was made. What is not there any more has it no more.
    pub(super) async fn probe(&self, job: &Job) -> Result<Probe, SyncError> {
        match self.made(job).await {
            Ok(made) => Ok(made.map_or(Probe::NotThere, Probe::There)),
            Err(error) if error.class == ErrorClass::Gone => Ok(Probe::NotThere),
            Err(error) => Err(error),
        }
    }

    async fn made(&self, job: &Job) -> Result<Option<Applied>, SyncError> {
        match self.act(job)? {
            Act::Move(to) => {
                let there = self.stands().await?.category() >= to;
                Ok(there.then(|| self.itself()))
            }
            Act::Link(says) => {
                let there = self.links(&says).await?.into_iter().find(|link| says.is(link));
                Ok(there.map(|link| self.linked(link.id)))
            }
            Act::Label(names) => {
                let issue = self.issue("labels", Lane::Read).await?;
                let labels = issue.and_then(|issue| issue.fields.labels).unwrap_or_default();
                Ok(names.iter().all(|name| labels.contains(name)).then(|| self.itself()))
            }
            Act::Comment(_) => {
                let comment = self.written(job).await?;
                Ok(comment.map(|comment| self.as_applied(&comment.id)))
            }
            Act::Status(_) => {
                let ours = self.status(job).await?.filter(|comment| self.is_of(comment, job));
                Ok(ours.map(|comment| self.as_applied(&comment.id)))
            }
        }
    }

    /// Says what a change does to a ticket.
    fn act<'j>(&self, job: &'j Job) -> Result<Act<'j>, SyncError> {
        match &job.op.change {
            Change::MoveTicket { to } => Ok(Act::Move(*to)),
            Change::LinkPull { url, title, merged } => Ok(Act::Link(Says { url, title, merged: *merged })),
            Change::AddLabels { names } => Ok(Act::Label(names)),
            Change::Comment { text } => Ok(Act::Comment(text)),
            Change::WriteStatus { text } => Ok(Act::Status(text)),
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
            | Change::ClosePull {} => {
                let doing = format!("{} on {}", job.op.change.kind(), self.key);
                Err(SyncError::new(ErrorClass::Rejected, doing, "a ticket of Jira has no such thing"))
            }
        }
    }

    /// Reads the ticket; none: it is not there, or may not be seen.
    async fn issue(&self, fields: &str, lane: Lane) -> Result<Option<Issue>, SyncError> {
        let ask = self.read("reading", "issue/{}", &[]).query("fields", fields);
        let ask = ask.query("updateHistory", "false").expecting(&[404]);
        let ask = Ask { lane, ..ask };
        let answer = self.send(&ask).await?;
        if answer.status.as_u16() == 404 { Ok(None) } else { parsed(&ask, &answer).map(Some) }
    }

    /// Reads where the ticket stands.
    async fn stands(&self) -> Result<Status, SyncError> {
        let gone = || self.error(ErrorClass::Gone, "it is not there any more, or may not be seen");
        self.status_of(&self.issue("status", Lane::Read).await?.ok_or_else(gone)?)
    }

    fn status_of(&self, issue: &Issue) -> Result<Status, SyncError> {
        let none = || self.error(ErrorClass::Unexpected, "Jira does not say what its status is");
        issue.fields.status.clone().ok_or_else(none)
    }

    /// Moves the ticket on, over one status on the way if it must.
    async fn go(&self, to: Category) -> Result<Applied, SyncError> {
        let (statuses, resolution) = (&self.config.statuses, self.config.resolution.as_deref());
        let wish = Wish { to, statuses, resolution };
        let mut hop = Hop::Allowed;
        loop {
            let now = self.stands().await?;
            if now.category() >= to {
                return Ok(self.itself());
            }
            let ask = self.read("reading the transitions of", "issue/{}/transitions", &[]);
            let all: Transitions = self.get(&ask.query("expand", "transitions.fields")).await?;
            let go = match way(&now, &all.transitions, &wish, hop) {
                Way::There => return Ok(self.itself()),
                Way::No(why) => return Err(self.error(ErrorClass::Rejected, &why)),
                Way::Go(go) => go,
            };
            let request_id = self.transition(&go, to).await?;
            if go.lands >= to || hop == Hop::Done {
                return Ok(Applied { request_id, ..self.itself() });
            }
            hop = Hop::Done;
        }
    }

    /// Makes a transition. One that is refused because somebody was faster is looked at again.
    async fn transition(&self, go: &Go, to: Category) -> Result<Option<String>, SyncError> {
        let change = (Method::POST, go.body(), Effect::Once);
        let ask = self.change(("moving", "issue/{}/transitions"), &[], change);
        match self.send(&ask).await {
            Ok(answer) => Ok(request_id(&answer)),
            Err(error) if matches!(error.class, ErrorClass::Rejected | ErrorClass::Conflict) => {
                if self.stands().await?.category() >= to { Ok(None) } else { Err(error) }
            }
            Err(error) => Err(error),
        }
    }

    async fn link(&self, says: Says<'_>) -> Result<Applied, SyncError> {
        let change = (Method::POST, says.body(), Effect::Idempotent);
        let ask = self.change(("linking", "issue/{}/remotelink"), &[], change);
        let answer = self.send(&ask).await?;
        // It is there, whether or not its number can be read.
        let id = serde_json::from_slice(&answer.body).ok().and_then(|link: RemoteLink| link.id);
        Ok(Applied { request_id: request_id(&answer), ..self.linked(id) })
    }

    /// Reads the links of that name: Jira answers with one, or with a list, or that there is none.
    async fn links(&self, says: &Says<'_>) -> Result<Vec<RemoteLink>, SyncError> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Links {
            Many(Vec<RemoteLink>),
            One(RemoteLink),
        }
        let name = says.global_id();
        let ask = self.read("reading the links of", "issue/{}/remotelink", &[]).query("globalId", &*name);
        let links = match self.get(&ask).await? {
            Links::Many(links) => links,
            Links::One(link) => vec![link],
        };
        Ok(links.into_iter().filter(|link| link.global_id.as_ref() == Some(&name)).collect())
    }

    fn linked(&self, id: Option<u64>) -> Applied {
        Applied { remote: id.and_then(|id| id.to_string().parse().ok()), ..self.itself() }
    }

    /// The ticket, as what was changed.
    fn itself(&self) -> Applied {
        Applied {
            remote: self.key.parse().ok(),
            url: Some(self.site.page(self.key).into()),
            request_id: None,
        }
    }

    fn is_of(&self, comment: &super::shape::Comment, job: &Job) -> bool {
        match self.whose(comment) {
            super::mark::Whose::Ours(mark) => mark.marker == job.marker(),
            super::mark::Whose::Theirs | super::mark::Whose::Unsaid => false,
        }
    }

    fn error(&self, class: ErrorClass, detail: &str) -> SyncError {
        SyncError::new(class, format!("working on {}", self.key), detail)
    }
}

/// Returns what a ticket is called there.
pub(super) fn key_of(at: &Target) -> Option<&str> {
    if at.resource.kind != ResourceKind::Ticket {
        return None;
    }
    Some(at.link.as_ref().map_or(at.resource.name.as_str(), |link| link.remote.as_str()))
}
