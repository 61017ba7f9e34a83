//! Completing a command line, as a real shell does it and as the shells ask for it.

use std::fs;
use std::process::Command;

use crate::support::{World, said};

/// Asks what a line can go on with, as the script of a shell does; the last word is what was begun.
fn completed(world: &World, line: &[&str]) -> Vec<String> {
    let mut command = world.command(&["--", "ipa"]);
    command.args(line).env("IPA_COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", line.len().to_string());
    let said = said(&command.output().unwrap()).ok();
    assert_eq!(said.err, "", "{line:?}");
    said.out.lines().map(str::to_owned).collect()
}

#[test]
fn each_shell_gets_a_script_without_data_configuration_or_server() {
    let world = World::new();
    let broken = world.path("config/ipa/ipa.toml");
    fs::create_dir_all(broken.parent().unwrap()).unwrap();
    fs::write(broken, "[nonsense").unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let said = world.ipa(&["completion", shell]).ok();
        assert!(said.out.contains("ipa") && said.out.contains("IPA_COMPLETE"), "{said:?}");
        assert_eq!(said.err, "");
        let json = world.ipa(&["completion", shell, "--json", "--server", "http://127.0.0.1:1"]).ok().json();
        assert_eq!(
            (&json["schema"], &json["shell"], &json["script"]),
            (&"ipa.completion/v1".into(), &shell.into(), &said.out.into())
        );
    }
    assert_eq!(world.ipa(&["completion", "tcsh"]).code, 2);
    assert!(!world.data().exists());
}

#[test]
fn a_real_shell_completes_a_command_and_a_handle() {
    let world = World::new();
    world.task(&["--agent", "scripted"]);
    let complete = |words: &[&str]| {
        let program = std::path::Path::new(env!("CARGO_BIN_EXE_ipa")).parent().unwrap();
        let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
        let lines = r#"
            source <(ipa completion bash)
            COMP_WORDS=(ipa "$@") COMP_CWORD=$# COMP_TYPE=9
            # What `complete` said is to be called for the program.
            eval "set -- $(complete -p ipa) \"\${COMP_WORDS[COMP_CWORD]}\""
            while [[ $1 != -F ]]; do shift; done
            "$2" ipa "${@: -1}" "${COMP_WORDS[COMP_CWORD-1]}"
            printf '%s\n' "${COMPREPLY[@]}"
        "#;
        let mut bash = Command::new("bash");
        bash.args(["--norc", "--noprofile", "-c", lines, "bash"]).args(words).env_clear();
        bash.env("PATH", path).env("HOME", world.path("")).env("IPA_DATA_DIR", world.data());
        let said = said(&bash.output().unwrap()).ok();
        assert_eq!(said.err, "", "{words:?}");
        said.out.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(complete(&["app"]), ["approve"]);
    assert_eq!(complete(&["show", "T"]), ["T-1"]);
}

#[test]
fn handles_are_offered_where_the_help_names_them() {
    let world = World::new();
    let other = world.path("other");
    let script = world.path("script.json");
    fs::write(&script, r##"{ "roles": { "spec": [{ "result": "# Spec\n\n- AC1: it is" }] } }"##).unwrap();
    {
        let _serving = world.serve(&[]);
        world.task(&["--agent", &format!("scripted:{}", script.display())]);
        world.until("T-1", "its gate", |task| task["open_decisions"][0] == "T-1.d1");
        world.task(&["--agent", "scripted"]);
        // Beside the server, from the log.
        assert!(completed(&world, &["show", ""]).starts_with(&["T-2".into(), "T-1".into()]));
    }
    assert_eq!(completed(&world, &["task", "cancel", "T-1"]), ["T-1"]);
    assert_eq!(completed(&world, &["task", "create", "x", "--depends-on", "T-2"]), ["T-2"]);
    assert!(completed(&world, &["approve", "T"]).contains(&"T-1.d1".into()));
    assert_eq!(completed(&world, &["logs", "T-1", "--run", "T"]), ["T-1.r1"]);
    assert_eq!(completed(&world, &["back", "T-1", "pl"]), ["planning"]);
    // The line itself says whose tasks are meant.
    let data = world.data();
    let data = data.to_str().unwrap();
    for line in [["show", "--data-dir", data, "T"], ["--data-dir", data, "show", "T"]] {
        let mut command = world.command(&["--", "ipa"]);
        command.args(line).env("IPA_DATA_DIR", &other).env("IPA_COMPLETE", "fish");
        let fish = said(&command.output().unwrap()).ok();
        assert!(fish.out.contains("T-1\tDo it"), "{fish:?}");
    }
    let elsewhere = ["show", "--server", "http://127.0.0.1:1", "T"];
    assert_eq!(completed(&world, &elsewhere), [""; 0]);
    assert!(!other.exists());
}

#[test]
fn what_cannot_be_completed_is_silent_and_makes_nothing() {
    let world = World::new();
    let handles = [&["show", "T"][..], &["approve", "T"], &["logs", "T-1", "--run", "T"], &["nonsense", "T"]];
    let nothing = |why: &str| {
        for line in handles {
            assert_eq!(completed(&world, line), [""; 0], "{why}: {line:?}");
        }
    };
    nothing("no data directory");
    assert!(!world.data().exists());
    fs::create_dir(world.data()).unwrap();
    nothing("an empty one");
    assert_eq!(fs::read_dir(world.data()).unwrap().count(), 0);
    fs::write(world.data().join("ipa.db"), "no store at all").unwrap();
    nothing("a store that is none");
    assert_eq!(fs::read_dir(world.data()).unwrap().count(), 1);
    fs::remove_dir_all(world.data()).unwrap();
    fs::write(world.data(), "").unwrap();
    nothing("a file in its place");
    let config = world.path("config/ipa/ipa.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    fs::write(config, "[nonsense").unwrap();
    nothing("a broken configuration");
    assert_eq!(completed(&world, &["app"]), ["approve"]);
    let mut unknown = world.command(&["--", "ipa", "app"]);
    let unknown = said(&unknown.env("IPA_COMPLETE", "tcsh").output().unwrap());
    assert_eq!((unknown.code, unknown.out.as_str(), unknown.err.as_str()), (0, "", ""));
}
