//! Makes a writer fail, for tests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::fault::Failure;

/// Makes the writer of one store fail. Each call is one fault; they come in order, one a commit of events.
#[derive(Debug, Clone, Default)]
pub struct WriterFaults(Arc<Mutex<VecDeque<Fault>>>);

/// What is to go wrong at one commit.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fault {
    None,
    LoseAnswer,
    LoseStatement,
    Busy,
    Panic,
}

impl WriterFaults {
    /// Lets the answer to a commit of events be lost; it is carried out.
    pub fn lose_answer(&self) {
        self.push(Fault::LoseAnswer);
    }

    /// Lets a commit of events be lost; it is not carried out, and nobody knows.
    pub fn lose_statement(&self) {
        self.push(Fault::LoseStatement);
    }

    /// Lets a commit of events find the file busy.
    pub fn busy(&self) {
        self.push(Fault::Busy);
    }

    /// Lets the writer panic instead of committing events.
    pub fn panic(&self) {
        self.push(Fault::Panic);
    }

    fn push(&self, fault: Fault) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(fault);
    }

    /// Fails before a commit, if that was asked for.
    #[expect(clippy::panic, reason = "the fault that a test asked for")]
    pub(super) fn before(&self) -> Result<Fault, Failure> {
        let fault = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        match fault.unwrap_or(Fault::None) {
            Fault::LoseStatement => Err(Failure::Lost("injected: the statement was lost".to_owned())),
            Fault::Busy => Err(Failure::Busy("injected: busy".to_owned())),
            Fault::Panic => panic!("injected: the writer panics"),
            fault @ (Fault::LoseAnswer | Fault::None) => Ok(fault),
        }
    }
}

impl Fault {
    /// Fails after a commit, if that was asked for.
    pub(super) fn after(self) -> Result<(), Failure> {
        match self {
            Self::LoseAnswer => Err(Failure::Lost("injected: the answer was lost".to_owned())),
            Self::LoseStatement | Self::Busy | Self::Panic | Self::None => Ok(()),
        }
    }
}
