//! Is the log whole, and does everything that is derived from it follow from it? Reads only.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::codec::{Codec, Unreadable};
use crate::load::Loaded;
use crate::store::{ModelRow, Position, RawRecord, ReadError, Store, StreamInfo, Version};
use crate::summary::{SUMMARY, Summary};
use crate::task::{IllegalEvent, apply};
use crate::value::{StreamId, TaskId};

/// How many records one read brings.
const PAGE: usize = 1_000;

/// What a check of the log found.
#[derive(Debug, Default)]
pub struct VerifyReport {
    /// Events that were looked at.
    pub events: u64,
    /// Streams that were folded.
    pub streams: u64,
    /// What is wrong; empty when all is well.
    pub problems: Vec<Problem>,
}

/// Something that is wrong with the log, or with what is derived from it.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// Positions have a gap, or stand twice.
    #[error("the log has position {found} where {expected} should be")]
    Position {
        /// The position that should follow.
        expected: Position,
        /// The one that follows.
        found: Position,
    },
    /// Versions of a stream have a gap, or stand twice.
    #[error("{stream} has version {found} where {expected} should be")]
    Version {
        /// The stream.
        stream: StreamId,
        /// The version that should follow.
        expected: Version,
        /// The one that follows.
        found: Version,
    },
    /// A stream does not end where the store says that it does.
    #[error("{stream} ends at version {found}, but the store says {expected}")]
    End {
        /// The stream.
        stream: StreamId,
        /// The version that the store keeps for it.
        expected: Version,
        /// Its last event's.
        found: Version,
    },
    /// A record cannot be understood.
    #[error(transparent)]
    Unreadable(Unreadable),
    /// A record does not fit what came before it.
    #[error("event {version} of {stream} cannot be applied: {source}")]
    Illegal {
        /// The stream.
        stream: StreamId,
        /// Its place in the stream.
        version: Version,
        /// Why.
        source: IllegalEvent,
    },
    /// The row of the task in the list is not what its events lead to.
    #[error("the row of {stream} in the list is not what its events lead to")]
    Row {
        /// The stream.
        stream: StreamId,
    },
}

/// Checks the log: positions and versions without gaps, every record readable and applicable, the list of
/// tasks equal to what the events lead to. Of one task, or of all.
///
/// # Errors
///
/// [`ReadError`] when the store cannot be read at all; what is wrong in it is in the report.
pub async fn verify(store: &Store, task: Option<TaskId>) -> Result<VerifyReport, ReadError> {
    let mut check = Check { store, report: VerifyReport::default() };
    match task {
        Some(task) => {
            let stream = StreamId::task(task);
            check.stream(&stream).await?;
        }
        None => check.all().await?,
    }
    Ok(check.report)
}

struct Check<'a> {
    store: &'a Store,
    report: VerifyReport,
}

impl Check<'_> {
    async fn all(&mut self) -> Result<(), ReadError> {
        // What is appended while this runs may be seen or not: streams end where they did, or later.
        let streams = self.streams().await?;
        let counted = self.positions().await?;
        for info in streams {
            let known = counted.get(&info.stream).copied().unwrap_or_default();
            if known < info.version {
                let (stream, expected) = (info.stream.clone(), info.version);
                self.report.problems.push(Problem::End { stream, expected, found: known });
            }
            self.stream(&info.stream).await?;
        }
        Ok(())
    }

    async fn streams(&self) -> Result<Vec<StreamInfo>, ReadError> {
        let mut streams: Vec<StreamInfo> = Vec::new();
        loop {
            let after = streams.last().map_or(0, |last| last.number);
            let page = self.store.log.streams(after, PAGE).await?;
            if page.is_empty() {
                return Ok(streams);
            }
            streams.extend(page);
        }
    }

    /// Follows all positions. Returns where each stream ends.
    async fn positions(&mut self) -> Result<BTreeMap<StreamId, Version>, ReadError> {
        let mut ends = BTreeMap::new();
        let mut last = Position::ZERO;
        loop {
            let page = self.store.log.read_all(last, PAGE).await?;
            if page.is_empty() {
                return Ok(ends);
            }
            for raw in page {
                let (expected, found) = (last.plus(1), raw.position);
                if found != expected {
                    self.report.problems.push(Problem::Position { expected, found });
                }
                last = found;
                ends.insert(raw.stream, raw.version);
            }
        }
    }

    /// Follows one stream. Its row is read first: it may then lag behind, and never be ahead.
    async fn stream(&mut self, stream: &StreamId) -> Result<(), ReadError> {
        let row = self.store.models.row(SUMMARY, stream).await?;
        let mut fold = Fold::new(row.as_ref());
        let mut last = Version::ZERO;
        loop {
            let page = self.store.log.read_stream(stream, last, PAGE).await?;
            let Some(end) = page.last().map(|raw| raw.version) else { break };
            for raw in &page {
                let (expected, found) = (last.plus(1), raw.version);
                if found != expected {
                    let stream = stream.clone();
                    self.report.problems.push(Problem::Version { stream, expected, found });
                }
                last = found;
                self.report.events += 1;
                self.report.problems.extend(fold.follow(raw));
            }
            last = end;
        }
        self.report.streams += 1;
        if fold.row_differs() {
            self.report.problems.push(Problem::Row { stream: stream.clone() });
        }
        Ok(())
    }
}

/// The state of a stream, and what it leads to where it has the version of the stream's row.
struct Fold {
    loaded: Option<Loaded>,
    row: Row,
    refolded: Option<Summary>,
}

/// What the list says of a stream.
enum Row {
    /// Nothing, or that it cannot follow.
    Nothing,
    Unreadable,
    Says(Box<Summary>),
}

impl Fold {
    fn new(row: Option<&ModelRow>) -> Self {
        let row = match row.filter(|row| row.broken.is_none()) {
            Some(row) => serde_json::from_str(&row.row).map_or(Row::Unreadable, Row::Says),
            None => Row::Nothing,
        };
        Self { loaded: Some(Loaded::default()), row, refolded: None }
    }

    /// Applies a record. After one that cannot be used, the rest is only counted.
    fn follow(&mut self, raw: &RawRecord) -> Option<Problem> {
        let event = match Codec::default().decode(raw) {
            Ok(event) => event,
            Err(unreadable) => {
                self.loaded = None;
                return Some(Problem::Unreadable(unreadable));
            }
        };
        let loaded = self.loaded.as_mut()?;
        if let Err(source) = apply(Arc::make_mut(&mut loaded.state), &event) {
            self.loaded = None;
            return Some(Problem::Illegal { stream: raw.stream.clone(), version: raw.version, source });
        }
        loaded.version = raw.version;
        if let Row::Says(row) = &self.row
            && row.version == raw.version
        {
            self.refolded = Summary::of(raw.version, &loaded.state);
        }
        None
    }

    fn row_differs(&self) -> bool {
        match &self.row {
            Row::Nothing => false,
            Row::Unreadable => true,
            Row::Says(row) => self.loaded.is_some() && self.refolded.as_ref() != Some(&**row),
        }
    }
}
