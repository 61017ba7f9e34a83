//! What `ipa doctor` says of a machine and its configuration.

use std::fs;

use serde_json::Value;

use crate::support::{Said, World, said};

/// Runs `ipa doctor`; the value of a variable is its configuration.
fn doctor(world: &World, args: &[&str], variable: (&str, &str)) -> Said {
    let mut command = world.command(&["doctor"]);
    said(&command.args(args).env(variable.0, variable.1).output().unwrap())
}

fn sandbox(said: &Said) -> Value {
    let checks = said.json()["checks"].as_array().unwrap().clone();
    checks.into_iter().find(|check| check["name"] == "sandbox").unwrap()
}

#[test]
fn the_sandbox_is_told_with_what_it_does_not_enforce() {
    let world = World::new();
    let before = fs::read_dir(world.path("")).unwrap().count();
    let auto = ("IPA__SANDBOX__BACKEND", "auto");
    let text = doctor(&world, &[], auto).ok();
    let line = text.out.lines().find(|line| line.contains("sandbox: ")).unwrap();
    assert!(line.starts_with("✓ sandbox: landlock; limited: writes outside the workspace, "), "{line}");
    assert!(
        line.contains("; not limited: ") && line.contains("the network") && !line.contains("fix: "),
        "{line}"
    );
    let json = doctor(&world, &["--json"], auto).ok();
    assert_eq!((&sandbox(&json)["state"], &sandbox(&json)["fix"]), (&"good".into(), &Value::Null));
    assert_eq!(fs::read_dir(world.path("")).unwrap().count(), before, "something was left");
}

#[test]
fn a_sandbox_that_does_not_confine_is_required_unless_none_is_wanted() {
    let world = World::new();
    // What lets everything be read confines nobody.
    let wide = doctor(&world, &["--json"], ("IPA__SANDBOX__READ", r#"["/"]"#));
    assert_eq!((wide.code, &wide.json()["ok"], &sandbox(&wide)["state"]), (1, &false.into(), &"bad".into()));
    let line = sandbox(&wide);
    assert!(line["what"].as_str().unwrap().contains("reads outside"), "{line}");
    assert!(line["fix"].as_str().unwrap().contains("[sandbox] read"), "{line}");
    let text = doctor(&world, &[], ("IPA__SANDBOX__READ", r#"["/"]"#));
    assert!(text.out.contains("✗ sandbox: none works") && text.out.contains("   fix: "), "{text:?}");
    let none = doctor(&world, &[], ("IPA__SANDBOX__BACKEND", "none")).ok();
    assert!(none.out.contains("! sandbox: ") && none.out.contains("there is no sandbox"), "{none:?}");
    // Nothing can be made in there.
    let nowhere = doctor(&world, &["--data-dir", "/proc/ipa"], ("IPA__SANDBOX__BACKEND", "auto"));
    assert!(nowhere.out.contains("! sandbox: not tried: making the folder /proc"), "{nowhere:?}");
}
