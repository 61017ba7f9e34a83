//! What a handle on a command line can be, read from the log beside whoever holds it: no lock is taken.

use std::ffi::OsString;
use std::time::Duration;

use clap::{CommandFactory as _, FromArgMatches as _};
use clap_complete::engine::CompletionCandidate;
use ipa_events::store::Store;
use ipa_events::{Reference, StreamId, Summary};

use crate::cli::{Cli, GlobalOpts};
use crate::config::Settings;
use crate::output::plain;
use crate::wiring;

/// How long somebody who pressed a key may be kept waiting.
const PATIENCE: Duration = Duration::from_secs(2);

/// The words that were typed, the program's name first.
#[derive(Debug)]
pub(super) struct Line {
    words: Vec<OsString>,
}

impl Line {
    /// Takes the words as the shell hands them over.
    pub(super) fn new(words: Vec<OsString>) -> Self {
        Self { words }
    }

    /// Lists all tasks, the newest first.
    pub(super) fn tasks(&self) -> Vec<CompletionCandidate> {
        let tasks = self.read(async |store| summaries(&store).await).unwrap_or_default();
        tasks.iter().map(|task| candidate(&task.handle.to_string(), &task.title)).collect()
    }

    /// Lists what waits for a person.
    pub(super) fn decisions(&self) -> Vec<CompletionCandidate> {
        let tasks = self.read(async |store| summaries(&store).await).unwrap_or_default();
        let decisions = tasks.iter().flat_map(|task| {
            let of_task = |it: &ipa_events::OpenDecision| candidate(&it.id.handle(task.handle), &it.title);
            task.decisions.iter().map(of_task)
        });
        decisions.collect()
    }

    /// Lists the runs of the task that the line names; without one, those that are going on.
    pub(super) fn runs(&self) -> Vec<CompletionCandidate> {
        self.read(async |store| self.runs_in(&store).await).unwrap_or_default()
    }

    async fn runs_in(&self, store: &Store) -> Option<Vec<CompletionCandidate>> {
        let tasks = summaries(store).await?;
        let Some(task) = tasks.iter().find(|task| self.names(task)) else {
            let open = tasks.iter().filter_map(|task| {
                let run = task.run.as_ref()?;
                Some(candidate(&run.id.handle(task.handle), run.role.as_str()))
            });
            return Some(open.collect());
        };
        let loaded = ipa_events::load(store, &StreamId::task(task.id)).await.ok()?;
        let runs = loaded.state.runs.iter();
        Some(runs.map(|run| candidate(&run.id.handle(task.handle), run.role.as_str())).collect())
    }

    fn names(&self, task: &Summary) -> bool {
        let mut named = self.words.iter().filter_map(|word| word.to_str()?.parse().ok());
        named.any(|it: Reference| it == Reference::Handle(task.handle) || it == Reference::Id(task.id))
    }

    /// Reads something from the store that a command of this line would read; none when there is none here, it
    /// cannot be read, or that takes too long.
    fn read<T, F: Future<Output = Option<T>>>(&self, read: impl FnOnce(Store) -> F) -> Option<T> {
        let settings = self.settings()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        let read = async { read(wiring::store_to_read(&settings).await.ok()?).await };
        runtime.block_on(async { tokio::time::timeout(PATIENCE, read).await.ok() }).flatten()
    }

    /// Reads the configuration as this line would; none for a server elsewhere, whose tasks are not here.
    fn settings(&self) -> Option<Settings> {
        let matches = Cli::command().ignore_errors(true).try_get_matches_from(&self.words).ok()?;
        let global = GlobalOpts::from_arg_matches(&matches).ok()?;
        Settings::read(&global).ok().filter(|settings| settings.remote.is_none())
    }
}

async fn summaries(store: &Store) -> Option<Vec<Summary>> {
    let rows = ipa_events::summaries(store).await.ok()?;
    Some(rows.into_iter().map(|row| row.summary).collect())
}

/// What can stand there, and a line about it for the shells that show one.
fn candidate(value: &str, about: &str) -> CompletionCandidate {
    CompletionCandidate::new(value).help(Some(plain(about).into()))
}
