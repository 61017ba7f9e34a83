//! What a confined program may touch, as plain data that travels as arguments of `sandbox-exec`. Pure.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// What of the system every program may read. What is not there is skipped; HOME is deliberately not here.
const SYSTEM: [&str; 39] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/opt",
    "/nix/store",
    "/run/current-system",
    "/run/systemd/resolve",
    "/proc",
    "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
    "/sys/kernel/mm/transparent_hugepage",
    "/etc/alternatives",
    "/etc/bash.bashrc",
    "/etc/crypto-policies",
    "/etc/gitconfig",
    "/etc/ca-certificates",
    "/etc/ca-certificates.conf",
    "/etc/gai.conf",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/pki",
    "/etc/profile",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl",
    "/etc/static",
    "/etc/timezone",
];

/// What of the system every program may read and write. Not all of `/dev`: disks lie there, and the terminals that
/// the user types in.
const DEVICES: [&str; 6] =
    ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/ptmx"];

/// What a confined program may touch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Policy {
    /// May be read; links on the way are followed, and what is missing is skipped.
    pub(crate) read: Vec<PathBuf>,
    /// May be read and written; links on the way are followed, and what is missing is skipped.
    pub(crate) write: Vec<PathBuf>,
    /// Ours, may be read; must be there, without a link on the way.
    pub(crate) view: Vec<PathBuf>,
    /// Ours, may be read and written; must be there, without a link on the way.
    pub(crate) own: Vec<PathBuf>,
    /// Which network there is.
    pub(crate) network: Network,
}

/// Which network a confined program has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Network {
    /// The machine's own.
    Host,
    /// No TCP.
    None,
}

/// Arguments that are no policy.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no argument of sandbox-exec")]
pub(crate) struct BadArgument(OsString);

impl Policy {
    /// Begins with what every program needs, and no network.
    pub(crate) fn system(read_also: &[PathBuf]) -> Self {
        let paths = |list: &[&str]| list.iter().map(PathBuf::from).collect::<Vec<_>>();
        let mut read = paths(&SYSTEM);
        read.extend_from_slice(read_also);
        Self { read, write: paths(&DEVICES), view: Vec::new(), own: Vec::new(), network: Network::None }
    }

    /// Returns the arguments that say this, up to and with the `--` before the program.
    pub(crate) fn to_args(&self) -> Vec<OsString> {
        let mut args = Vec::new();
        let lists =
            [("--read", &self.read), ("--write", &self.write), ("--view", &self.view), ("--own", &self.own)];
        for (flag, paths) in lists {
            args.extend(paths.iter().flat_map(|path| [OsString::from(flag), path.clone().into_os_string()]));
        }
        if self.network == Network::None {
            args.push("--no-network".into());
        }
        args.push("--".into());
        args
    }

    /// Reads what [`to_args`](Self::to_args) wrote; what follows the `--` is the program with its arguments.
    pub(crate) fn parse(
        args: impl IntoIterator<Item = OsString>,
    ) -> Result<(Self, Vec<OsString>), BadArgument> {
        let mut policy = Self {
            read: Vec::new(),
            write: Vec::new(),
            view: Vec::new(),
            own: Vec::new(),
            network: Network::Host,
        };
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            let list = match arg.to_str() {
                Some("--read") => &mut policy.read,
                Some("--write") => &mut policy.write,
                Some("--view") => &mut policy.view,
                Some("--own") => &mut policy.own,
                Some("--no-network") => {
                    policy.network = Network::None;
                    continue;
                }
                Some("--") => return Ok((policy, args.collect())),
                Some(_) | None => return Err(BadArgument(arg)),
            };
            list.push(args.next().ok_or_else(|| BadArgument(arg.clone()))?.into());
        }
        Err(BadArgument(OsStr::new("(no program)").to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_reads_back_from_its_arguments() {
        let mut policy = Policy::system(&["/home/ann/tool chain".into()]);
        policy.own = vec!["/w/--".into(), "/w/--own".into()];
        policy.view = vec!["/m".into()];
        for network in [Network::Host, Network::None] {
            policy.network = network;
            let mut args = policy.to_args();
            args.extend(["git".into(), "--own".into(), "--".into()]);
            let (read, program) = Policy::parse(args).unwrap();
            assert_eq!(read, policy);
            assert_eq!(program, ["git", "--own", "--"]);
        }
        for wrong in [vec!["--own"], vec!["--read", "/x"], vec!["x", "--"]] {
            assert!(Policy::parse(wrong.into_iter().map(OsString::from)).is_err());
        }
    }
}
