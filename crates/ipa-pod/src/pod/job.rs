//! One piece of work beside an actor's mailbox. It ends with the actor, and its panic is told, not lost.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use tokio::task::JoinSet;

/// At most one piece of work; starting another ends it.
#[derive(Default)]
pub(super) struct Job(JoinSet<()>);

impl Job {
    /// Starts a piece of work; `told` learns how it ended, with the text of its panic if it panicked.
    pub(super) fn start<T: Send + 'static>(
        &mut self,
        work: impl Future<Output = T> + Send + 'static,
        told: impl FnOnce(Result<T, String>) + Send + 'static,
    ) {
        self.0 = JoinSet::new();
        self.0.spawn(async move {
            let done = AssertUnwindSafe(work).catch_unwind().await;
            told(done.map_err(|panic| text_of(panic.as_ref())));
        });
    }
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panicked: {}", text.unwrap_or("(no text)"))
}
