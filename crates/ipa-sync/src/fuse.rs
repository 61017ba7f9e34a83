//! Whether a thing outside is written again and again: by a loop, or because somebody else wants it otherwise. Pure.
//!
//! It counts what the task's log says was sent, so a replay counts the same. What a person agreed to goes out: it is no
//! storm, though it counts. Nor is the task's own progress one: a run between two writes is a reason to write anew.

use std::collections::BTreeSet;
use std::time::Duration;

use ipa_events::PayloadHash;
use ipa_events::task::{Change, ChangeKind, Op, OpState, PublishPolicy, TaskState};
use jiff::Timestamp;

/// What is counted is not older.
const WINDOW: Duration = Duration::from_hours(1);
/// So many writes to one thing go out within the window.
const WRITES: usize = 20;
/// So often the same is written anew within the window, after something else took its place.
const FLIPS: usize = 3;

/// Says why an operation is not to be sent before a person says so; none: it may go.
pub(crate) fn blown_by(state: &TaskState, op: &Op, now: Timestamp) -> Option<String> {
    if op.policy != PublishPolicy::Auto {
        return None;
    }
    let hour_ago = now.checked_sub(WINDOW).unwrap_or(now);
    let mended = state.outside.fuses.get(&op.resource).and_then(|fuse| fuse.mended_at);
    let since = mended.map_or(hour_ago, |mended| mended.max(hour_ago));
    let sent: Vec<(&Op, Timestamp)> = sent(state, op).collect();
    let writes = writes(sent.iter().filter(|(_, at)| *at > since).map(|(op, _)| *op));
    if writes >= WRITES {
        return Some(format!(
            "it was written {writes} times within an hour, and again there is something to write: {}",
            op.change.title()
        ));
    }
    let since = state.runs.last().map_or(since, |run| run.requested_at.max(since));
    let same = sent.iter().filter_map(|(sent, at)| Some((wrote(&sent.change, op.change.kind())?, *at)));
    let flips = flips(same, &op.payload_hash, since);
    (flips > FLIPS).then(|| {
        format!(
            "what is written there was undone {flips} times within an hour, as somebody wants it otherwise: {}",
            op.change.title()
        )
    })
}

/// Counts, with the one that is next, the writes of a kind since a time that repeat an earlier one: something else must
/// have taken its place. None, if the next one is new.
fn flips(
    sent: impl Iterator<Item = (PayloadHash, Timestamp)>,
    next: &PayloadHash,
    since: Timestamp,
) -> usize {
    let (mut seen, mut flips) = (BTreeSet::new(), 1_usize);
    for (what, at) in sent {
        let again = !seen.insert(what.as_str().to_owned());
        flips = flips.saturating_add(usize::from(again && at > since));
    }
    if seen.contains(next.as_str()) { flips } else { 0 }
}

/// Returns what a change wrote of a kind. Whoever opens a pull request writes its title and its section for the first
/// time.
fn wrote(change: &Change, kind: ChangeKind) -> Option<PayloadHash> {
    if change.kind() == kind {
        return Some(change.hash());
    }
    let Change::OpenPull { title, section, .. } = change else { return None };
    let first = [Change::Rename { title: title.clone() }, Change::WriteSection { section: section.clone() }];
    first.iter().find(|first| first.kind() == kind).map(Change::hash)
}

/// Lists what was sent to the thing that an operation changes, the oldest first, with its time.
fn sent<'a>(state: &'a TaskState, op: &'a Op) -> impl Iterator<Item = (&'a Op, Timestamp)> {
    let of_it = state.ops.iter().filter(|sent| sent.resource == op.resource);
    of_it.filter_map(|sent| {
        let OpState::Sent { at, .. } = sent.state else { return None };
        Some((sent, at))
    })
}

/// Counts writes. Answers that were queued together, to the threads of one review, count once.
fn writes<'a>(sent: impl Iterator<Item = &'a Op>) -> usize {
    let (answers, others): (Vec<&Op>, Vec<&Op>) =
        sent.partition(|op| matches!(op.change, Change::Reply { .. }));
    let rounds: BTreeSet<Timestamp> = answers.iter().map(|op| op.queued_at).collect();
    others.len().saturating_add(rounds.len())
}

#[cfg(test)]
mod tests;
