//! Finds out what the sandbox really enforces here, by trying what it must refuse, inside and outside of it.

#![expect(clippy::print_stdout, reason = "the probe's answer is its output")]

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::error::WorkspaceError;
use crate::fs::{private_dir, write_new};

/// The name of the helper that makes the attempts.
pub(crate) const NAME: &str = "sandbox-probe";

/// The first line of its answer.
const PROBED: &str = "probed";

/// Something that is tried; its word says that it succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    WriteInside,
    WriteOutside,
    ReadOutside,
    /// Changing the mode of a file outside; landlock has no say in that.
    ChangeModeOutside,
    /// Reading the environment of the process that started it.
    ReadProcess,
    /// Signalling it.
    SignalProcess,
}

impl Attempt {
    const ALL: [Self; 6] = [
        Self::WriteInside,
        Self::WriteOutside,
        Self::ReadOutside,
        Self::ChangeModeOutside,
        Self::ReadProcess,
        Self::SignalProcess,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::WriteInside => "write-inside",
            Self::WriteOutside => "write-outside",
            Self::ReadOutside => "read-outside",
            Self::ChangeModeOutside => "change-mode-outside",
            Self::ReadProcess => "read-process",
            Self::SignalProcess => "signal-process",
        }
    }

    fn succeeds(self, inside: &Path, outside: &Path) -> bool {
        let canary = outside.join("canary");
        match self {
            Self::WriteInside => std::fs::write(inside.join("file"), b"x").is_ok(),
            Self::WriteOutside => std::fs::write(outside.join("file"), b"x").is_ok(),
            Self::ReadOutside => std::fs::read(canary).is_ok(),
            Self::ChangeModeOutside => {
                std::fs::set_permissions(canary, std::fs::Permissions::from_mode(0o600)).is_ok()
            }
            Self::ReadProcess => {
                let parent = std::os::unix::process::parent_id();
                std::fs::read(format!("/proc/{parent}/environ")).is_ok()
            }
            Self::SignalProcess => rustix::process::getppid()
                .is_some_and(|parent| rustix::process::test_kill_process(parent).is_ok()),
        }
    }
}

/// The files that a probe tries its hand at.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) inside: PathBuf,
    outside: PathBuf,
}

impl Ground {
    /// Makes them below `root`.
    pub(crate) fn make(root: &Path) -> Result<Self, WorkspaceError> {
        let ground = Self { inside: root.join(".probe/inside"), outside: root.join(".probe/outside") };
        private_dir(&ground.inside)?;
        private_dir(&ground.outside)?;
        write_new(&ground.outside.join("canary"), b"canary")?;
        Ok(ground)
    }

    /// Returns the arguments of the helper.
    pub(crate) fn args(&self) -> [OsString; 2] {
        [self.inside.clone().into(), self.outside.clone().into()]
    }
}

/// Makes the attempts and prints which succeeded, one word each.
pub(crate) fn main(args: &[OsString]) -> ExitCode {
    let [inside, outside] = args else { return ExitCode::from(2) };
    println!("{PROBED}");
    for attempt in Attempt::ALL {
        if attempt.succeeds(Path::new(inside), Path::new(outside)) {
            println!("{}", attempt.as_str());
        }
    }
    ExitCode::SUCCESS
}

/// Reads what [`main`] printed; none when it is not that.
pub(crate) fn parse(output: &str) -> Option<Vec<Attempt>> {
    let mut lines = output.lines();
    let succeeded = |word: &str| Attempt::ALL.into_iter().find(|attempt| attempt.as_str() == word);
    (lines.next() == Some(PROBED)).then(|| lines.filter_map(succeeded).collect())
}
