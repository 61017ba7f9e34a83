//! Cleaning up after a pod: it is down, and stays down, while what it left is put away.

use std::time::Duration;

use ipa_events::store::Version;
use ipa_events::{Ctx, TaskId};
use ractor::{ActorRef, RpcReplyPort};

use super::entry::{Entry, Rest};
use super::life::answer;
use super::{Msg, NoPod, State};
use crate::actor::tell;
use crate::error::EngineError;
use crate::pod::cleanup::clean_up;
use crate::scheduler::Reason;

/// How long a pod that comes or goes is left alone before it is looked at again.
const SOON: Duration = Duration::from_millis(100);

/// Who wants to know of which task.
pub(super) type Reply = RpcReplyPort<Result<Version, EngineError>>;

impl State {
    /// Takes a task's pod down and puts away what it left. Nobody else writes the task meanwhile: who asks for its pod
    /// waits.
    pub(super) fn clean_up(&mut self, myself: &ActorRef<Msg>, (ctx, task): (Ctx, TaskId), reply: Reply) {
        let me = myself.clone();
        let (pod, parked) = match self.entries.remove(&task) {
            Some(entry @ (Entry::Starting(_) | Entry::Stopping { .. } | Entry::Cleaning { .. })) => {
                self.entries.insert(task, entry);
                self.jobs.spawn(async move {
                    tokio::time::sleep(SOON).await;
                    tell(&me, Msg::CleanUp(Box::new(ctx), task, reply));
                });
                return;
            }
            Some(Entry::Running(pod)) => (Some(pod.handle), None),
            Some(Entry::Parked(why)) => (None, Some(why)),
            Some(Entry::Rested(..) | Entry::Pausing { .. }) | None => (None, None),
        };
        let (store, parts) = (self.store.clone(), self.parts.clone());
        let work = async move {
            if let Some(pod) = pod {
                pod.stop().await;
            }
            let done = clean_up(store, parts, (ctx, task), me.get_cell()).await;
            tell(&me, Msg::CleanedUp(task, done, reply));
        };
        self.jobs.spawn(work);
        self.entries.insert(task, Entry::Cleaning { waiting: Vec::new(), parked });
    }

    /// What a pod left is put away, or was not: a parked one stays parked, another rests.
    pub(super) fn cleaned_up(
        &mut self,
        myself: &ActorRef<Msg>,
        task: TaskId,
        (done, reply): (Result<Version, EngineError>, Reply),
    ) {
        if let Some(Entry::Cleaning { waiting, parked }) = self.entries.remove(&task) {
            match (parked, &done) {
                (Some(why), _) => {
                    answer(waiting, &Err(NoPod::Parked(why.clone())));
                    self.entries.insert(task, Entry::Parked(why));
                }
                (None, _) if !waiting.is_empty() => self.start(myself, task, waiting, 0),
                (None, Ok(version)) => {
                    let rest = Rest { version: *version, reason: Reason::Stopped, look_at: None };
                    self.entries.insert(task, Entry::Rested(rest));
                }
                (None, Err(_)) => self.wake(myself),
            }
        }
        // Who asked sees how the task stands now.
        self.publish();
        let _answered = reply.send(done);
    }
}
