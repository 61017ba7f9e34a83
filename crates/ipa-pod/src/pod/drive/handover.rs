//! What is left of a conversation with which nobody can go on: the last words of its agent, and what it changed. It is
//! told to the run that takes over.

use ipa_agent::{Body, RunDir};
use ipa_events::task::{Run, TaskState};
use ipa_workspace::{DiffFile, DiffQuery, DiffTo};
use tracing::warn;

use super::{Drive, keep_tail};
use crate::prompt::Handover;

/// How many events of a run are read at a time.
const PAGE: usize = 500;

/// How many changed files are named.
const FILES: usize = 100;

impl Drive {
    /// Gathers what the run has to know that takes over; none if it takes nothing over.
    pub(super) async fn handover(&self, state: &TaskState, run: &Run) -> Option<Handover> {
        let from = state.run(run.takes_over?)?;
        let same = |other: &&Run| other.session == from.session && other.place == from.place;
        let mut said = String::new();
        for earlier in state.runs.iter().filter(same) {
            self.last_words(earlier, &mut said).await;
        }
        Some(Handover { said, changed: self.changed(state, run).await })
    }

    /// Adds the end of what the agent of a run said.
    async fn last_words(&self, run: &Run, said: &mut String) {
        let Some(runtime) = self.parts.runtime(&run.runtime) else { return };
        let mut tail = runtime.tail(RunDir::new(self.parts.run_dir(run.id)));
        loop {
            match tail.read(PAGE).await {
                Ok(events) if events.is_empty() => return,
                Ok(events) => {
                    let bodies = events.into_iter().map(|event| event.body);
                    bodies
                        .filter(|body| matches!(body, Body::Text { .. }))
                        .for_each(|body| keep_tail(said, &body));
                }
                Err(error) => {
                    return warn!(run.id = %run.id, %error, "what run {} said cannot be read", run.id);
                }
            }
        }
    }

    /// Names the files that differ from the commit that the work began at.
    async fn changed(&self, state: &TaskState, run: &Run) -> String {
        let (Some(created), Some(base)) = (&state.created, state.base()) else { return String::new() };
        let to = DiffTo::Worktree(run.place.workspace_id.clone());
        let query = DiffQuery { repo: created.repo.clone(), from: base.clone(), to };
        match self.parts.workspaces.diff(query).await {
            Ok(diff) => diff.files.iter().take(FILES).map(line).collect::<Vec<_>>().join("\n"),
            Err(error) => {
                warn!(run.id = %run.id, %error, "what differs in the workspace cannot be read");
                String::new()
            }
        }
    }
}

fn line(file: &DiffFile) -> String {
    format!("{} +{} -{}", file.change.path, file.added, file.removed)
}
