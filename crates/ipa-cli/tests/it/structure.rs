//! The shape of the repository, held by tests: who may depend on whom, who may use what, how files look, and
//! that a test named in a document exists. Knows cargo's metadata and plain text; knows nothing of what ipa does.
//!
//! Every check returns all offenders with their place; `planted` plants some of each kind and sees them found, so
//! that no check is green because it looks at nothing.

mod files;
mod graph;
mod planted;
mod specs;
mod tree;

use std::fmt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

pub(crate) use tree::Tree;

/// One place that breaks a rule.
#[derive(Debug)]
struct Offence {
    file: String,
    line: usize,
    what: String,
}

impl Offence {
    fn new(file: &str, line: usize, what: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Offence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

#[test]
fn the_crates_depend_on_each_other_as_the_house_is_drawn() {
    assert_none(&graph::edges(&Tree::read(root()), &metadata()));
}

#[test]
fn a_confined_library_is_used_by_its_one_crate_only() {
    assert_none(&graph::confined(&Tree::read(root()), &metadata()));
}

#[test]
fn each_crate_takes_the_lints_of_the_workspace() {
    assert_none(&graph::linted(&Tree::read(root()), &metadata()));
}

#[test]
fn no_nested_clippy_toml_replaces_the_one_at_the_root() {
    assert_none(&files::nested_clippy_toml(&Tree::read(root())));
}

#[test]
fn no_module_is_a_file_called_mod_rs() {
    assert_none(&files::mod_rs(&Tree::read(root())));
}

#[test]
fn each_source_file_begins_by_saying_what_it_is() {
    assert_none(&files::without_head(&Tree::read(root())));
}

#[test]
fn no_source_file_is_over_500_lines() {
    assert_none(&files::too_long(&Tree::read(root())));
}

#[test]
fn markup_that_is_not_escaped_comes_from_one_module() {
    assert_none(&files::unescaped(&Tree::read(root())));
}

#[test]
fn no_file_names_a_registry_host_or_a_path_of_the_machine_it_was_written_on() {
    assert_none(&files::machine(&Tree::read(root())));
}

#[test]
fn each_name_that_a_document_gives_as_a_test_or_as_code_exists() {
    assert_none(&specs::unknown_names(&Tree::read(root())));
}

#[test]
fn each_link_in_a_document_leads_to_a_file() {
    assert_none(&specs::dead_links(&Tree::read(root())));
}

fn assert_none(offences: &[Offence]) {
    let lines: Vec<String> = offences.iter().map(Offence::to_string).collect();
    assert!(lines.is_empty(), "{} places break this rule:\n{}\n", lines.len(), lines.join("\n"));
}

/// The workspace's folder.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// What cargo knows of the workspace's members; reads nothing from the network.
fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
