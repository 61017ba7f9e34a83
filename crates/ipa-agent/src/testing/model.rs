//! A double of a model's server, for tests that run a real agent program: it speaks Anthropic's messages over
//! HTTP on the loopback, says what its script says, and fails in the ways that a server can.
//!
//! ```
//! use ipa_agent::testing::model::{FakeModel, Reply};
//! use serde_json::json;
//!
//! # fn main() -> std::io::Result<()> {
//! let write = json!({ "file_path": "/srv/checkout/a.txt", "content": "A\n" });
//! let model = FakeModel::script([Reply::tool("Write", write), Reply::say("written")])?;
//! // start the agent with ANTHROPIC_BASE_URL set to this
//! assert!(model.url().starts_with("http://127.0.0.1:"));
//! # Ok(())
//! # }
//! ```
//!
//! Plain threads, no clock and no runtime: who uses it may stop tokio's time. Each answer closes its connection.

mod answer;
mod body;
mod head;
mod message;
mod refusal;
mod reply;
mod request;
mod response;
mod server;
mod step;
mod talk;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;

use server::Server;
use talk::Talk;

pub use reply::{Part, Reply};
pub use step::{Step, ToolResult};

/// A server that plays the model, until it is dropped: then hanging replies end and its threads are over.
///
/// A request without tools is a side call (a title, a summary). It is no step, and is answered with "ok".
pub struct FakeModel {
    server: Server,
    talk: Arc<Talk>,
}

impl FakeModel {
    /// Starts a server that answers each step of a conversation with what `reply` says.
    ///
    /// `reply` runs on the connection's thread, several at once when agents ask at once. If it panics, the client
    /// gets no answer, and dropping the server panics too.
    ///
    /// # Errors
    ///
    /// When the loopback has no free port, or no thread can be started.
    pub fn start(reply: impl Fn(&Step) -> Reply + Send + Sync + 'static) -> io::Result<Self> {
        let talk = Arc::new(Talk::new(reply));
        let server = {
            let talk = Arc::clone(&talk);
            Server::start(move |connection| answer::serve(connection, &talk))?
        };
        Ok(Self { server, talk })
    }

    /// Starts a server that answers steps with these replies, in order; after the last one it says "done" for
    /// ever.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn script(replies: impl IntoIterator<Item = Reply>) -> io::Result<Self> {
        let replies: Vec<Reply> = replies.into_iter().collect();
        Self::start(move |step| {
            let next = step.number.checked_sub(1).and_then(|at| replies.get(at));
            next.cloned().unwrap_or_else(|| Reply::say("done"))
        })
    }

    /// Returns the base address, without a slash at its end: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Returns all steps so far, in the order in which they came.
    pub fn steps(&self) -> Vec<Step> {
        self.talk.steps()
    }

    /// Returns how many side calls there were so far.
    pub fn side_calls(&self) -> usize {
        self.talk.side_calls()
    }
}
