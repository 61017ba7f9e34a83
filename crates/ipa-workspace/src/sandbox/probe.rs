//! Finds out what the sandbox really enforces here, by trying what it must refuse, inside and outside of it.

#![expect(clippy::print_stdout, reason = "the probe's answer is its output")]

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::pty::{OpenptFlags, openpt, ptsname};

use crate::error::WorkspaceError;
use crate::fs::{private_dir, write_new};

/// The name of the helper that makes the attempts.
pub(crate) const NAME: &str = "sandbox-probe";

/// The first line of its answer.
const PROBED: &str = "probed";

/// The socket that is tried, in the folder outside.
const SOCKET: &str = "s";

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
    /// Opening a terminal that somebody may type in.
    OpenTerminal,
    /// Talking to a program through a socket that has a path outside.
    ConnectSocket,
}

impl Attempt {
    const ALL: [Self; 8] = [
        Self::WriteInside,
        Self::WriteOutside,
        Self::ReadOutside,
        Self::ChangeModeOutside,
        Self::ReadProcess,
        Self::SignalProcess,
        Self::OpenTerminal,
        Self::ConnectSocket,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::WriteInside => "write-inside",
            Self::WriteOutside => "write-outside",
            Self::ReadOutside => "read-outside",
            Self::ChangeModeOutside => "change-mode-outside",
            Self::ReadProcess => "read-process",
            Self::SignalProcess => "signal-process",
            Self::OpenTerminal => "open-terminal",
            Self::ConnectSocket => "connect-socket",
        }
    }

    fn succeeds(self, ground: &Told<'_>) -> bool {
        let Told { inside, outside, .. } = ground;
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
            Self::OpenTerminal => {
                is_reached(Path::new("/dev/tty")) || ground.terminal.is_some_and(is_reached)
            }
            Self::ConnectSocket => UnixStream::connect(ground.outside.join(SOCKET)).is_ok(),
        }
    }
}

/// Tells whether a terminal is within reach, even if it has nothing to say at the moment.
fn is_reached(terminal: &Path) -> bool {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    !matches!(open(terminal, flags, Mode::empty()), Err(Errno::ACCESS | Errno::PERM | Errno::NOENT))
}

/// What the helper is told: where it may write, where not, and a terminal that is somebody else's.
struct Told<'a> {
    inside: &'a Path,
    outside: &'a Path,
    terminal: Option<&'a Path>,
}

/// What a probe tries its hand at; the socket and the terminal are there as long as this lives.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) inside: PathBuf,
    outside: PathBuf,
    terminal: Option<PathBuf>,
    _held: (Option<UnixListener>, Option<OwnedFd>),
}

impl Ground {
    /// Makes it below `root`. What this machine does not let us make is not tried.
    pub(crate) fn make(root: &Path) -> Result<Self, WorkspaceError> {
        let (inside, outside) = (root.join(".probe/inside"), root.join(".probe/outside"));
        private_dir(&inside)?;
        private_dir(&outside)?;
        write_new(&outside.join("canary"), b"canary")?;
        let socket = outside.join(SOCKET);
        // What an earlier probe left.
        std::fs::remove_file(&socket).ok();
        let listener = UnixListener::bind(&socket).ok();
        let pair = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).ok();
        let name = pair.as_ref().and_then(|pair| ptsname(pair, Vec::new()).ok());
        let terminal = name.map(|name| OsString::from_vec(name.into_bytes()).into());
        Ok(Self { inside, outside, terminal, _held: (listener, pair) })
    }

    /// Returns the arguments of the helper.
    pub(crate) fn args(&self) -> impl Iterator<Item = OsString> {
        let terminal = self.terminal.clone().map(OsString::from);
        [self.inside.clone().into(), self.outside.clone().into()].into_iter().chain(terminal)
    }
}

/// Makes the attempts and prints which succeeded, one word each.
pub(crate) fn main(args: &[OsString]) -> ExitCode {
    let told = match args {
        [inside, outside] => Told { inside: inside.as_ref(), outside: outside.as_ref(), terminal: None },
        [inside, outside, terminal] => {
            Told { inside: inside.as_ref(), outside: outside.as_ref(), terminal: Some(terminal.as_ref()) }
        }
        _ => return ExitCode::from(2),
    };
    println!("{PROBED}");
    for attempt in Attempt::ALL {
        if attempt.succeeds(&told) {
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
