//! The outside through the shipped program: a local connector from the configuration, steered from the terminal.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;

use crate::support::{Serving, World, eventually, git, said};

/// Makes a world with a local connector, a forge's own repository, and a ticket that wants a task.
fn world() -> World {
    let world = World::new();
    world.program(
        "agent.sh",
        "#!/bin/sh\ncat > /dev/null; echo done > README.md; echo words > \"$IPA_OUTPUT\"\n",
    );
    let forge = world.path("forge.git");
    git(&world.path("repo"), &["clone", "--quiet", "--bare", ".", forge.to_str().unwrap()]);
    let (folder, file) = (world.path("tracker"), world.path("config/ipa/ipa.toml"));
    fs::create_dir_all(folder.join("tickets")).unwrap();
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let (folder_text, forge_text) = (folder.display(), forge.display());
    let config = format!(
        "[roles.develop]\nagent = \"command:sh ./agent.sh\"\n[gates]\nspec_clarification = \"auto\"\nplanning = \"auto\"\n\
         [connectors.desk]\nkind = \"local\"\nfolder = \"{folder_text}\"\nrepo = \"{forge_text}\"\nbase = \"main\"\n\
         poll = \"200ms\"\n[connectors.desk.publish]\nmerge = \"auto\"\nfinish_ticket = \"auto\"\ncomment = \"deny\"\n"
    );
    fs::write(file, config).unwrap();
    let ticket = "+++\ntitle = \"Say done\"\nlabels = [\"ipa\"]\n+++\nWrite done into README.md.\n";
    fs::write(folder.join("tickets/D-1.md"), ticket).unwrap();
    world
}

/// Returns the changes of T-1, as `ipa sync status` lists them.
fn changes(world: &World) -> Vec<Value> {
    let status = world.ipa(&["sync", "status", "T-1", "--json"]);
    let items = (status.code == 0).then(|| status.json()["items"].as_array().cloned());
    items.flatten().unwrap_or_default()
}

/// Waits for a change of a kind in a state, and returns its handle.
fn change(world: &World, kind: &str, state: &str) -> String {
    let mut found = None;
    let is_it = |op: &Value| op["kind"] == kind && op["state"] == state;
    let met = eventually(|| {
        found = changes(world).into_iter().find(is_it);
        found.is_some()
    });
    let log = fs::read_to_string(world.path("serve.log")).unwrap_or_default();
    assert!(met, "no {kind} was {state}: {:#?}\n{log}", changes(world));
    found.unwrap()["handle"].as_str().unwrap().to_owned()
}

#[test]
fn a_ticket_is_worked_merged_and_done_from_the_terminal_with_what_goes_out_agreed_to() {
    let world = world();
    let _serving = world.serve(&[]);

    let open = change(&world, "open_pull", "held");
    let shown = world.ipa(&["sync", "show", &open]).ok().out;
    assert!(shown.contains("Say done") && shown.contains("held"), "{shown}");
    assert!(shown.contains(&format!("`ipa sync approve {open}` agrees to it")), "{shown}");
    let inbox = world.ipa(&["inbox", "--json"]).ok().json();
    assert!(inbox["items"].as_array().unwrap().iter().any(|it| it["kind"] == "publish"), "{inbox:#}");
    world.ipa(&["sync", "approve", &open, "-m", "let them see it"]).ok();
    change(&world, "open_pull", "sent");
    let again = world.ipa(&["sync", "approve", &open]);
    assert_eq!(again.code, 5, "it does not wait for anybody: {}", again.err);

    // The gate in the terminal is the merge: who opens it saw exactly this commit.
    world.until("T-1", "the review", |task| task["phase"] == "review");
    let mut gate = None;
    assert!(eventually(|| {
        let inbox = world.ipa(&["inbox", "--json"]).ok().json();
        gate = inbox["items"].as_array().unwrap().iter().find(|it| it["kind"] == "gate").cloned();
        gate.is_some()
    }));
    world.ipa(&["approve", gate.unwrap()["handle"].as_str().unwrap()]).ok();
    world.until("T-1", "its end", |task| task["phase"] == "completed");
    change(&world, "finish_ticket", "sent");
    assert_eq!(git(&world.path("forge.git"), &["show", "main:README.md"]), "done\n");
    assert!(fs::read_to_string(world.path("tracker/tickets/D-1.md")).unwrap().contains("done"));
    let status = world.ipa(&["sync", "status"]).ok().out;
    assert!(status.contains("desk works"), "{status}");
    assert!(!changes(&world).iter().any(|op| op["kind"] == "comment"), "that is denied");
}

/// Returns a page, as the server sends it.
fn page(world: &World, serving: &Serving, path: &str) -> String {
    let token = fs::read_to_string(world.data().join("token")).unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", serving.port())).unwrap();
    let (host, token) = (format!("127.0.0.1:{}", serving.port()), token.trim());
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nAccept: text/html\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_connector_is_paused_and_resumed_from_the_terminal_whether_or_not_something_runs() {
    let world = world();
    let paused = world.ipa(&["sync", "pause", "desk", "-m", "a freeze"]).ok();
    assert!(paused.out.contains("desk was paused by") && paused.out.contains(": a freeze"), "{}", paused.out);
    let unknown = world.ipa(&["sync", "pause", "nobody"]);
    assert_eq!((unknown.code, unknown.err.contains("no connector nobody")), (3, true), "{}", unknown.err);

    let serving = world.serve(&[]);
    let rows = world.ipa(&["sync", "status", "--json"]).ok().json()["connectors"].clone();
    assert_eq!((&rows[0]["state"], &rows[0]["why"]), (&"paused".into(), &"a freeze".into()), "{rows:#}");
    let resumed = world.ipa(&["sync", "resume", "desk"]).ok().out;
    assert!(resumed.starts_with("desk was not asked yet"), "it was paused before it could be: {resumed}");
    // Now the ticket is taken on.
    change(&world, "open_pull", "held");
    let status = world.ipa(&["sync", "status"]).ok().out;
    assert!(status.starts_with("desk works\n"), "{status}");
    world.ipa(&["sync", "pause", "desk"]).ok();
    let inbox = page(&world, &serving, "/inbox");
    assert!(inbox.contains("paused by") && inbox.contains("action=\"/connectors/desk\""), "{inbox}");
    drop(serving);
    let status = world.ipa(&["sync", "status"]).ok().out;
    assert!(status.contains("desk was paused by"), "{status}");
}

#[test]
fn a_dry_run_says_what_would_go_out_and_nothing_goes() {
    let world = world();
    let serving = world.serve(&[]);
    let open = change(&world, "open_pull", "held");
    let told = world.ipa(&["sync", "now", "T-1", "--dry-run"]).ok().out;
    for part in [
        "open a pull request: Say done  (asks first, ask_once)",
        &format!("queued as {open}"),
        "  + **Say done** (T-1)",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let before = changes(&world);
    let rows = world.ipa(&["sync", "now", "T-1", "--dry-run", "--json"]).ok().json()["items"].clone();
    let row = rows.as_array().unwrap().iter().find(|row| row["kind"] == "open_pull").unwrap();
    assert_eq!((&row["course"], &row["op"]), (&"asks".into(), &open.as_str().into()), "{row:#}");
    assert_eq!(changes(&world), before, "it queues nothing");
    assert!(!world.path("tracker/pulls").exists());
    // Without anybody who runs, and with a connector that only observes, it is told as well.
    drop(serving);
    let mut command = world.command(&["sync", "now", "T-1", "--dry-run"]);
    let observed = said(&command.env("IPA__CONNECTORS__DESK__MODE", "observe").output().unwrap()).ok();
    assert!(observed.out.contains("(would, but the connector only observes, ask_once)"), "{observed:?}");
    let file = world.path("config/ipa/ipa.toml");
    let config = fs::read_to_string(&file).unwrap().replace("poll =", "mode = \"observe\"\npoll =");
    fs::write(file, config).unwrap();
    let serving = world.serve(&[]);
    let page = page(&world, &serving, "/tasks/T-1");
    assert!(page.contains("would open a pull request: Say done"), "{page}");
}

/// Returns what `ipa doctor` says of the connector.
fn doctor(world: &World) -> Value {
    let checks = world.ipa(&["doctor", "--json"]).json()["checks"].as_array().unwrap().clone();
    checks.into_iter().find(|check| check["name"] == "connector").unwrap()
}

#[test]
fn each_connector_is_told_with_what_mends_it() {
    let world = world();
    let line = doctor(&world);
    let what = line["what"].as_str().unwrap();
    assert_eq!(line["state"], "good", "{line:#}");
    for part in ["desk: writes what its policies allow; folder ", "/tracker; repository ", "forge.git"] {
        assert!(what.contains(part), "{part}: {what}");
    }
    world.ipa(&["sync", "pause", "desk", "-m", "a freeze"]).ok();
    let line = doctor(&world);
    assert_eq!(line["state"], "warning", "{line:#}");
    assert!(line["what"].as_str().unwrap().contains("desk was paused by user:"), "{line:#}");
    assert!(line["fix"].as_str().unwrap().contains("`ipa sync resume desk`"), "{line:#}");
    world.ipa(&["sync", "resume", "desk"]).ok();
    fs::remove_dir_all(world.path("forge.git")).unwrap();
    let line = doctor(&world);
    assert!(line["what"].as_str().unwrap().contains("desk lacks something"), "{line:#}");
    assert!(line["fix"].as_str().unwrap().contains("there is no git repository at "), "{line:#}");
}

#[test]
fn a_connector_that_is_configured_wrongly_is_named_with_what_is_wrong() {
    let world = World::new();
    let file = world.path("config/ipa/ipa.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    for (keys, wrong) in [
        ("kind = \"github\"", "`token` is missing"),
        (
            "kind = \"jira\"\nurl = \"http://example.org\"\ntoken = { env = \"T\" }",
            "must begin with https://",
        ),
        (
            "kind = \"local\"\nfolder = \"/f\"\nrepo = \"/r\"\nbase = \"main\"\njql = \"x\"",
            "`jql` is not for this kind",
        ),
    ] {
        fs::write(&file, format!("[connectors.hub]\n{keys}\n")).unwrap();
        let said = world.ipa(&["ls"]);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.err.contains(wrong) && said.err.contains("mend [connectors.hub]"), "{said:?}");
    }
}
