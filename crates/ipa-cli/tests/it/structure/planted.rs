//! Plants offenders in a throw-away tree and sees each check find exactly them, with file and line.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::tree::Tree;
use super::{Offence, files, graph, specs};

#[test]
fn planted_edges_and_uses_are_found() {
    let folder = tempfile::tempdir().unwrap();
    plant(folder.path(), "Cargo.toml", "[lints]\nworkspace = true\n");
    plant(
        folder.path(),
        "crates/ipa-agent/Cargo.toml",
        "[package]\n\n[dependencies]\nipa-workspace.workspace = true\nsqlx = \"1\"\n",
    );
    plant(folder.path(), "crates/ipa-sync/Cargo.toml", "[lints]\nworkspace = true\n");
    plant(folder.path(), "crates/ipa-extra/Cargo.toml", "[lints]\n\n[other]\nworkspace = true\n");
    let metadata = json!({ "packages": [
        package("ipa-agent", &[("ipa-workspace", None), ("sqlx", None)]),
        package("ipa-sync", &[("ipa-events", None), ("ipa-pod", Some("dev")), ("axum", Some("dev"))]),
        package("ipa-extra", &[("axum-extra", None)]),
    ]});
    let tree = Tree::read(folder.path());

    let edges = shown(&graph::edges(&tree, &metadata));
    assert_eq!(
        edges.iter().filter(|line| !line.starts_with("Cargo.toml:")).collect::<Vec<_>>(),
        [
            "crates/ipa-agent/Cargo.toml:4: ipa-agent may not depend on ipa-workspace",
            "crates/ipa-agent/Cargo.toml:1: ipa-agent is drawn as depending on ipa-events, and does not",
            "crates/ipa-sync/Cargo.toml:1: the tests of ipa-sync may not depend on ipa-pod",
            "crates/ipa-extra/Cargo.toml:1: the house has no crate ipa-extra",
        ]
    );
    assert!(edges.contains(&"Cargo.toml:1: the house has a crate ipa-pod, the workspace has not".to_owned()));
    assert_eq!(
        shown(&graph::confined(&tree, &metadata)),
        [
            "crates/ipa-agent/Cargo.toml:5: sqlx may be used by ipa-events only",
            "crates/ipa-extra/Cargo.toml:1: axum-extra may be used by ipa-server only",
        ]
    );
    assert_eq!(
        shown(&graph::linted(&tree, &metadata)),
        [
            "crates/ipa-agent/Cargo.toml:1: lacks `[lints]` with `workspace = true`",
            "crates/ipa-extra/Cargo.toml:1: lacks `[lints]` with `workspace = true`",
        ]
    );
}

#[test]
fn planted_files_are_found() {
    let folder = tempfile::tempdir().unwrap();
    plant(folder.path(), "clippy.toml", "");
    plant(folder.path(), "crates/ipa-pod/clippy.toml", "");
    plant(folder.path(), "crates/ipa-pod/src/pod/mod.rs", "//! Head.\n");
    plant(folder.path(), "crates/ipa-pod/src/long.rs", &"//! Head.\n".repeat(501));
    plant(folder.path(), "crates/ipa-pod/src/one.rs", "\n//! Late.\nPreEscaped(a);\n// PreEscaped\n");
    plant(folder.path(), "crates/ipa-pod/src/two.rs", "//! Head.\nPreEscaped(b);\n");
    let tree = Tree::read(folder.path());

    assert_eq!(paths(&files::nested_clippy_toml(&tree)), ["crates/ipa-pod/clippy.toml:1"]);
    assert_eq!(paths(&files::mod_rs(&tree)), ["crates/ipa-pod/src/pod/mod.rs:1"]);
    assert_eq!(paths(&files::without_head(&tree)), ["crates/ipa-pod/src/one.rs:1"]);
    assert_eq!(paths(&files::too_long(&tree)), ["crates/ipa-pod/src/long.rs:501"]);
    assert_eq!(
        paths(&files::unescaped(&tree)),
        ["crates/ipa-pod/src/one.rs:3", "crates/ipa-pod/src/two.rs:2"]
    );
}

#[test]
fn planted_hosts_and_paths_are_found() {
    let folder = tempfile::tempdir().unwrap();
    plant(
        folder.path(),
        "README.md",
        concat!("fine: https://crates.io\nfine: {root}/wo", "rk/x\n(/wo", "rk/x)\n"),
    );
    plant(folder.path(), "scripts/get", concat!("get https://index.", "crates.io/config.json\n"));
    plant(folder.path(), "Cargo.lock", concat!("source = \"registry", "+https://example.org/index\"\n"));
    plant(folder.path(), ".cargo/config.toml", "");
    let tree = Tree::read(folder.path());

    assert_eq!(
        paths(&files::machine(&tree)),
        [".cargo/config.toml:1", "Cargo.lock:1", "README.md:3", "scripts/get:1"]
    );
}

#[test]
fn planted_names_are_found() {
    let folder = tempfile::tempdir().unwrap();
    plant(
        folder.path(),
        "crates/a/src/lib.rs",
        "fn a_real_test() {}\nconst X: &str = \"rest_for_one\";\nenum E { OneForAll }\n",
    );
    plant(
        folder.path(),
        "specs/a/spec.md",
        "| invariant | Proved by |\n|---|---|\n| `rest_for_one` | `a_real_test` `a_missing_test` |\n\n\
         1. It holds. Proved by `rest_for_one`.\n2. `a_word_of_nowhere`, `two_words`, `one_for_all`, `it::a_real_test()`\n\
         # Proved by\n`rest_for_one`\n# Else\n`rest_for_one`\n",
    );
    plant(folder.path(), "specs/a/progress.md", "`not_read_at_all`\n");
    let tree = Tree::read(folder.path());

    assert_eq!(
        shown(&specs::unknown_names(&tree)),
        [
            "specs/a/spec.md:3: no test is called `a_missing_test`",
            "specs/a/spec.md:5: no test is called `rest_for_one`",
            "specs/a/spec.md:6: nothing in crates/ is called `a_word_of_nowhere`",
            "specs/a/spec.md:8: no test is called `rest_for_one`",
        ]
    );
}

#[test]
fn planted_links_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let links =
        "[a](../README.md#x) [b](https://example.org)\n[c](b) [d](../specs) [e](gone.md) [f](#here)\n";
    plant(folder.path(), "README.md", "");
    plant(folder.path(), "specs/b/spec.md", "");
    plant(folder.path(), "specs/README.md", links);

    let found = shown(&specs::dead_links(&Tree::read(folder.path())));
    assert_eq!(found, ["specs/README.md:2: nothing is at `gone.md`"]);
}

fn plant(root: &Path, path: &str, text: &str) {
    let file = root.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Value {
    let dependencies: Vec<Value> =
        dependencies.iter().map(|(name, kind)| json!({ "name": name, "kind": kind })).collect();
    json!({ "name": name, "manifest_path": format!("/x/crates/{name}/Cargo.toml"), "dependencies": dependencies })
}

fn shown(offences: &[Offence]) -> Vec<String> {
    offences.iter().map(Offence::to_string).collect()
}

fn paths(offences: &[Offence]) -> Vec<String> {
    offences.iter().map(|one| format!("{}:{}", one.file, one.line)).collect()
}
