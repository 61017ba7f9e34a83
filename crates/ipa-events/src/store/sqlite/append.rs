//! Appends: many in one statement, and what to make of a refusal.
//!
//! The statement that inserts is also the one that checks version and epoch (a trigger does) and the one that
//! commits. If it is refused, nothing of it happened; it is then tried stream by stream, and within a stream
//! one by one, so that the fault of one caller is no other's.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};
use tracing::warn;

use super::fault::Failure;
use super::read::{Found, newest, outcome, signed, unsigned};
use super::writer::Writer;
use crate::store::clock::recorded_now;
use crate::store::{Append, AppendError, Appended, Epoch, NewRecord, Position, StoreFault, Version};
use crate::value::StreamId;

const INSERT: &str = "\
    INSERT INTO events (position, recorded_at, stream_id, version, command_id, command_index, epoch, type, \
        schema_version, at, actor, via, causation_id, correlation_id, payload, metadata) \
    SELECT ?2 + key, ?3, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, \
        value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12, \
        value ->> 13 \
    FROM jsonb_each(?1)";

/// How long an append whose answer was lost is repeated before its caller is told so.
const RESEND_FOR: Duration = Duration::from_secs(30);

/// The pause between two tries.
const RESEND_EVERY: Duration = Duration::from_millis(100);

/// How often an append is tried when somebody else takes its position.
const OVERTAKEN_TRIES: u32 = 3;

/// What an event has beside its payload, about, in bytes.
const ENVELOPE_BYTES: usize = 400;

/// An append that waits for its answer.
pub(super) struct Pending {
    append: Append,
    reply: oneshot::Sender<Result<Appended, AppendError>>,
    pub(super) bytes: usize,
}

impl Pending {
    pub(super) fn new(append: Append, reply: oneshot::Sender<Result<Appended, AppendError>>) -> Self {
        let bytes = append.records.iter().map(|record| record.payload.len() + ENVELOPE_BYTES).sum();
        Self { append, reply, bytes }
    }

    fn answer(self, answer: Result<Appended, AppendError>) {
        // The caller may have stopped waiting.
        self.reply.send(answer).ok();
    }
}

/// Whether an append may be in the file without its caller knowing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Never,
    Maybe,
}

impl Sent {
    const fn after(failure: &Failure) -> Self {
        if let Failure::Lost(_) = failure { Self::Maybe } else { Self::Never }
    }
}

impl Writer {
    /// Appends what several callers asked for, and answers each.
    pub(super) async fn append_all(&mut self, batch: Vec<Pending>) {
        if batch.is_empty() {
            return;
        }
        match self.insert(&appends(&batch)).await {
            Ok(before) => answer_all(batch, before),
            Err(failure) if failure.may_be_of_one() => self.append_by_stream(batch, &failure).await,
            Err(failure) => refuse_all(batch, &failure),
        }
    }

    async fn append_by_stream(&mut self, batch: Vec<Pending>, failure: &Failure) {
        let deadline = Instant::now() + RESEND_FOR;
        let sent = Sent::after(failure);
        let mut streams: BTreeMap<StreamId, Vec<Pending>> = BTreeMap::new();
        for pending in batch {
            streams.entry(pending.append.stream.clone()).or_default().push(pending);
        }
        let several = streams.len() > 1;
        for (_, group) in streams {
            let mut sent = sent;
            if several && sent == Sent::Never {
                match self.insert(&appends(&group)).await {
                    Ok(before) => {
                        answer_all(group, before);
                        continue;
                    }
                    Err(failure) if failure.may_be_of_one() => sent = Sent::after(&failure),
                    Err(failure) => {
                        refuse_all(group, &failure);
                        continue;
                    }
                }
            }
            for pending in group {
                let answer = self.append_one(&pending.append, sent, deadline).await;
                pending.answer(answer);
            }
        }
    }

    /// Appends for one caller, until there is a definite answer.
    async fn append_one(
        &mut self,
        append: &Append,
        mut sent: Sent,
        deadline: Instant,
    ) -> Result<Appended, AppendError> {
        let mut overtaken = 0;
        loop {
            let failure = match self.append_once(append, sent).await {
                Ok(appended) => return Ok(appended),
                Err(failure) => failure,
            };
            match failure {
                Failure::Refused => return Err(self.refusal(append).await),
                Failure::Content => return Err(AppendError::Invalid(append.command)),
                Failure::Overtaken(_) if overtaken < OVERTAKEN_TRIES => overtaken += 1,
                Failure::Lost(text) if Instant::now() < deadline => {
                    warn!(error = text, "the answer to an append was lost; asking again");
                    sent = Sent::Maybe;
                    sleep(RESEND_EVERY).await;
                }
                failure @ (Failure::Overtaken(_)
                | Failure::Busy(_)
                | Failure::Full(_)
                | Failure::ReadOnly(_)
                | Failure::Damaged(_)
                | Failure::Unavailable(_)
                | Failure::Lost(_)) => return Err(failure.into_error()),
            }
        }
    }

    async fn append_once(&mut self, append: &Append, sent: Sent) -> Result<Appended, Failure> {
        if sent == Sent::Maybe
            && let Some(appended) = self.own_send(append).await?
        {
            return Ok(appended);
        }
        let before = self.insert(&[append]).await?;
        Ok(end_of(append, before))
    }

    /// Looks, over a new connection, whether an append arrived whose answer was lost.
    async fn own_send(&mut self, append: &Append) -> Result<Option<Appended>, Failure> {
        let lost = |error: &sqlx::Error| Failure::Lost(error.to_string());
        self.reconnect().await.map_err(|error| lost(&error))?;
        self.look_for_head().await.map_err(|error| lost(&error))?;
        let found = outcome(&mut self.connection, append.command).await.map_err(|error| lost(&error))?;
        let own = |found: &Found| {
            found.stream == append.stream.as_str()
                && found.epoch == append.epoch.get()
                && found.expected == append.expected
        };
        Ok(found.filter(own).map(|found| found.appended))
    }

    /// Inserts everything or nothing, in one statement. Returns the position before it.
    async fn insert(&mut self, appends: &[&Append]) -> Result<Position, Failure> {
        if let Some(stopped) = &self.stopped {
            return Err(stopped.clone());
        }
        let before = *self.head.borrow();
        let (rows, count) = rows_of(appends)?;
        match self.execute_insert(rows, before).await {
            Ok(()) => {
                self.head.send_replace(before.plus(count));
                Ok(before)
            }
            Err(failure) => {
                if let Failure::Damaged(_) = failure {
                    self.stopped = Some(failure.clone());
                }
                // What cannot be read now is asked again with the next append.
                self.look_for_head().await.ok();
                Err(failure)
            }
        }
    }

    async fn execute_insert(&mut self, rows: String, before: Position) -> Result<(), Failure> {
        #[cfg(feature = "testing")]
        let fault = self.faults.before()?;
        let insert = sqlx::query(INSERT)
            .bind(rows)
            .bind(signed(before.plus(1).get()))
            .bind(recorded_now().as_microsecond());
        insert.execute(&mut self.connection).await.map_err(|error| Failure::of(&error))?;
        #[cfg(feature = "testing")]
        fault.after()?;
        Ok(())
    }

    /// Counts positions on from what the file really holds.
    async fn look_for_head(&mut self) -> Result<(), sqlx::Error> {
        let head = newest(&mut self.connection).await?;
        self.head.send_if_modified(|known| std::mem::replace(known, head) != head);
        Ok(())
    }

    /// Finds out why an append was refused: first of all, whether it was carried out before.
    async fn refusal(&mut self, append: &Append) -> AppendError {
        let held = async {
            if let Some(found) = outcome(&mut self.connection, append.command).await? {
                let here = found.stream == append.stream.as_str();
                return Ok(if here {
                    AppendError::Repeated(found.appended)
                } else {
                    AppendError::Invalid(append.command)
                });
            }
            let sql = "SELECT version, epoch FROM streams WHERE stream_id = ?";
            let stream = sqlx::query(sql).bind(append.stream.as_str());
            let Some(row) = stream.fetch_optional(&mut self.connection).await? else {
                return Ok(AppendError::Fenced(append.stream.clone()));
            };
            let (version, epoch) = (Version::new(unsigned(&row, 0)?), Epoch::new(unsigned(&row, 1)?));
            Ok(if epoch != append.epoch {
                AppendError::Fenced(append.stream.clone())
            } else if version != append.expected {
                AppendError::Conflict { expected: append.expected, actual: version }
            } else {
                AppendError::Unavailable(StoreFault::new("an append that fits was refused"))
            })
        };
        held.await.unwrap_or_else(|error: sqlx::Error| Failure::of(&error).into_error())
    }
}

fn appends(batch: &[Pending]) -> Vec<&Append> {
    batch.iter().map(|pending| &pending.append).collect()
}

/// Answers callers whose appends were committed together, the first of them after position `before`.
fn answer_all(batch: Vec<Pending>, mut before: Position) {
    for pending in batch {
        let appended = end_of(&pending.append, before);
        before = appended.position;
        pending.answer(Ok(appended));
    }
}

/// Answers callers of whom none can be helped now.
fn refuse_all(batch: Vec<Pending>, failure: &Failure) {
    for pending in batch {
        pending.answer(Err(failure.clone().into_error()));
    }
}

fn end_of(append: &Append, before: Position) -> Appended {
    let count = u64::try_from(append.records.len()).unwrap_or(u64::MAX);
    Appended { version: append.expected.plus(count), position: before.plus(count) }
}

/// Writes the events of some appends as the JSON that the statement reads, and counts them.
fn rows_of(appends: &[&Append]) -> Result<(String, u64), Failure> {
    let rows: Vec<_> = appends.iter().flat_map(|append| rows_of_one(append)).collect();
    let json = serde_json::to_string(&rows).map_err(|error| Failure::Unavailable(error.to_string()))?;
    Ok((json, u64::try_from(rows.len()).unwrap_or(u64::MAX)))
}

fn rows_of_one(append: &Append) -> impl Iterator<Item = impl serde::Serialize> {
    (0_u64..).zip(&append.records).map(|(index, record)| {
        let NewRecord {
            kind,
            schema_version,
            at,
            actor,
            via,
            causation_id,
            correlation_id,
            payload,
            metadata,
        } = record;
        let (stream, version) = (append.stream.as_str(), append.expected.plus(index + 1));
        let (command, epoch, at) = (append.command, append.epoch, at.as_microsecond());
        (
            stream,
            version,
            command,
            index,
            epoch,
            kind,
            schema_version,
            at,
            actor,
            via,
            causation_id,
            correlation_id,
            payload,
            metadata,
        )
    })
}
