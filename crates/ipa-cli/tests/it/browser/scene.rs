//! What the browser tests play on: a repository, an agent that works when it is told to, and a server.

use std::fs;

use serde_json::Value;

use super::chromium::{Browser, Scripts};
use crate::support::{Serving, World};

/// An agent that says a line, waits for a file of the test, says another, and does the work. It ends by itself
/// when the test is gone. Its second spec says what the rejection of the first asked for.
const AGENT: &str = r#"#!/bin/sh
prompt=$(cat)
case "$IPA_ROLE" in
  spec)
    how="nobody has said how yet"
    case "$prompt" in *"say how it is tested"*) how="tested with grep" ;; esac
    printf '# Say bye\n\nThe file `README.md` says bye: %s.\n\n## Acceptance criteria\n\n- AC1: the file says bye\n' "$how" ;;
  plan) printf '# Plan\n\n1. Write bye into `README.md` (AC1)\n2. Look at it\n' ;;
  develop)
    printf 'line 1: looking \033[32maround\033[0m\n'
    while [ ! -e "@GO@" ]; do [ -d "@WORLD@" ] || exit 1; sleep 0.05; done
    echo bye > README.md
    echo 'line 2: written' ;;
esac
"#;

/// A world with a server, and a browser that is logged in.
pub(super) struct Scene {
    // Dropped first: a browser that waits for a server closes late.
    pub(super) browser: Browser,
    pub(super) serving: Serving,
    pub(super) world: World,
}

impl Scene {
    /// Sets it up; none where browsers are not wanted.
    pub(super) fn set() -> Option<Self> {
        let (world, serving) = stage()?;
        let browser = Browser::start(&serving, Scripts::On);
        browser.log_in(&serving);
        Some(Self { browser, serving, world })
    }

    /// Creates a task and waits until its spec is at the gate; returns its handle.
    pub(super) fn task_at_gate(&self) -> String {
        at_gate(&self.world)
    }
}

/// A world with a server, where browsers are wanted.
pub(super) fn stage() -> Option<(World, Serving)> {
    if !super::chromium::wanted() {
        return None;
    }
    let world = World::new();
    let go = world.path("go");
    let folder = world.path("repo");
    let agent = AGENT.replace("@GO@", go.to_str().unwrap()).replace("@WORLD@", folder.to_str().unwrap());
    world.program("agent.sh", &agent);
    let serving = world.serve(&[]);
    Some((world, serving))
}

/// Creates a task and waits until its spec is at the gate; returns its handle.
pub(super) fn at_gate(world: &World) -> String {
    let task = world.task(&["--agent", "command:./agent.sh", "--check", "grep -q bye README.md"]);
    world.until(&task, "the spec's gate", is_at_gate);
    task
}

pub(super) fn is_at_gate(task: &Value) -> bool {
    task["status"] == "waiting"
}

/// Lets the agent do its work.
pub(super) fn go(world: &World) {
    fs::write(world.path("go"), "").unwrap();
}
