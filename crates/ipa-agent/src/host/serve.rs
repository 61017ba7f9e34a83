//! The host's loop: waits for whatever can happen, and does what follows.

#![expect(clippy::disallowed_methods, reason = "the host is the edge of its run: it keeps the run's limits")]

use std::io;
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::Signal;

use super::agent::Agent;
use super::client::Client;
use super::ladder::{Standing, Step};
use super::order::{Aim, HostOrder};
use super::spool::Spool;
use super::stdin::{Stdin, Taken};
use crate::folder::{self, Note, Token, Why};
use crate::wire::{FromHost, Request, Stands, Verb};

/// How long the loop sleeps at most.
const TICK: Duration = Duration::from_secs(1);
/// How much may wait for the disk before the agent has to wait too.
const BACKLOG: usize = 4 * 1024 * 1024;
/// How many connections may be open that did not show the run's token yet.
const STRANGERS: usize = 32;

/// A run that is going on.
pub(super) struct Host {
    pub(super) order: HostOrder,
    pub(super) spool: Spool,
    pub(super) agent: Agent,
    stdin: Option<Stdin>,
    listener: UnixListener,
    clients: Vec<Client>,
    accepted: u64,
    token: Token,
    standing: Option<Standing>,
    clock: Clock,
    pub(super) buffer: Vec<u8>,
}

/// The time that counts.
struct Clock {
    counted: Duration,
    since: Option<Instant>,
    /// When somebody was connected last.
    seen: Instant,
    /// When the run's folder was looked at last.
    looked: Instant,
}

impl Host {
    /// Begins with what the agent is told first.
    pub(super) fn new(
        order: HostOrder,
        spool: Spool,
        mut agent: Agent,
        listener: UnixListener,
        token: Token,
    ) -> Self {
        let now = Instant::now();
        let stdin = agent.stdin.take().map(Stdin::new);
        let clock = Clock { counted: Duration::ZERO, since: Some(now), seen: now, looked: now };
        let buffer = vec![0; 256 * 1024];
        let clients = Vec::new();
        let mut host = Self {
            order,
            spool,
            agent,
            stdin,
            listener,
            clients,
            accepted: 0,
            token,
            standing: None,
            clock,
            buffer,
        };
        for frame in std::mem::take(&mut host.order.frames) {
            if let Some(stdin) = &mut host.stdin {
                stdin.tell(frame, None);
            }
        }
        if host.order.stdin() == folder::Stdin::Ends {
            host.end_stdin();
        }
        host
    }

    /// Stays until the run is over, then writes down how it ended.
    pub(super) fn serve(mut self) -> io::Result<()> {
        while !self.agent.has_ended() {
            self.wait();
            self.keep_limits(Instant::now());
            self.climb(Instant::now());
            self.settle();
            // What cannot be written now is tried again; the agent waits when too much of it has come together.
            self.spool.flush().and_then(|()| self.spool.sync_if_due()).ok();
            self.clients.retain(|client| !client.is_gone());
            for client in &mut self.clients {
                client.hint(self.spool.written());
            }
        }
        self.end()
    }

    /// Sleeps until something can be done, and does it.
    fn wait(&mut self) {
        let reads = self.spool.backlog() < BACKLOG;
        let mut fds = vec![
            PollFd::from_borrowed_fd(self.agent.handle(), PollFlags::IN),
            PollFd::new(&self.listener, PollFlags::IN),
        ];
        let outputs = [self.agent.out.wants(), self.agent.err.wants()].map(|fd| fd.filter(|_| reads));
        fds.extend(outputs.into_iter().flatten().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        // Nothing can be told while a record of what was told is not in the file.
        let told = self.stdin.as_ref().filter(|_| self.spool.backlog() == 0).and_then(Stdin::wants);
        fds.extend(told.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::OUT)));
        fds.extend(self.clients.iter().map(|client| {
            let (fd, flags) = client.wants();
            PollFd::from_borrowed_fd(fd, flags)
        }));
        let sleep = self.sleep();
        let sleep = Timespec { tv_sec: sleep.as_secs().cast_signed(), tv_nsec: sleep.subsec_nanos().into() };
        rustix::event::poll(&mut fds, Some(&sleep)).ok();
        // All of them do not block: trying what is not ready costs a call and does no harm.
        if reads {
            self.agent.out.read(&mut self.buffer, &mut self.spool);
            self.agent.err.read(&mut self.buffer, &mut self.spool);
        }
        // What could not be written waits on, and is tried again.
        self.spool.flush().ok();
        if let Some(stdin) = &mut self.stdin {
            stdin.write(&mut self.spool);
        }
        self.accept();
        self.hear();
    }

    fn sleep(&self) -> Duration {
        let until = self.standing.and_then(|it| it.until);
        until.map_or(TICK, |until| until.saturating_duration_since(Instant::now())).min(TICK)
    }

    fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            self.accepted += 1;
            self.clients.extend(Client::accept(self.accepted, stream));
        }
        // Whoever knows the token shows it at once; others must not fill the host's table of open files.
        let strangers = self.clients.iter().filter(|client| !client.is_known()).count();
        let too_many = strangers.saturating_sub(STRANGERS);
        self.clients.iter_mut().filter(|client| !client.is_known()).take(too_many).for_each(Client::leave);
    }

    fn hear(&mut self) {
        let mut heard = Vec::new();
        for client in &mut self.clients {
            client.send();
            heard.extend(
                client
                    .requests(&mut self.buffer, &self.token)
                    .into_iter()
                    .map(|request| (client.id, request)),
            );
        }
        for (client, request) in heard {
            self.carry_out(client, request);
        }
    }

    fn carry_out(&mut self, client: u64, Request { id, verb }: Request) {
        let answer = match verb {
            Verb::Hello { .. } => Ok(()),
            Verb::Write { key, data } => {
                let frame = super::order::Frame { key, data };
                let taken =
                    self.stdin.as_mut().map_or(Taken::Refused("its standard input has ended"), |it| {
                        it.tell(frame, Some((client, id)))
                    });
                match taken {
                    Taken::Already => Ok(()),
                    // It is answered when the agent took it.
                    Taken::Queued => return,
                    Taken::Refused(why) => Err(why.to_owned()),
                }
            }
            Verb::Eof => {
                self.spool.note(&Note::Eof);
                self.end_stdin();
                Ok(())
            }
            Verb::Stop { why } => {
                self.stop(why);
                Ok(())
            }
            Verb::Clock { stands } => {
                self.clock.set(stands, Instant::now());
                Ok(())
            }
            Verb::Sync => self.spool.sync().map_err(|error| error.to_string()),
        };
        self.answer(client, id, answer);
    }

    /// Answers who waited for the agent to take something.
    fn settle(&mut self) {
        for ((client, id), result) in self.stdin.as_mut().map(Stdin::settled).unwrap_or_default() {
            self.answer(client, id, result.map_err(str::to_owned));
        }
    }

    fn answer(&mut self, client: u64, id: u64, result: Result<(), String>) {
        // A record is in the file before anybody is told of it.
        self.spool.flush().ok();
        let now_ms = self.spool.now_ms();
        if let Some(client) = self.clients.iter_mut().find(|it| it.id == client) {
            client.say(&match result {
                Ok(()) => FromHost::Done { id, now_ms },
                Err(why) => FromHost::Refused { id, why },
            });
        }
    }

    fn end_stdin(&mut self) {
        if let Some(stdin) = &mut self.stdin {
            stdin.end();
        }
        // Asked to stop, it did, and now only has to end.
        if self.standing.is_some_and(|standing| standing.step == Step::Frame) {
            let until = Step::Eof.wait(&self.order.grace).map(|wait| Instant::now() + wait);
            self.standing = Some(Standing { step: Step::Eof, until });
        }
    }

    fn stop(&mut self, why: Why) {
        let first = Step::first(&why);
        if self.standing.is_none_or(|standing| standing.step < first) {
            self.spool.note(&Note::Stop(why));
            self.enter(first);
        }
    }

    /// Takes a step, or the next one that there is something to do in.
    fn enter(&mut self, step: Step) {
        let did = match step {
            Step::Frame => self.ask_to_stop(),
            Step::Eof => self.stdin.as_mut().is_some_and(|stdin| {
                let was_open = !stdin.is_closed();
                stdin.close();
                was_open
            }),
            Step::Interrupt => {
                self.agent.signal(Signal::INT, self.order.aim);
                true
            }
            Step::Terminate => {
                self.agent.signal(Signal::TERM, self.order.aim);
                true
            }
            Step::Kill => {
                self.agent.signal(Signal::KILL, Aim::Agent);
                true
            }
        };
        if !did {
            return self.enter(step.next());
        }
        let until = step.wait(&self.order.grace).map(|wait| Instant::now() + wait);
        self.standing = Some(Standing { step, until });
    }

    fn ask_to_stop(&mut self) -> bool {
        match (&mut self.stdin, self.order.stop_frame.take()) {
            (Some(stdin), Some(frame)) if stdin.is_open() => stdin.tell(frame, None) == Taken::Queued,
            (Some(_) | None, _) => false,
        }
    }

    /// Takes the next step when the one before was given its time.
    fn climb(&mut self, now: Instant) {
        if let Some(standing) = self.standing
            && standing.until.is_some_and(|until| until <= now)
        {
            self.enter(standing.step.next());
        }
    }

    fn keep_limits(&mut self, now: Instant) {
        if self.clients.iter().any(Client::is_known) {
            self.clock.seen = now;
        }
        if self.spool.written() > self.order.limits.output_bytes {
            self.stop(Why::OutputQuota);
            self.agent.out.end(&mut self.spool);
            self.agent.err.end(&mut self.spool);
        } else if self.standing.is_some() {
        } else if self.clock.counted(now) >= self.order.limits.total {
            self.stop(Why::Total);
        } else if now.duration_since(self.clock.seen) >= self.order.limits.alone || self.is_forgotten(now) {
            self.stop(Why::Alone);
        }
    }
}

impl Host {
    /// Tells whether the run's folder was removed: nobody can find the run any more.
    fn is_forgotten(&mut self, now: Instant) -> bool {
        if now.duration_since(self.clock.looked) < TICK {
            return false;
        }
        self.clock.looked = now;
        std::fs::metadata(folder::CLAIM).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    }
}

impl Clock {
    fn counted(&self, now: Instant) -> Duration {
        self.counted + self.since.map_or(Duration::ZERO, |since| now.duration_since(since))
    }

    fn set(&mut self, stands: Stands, now: Instant) {
        self.counted = self.counted(now);
        self.since = (stands == Stands::No).then_some(now);
    }
}
