//! Closes a run: its work is made safe first, and then everything that came of it is recorded in one step.

use std::sync::Arc;

use ipa_agent::Finished;
use ipa_events::task::{FinishedRun, Run};
use ipa_events::{FailureClass, Oid, Outcome, Retry, Role, TaskCommand};
use ipa_workspace::{Checkpoint, Fingerprint, WorkspaceError};
use tracing::warn;

use super::launch::SOURCE;
use super::{Drive, Heard, PAUSE};

/// How often the work of a run is tried to be made safe.
const TRIES: u32 = 5;

impl Drive {
    /// Makes the work of a run safe and closes the run.
    pub(super) async fn finish(&self, run: &Run, heard: Heard) {
        let Heard { finished, tail } = heard;
        let Finished { outcome, exit_code, product, usage } = finished;
        let (outcome, head) = match self.patiently(run, &outcome).await {
            Ok(head) => (outcome, head),
            Err(error) => (unsafe_work(run, outcome, &error), None),
        };
        self.compare_source(run).await;
        if let Outcome::Failed { class: FailureClass::Budget, .. } = &outcome {
            self.note_used_up(usage).await;
        }
        let completed = outcome == Outcome::Completed;
        let check = (run.role == Role::Check && completed).then(|| (exit_code, Arc::from(tail)));
        let now = self.task.now().state;
        let made_an_end = now.run(self.id).is_some_and(|run| run.budget.is_some());
        let document = product.filter(|_| run.role.writes_document() || made_an_end);
        let finished = FinishedRun { run: self.id, outcome, document, head, check, usage };
        self.insist(self.command_id("finish"), TaskCommand::FinishRun(Box::new(finished))).await;
    }

    /// Makes the work safe, and tries again when what is in the way may pass: the agent's work is not thrown away for a
    /// lock.
    async fn patiently(&self, run: &Run, outcome: &Outcome) -> Result<Option<Oid>, WorkspaceError> {
        let mut tries = 1;
        loop {
            match self.work_of(run, outcome).await {
                Err(error) if error.is_transient() && tries < TRIES => {
                    warn!(run.id = %self.id, %error, "the work of run {} is not safe yet; trying again", self.id);
                    tries += 1;
                    tokio::time::sleep(PAUSE).await;
                }
                done => return done,
            }
        }
    }

    /// Makes what a run did in its place of work safe. Returns the new head, if it may have one.
    async fn work_of(&self, run: &Run, outcome: &Outcome) -> Result<Option<Oid>, WorkspaceError> {
        let workspaces = &self.parts.workspaces;
        let id = &run.place.workspace_id;
        match (run.role, outcome) {
            (Role::Check, _) => {
                // It holds nothing that its commit does not; what cannot be moved away now is when the next is made.
                if let Err(error) = workspaces.discard(id).await {
                    warn!(run.id = %self.id, %error, "the checkout of a check was left where it is");
                }
                Ok(None)
            }
            (Role::Spec | Role::Plan, _) => {
                let checkpoint = workspaces.reset(id, run.head.clone()).await?;
                self.checkpointed(run, checkpoint).await;
                // A lost checkout comes back as it is now, not with what was taken away.
                self.checkpointed(run, workspaces.checkpoint(id, "after the reset".to_owned()).await?).await;
                Ok(None)
            }
            (Role::Develop | Role::Review, Outcome::Completed) => {
                let committed = workspaces.commit(id, self.message(run)).await?;
                self.checkpointed(run, workspaces.checkpoint(id, "the run is over".to_owned()).await?).await;
                Ok(Some(committed.head))
            }
            // The next attempt goes on with the tree as it is.
            (Role::Develop | Role::Review, Outcome::Interrupted { .. } | Outcome::Failed { .. }) => {
                self.checkpointed(
                    run,
                    workspaces.checkpoint(id, format!("the run {}", outcome.as_str())).await?,
                )
                .await;
                Ok(None)
            }
        }
    }

    async fn checkpointed(&self, run: &Run, Checkpoint { number, commit }: Checkpoint) {
        let reason = format!("end of run {}", run.id.number).into();
        let agent = run.place.agent_id.clone();
        let id = self.command_id(&format!("checkpoint {number}"));
        self.insist(id, TaskCommand::RecordCheckpoint { agent, checkpoint: number, commit, reason }).await;
    }

    /// Writes the message of the commit that holds what the agent left uncommitted.
    fn message(&self, run: &Run) -> String {
        let state = self.task.now().state;
        let handle = state.handle().map_or_else(|| self.id.to_string(), |task| self.id.handle(task));
        format!("{}\n\nRole: {}\nRun: {handle}\n", state.title, run.role)
    }

    /// Records when the source repository is not what it was before the run.
    async fn compare_source(&self, run: &Run) {
        let path = self.parts.run_dir(self.id).join(SOURCE);
        let Ok(before) = tokio::fs::read(&path).await else { return };
        let Ok(before) = serde_json::from_slice::<Fingerprint>(&before) else { return };
        let state = self.task.now().state;
        let Some(created) = &state.created else { return };
        match self.parts.workspaces.fingerprint(created.repo.clone()).await {
            Ok(Some(after)) if after != before => {
                let detail = differing(&before, &after).into();
                let body = TaskCommand::RecordSourceChanged { run: run.id, detail };
                self.insist(self.command_id("source"), body).await;
            }
            Ok(_) => {}
            Err(error) => warn!(run.id = %self.id, %error, "the source repository could not be looked at"),
        }
    }
}

/// A run whose work could not be made safe did not succeed; one that failed before keeps its own reason.
fn unsafe_work(run: &Run, outcome: Outcome, error: &WorkspaceError) -> Outcome {
    let detail = crate::error::chain(error);
    warn!(run.id = %run.id, detail, "the work of run {} could not be made safe", run.id);
    match outcome {
        Outcome::Completed => {
            let retry = if error.is_transient() { Retry::Backoff } else { Retry::Human };
            Outcome::Failed { class: FailureClass::Workspace, detail, retry }
        }
        Outcome::Interrupted { .. } | Outcome::Failed { .. } => outcome,
    }
}

/// Names the aspects of a repository that differ.
fn differing(before: &Fingerprint, after: &Fingerprint) -> String {
    let names: std::collections::BTreeSet<&String> =
        before.aspects.keys().chain(after.aspects.keys()).collect();
    let differ = names.into_iter().filter(|name| before.aspects.get(*name) != after.aspects.get(*name));
    let named: Vec<&str> = differ.map(String::as_str).collect();
    format!("changed during the run: {}", named.join(", "))
}
