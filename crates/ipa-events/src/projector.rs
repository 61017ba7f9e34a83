//! Keeps the rows of `summary` in step with the log.
//!
//! A row is made from the state of its task at the end of a page, so rows and position move together, exactly
//! once. A task that cannot be folded has the row of its last good event, marked broken, until a program comes
//! that can; the others go on.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::codec::Codec;
use crate::load::{LoadError, Loaded, load_at};
use crate::store::{ModelError, ModelRow, Position, RawRecord, ReadError, Store, Version};
use crate::summary::{SUMMARY, Summary};
use crate::task::apply;
use crate::value::StreamId;

/// How many records one step takes.
const PAGE: usize = 1_000;

/// How many states are kept between two steps.
const KEPT_STATES: usize = 256;

/// Folds the log into rows, page by page.
pub struct Projector {
    store: Store,
    states: BTreeMap<StreamId, Loaded>,
    first: First,
}

/// Whether the first step was made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum First {
    ToCome,
    Made,
}

/// Why the rows did not advance.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// The log or the rows could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The rows could not be written; if somebody else moved them, the next step starts from there.
    #[error(transparent)]
    Advance(#[from] ModelError),
}

/// A row that is read: the task as it is listed, and why it stopped following its stream, if it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SummaryRow {
    /// The task.
    pub summary: Summary,
    /// Why it is not up to date.
    pub broken: Option<String>,
}

impl Projector {
    /// Makes a projector; nothing is read yet.
    pub const fn new(store: Store) -> Self {
        Self { store, states: BTreeMap::new(), first: First::ToCome }
    }

    /// Follows the log by one page; the first time it also tries again what could not be folded. Returns where the rows are now, and whether there may be more to do.
    ///
    /// # Errors
    ///
    /// [`ProjectError`]; nothing was written then.
    pub async fn step(&mut self) -> Result<(Position, bool), ProjectError> {
        if self.first == First::ToCome {
            self.mend().await?;
            self.first = First::Made;
        }
        let from = self.store.models.position(SUMMARY).await?;
        let page = self.store.log.read_all(from, PAGE).await?;
        let Some(to) = page.last().map(|last| last.position) else { return Ok((from, false)) };
        let full = page.len() == PAGE;
        let rows = self.rows_of(page).await?;
        self.store.models.advance(SUMMARY, from, to, rows).await?;
        Ok((to, full))
    }

    /// Makes the rows of all tasks that a page touches.
    async fn rows_of(&mut self, page: Vec<RawRecord>) -> Result<Vec<ModelRow>, ReadError> {
        let mut touched: BTreeMap<StreamId, Vec<RawRecord>> = BTreeMap::new();
        for raw in page {
            touched.entry(raw.stream.clone()).or_default().push(raw);
        }
        let mut rows = Vec::new();
        for (stream, records) in touched {
            rows.extend(self.row_of(&stream, &records).await?);
        }
        Ok(rows)
    }

    async fn row_of(
        &mut self,
        stream: &StreamId,
        records: &[RawRecord],
    ) -> Result<Option<ModelRow>, ReadError> {
        let upto = records.last().map_or(Version::ZERO, |last| last.version);
        let known = self.states.remove(stream);
        let loaded = match known.and_then(|loaded| follow(loaded, records)) {
            Some(loaded) => Ok(loaded),
            None => load_at(&self.store, stream, upto).await,
        };
        match loaded {
            Ok(loaded) => {
                let row = row(stream, &loaded);
                self.keep(stream, loaded);
                Ok(row)
            }
            Err(LoadError::Read(error)) => Err(error),
            Err(LoadError::TooLong(_)) => Ok(None),
            Err(LoadError::Unreadable(unreadable)) => {
                let at = unreadable.version;
                self.broken_row(stream, at, unreadable.to_string()).await
            }
            Err(LoadError::Illegal { version, source, .. }) => {
                let why = format!("event {version} of {stream} cannot be applied: {source}");
                self.broken_row(stream, version, why).await
            }
        }
    }

    /// Makes the row of a task whose event at `version` cannot be used: what it was before, marked broken.
    async fn broken_row(
        &self,
        stream: &StreamId,
        version: Version,
        why: String,
    ) -> Result<Option<ModelRow>, ReadError> {
        let before = Version::new(version.get().saturating_sub(1));
        match load_at(&self.store, stream, before).await {
            Ok(good) => Ok(row(stream, &good).map(|row| ModelRow { broken: Some(why), ..row })),
            Err(LoadError::Read(error)) => Err(error),
            Err(LoadError::Unreadable(_) | LoadError::Illegal { .. } | LoadError::TooLong(_)) => Ok(None),
        }
    }

    /// Folds the tasks again that an older program could not fold.
    async fn mend(&mut self) -> Result<(), ProjectError> {
        let from = self.store.models.position(SUMMARY).await?;
        let mut mended = Vec::new();
        let mut after = None;
        loop {
            let page = self.store.models.rows(SUMMARY, after.as_ref(), PAGE).await?;
            after = page.last().map(|last| last.stream.clone());
            let full = page.len() == PAGE;
            for broken in page.into_iter().filter(|row| row.broken.is_some()) {
                if let Ok(loaded) = load_at(&self.store, &broken.stream, Version::new(u64::MAX)).await {
                    mended.extend(row(&broken.stream, &loaded));
                }
            }
            if !full {
                break;
            }
        }
        if !mended.is_empty() {
            self.store.models.advance(SUMMARY, from, from, mended).await?;
        }
        Ok(())
    }

    fn keep(&mut self, stream: &StreamId, loaded: Loaded) {
        if self.states.len() >= KEPT_STATES {
            self.states.pop_first();
        }
        self.states.insert(stream.clone(), loaded);
    }
}

/// Applies the records that follow a state; none when they do not follow it, or cannot be applied.
fn follow(mut loaded: Loaded, records: &[RawRecord]) -> Option<Loaded> {
    for raw in records {
        if raw.version != loaded.version.plus(1) {
            return None;
        }
        let event = Codec::default().decode(raw).ok()?;
        apply(Arc::make_mut(&mut loaded.state), &event).ok()?;
        loaded.version = raw.version;
    }
    Some(loaded)
}

fn row(stream: &StreamId, loaded: &Loaded) -> Option<ModelRow> {
    let summary = Summary::of(loaded.version, &loaded.state)?;
    let row = serde_json::to_string(&summary).ok()?;
    Some(ModelRow { stream: stream.clone(), row, broken: None })
}

/// Lists all tasks as the log has them now, written rows and what came after them, newest task first.
///
/// Works without a projector, and over a store that cannot be written.
///
/// # Errors
///
/// [`ReadError`] when the log or the rows cannot be read.
pub async fn summaries(store: &Store) -> Result<Vec<SummaryRow>, ReadError> {
    let mut position = store.models.position(SUMMARY).await?;
    let mut rows: BTreeMap<StreamId, ModelRow> = BTreeMap::new();
    loop {
        let after = rows.last_key_value().map(|(stream, _)| stream.clone());
        let page = store.models.rows(SUMMARY, after.as_ref(), PAGE).await?;
        let full = page.len() == PAGE;
        rows.extend(page.into_iter().map(|row| (row.stream.clone(), row)));
        if !full {
            break;
        }
    }
    let mut projector = Projector::new(store.clone());
    loop {
        let page = store.log.read_all(position, PAGE).await?;
        let Some(last) = page.last() else { break };
        position = last.position;
        rows.extend(projector.rows_of(page).await?.into_iter().map(|row| (row.stream.clone(), row)));
    }
    let mut listed: Vec<SummaryRow> = rows.into_values().filter_map(|row| read_row(&row)).collect();
    listed.sort_by_key(|row| std::cmp::Reverse(row.summary.handle));
    Ok(listed)
}

fn read_row(row: &ModelRow) -> Option<SummaryRow> {
    let summary = serde_json::from_str(&row.row).ok()?;
    Some(SummaryRow { summary, broken: row.broken.clone() })
}
