//! A reader at a shell: types what a document shows, one command after another, and sees what comes of it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::blocks::Step;
use super::shown::is_shown;
use crate::support::{Guard, World, eventually, git};

/// Carries out a command, and says in which folder it ended.
const TYPED: &str = r#"exec 2>&1; eval "$1" || exit; pwd > "$2""#;

/// Stands for cargo where a document tells how ipa is built: it is built already.
const CARGO: &str = r#"#!/bin/sh
case "$1" in
  run) while [ "$1" != -- ]; do shift; done; shift; exec ipa "$@" ;;
  install) ;;
  *) exit 1 ;;
esac
"#;

/// Stands for the reader's coding agent.
const AGENT: &str = r#"#!/bin/sh
prompt=$(cat)
case "$IPA_ROLE" in
  spec) cat > "$IPA_OUTPUT" <<'END'
# Give up after five attempts

## Acceptance criteria

- AC1: a command that always fails is tried five times
- AC2: its last exit code is the one of `retry`
END
  ;;
  plan) cat > "$IPA_OUTPUT" <<'END'
# Plan

1. Count the attempts in `retry.sh` (AC1)
2. Leave with the last exit code (AC2)
END
    case "$prompt" in *"say how it is tested"*)
      echo '3. Show both by `test.sh`, which always fails and counts' >> "$IPA_OUTPUT" ;;
    esac ;;
  develop)
    sed 's/^until .*/for attempt in 1 2 3 4 5; do "$@" \&\& exit; code=$?; done; exit $code/' retry.sh > new
    cat new > retry.sh
    rm new
    echo 'The loop counts its attempts, and leaves with the last exit code.' ;;
esac
"#;

const RETRY: &str =
    "#!/bin/sh\n# retry COMMAND: carries a command out until it succeeds.\nuntil \"$@\"; do :; done\n";

const TEST: &str = r#"#!/bin/sh
tries=$(mktemp)
./retry.sh sh -c 'echo tried >> "$0"; exit 3' "$tries"
[ $? -eq 3 ] && [ "$(wc -l < "$tries")" -eq 5 ]
"#;

/// A reader's shell in a world.
pub(super) struct Session<'a> {
    world: &'a World,
    folder: PathBuf,
    /// What was left running with `&`.
    running: Vec<Guard>,
}

impl<'a> Session<'a> {
    /// Makes the world that the documents speak of: `your-repository`, `~/bin/my-agent`, a clone of ipa to build from.
    pub(super) fn new(world: &'a World) -> Self {
        executable(&world.path("stand-ins/cargo"), CARGO);
        executable(&world.path("bin/my-agent"), AGENT);
        let repo = world.repository("your-repository");
        executable(&repo.join("retry.sh"), RETRY);
        executable(&repo.join("test.sh"), TEST);
        git(&repo, &["add", "--all"]);
        git(&repo, &["commit", "--quiet", "--message=retry"]);
        Self { world, folder: world.path(""), running: Vec::new() }
    }

    /// Types a command, and sees that it does what is shown.
    pub(super) fn step(&mut self, step: &Step) -> Result<(), String> {
        match step.command.strip_suffix(" &") {
            Some(command) => self.leave_running(command, step),
            None => self.wait_for(step),
        }
    }

    /// Tells what was left running to end, and sees that it ends well.
    pub(super) fn end(self) {
        for mut running in self.running {
            assert_eq!(running.end("TERM"), Some(0));
        }
    }

    fn wait_for(&mut self, step: &Step) -> Result<(), String> {
        let there = self.world.path("there");
        let output = self.shell(TYPED).arg(&step.command).arg(&there).output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        if !output.status.success() {
            return Err(format!("{}\n{printed}", output.status));
        }
        self.folder = fs::read_to_string(there).unwrap().trim_end().into();
        differs(step, &printed)
    }

    /// Only what is data counts of it: beside another test it may have to say where it gave way.
    fn leave_running(&mut self, command: &str, step: &Step) -> Result<(), String> {
        let path = self.world.path(&format!("running-{}", self.running.len()));
        let out = fs::File::create(&path).unwrap();
        let child = self.shell(&format!("exec {command}")).stdout(out).stderr(Stdio::null()).spawn().unwrap();
        self.running.push(Guard(child));
        let mut told = Ok(());
        eventually(|| {
            told = differs(step, &fs::read_to_string(&path).unwrap());
            told.is_ok()
        });
        told
    }

    fn shell(&self, script: &str) -> Command {
        let built = Path::new(env!("CARGO_BIN_EXE_ipa")).parent().unwrap();
        let path =
            [&self.world.path("stand-ins"), built].map(|folder| folder.display().to_string()).join(":");
        let mut shell = Command::new("sh");
        shell.args(["-c", script, "sh"]).env_clear().current_dir(&self.folder).stdin(Stdio::null());
        shell.env("PATH", format!("{path}:/usr/local/bin:/usr/bin:/bin")).env("HOME", self.world.path(""));
        shell.env("USER", "you").env("IPA_DATA_DIR", self.world.data()).env("IPA__LIMITS__COOLDOWN", "0s");
        shell
    }
}

fn differs(step: &Step, printed: &str) -> Result<(), String> {
    let lines: Vec<&str> = printed.lines().collect();
    if is_shown(&step.shows, &lines) { Ok(()) } else { Err(printed.to_owned()) }
}

fn executable(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}
