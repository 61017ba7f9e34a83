//! Cleaning up after a pod: also when no server runs, which is when it is needed.

use std::fs;

use serde_json::Value;

use crate::record::spoil;
use crate::support::{Said, World, eventually, git, is_alive};

/// Leaves half of its work and goes on for ever; when it is started again, it finds that and does the rest.
const HALF: &str = "\
#!/bin/sh
cat > /dev/null
if [ -e half ]; then
  rm half
  echo bye > README.md
  echo done
else
  sleep 1000 &
  echo half > half
  echo $$ $! > \"$TMPDIR/pids\"
  sleep 1000
fi
";

/// Starts a server, and a task whose agent has done half of its work; kills the server. The agent goes on.
fn left_behind(world: &World) -> (Value, [u32; 2]) {
    world.program("agent.sh", HALF);
    let mut serving = world.serve(&[]);
    let task =
        world.task(&["--agent", "command:./agent.sh", "--approve", "auto", "--start-at", "development"]);
    assert_eq!(task, "T-1");
    let shown = world.until(&task, "its agent", |task| task["runs"][0]["status"] == "running");
    let place = shown["workspaces"][0]["path"].as_str().unwrap();
    let pids = || {
        let path = world.data().join("workspaces");
        let text = find(&path, "pids").map(|path| fs::read_to_string(path).unwrap_or_default())?;
        let pids: Vec<u32> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        <[u32; 2]>::try_from(pids).ok()
    };
    assert!(eventually(|| pids().is_some() && std::path::Path::new(place).join("half").exists()));
    assert_eq!(serving.process.end("KILL"), None);
    let pids = pids().unwrap();
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    (shown, pids)
}

fn find(folder: &std::path::Path, name: &str) -> Option<std::path::PathBuf> {
    for entry in fs::read_dir(folder).ok()? {
        let path = entry.ok()?.path();
        if path.file_name().is_some_and(|it| it == name) {
            return Some(path);
        }
        if let Some(found) = path.is_dir().then(|| find(&path, name)).flatten() {
            return Some(found);
        }
    }
    None
}

fn clean_up(world: &World, task: &str) -> Said {
    world.ipa(&["pod", "cleanup", task, "--json"])
}

#[test]
fn what_a_killed_server_left_is_cleaned_up_without_one_and_goes_on_later() {
    let world = World::new();
    let (shown, pids) = left_behind(&world);

    let told = clean_up(&world, "T-1").ok();

    assert_eq!(told.json()["handle"], "T-1");
    assert!(pids.iter().all(|pid| !is_alive(*pid)), "{pids:?}");
    let place = shown["workspaces"][0]["path"].as_str().unwrap();
    assert!(!std::path::Path::new(place).exists());
    let now = world.ipa(&["show", "T-1", "--json"]).ok().json();
    let states = (&now["status"], &now["runs"][0]["outcome"]["result"], &now["workspaces"][0]["state"]);
    assert_eq!(states, (&"waiting".into(), &"interrupted".into(), &"trashed".into()));
    assert_eq!(world.ipa(&["workspace", "list", "--json"]).ok().json()["items"], serde_json::json!([]));
    let events = world.ipa(&["event", "list", "T-1", "--json"]).ok().json();
    let mut newest = events["items"].as_array().unwrap().iter().rev();
    let kept = newest.find(|it| it["type"] == "workspace.checkpointed").unwrap();
    assert_eq!(kept["actor"], "user:local");
    let mirror = fs::read_dir(world.data().join("mirrors/local")).unwrap().map(|it| it.unwrap().path());
    let mirror = mirror.filter(|path| path.join("HEAD").exists()).last().unwrap();
    let commit = kept["payload"]["commit"].as_str().unwrap();
    assert_eq!(git(&mirror, &["show", &format!("{commit}:half")]), "half\n");
    assert!(git(&mirror, &["for-each-ref", "--format=%(objectname)"]).contains(commit));

    let _serving = world.serve(&[]);
    world.ipa(&["retry", "T-1"]).ok();
    world.until("T-1", "its end", |task| task["status"] == "completed");
}

#[test]
fn of_a_task_that_cannot_be_read_what_runs_is_ended() {
    let world = World::new();
    let (_, pids) = left_behind(&world);
    spoil(&world, "phase", "development");
    let served = world.serve(&[]);
    let refused = clean_up(&world, "T-1");
    assert_eq!((refused.code, &refused.json()["error"]["code"]), (6, &"parked".into()), "{refused:?}");
    let message = refused.json()["error"]["message"].to_string();
    assert!(message.contains("nothing of it runs any more"), "{message}");
    assert!(pids.iter().all(|pid| !is_alive(*pid)), "{pids:?}");
    drop(served);
    // The same without a server.
    assert_eq!(clean_up(&world, "T-1").code, 6);
}
