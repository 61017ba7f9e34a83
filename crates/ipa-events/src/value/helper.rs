//! How a program re-executes itself as one of ipa's helper processes.

use std::ffi::OsString;
use std::path::PathBuf;

/// The program that can become a helper process, resolved once at start: by default the current executable.
///
/// A helper is started as `program args… ipa-helper NAME …`; the first line of that program's `main` looks for
/// the marker and becomes the helper before any thread exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Helper {
    /// The program.
    pub program: PathBuf,
    /// What comes before the marker: empty, unless the program is a wrapper that starts another with the rest.
    pub args: Vec<OsString>,
}

impl Helper {
    /// The first argument that asks a program to become a helper; the second is the helper's name.
    pub const MARKER: &'static str = "ipa-helper";

    /// Returns the argument vector, program first, that starts the helper called `name`.
    pub fn argv(&self, name: &str) -> Vec<OsString> {
        let mut argv = vec![self.program.clone().into_os_string()];
        argv.extend(self.args.iter().cloned());
        argv.extend([OsString::from(Self::MARKER), OsString::from(name)]);
        argv
    }
}
