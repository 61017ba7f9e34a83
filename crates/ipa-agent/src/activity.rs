//! Whether an agent gets on, and until when it has to. Pure: time is the milliseconds of its spool.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::folder::Why;
use crate::protocol::Progress;
use crate::spec::RunLimits;

/// How long a tool may work without a word from the agent.
const TOOL: Duration = Duration::from_mins(30);

/// What is known of an agent's progress.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    printed: Option<u64>,
    last: u64,
    pauses_until: u64,
    turn: Turn,
    /// What it was told to do, the prompt and messages.
    told: u32,
    /// What of it it said to have taken up; nothing, for an agent that does not say so.
    taken: u32,
    /// Turns that it finished.
    finished: u32,
    tools: BTreeSet<Arc<str>>,
    awaits: Option<u64>,
    told_to_end: Option<u64>,
}

#[derive(Debug, Default)]
enum Turn {
    /// It was given nothing to do yet.
    #[default]
    None,
    /// It works; the time that a person was awaited is moved out of the way.
    Since(u64),
    /// It did what it was given.
    Over(u64),
}

impl Activity {
    /// It printed something.
    pub(crate) fn output(&mut self, at: u64, progress: Progress) {
        self.printed.get_or_insert(at);
        match progress {
            Progress::Made => self.last = at,
            Progress::Heartbeat => {}
            Progress::TookUp => self.taken = self.taken.saturating_add(1),
            Progress::Pauses(ms) => self.pauses_until = self.pauses_until.max(at.saturating_add(ms)),
        }
    }

    /// It was sent something to do.
    pub(crate) fn was_told(&mut self, at: u64) {
        self.told = self.told.saturating_add(1);
        self.turn_started(at);
    }

    /// Counts what it was told and did not take up yet. Who does not say so takes up one thing a turn; who does may
    /// have taken up more in the turn that goes on.
    fn queued(&self) -> u32 {
        let begun = self.finished.saturating_add(u32::from(matches!(self.turn, Turn::Since(_))));
        self.told.saturating_sub(if self.taken > 0 { self.taken } else { begun })
    }

    /// It took something up.
    pub(crate) fn turn_started(&mut self, at: u64) {
        if !matches!(self.turn, Turn::Since(_)) {
            self.turn = Turn::Since(at);
            self.last = at;
        }
    }

    /// It did what it was given.
    pub(crate) fn turn_finished(&mut self, at: u64) {
        self.finished = self.finished.saturating_add(1);
        self.turn = Turn::Over(at);
        if self.queued() > 0 {
            self.turn = Turn::Since(at);
        }
        self.last = self.last.max(at);
        self.tools.clear();
    }

    /// It uses a tool.
    pub(crate) fn tool_began(&mut self, id: &Arc<str>) {
        self.tools.insert(Arc::clone(id));
    }

    /// The tool came back.
    pub(crate) fn tool_ended(&mut self, id: &str) {
        self.tools.remove(id);
    }

    /// It waits for a person.
    pub(crate) fn awaits(&mut self, at: u64) {
        self.awaits.get_or_insert(at);
    }

    /// It does not any more. The clock stood meanwhile.
    pub(crate) fn awaits_no_more(&mut self, at: u64) {
        let stood = self.awaits.take().map_or(0, |since| at.saturating_sub(since));
        self.last = self.last.saturating_add(stood);
        if let Turn::Since(since) = &mut self.turn {
            *since = since.saturating_add(stood);
        }
    }

    /// It was told that nothing more is coming.
    pub(crate) fn told_to_end(&mut self, at: u64) {
        self.told_to_end.get_or_insert(at);
    }

    /// Tells whether it did all that it was given.
    pub(crate) const fn is_idle(&self) -> bool {
        matches!(self.turn, Turn::Over(_))
    }

    /// Tells whether it works on, or has still to take up, something that it was told after its first turn began.
    pub(crate) fn owes_a_turn(&self) -> bool {
        matches!(self.turn, Turn::Since(_)) && (self.queued() > 0 || self.finished > 0)
    }

    /// Tells whether a person is awaited.
    pub(crate) const fn is_awaiting(&self) -> bool {
        self.awaits.is_some()
    }

    /// Returns when its time is up, and why; none while it may take its time.
    pub(crate) fn due(&self, limits: &RunLimits) -> Option<(u64, Why)> {
        if self.is_awaiting() {
            return None;
        }
        match self.turn {
            Turn::Over(at) => {
                let told = self.told_to_end?;
                Some((after(at.max(told), limits.after_result), Why::AfterResult))
            }
            Turn::None | Turn::Since(_) if self.printed.is_none() => {
                Some((after(0, limits.startup), Why::Startup))
            }
            Turn::None => Some((after(self.last, limits.silence), Why::Silence)),
            Turn::Since(since) => {
                let patience = if self.tools.is_empty() { limits.silence } else { limits.silence.max(TOOL) };
                let silence = after(self.last.max(self.pauses_until), patience);
                let turn = after(since, limits.turn);
                Some(if turn <= silence { (turn, Why::Turn) } else { (silence, Why::Silence) })
            }
        }
    }
}

fn after(at: u64, limit: Duration) -> u64 {
    at.saturating_add(u64::try_from(limit.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> RunLimits {
        RunLimits {
            startup: Duration::from_secs(1),
            silence: Duration::from_secs(2),
            turn: Duration::from_secs(10),
            after_result: Duration::from_secs(3),
            ..RunLimits::default()
        }
    }

    fn due(steps: impl FnOnce(&mut Activity)) -> Option<(u64, Why)> {
        let mut activity = Activity::default();
        activity.turn_started(0);
        steps(&mut activity);
        activity.due(&limits())
    }

    #[test]
    fn an_agent_has_a_time_for_everything_but_not_while_a_person_is_awaited() {
        assert_eq!(due(|_| {}), Some((1000, Why::Startup)));
        assert_eq!(due(|it| it.output(500, Progress::Made)), Some((2500, Why::Silence)));
        assert_eq!(due(|it| it.output(9000, Progress::Made)), Some((10_000, Why::Turn)));
        assert_eq!(due(|it| it.awaits(100)), None);
        let answered = due(|it| {
            it.output(500, Progress::Made);
            it.awaits(600);
            it.awaits_no_more(50_600);
        });
        assert_eq!(answered, Some((52_500, Why::Silence)));
    }

    #[test]
    fn a_heartbeat_is_not_progress_and_an_announced_pause_is_waited_for() {
        let beats = due(|it| {
            it.output(100, Progress::Made);
            it.output(1900, Progress::Heartbeat);
        });
        assert_eq!(beats, Some((2100, Why::Silence)));
        let pauses = due(|it| it.output(100, Progress::Pauses(4000)));
        assert_eq!(pauses, Some((6100, Why::Silence)));
    }

    #[test]
    fn what_was_taken_up_in_a_turn_is_no_turn_of_its_own() {
        let told_twice = |confirmed: &[Progress]| {
            let mut it = Activity::default();
            it.was_told(0);
            it.was_told(10);
            for progress in confirmed {
                it.output(20, *progress);
            }
            assert!(it.owes_a_turn() == (confirmed.len() < 2));
            it.turn_finished(30);
            it.is_idle()
        };
        // Nothing is said of it: another turn comes.
        assert!(!told_twice(&[]));
        assert!(!told_twice(&[Progress::TookUp]));
        assert!(told_twice(&[Progress::TookUp, Progress::TookUp]));
    }

    #[test]
    fn a_tool_may_work_in_silence() {
        let id: Arc<str> = "t".into();
        let works = due(|it| {
            it.output(100, Progress::Made);
            it.tool_began(&id);
        });
        assert_eq!(works, Some((10_000, Why::Turn)));
    }

    #[test]
    fn after_its_result_an_agent_waits_for_ever_until_it_is_told_to_end() {
        let mut idle = Activity::default();
        idle.turn_started(0);
        idle.output(10, Progress::Made);
        idle.turn_finished(10);
        assert_eq!(idle.due(&limits()), None);
        idle.told_to_end(50);
        assert_eq!(idle.due(&limits()), Some((3050, Why::AfterResult)));
    }
}
