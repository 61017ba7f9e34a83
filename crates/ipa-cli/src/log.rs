//! What the engine logs, on standard error: warnings, or as much as was asked for; never a secret.

use std::io::{self, Write};

use ipa_agent::Secrets;
use tracing_subscriber::EnvFilter;

use crate::cli::GlobalOpts;

/// Shows what is logged from here on, without these secrets.
pub(crate) fn listen_to_the_engine(global: &GlobalOpts, secrets: Secrets) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "info",
        (false, _) => "debug",
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(level))
        .with_writer(move || Log { secrets: secrets.clone() })
        .with_target(false)
        .with_ansi(false)
        .finish();
    // Only a test harness could have set another one before.
    tracing::subscriber::set_global_default(subscriber).ok();
}

/// Standard error, behind the redactor. It is written to once for each thing that is logged.
struct Log {
    secrets: Secrets,
}

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        io::stderr().write_all(self.secrets.redact(&text).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
