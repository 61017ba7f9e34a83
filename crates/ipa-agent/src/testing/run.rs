//! One run of a fake agent.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use ipa_events::task::{ProcessIdentity, Usage};
use ipa_events::{FailureClass, Outcome, Retry};
use tokio::sync::watch;
use tokio::time::Instant;

use super::FakeStep;
use crate::error::ControlError;
use crate::event::{AgentEvent, Asked, Body, Finished};
use crate::session::{Answer, Control, Stop};
use crate::spec::RunSpec;

/// A run, and all that it did.
pub(super) struct FakeRun {
    pub(super) spec: RunSpec,
    pub(super) identity: ProcessIdentity,
    began: Instant,
    inner: Mutex<Inner>,
    grown: watch::Sender<()>,
    told: watch::Sender<()>,
}

#[derive(Default)]
struct Inner {
    events: Vec<AgentEvent>,
    told: Vec<(String, String)>,
    keys: BTreeSet<String>,
    open: BTreeSet<Arc<str>>,
    messages: usize,
    stop: Option<Stop>,
    finish: Finish,
    host: Host,
    product: Option<Arc<str>>,
    usage: Usage,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Finish {
    #[default]
    Later,
    AtTurnEnd,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Host {
    #[default]
    Lives,
    Lost,
}

impl FakeRun {
    pub(super) fn new(spec: RunSpec, identity: ProcessIdentity) -> Arc<Self> {
        let (grown, told) = (watch::Sender::new(()), watch::Sender::new(()));
        Arc::new(Self { spec, identity, began: Instant::now(), inner: Mutex::default(), grown, told })
    }

    pub(super) fn grown(&self) -> watch::Receiver<()> {
        self.grown.subscribe()
    }

    pub(super) fn event(&self, at: usize) -> Option<AgentEvent> {
        self.lock().events.get(at).cloned()
    }

    pub(super) fn told(&self) -> Vec<(String, String)> {
        self.lock().told.clone()
    }

    pub(super) fn is_over(&self) -> bool {
        self.lock().is_over()
    }

    /// Ends a run whose host was lost; tells whether it was.
    pub(super) fn close_if_lost(&self) -> bool {
        let mut inner = self.lock();
        if inner.host == Host::Lives || inner.is_over() {
            return false;
        }
        drop(inner);
        self.end(failed(FailureClass::HostLost, "the fake host was lost"));
        inner = self.lock();
        inner.is_over()
    }

    /// Takes all steps, then ends the turn and waits to be told to finish.
    pub(super) async fn play(self: Arc<Self>, steps: Vec<FakeStep>) {
        self.push(Body::Started { session: None, model: Some("fake".into()), version: None });
        self.push(Body::TurnStarted);
        for step in steps {
            if self.step(step).await.is_none() {
                return;
            }
        }
        while self.end_turn().await.is_some() {
            self.push(Body::TurnStarted);
        }
    }

    /// Takes one step; none when the run is over.
    async fn step(&self, step: FakeStep) -> Option<()> {
        match step {
            FakeStep::Say(text) => {
                self.lock().product = Some(Arc::clone(&text));
                self.push(Body::Text { text });
            }
            FakeStep::Emit(body) => self.push(body),
            FakeStep::Use(total) => {
                self.lock().usage = total;
                self.push(Body::Usage { total });
            }
            FakeStep::Flood(lines) => {
                for number in 0..lines {
                    self.push(Body::Text { text: format!("line {number}").into() });
                }
            }
            FakeStep::Ask(asked) => {
                let (Asked::Permission { key, .. } | Asked::Question { key, .. }) = &asked;
                let key = Arc::clone(key);
                self.lock().open.insert(Arc::clone(&key));
                self.push(Body::Asked(asked));
                return self.until(None, |inner| !inner.open.contains(&key)).await;
            }
            FakeStep::Wait(time) => {
                self.until(Some(time), |_| false).await;
                return (!self.is_over()).then_some(());
            }
            FakeStep::EndTurn => {
                self.end_turn().await?;
                self.push(Body::TurnStarted);
            }
            FakeStep::Hang => {
                self.until(Some(self.spec.limits.silence), |_| false).await;
                self.end(failed(FailureClass::Stalled, "the fake agent got on no more"));
                return None;
            }
            FakeStep::End(outcome) => {
                self.end(outcome);
                return None;
            }
            FakeStep::Die => {
                self.end(failed(FailureClass::Crashed, "the fake agent was killed"));
                return None;
            }
            FakeStep::NoResult => {
                self.end(failed(FailureClass::EndedWithoutResult, "the fake agent said nothing"));
                return None;
            }
            FakeStep::LoseHost => {
                self.lock().host = Host::Lost;
                return None;
            }
        }
        Some(())
    }

    /// Ends the turn; some when more was said, or when the run has ended with it.
    async fn end_turn(&self) -> Option<()> {
        self.push(Body::TurnFinished);
        let before = self.lock().messages;
        self.until(None, |inner| inner.messages > before || inner.finish == Finish::AtTurnEnd).await?;
        if self.lock().messages > before {
            return Some(());
        }
        self.end(Outcome::Completed);
        None
    }

    /// Waits for what is wanted; none when the run was stopped, or the time is over.
    async fn until(&self, time: Option<Duration>, wanted: impl Fn(&Inner) -> bool) -> Option<()> {
        let end = time.map(|time| Instant::now() + time);
        let mut told = self.told.subscribe();
        loop {
            told.mark_unchanged();
            let stop = self.lock().stop.clone();
            if let Some(stop) = stop {
                self.end(match stop {
                    Stop::Interrupted(by) => Outcome::Interrupted { by },
                    Stop::Failed { class, detail, retry } => Outcome::Failed { class, detail, retry },
                });
                return None;
            }
            if wanted(&self.lock()) {
                return Some(());
            }
            match end {
                Some(end) => tokio::time::timeout_at(end, told.changed()).await.ok()?.ok()?,
                None => told.changed().await.ok()?,
            }
        }
    }

    fn end(&self, outcome: Outcome) {
        let mut inner = self.lock();
        if inner.is_over() {
            return;
        }
        let open = std::mem::take(&mut inner.open);
        let finished = Finished {
            exit_code: matches!(outcome, Outcome::Completed).then_some(0),
            outcome,
            product: inner.product.clone(),
            usage: inner.usage,
        };
        drop(inner);
        for key in open {
            self.push(Body::Withdrawn { key, why: "the run is over".into() });
        }
        self.push(Body::Finished(finished));
    }

    fn push(&self, body: Body) {
        let at_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut inner = self.lock();
        let seq = inner.events.len() as u64 + 1;
        inner.events.push(AgentEvent { seq, at_ms, body });
        drop(inner);
        self.grown.send_replace(());
    }

    /// Takes in something that it is told, once per key.
    fn tell(&self, key: String, text: String, then: impl FnOnce(&mut Inner)) -> Result<(), ControlError> {
        let mut inner = self.lock();
        if inner.is_over() || inner.host == Host::Lost {
            return Err(ControlError::Gone);
        }
        if inner.keys.insert(key.clone()) {
            inner.told.push((key, text));
            then(&mut inner);
        }
        drop(inner);
        self.told.send_replace(());
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn is_over(&self) -> bool {
        self.events.last().is_some_and(|event| matches!(event.body, Body::Finished(_)))
    }
}

impl Control for FakeRun {
    fn send<'a>(&'a self, key: &'a str, text: &'a str) -> BoxFuture<'a, Result<(), ControlError>> {
        Box::pin(
            async move { self.tell(format!("message-{key}"), text.to_owned(), |inner| inner.messages += 1) },
        )
    }

    fn answer<'a>(&'a self, key: &'a str, answer: Answer) -> BoxFuture<'a, Result<(), ControlError>> {
        Box::pin(async move {
            let told = format!("answer-{key}");
            let open: Arc<str> = key.into();
            let inner = self.lock();
            let (waits, known) = (inner.open.contains(key), inner.keys.contains(&told));
            drop(inner);
            if !waits {
                return if known { Ok(()) } else { Err(ControlError::Unknown(key.to_owned())) };
            }
            self.push(Body::Resolved { key: Arc::clone(&open) });
            self.tell(told, format!("{answer:?}"), |inner| inner.open.retain(|key| *key != open))
        })
    }

    fn finish(&self) -> BoxFuture<'_, Result<(), ControlError>> {
        Box::pin(async move {
            self.tell("finish".to_owned(), String::new(), |inner| inner.finish = Finish::AtTurnEnd)
        })
    }

    fn stop(&self, stop: Stop) -> BoxFuture<'_, Result<(), ControlError>> {
        Box::pin(async move { self.tell("stop".to_owned(), String::new(), |inner| inner.stop = Some(stop)) })
    }
}

fn failed(class: FailureClass, detail: &str) -> Outcome {
    Outcome::Failed { class, detail: detail.to_owned(), retry: Retry::Backoff }
}
