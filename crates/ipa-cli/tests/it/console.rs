//! What the documents show of the program is what it does: their sessions run, their commands parse, their
//! configuration is accepted.
//!
//! In a `console` block a line with `$ ` is typed at a shell, one with `> ` goes on with it, and what follows is printed.
//! `[..]` stands for a part of a line, `...` for any lines. All such blocks of a document are one session.

mod blocks;
mod session;
mod shown;

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use self::blocks::{blocks, inline, steps};
use self::session::Session;
use crate::structure::{Tree, root};
use crate::support::{World, said};

/// The documents for who uses ipa or works on it.
const DOCUMENTS: [&str; 4] = ["README.md", "ARCHITECTURE.md", "CLAUDE.md", "CHANGELOG.md"];

fn document(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

#[test]
fn the_sessions_of_the_documents_go_as_they_are_shown() {
    let mut seen = 0;
    for name in DOCUMENTS {
        let world = World::new();
        let mut session = Session::new(&world);
        for step in steps(&document(name)) {
            if let Err(printed) = session.step(&step) {
                let shown = step.shows.join("\n");
                panic!("{name}:{}: $ {}\n── shown\n{shown}\n── printed\n{printed}", step.line, step.command);
            }
            seen += 1;
        }
        session.end();
    }
    assert!(seen > 10, "{seen} commands are shown");
}

#[test]
fn the_configuration_in_the_readme_is_accepted() {
    let readme = document("README.md");
    let shown: Vec<_> = blocks(&readme).into_iter().filter(|block| block.language == "toml").collect();
    assert!(!shown.is_empty());
    for block in shown {
        let world = World::new();
        let file = world.path("config/ipa/ipa.toml");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, block.lines.join("\n")).unwrap();
        let rows = world.ipa(&["config", "show", "--origin", "--json"]).ok().json();
        let rows = rows["items"].as_array().unwrap();
        let ours: Vec<&Value> = rows.iter().filter(|row| row["origin"] == file.to_str().unwrap()).collect();
        // Every line with a value is one that counts.
        assert_eq!(ours.len(), block.lines.iter().filter(|line| line.contains(" = ")).count(), "{ours:?}");
    }
}

#[test]
fn each_command_line_of_a_document_is_one_that_the_program_takes() {
    let world = World::new();
    let mut seen = 0;
    for name in DOCUMENTS {
        let text = document(name);
        for block in blocks(&text).iter().filter(|block| block.language.is_empty()) {
            for (index, line) in block.lines.iter().enumerate() {
                if let Some(words) = command_of(line) {
                    seen += 1;
                    assert!(is_taken(&world, &words), "{name}:{}: {line}", block.line + index);
                }
            }
        }
    }
    assert!(seen > 0);
}

#[test]
fn each_command_that_a_text_names_is_one_of_the_program() {
    let world = World::new();
    let tree = Tree::read(root());
    let texts = tree.files.iter().filter(|file| DOCUMENTS.contains(&file.path.as_str()));
    let mut named = BTreeMap::new();
    for file in texts.chain(tree.sources()) {
        for (line, code) in inline(&file.text) {
            if let Some(words) = command_of(&code).filter(|words| !words[0].starts_with('{')) {
                named.entry(words).or_insert_with(|| format!("{}:{line}: `{code}`", file.path));
            }
        }
    }
    assert!(named.len() > 50, "{named:?}");
    let unknown: Vec<_> = named.iter().filter(|(words, _)| !is_explained(&world, words)).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
}

/// Tells whether the program takes a command line. It is not carried out: the configuration, which is read after what
/// was typed, is broken.
pub(crate) fn is_taken(world: &World, words: &[String]) -> bool {
    let words: Vec<&str> = words.iter().map(String::as_str).chain(["--json"]).collect();
    let mut command = world.command(&words);
    let said = said(&command.env("IPA__NOTHING", "is called so").output().unwrap());
    said.code == 0 || said.code == 2 && said.json()["error"]["code"] == "configuration"
}

/// Tells whether there is such a command, with these flags; what it is given may be left out, or stand for something.
fn is_explained(world: &World, words: &[String]) -> bool {
    let (plain, flags): (Vec<&str>, Vec<&str>) =
        words.iter().map(String::as_str).filter(|word| *word != "…").partition(|word| !word.starts_with('-'));
    (0..=plain.len().min(2)).rev().any(|depth| {
        let help = world.ipa(&[&["help"], &plain[..depth]].concat());
        // A noun without its verb is named whole, or not at all.
        let whole = depth == plain.len() || !help.out.contains("<COMMAND>");
        help.code == 0 && whole && flags.iter().all(|flag| help.out.contains(flag))
    })
}

/// Returns the words after `ipa` in a line that tells to run it.
fn command_of(line: &str) -> Option<Vec<String>> {
    let line = line.strip_prefix("$ ").unwrap_or(line);
    let line = line.split("  #").next().unwrap_or_default().trim();
    let rest = line
        .strip_prefix("ipa ")
        .or_else(|| line.split_once("cargo run ")?.1.split_once("-- ").map(|it| it.1))?;
    Some(words(rest))
}

/// Splits a line as a shell does, as far as the documents need it.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, ' ') => words.push(String::new()),
            (_, _) => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}
