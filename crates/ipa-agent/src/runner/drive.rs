//! Follows one run: reads its spool, hands out events, carries verbs to its host, keeps its limits.
//!
//! Ends when the run is over, or when nobody holds its events and its control any more; the run goes on then.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::warn;

use super::driver::{Asked, Reply, Want};
use super::link::Link;
use super::tail::{State, Step};
use super::{blocking, recover};
use crate::error::ControlError;
use crate::event::{AgentEvent, Body};
use crate::fold::Fold;
use crate::folder::Why;
use crate::host::Frame;
use crate::protocol::{answer_key, message_key};
use crate::session::RunDir;
use crate::sweep;
use crate::wire::{FromHost, Stands, Verb};

/// How often the folder of a run without a connection is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// How long a driver sleeps when it waits for nothing in particular.
const LONG: Duration = Duration::from_hours(1);

/// What follows one run.
pub(super) struct Driver {
    dir: RunDir,
    /// None only while it is being read.
    state: Option<State>,
    events: mpsc::Sender<AgentEvent>,
    asked: mpsc::Receiver<Asked>,
    link: Option<Link>,
    replies: BTreeMap<u64, Reply>,
    is: BTreeSet<Is>,
    /// The answer that the events wait for: then what they come from is on the disk.
    barrier: Option<u64>,
    /// The host's clock, and when it was that.
    clock: Option<(u64, Instant)>,
    stands: Option<Stands>,
    /// Keys of what the host was told without being asked to, since it was connected.
    sent: BTreeSet<String>,
}

/// What is true of a driver.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Is {
    /// All of the spool that is known of was read.
    CaughtUp,
    /// Nobody reads the events.
    Unheard,
    /// Nobody holds the control.
    Unasked,
    /// The agent's input is to end when it has done what it was given.
    Finishing,
    /// The host was asked to end the run.
    Stopping,
    /// It was asked to end the agent's input.
    Ending,
}

enum Happened {
    Asked(Option<Asked>),
    Heard(Option<FromHost>),
    Delivered,
    Unheard,
    Time,
}

impl Driver {
    pub(super) fn new(
        dir: RunDir,
        fold: Fold,
        link: Option<Link>,
        events: mpsc::Sender<AgentEvent>,
        asked: mpsc::Receiver<Asked>,
    ) -> Self {
        Self {
            state: Some(State::new(dir.clone(), fold)),
            dir,
            events,
            asked,
            link,
            replies: BTreeMap::new(),
            is: BTreeSet::new(),
            barrier: None,
            clock: None,
            stands: None,
            sent: BTreeSet::new(),
        }
    }

    /// Follows the run to its end.
    pub(super) async fn run(mut self) {
        loop {
            if let Err(error) = self.advance().await {
                warn!(dir = %self.dir.path().display(), %error, "a run cannot be followed; next try soon");
                tokio::time::sleep(LOOK).await;
            }
            if self.is_done() {
                return;
            }
            match self.wait().await {
                Happened::Asked(None) => drop(self.is.insert(Is::Unasked)),
                Happened::Asked(Some(asked)) => self.carry_out(asked).await,
                Happened::Heard(heard) => self.hear(heard.as_ref()).await,
                Happened::Unheard => drop(self.is.insert(Is::Unheard)),
                Happened::Delivered | Happened::Time => {}
            }
        }
    }

    /// Tells whether nothing is left to do, or nobody is left to do it for.
    fn is_done(&self) -> bool {
        let Some(state) = &self.state else { return true };
        let unheard = self.is.contains(&Is::Unheard);
        (state.fold.is_over() && (unheard || state.events.is_empty()))
            || (unheard && self.is.contains(&Is::Unasked))
    }

    async fn wait(&mut self) -> Happened {
        let asks = !self.is.contains(&Is::Unasked);
        let hears = !self.is.contains(&Is::Unheard);
        let wake = self.wake();
        let Self { asked, link, events, state, barrier, .. } = self;
        let queue = state.as_mut().map(|state| &mut state.events);
        let delivers = hears && barrier.is_none() && queue.as_ref().is_some_and(|it| !it.is_empty());
        tokio::select! {
            biased;
            asked = asked.recv(), if asks => Happened::Asked(asked),
            heard = next(link), if link.is_some() => Happened::Heard(heard),
            permit = events.reserve(), if delivers => {
                let Ok(permit) = permit else { return Happened::Unheard };
                if let Some(event) = queue.and_then(VecDeque::pop_front) {
                    permit.send(event);
                }
                Happened::Delivered
            }
            () = events.closed(), if hears => Happened::Unheard,
            () = tokio::time::sleep_until(wake) => Happened::Time,
        }
    }

    /// Returns when something is due.
    fn wake(&self) -> Instant {
        let now = Instant::now();
        if self.link.is_none() {
            return now + LOOK;
        }
        let due = self.due().map(|(due_ms, _)| due_ms);
        match (due, self.clock) {
            (Some(due), Some((clock, at))) => at + Duration::from_millis(due.saturating_sub(clock)).min(LONG),
            (Some(_) | None, _) => now + LONG,
        }
    }

    /// Returns the limit that is reached next.
    fn due(&self) -> Option<(u64, Why)> {
        if self.is.contains(&Is::Stopping) || !self.is.contains(&Is::CaughtUp) {
            return None;
        }
        let fold = &self.state.as_ref()?.fold;
        if fold.is_stopping() || fold.is_over() {
            return None;
        }
        fold.activity().due(&fold.began()?.limits)
    }

    /// Reads until there is something to hand out or nothing new, and does what follows from it.
    async fn advance(&mut self) -> io::Result<()> {
        while !self.is.contains(&Is::CaughtUp) && self.state.as_ref().is_some_and(|it| it.events.is_empty()) {
            self.step().await?;
        }
        self.follow_up().await;
        Ok(())
    }

    /// Takes in one more piece of the spool.
    async fn step(&mut self) -> io::Result<()> {
        let Some(mut state) = self.state.take() else { return Ok(()) };
        let before = state.events.len();
        let (state, result) = blocking(move || {
            let result = state.step();
            Ok((state, result))
        })
        .await?;
        let weighty = state.events.iter().skip(before).any(|event| is_weighty(&event.body));
        let over = state.fold.is_over();
        self.state = Some(state);
        if result? == Step::Nothing {
            if self.link.is_none() && !over {
                return self.look().await;
            }
            self.is.insert(Is::CaughtUp);
        }
        if over {
            self.is.insert(Is::CaughtUp);
        } else if weighty {
            self.barrier = self.say(Verb::Sync).await;
        }
        if self.is.contains(&Is::Unheard)
            && let Some(state) = &mut self.state
        {
            state.events.clear();
        }
        Ok(())
    }

    /// Finds out what became of a host that does not talk any more.
    async fn look(&mut self) -> io::Result<()> {
        let dir = self.dir.clone();
        match blocking(move || recover::look(dir.path())).await? {
            recover::Found::Live(_) => {
                self.link = Some(Link::connect(self.dir.path()).await?);
            }
            // The exit record is there now: the next step takes it in.
            recover::Found::Ended(_) | recover::Found::Lost(_) => {}
            recover::Found::Starting => tokio::time::sleep(LOOK).await,
            recover::Found::Unclaimed => self.vanish().await?,
        }
        Ok(())
    }

    /// Closes a run whose folder was removed under it; nothing of it may live then.
    async fn vanish(&mut self) -> io::Result<()> {
        let Some(state) = &mut self.state else { return Ok(()) };
        if let Some(run) = state.fold.began().map(|began| began.run) {
            blocking(move || sweep::run(run)).await?;
        }
        state.vanish();
        Ok(())
    }

    /// Does what follows from what was read, once all was read.
    async fn follow_up(&mut self) {
        if !self.is.contains(&Is::CaughtUp) || self.link.is_none() {
            return;
        }
        let Some(state) = &self.state else { return };
        let unsent = |frame: &&Frame| !self.sent.contains(&frame.key);
        let frames: Vec<_> = state.fold.wants().iter().filter(unsent).cloned().collect();
        let halt = state.fold.halt().cloned();
        let awaiting = state.fold.activity().is_awaiting();
        let ends = state.fold.is_stopping() || self.is.contains(&Is::Finishing);
        let done = ends && state.fold.activity().is_idle();
        for frame in frames {
            self.sent.insert(frame.key.clone());
            self.say(Verb::Write { key: frame.key, data: frame.data }).await;
        }
        let stands = if awaiting { Stands::Yes } else { Stands::No };
        if self.stands != Some(stands) {
            self.stands = Some(stands);
            self.say(Verb::Clock { stands }).await;
        }
        if done && self.is.insert(Is::Ending) {
            self.say(Verb::Eof).await;
        }
        let late = self.due().filter(|(due, _)| self.now_ms().is_some_and(|now| now >= *due));
        if let Some(why) = halt.or(late.map(|(_, why)| why))
            && self.is.insert(Is::Stopping)
        {
            self.say(Verb::Stop { why }).await;
        }
    }

    /// Returns what the host's clock shows.
    fn now_ms(&self) -> Option<u64> {
        let (clock, at) = self.clock?;
        Some(clock.saturating_add(u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX)))
    }

    async fn hear(&mut self, heard: Option<&FromHost>) {
        match heard {
            Some(FromHost::Head { .. }) => drop(self.is.remove(&Is::CaughtUp)),
            Some(FromHost::Done { id, now_ms }) => {
                self.clock = Some((*now_ms, Instant::now()));
                self.settle(*id, Ok(()));
            }
            // The disk is full, perhaps; the events wait on.
            Some(FromHost::Refused { id, .. }) if self.barrier == Some(*id) => {
                tokio::time::sleep(LOOK).await;
                self.barrier = self.say(Verb::Sync).await;
            }
            Some(FromHost::Refused { id, .. }) => {
                self.settle(*id, Err(ControlError::NotNow("its input has ended, or it does not read it")));
            }
            None => self.disconnect(),
        }
    }

    fn settle(&mut self, id: u64, result: Result<(), ControlError>) {
        if self.barrier == Some(id) {
            self.barrier = None;
        }
        if let Some(reply) = self.replies.remove(&id) {
            // Whoever asked may have stopped waiting.
            reply.send(result).ok();
        }
    }

    fn disconnect(&mut self) {
        self.link = None;
        self.barrier = None;
        self.stands = None;
        self.sent.clear();
        self.is.remove(&Is::CaughtUp);
        for (_, reply) in std::mem::take(&mut self.replies) {
            reply.send(Err(ControlError::Gone)).ok();
        }
    }

    /// Says something to the host; returns the number that its answer will carry.
    async fn say(&mut self, verb: Verb) -> Option<u64> {
        let sent = self.link.as_mut()?.send(verb).await;
        if sent.is_err() {
            self.disconnect();
        }
        sent.ok()
    }

    async fn carry_out(&mut self, Asked { what, reply }: Asked) {
        // What was asked may lie in what was not read yet; a stop is one whatever was said.
        let waits = !matches!(what, Want::Stop(_));
        while waits && !self.is.contains(&Is::CaughtUp) && self.link.is_some() {
            if self.step().await.is_err() {
                break;
            }
        }
        match self.verb(what) {
            Err(result) => drop(reply.send(result)),
            Ok(verb) => match self.say(verb).await {
                Some(id) => drop(self.replies.insert(id, reply)),
                None => drop(reply.send(Err(ControlError::Gone))),
            },
        }
    }

    /// Puts a verb into the host's words; or returns what is to be answered at once.
    fn verb(&mut self, what: Want) -> Result<Verb, Result<(), ControlError>> {
        let Some(fold) = self.state.as_ref().map(|state| &state.fold).filter(|fold| !fold.is_over()) else {
            return Err(Err(ControlError::Gone));
        };
        match what {
            Want::Send { key, text } => {
                let key = message_key(&key);
                if fold.was_told(&key) {
                    return Err(Ok(()));
                }
                let data = fold.protocol().message(&text).map_err(Err)?;
                Ok(Verb::Write { key, data })
            }
            Want::Answer { key, answer } => {
                let frame = answer_key(&key);
                if fold.was_told(&frame) {
                    return Err(Ok(()));
                }
                if !fold.is_open(&key) {
                    return Err(Err(ControlError::Unknown(key)));
                }
                let data = fold.protocol().answer(&key, &answer).map_err(Err)?;
                Ok(Verb::Write { key: frame, data })
            }
            Want::Finish if fold.activity().owes_a_turn() => {
                // It may still ask, and must get its answers: its input ends with its last turn.
                self.is.insert(Is::Finishing);
                Err(Ok(()))
            }
            Want::Finish => Ok(Verb::Eof),
            Want::Stop(why) => {
                self.is.insert(Is::Stopping);
                Ok(Verb::Stop { why })
            }
        }
    }
}

/// Tells whether a person or the task's stream will act on it: then it must not be lost in a power cut.
const fn is_weighty(body: &Body) -> bool {
    matches!(body, Body::Asked(_) | Body::TurnFinished)
}

async fn next(link: &mut Option<Link>) -> Option<FromHost> {
    link.as_mut()?.next().await
}

#[cfg(test)]
mod tests;
