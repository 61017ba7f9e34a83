//! How files look and what they may not contain. Knows text only.

use super::Offence;
use super::tree::{File, Tree};

const MOST_LINES: usize = 500;

/// Hosts of package registries and the folder the work is done in, written so that this file does not contain
/// them.
const FORBIDDEN: [&str; 7] = [
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("sparse", "+http"),
    concat!("deb.", "debian.org"),
    concat!("pypi", ".org"),
    concat!("registry.", "npmjs.org"),
    concat!("/wo", "rk/"),
];

/// The one registry that a lock file may name.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

pub(super) fn nested_clippy_toml(tree: &Tree) -> Vec<Offence> {
    let nested = tree.files.iter().filter(|file| matches!(file.name(), "clippy.toml" | ".clippy.toml"));
    nested
        .filter(|file| file.path != "clippy.toml")
        .map(|file| Offence::new(&file.path, 1, "replaces the root's clippy.toml for what lies below it"))
        .collect()
}

pub(super) fn mod_rs(tree: &Tree) -> Vec<Offence> {
    let named = tree.rust().filter(|file| file.name() == "mod.rs");
    named.map(|file| Offence::new(&file.path, 1, "is `foo.rs` beside `foo/` here, never mod.rs")).collect()
}

pub(super) fn without_head(tree: &Tree) -> Vec<Offence> {
    let headless = tree.sources().filter(|file| !file.text.starts_with("//! "));
    headless.map(|file| Offence::new(&file.path, 1, "does not begin with `//!` and what it is")).collect()
}

pub(super) fn too_long(tree: &Tree) -> Vec<Offence> {
    tree.rust()
        .map(|file| (file, file.text.lines().count()))
        .filter(|(_, count)| *count > MOST_LINES)
        .map(|(file, count)| {
            Offence::new(&file.path, count, format!("has {count} lines; split it by concept"))
        })
        .collect()
}

/// All uses of maud's unescaped markup, when more than one file has one. The lint cannot ban it: `html!`
/// expands to it.
pub(super) fn unescaped(tree: &Tree) -> Vec<Offence> {
    let uses: Vec<Offence> = tree.sources().flat_map(|file| code_with(file, "PreEscaped")).collect();
    if uses.iter().all(|one| one.file == uses[0].file) { Vec::new() } else { uses }
}

/// What ties a file to the machine it was written on.
pub(super) fn machine(tree: &Tree) -> Vec<Offence> {
    tree.files.iter().flat_map(machine_in).collect()
}

fn machine_in(file: &File) -> Vec<Offence> {
    let mut found = Vec::new();
    for (number, line) in file.lines() {
        for word in FORBIDDEN.iter().filter(|word| contains_from_its_start(line, word)) {
            found.push(Offence::new(&file.path, number, format!("contains `{word}`")));
        }
        let other = line.contains(concat!("registry", "+")) && !line.contains(REGISTRY);
        if other && file.name() == "Cargo.lock" {
            found.push(Offence::new(&file.path, number, "comes from another registry"));
        }
    }
    if file.path.starts_with(".cargo/") {
        found.push(Offence::new(&file.path, 1, "cargo's configuration belongs to the machine"));
    }
    found
}

/// Whether the line has the word, and not as the end of a longer host or path.
fn contains_from_its_start(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before
            .is_some_and(|before| before.is_alphanumeric() || matches!(before, '_' | '-' | '.' | '}' | '~'))
    })
}

/// The lines with the word that are not comments.
fn code_with(file: &File, word: &str) -> Vec<Offence> {
    file.lines()
        .filter(|(_, line)| line.contains(word) && !line.trim_start().starts_with("//"))
        .map(|(number, _)| Offence::new(&file.path, number, format!("`{word}` belongs to one module")))
        .collect()
}
