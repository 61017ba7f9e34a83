//! What is read outside, and what it means for the task at once.

use super::{Decided, Task};
use crate::task::event::{EscalationReason, TaskEvent};
use crate::task::outside::{Link, News};
use crate::task::state::{OpState, TaskState};
use crate::value::{Oid, Resource, ResourceKind};

impl Task<'_> {
    pub(super) fn link(&self, resource: &Resource, link: &Link) -> Decided {
        if self.state.outside.links.get(resource) == Some(link) {
            return Ok(Vec::new());
        }
        Ok(vec![TaskEvent::ExternalLinked { resource: resource.clone(), link: link.clone() }])
    }

    /// Keeps what is new. Merged work is complete; a pull request that somebody closed is a question.
    pub(super) fn news(&self, resource: &Resource, news: &[News]) -> Decided {
        let mut outside = self.state.outside.clone();
        let mut events = Vec::new();
        for news in news {
            let before = outside.clone();
            outside.learn(resource, news);
            if outside != before {
                let (resource, news) = (resource.clone(), news.clone());
                events.push(TaskEvent::ExternalChanged { resource, news });
            }
        }
        let changed = |wanted: fn(&News) -> bool| {
            events
                .iter()
                .any(|event| matches!(event, TaskEvent::ExternalChanged { news, .. } if wanted(news)))
        };
        if resource.kind != ResourceKind::Pull || self.state.phase.is_over() {
            return Ok(events);
        }
        if changed(|news| matches!(news, News::PullMerged { .. })) {
            events.push(TaskEvent::Completed { note: Some("its pull request was merged".into()) });
        } else if changed(|news| matches!(news, News::PullClosed { .. })) && !self.closes_it(resource) {
            let detail = format!("the pull request {} was closed and not merged", self.name_of(resource));
            events.extend(self.escalate(EscalationReason::PullClosed, &detail));
        } else if changed(|news| matches!(news, News::PullPushed { .. })) {
            let after = TaskState { outside, ..self.state.clone() };
            events.extend(after.moved_by_others().into_iter().flat_map(|(pull, theirs)| {
                self.escalate(EscalationReason::PullMoved, &self.moved(pull, theirs))
            }));
        }
        Ok(events)
    }

    /// Says that somebody else pushed, and what a person can do.
    fn moved(&self, pull: &Resource, theirs: &Oid) -> String {
        let ours = self.state.head.as_ref().map_or("", |head| head.short());
        format!(
            "the head of {} is {}, which is not the work that is known here ({ours}): nothing is pushed over it, and \
             nothing merged. Merge it there, or take the branch back to {ours}, and go on then",
            self.name_of(pull),
            theirs.short(),
        )
    }

    /// Tells whether it is ipa that closes a pull request.
    fn closes_it(&self, resource: &Resource) -> bool {
        let mut ops = self.state.ops.iter().filter(|op| op.resource == *resource);
        ops.any(|op| {
            op.change.kind() == crate::task::ChangeKind::ClosePull && matches!(op.state, OpState::InFlight(_))
        })
    }

    /// Names a thing as people know it.
    fn name_of(&self, resource: &Resource) -> String {
        let link = self.state.outside.links.get(resource);
        link.map_or_else(|| resource.to_string(), |link| link.remote.to_string())
    }
}
