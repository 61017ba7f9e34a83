//! The helper `sandbox-exec`: confines itself with landlock as its arguments say, gives up what root may do, then
//! becomes the program.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "becomes the confined program, or says why not"
)]

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, PathBeneath, Ruleset,
    RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _, RulesetStatus, Scope,
};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities,
};

use super::policy::{BadArgument, Network, Policy};

/// The name of the helper.
pub(crate) const NAME: &str = "sandbox-exec";

/// The newest interface of landlock that this is written for; an older kernel enforces what it knows, and the
/// probe reports what that is.
const KNOWN: ABI = ABI::V7;

/// The exit code of a program that could not be confined or started; 126 and 127 are a program's own.
const CANNOT: u8 = 125;

/// How what is allowed is named to landlock.
const OPEN: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);

/// Confines this process and becomes the program; returns only when that failed.
pub(crate) fn main(args: Vec<OsString>) -> ExitCode {
    let error = match become_confined(args) {
        Ok(never) => match never {},
        Err(error) => error,
    };
    eprintln!("sandbox-exec: {error}");
    ExitCode::from(CANNOT)
}

#[derive(Debug, thiserror::Error)]
enum ExecError {
    #[error(transparent)]
    Arguments(#[from] BadArgument),
    #[error("there is no program to start")]
    NoProgram,
    #[error("landlock: {0}")]
    Ruleset(#[from] landlock::RulesetError),
    #[error("opening {path}: {source}")]
    Open { path: String, source: Errno },
    #[error("giving up capabilities: {0}")]
    Capabilities(Errno),
    #[error("this kernel has no landlock")]
    NotEnforced,
    #[error("starting {program}: {source}")]
    Exec { program: String, source: std::io::Error },
}

fn become_confined(args: Vec<OsString>) -> Result<std::convert::Infallible, ExecError> {
    let (policy, argv) = Policy::parse(args)?;
    let (program, args) = argv.split_first().ok_or(ExecError::NoProgram)?;
    confine(&policy)?;
    drop_capabilities().map_err(ExecError::Capabilities)?;
    let source = Command::new(program).args(args).exec();
    Err(ExecError::Exec { program: program.to_string_lossy().into_owned(), source })
}

/// Restricts this thread, which is the only one, for good.
fn confine(policy: &Policy) -> Result<(), ExecError> {
    let all = AccessFs::from_all(KNOWN);
    let read = AccessFs::from_read(KNOWN);
    let mut ruleset = Ruleset::default().set_compatibility(CompatLevel::BestEffort).handle_access(all)?;
    ruleset = ruleset.scope(BitFlags::<Scope>::from(Scope::Signal) | Scope::AbstractUnixSocket)?;
    if policy.network == Network::None {
        ruleset = ruleset.handle_access(AccessNet::from_all(KNOWN))?;
    }
    let mut rules = ruleset.create()?;
    for (paths, access) in [(&policy.read, read), (&policy.write, all)] {
        for path in paths {
            // What is not there need not be allowed.
            if let Ok(fd) = openat2(CWD, path, OPEN, Mode::empty(), ResolveFlags::empty()) {
                rules = allow(rules, fd, access)?;
            }
        }
    }
    for (paths, access) in [(&policy.view, read), (&policy.own, all)] {
        for path in paths {
            rules = allow(rules, open_ours(path)?, access)?;
        }
    }
    let status = rules.restrict_self()?;
    if status.ruleset == RulesetStatus::NotEnforced { Err(ExecError::NotEnforced) } else { Ok(()) }
}

/// Gives up what root may do beyond other users: with it, `/proc` shows the memory and environment of every
/// process to a confined program, and modes and owners of all files are its own.
fn drop_capabilities() -> rustix::io::Result<()> {
    let none = CapabilitySet::empty();
    if capabilities(None)?.permitted == none {
        return Ok(());
    }
    for bit in 0..u64::BITS {
        // The numbers end where the kernel knows no more.
        match remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << bit)) {
            Err(Errno::INVAL) => break,
            other => other?,
        }
    }
    clear_ambient_capability_set()?;
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
}

/// Allows `access` beneath an open folder, or what of it makes sense for an open file.
fn allow(
    rules: RulesetCreated,
    fd: OwnedFd,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, ExecError> {
    let is_dir = rustix::fs::fstat(&fd).is_ok_and(|stat| {
        rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::Directory
    });
    let access = if is_dir { access } else { access & AccessFs::from_file(KNOWN) };
    Ok(rules.add_rule(PathBeneath::new(fd, access))?)
}

/// Opens a path of ours: an agent that put a link in its way gets nothing.
fn open_ours(path: &Path) -> Result<OwnedFd, ExecError> {
    openat2(CWD, path, OPEN, Mode::empty(), ResolveFlags::NO_SYMLINKS)
        .map_err(|source| ExecError::Open { path: path.display().to_string(), source })
}
