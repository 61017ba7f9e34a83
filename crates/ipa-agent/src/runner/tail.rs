//! Reads a run's spool, as far as it is there: each read costs what is new.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;

use super::blocking;
use crate::error::TailError;
use crate::event::AgentEvent;
use crate::fold::Fold;
use crate::folder::{self, Ended, ExitRecord};
use crate::session::{RunDir, Tail, TailReader};

/// How much is read at once.
const CHUNK: usize = 256 * 1024;
/// The most of a document that is handed on.
const PRODUCT: u64 = 4 * 1024 * 1024;

/// Begins before the first event.
pub(super) fn open(dir: RunDir, fold: Fold) -> Tail {
    Tail::new(Box::new(Reader {
        path: dir.path().join(folder::SPOOL),
        state: Arc::new(Mutex::new(State::new(dir, fold))),
    }))
}

/// A spool, its fold, and what has come of it and was not handed out.
pub(super) struct State {
    dir: RunDir,
    file: Option<File>,
    buffer: Vec<u8>,
    read: u64,
    pub(super) fold: Fold,
    pub(super) events: VecDeque<AgentEvent>,
}

impl State {
    pub(super) fn new(dir: RunDir, fold: Fold) -> Self {
        Self { dir, file: None, buffer: Vec::new(), read: 0, fold, events: VecDeque::new() }
    }

    /// Takes in one more chunk, or the end; returns whether there was any.
    pub(super) fn step(&mut self) -> io::Result<Step> {
        if self.fold.is_over() {
            return Ok(Step::Nothing);
        }
        // The exit record first: it is written last, so all of the spool is in its file by then.
        let exit: Option<ExitRecord> =
            if self.at_end()? { folder::read(self.dir.path(), folder::EXIT)? } else { None };
        if self.chunk()? > 0 {
            return Ok(Step::More);
        }
        let Some(exit) = exit else { return Ok(Step::Nothing) };
        let product = self.product()?;
        self.fold.end(&exit, product, &mut self.events);
        Ok(Step::More)
    }

    /// Takes in that the run's folder was removed.
    pub(super) fn vanish(&mut self) {
        let exit = ExitRecord { ended: Ended::HostLost, ..ExitRecord::default() };
        self.fold.end(&exit, None, &mut self.events);
    }

    /// Tells whether all of the file that is there was read.
    fn at_end(&self) -> io::Result<bool> {
        match &self.file {
            Some(file) => Ok(file.metadata()?.len() <= self.read),
            None => Ok(true),
        }
    }

    fn chunk(&mut self) -> io::Result<usize> {
        if self.file.is_none() {
            self.file = match File::open(self.dir.path().join(folder::SPOOL)) {
                Ok(file) => Some(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
                Err(error) => return Err(error),
            };
            self.buffer.resize(CHUNK, 0);
        }
        let Some(file) = &mut self.file else { return Ok(0) };
        let n = loop {
            match file.read(&mut self.buffer) {
                Ok(n) => break n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        };
        self.read += n as u64;
        self.fold.feed(self.buffer.get(..n).unwrap_or_default(), &mut self.events);
        Ok(n)
    }

    fn product(&self) -> io::Result<Option<String>> {
        match File::open(self.dir.path().join(folder::PRODUCT)) {
            Ok(file) => {
                let mut bytes = Vec::new();
                file.take(PRODUCT).read_to_end(&mut bytes)?;
                Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Whether something was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// There was something, and may be more.
    More,
    /// There is nothing new.
    Nothing,
}

struct Reader {
    path: PathBuf,
    /// Whoever gives a read up leaves it at work; what it took in is handed out by the next one.
    state: Arc<Mutex<State>>,
}

impl TailReader for Reader {
    fn read(&mut self, max: usize) -> BoxFuture<'_, Result<Vec<AgentEvent>, TailError>> {
        Box::pin(async move {
            let state = Arc::clone(&self.state);
            let work = blocking(move || fill(&mut held(&state), max));
            work.await.map_err(|source| TailError { path: self.path.clone(), source })?;
            let mut state = held(&self.state);
            let n = state.events.len().min(max);
            Ok(state.events.drain(..n).collect())
        })
    }
}

/// A reader that was ended in the middle leaves what it had read, and where.
fn held(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn fill(state: &mut State, max: usize) -> io::Result<()> {
    while state.events.len() < max {
        if state.step()? == Step::Nothing {
            break;
        }
    }
    Ok(())
}
