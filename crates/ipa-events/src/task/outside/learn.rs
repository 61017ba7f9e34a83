//! Folds what changed outside into what was known. Total: what does not fit changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{News, Outside, Pull, PullState, Remark, ReviewVerdict, Thread, Ticket};
use crate::task::change::Change;
use crate::value::{Oid, RemoteId, Resource, ResourceKind};

impl Outside {
    /// Folds one piece of news about a thing in.
    pub fn learn(&mut self, resource: &Resource, news: &News) {
        match news {
            News::PullFound { title, head, draft, section } => {
                let found = Pull { draft: *draft, ..Pull::new(title.clone(), head.clone(), section.clone()) };
                self.pulls.insert(resource.clone(), found);
            }
            News::TicketFound { title, status, category } => {
                let (title, status, category) = (title.clone(), status.clone(), *category);
                let found = Ticket { title, status, category, remarks: BTreeMap::new() };
                self.tickets.insert(resource.clone(), found);
            }
            News::Gone {} => {
                self.pulls.remove(resource);
                self.tickets.remove(resource);
            }
            News::PullRenamed { .. }
            | News::PullPushed { .. }
            | News::PullDraft { .. }
            | News::PullMergeable { .. }
            | News::PullSection { .. }
            | News::PullOpen {}
            | News::PullMerged { .. }
            | News::PullClosed { .. }
            | News::Reviewed { .. }
            | News::ReviewDismissed { .. }
            | News::ThreadOpened { .. }
            | News::ThreadMoved { .. }
            | News::ThreadResolved { .. }
            | News::ThreadGone { .. }
            | News::Remarked { .. }
            | News::RemarkGone { .. }
            | News::CiChanged { .. }
            | News::TicketRenamed { .. }
            | News::TicketMoved { .. } => {
                if let Some(pull) = self.pulls.get_mut(resource) {
                    pull.learn(news);
                } else if let Some(ticket) = self.tickets.get_mut(resource) {
                    ticket.learn(news);
                }
            }
        }
    }

    /// Folds what a change of our own made of a thing, so that it is no news when it is read.
    pub(crate) fn echo(&mut self, resource: &Resource, change: &Change) {
        if let Change::PushBranch(push) = change {
            let pull = Resource { kind: ResourceKind::Pull, ..resource.clone() };
            if let Some(pull) = self.pulls.get_mut(&pull) {
                pull.head = push.commit.clone();
            }
            return;
        }
        let news = match change {
            Change::Rename { title } => News::PullRenamed { title: title.clone() },
            Change::SetDraft { draft } => News::PullDraft { draft: *draft },
            Change::WriteSection { section } => {
                News::PullSection { section: Some(Change::version_of(section)) }
            }
            Change::ClosePull {} => News::PullClosed { by: None },
            Change::PushBranch(_)
            | Change::DeleteBranch { .. }
            | Change::OpenPull { .. }
            | Change::WriteStatus { .. }
            | Change::Comment { .. }
            | Change::Reply { .. }
            | Change::RequestReviewers { .. }
            | Change::AddLabels { .. }
            | Change::ReportCheck { .. }
            // That it is merged, and as what, is read: it completes the task.
            | Change::Merge { .. }
            | Change::MoveTicket { .. }
            | Change::LinkPull { .. } => return,
        };
        self.learn(resource, &news);
    }
}

impl News {
    /// Names the comment or the review in which somebody who is trusted wants something changed, or answered.
    pub fn asks_for_work(&self) -> Option<&RemoteId> {
        let (id, remark) = if let Self::Remarked { remark, id, .. } = self {
            (id, remark)
        } else if let Self::Reviewed { review } = self
            && review.verdict == ReviewVerdict::ChangesRequested
        {
            (&review.id, &review.remark)
        } else {
            return None;
        };
        remark.trusted.then_some(id)
    }
}

impl Pull {
    /// Makes one that was just found: open, to be reviewed, with nothing said about it yet.
    pub fn new(title: Arc<str>, head: Oid, section: Option<Arc<str>>) -> Self {
        Self {
            title,
            state: PullState::Open,
            draft: false,
            head,
            mergeable: None,
            section,
            reviews: BTreeMap::new(),
            threads: BTreeMap::new(),
            remarks: BTreeMap::new(),
            ci: None,
        }
    }

    fn learn(&mut self, news: &News) {
        match news {
            News::PullRenamed { title } => self.title = title.clone(),
            News::PullPushed { head } => self.head = head.clone(),
            News::PullDraft { draft } => self.draft = *draft,
            News::PullMergeable { mergeable } => self.mergeable = *mergeable,
            News::PullSection { section } => self.section.clone_from(section),
            News::PullOpen {} => self.state = PullState::Open,
            News::PullMerged { commit, by } => {
                self.state = PullState::Merged { commit: commit.clone(), by: by.clone() };
            }
            News::PullClosed { by } => self.state = PullState::Closed { by: by.clone() },
            News::Reviewed { review } => {
                self.reviews.insert(review.remark.by.clone(), review.clone());
            }
            News::ReviewDismissed { by } => {
                self.reviews.remove(by);
            }
            News::ThreadOpened { thread, path, line } => {
                let (path, line) = (path.clone(), *line);
                let opened = Thread { path, line, resolved: false, remarks: BTreeMap::new() };
                self.threads.insert(thread.clone(), opened);
            }
            News::ThreadMoved { thread, line } => self.thread(thread, |it| it.line = *line),
            News::ThreadResolved { thread, resolved } => self.thread(thread, |it| it.resolved = *resolved),
            News::ThreadGone { thread } => {
                self.threads.remove(thread);
            }
            News::Remarked { thread, id, remark } => {
                if let Some(remarks) = self.remarks_of(thread.as_ref()) {
                    remarks.insert(id.clone(), remark.clone());
                }
            }
            News::RemarkGone { thread, id } => {
                if let Some(remarks) = self.remarks_of(thread.as_ref()) {
                    remarks.remove(id);
                }
            }
            News::CiChanged { ci } => self.ci.clone_from(ci),
            News::PullFound { .. }
            | News::TicketFound { .. }
            | News::TicketRenamed { .. }
            | News::TicketMoved { .. }
            | News::Gone {} => {}
        }
    }

    fn thread(&mut self, id: &RemoteId, change: impl FnOnce(&mut Thread)) {
        if let Some(thread) = self.threads.get_mut(id) {
            change(thread);
        }
    }

    fn remarks_of(&mut self, thread: Option<&RemoteId>) -> Option<&mut BTreeMap<RemoteId, Remark>> {
        match thread {
            None => Some(&mut self.remarks),
            Some(thread) => self.threads.get_mut(thread).map(|thread| &mut thread.remarks),
        }
    }
}

impl Ticket {
    fn learn(&mut self, news: &News) {
        if let News::TicketRenamed { title } = news {
            self.title = title.clone();
        } else if let News::TicketMoved { status, category } = news {
            self.status = status.clone();
            self.category = *category;
        } else if let News::Remarked { thread: None, id, remark } = news {
            self.remarks.insert(id.clone(), remark.clone());
        } else if let News::RemarkGone { thread: None, id } = news {
            self.remarks.remove(id);
        }
    }
}
