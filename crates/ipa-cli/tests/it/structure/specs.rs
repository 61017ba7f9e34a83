//! Names and links in documents. Knows the convention of `specs/README.md`: a name of three or more words in backticks is
//! a name in the code, and where a document says what proves something it is a function.

use std::collections::BTreeSet;

use super::Offence;
use super::tree::{File, Tree};

/// Names in the specs and in `ARCHITECTURE.md` that the code does not have.
pub(super) fn unknown_names(tree: &Tree) -> Vec<Offence> {
    let known = Known::read(tree);
    tree.files
        .iter()
        .filter(|file| is_checked(&file.path))
        .flat_map(|file| unknown_in(file, &known))
        .collect()
}

/// Links of the documents to files that are not there.
pub(super) fn dead_links(tree: &Tree) -> Vec<Offence> {
    tree.files.iter().filter(|file| file.extension() == "md").flat_map(|file| dead_in(file, tree)).collect()
}

fn dead_in(file: &File, tree: &Tree) -> Vec<Offence> {
    let mut found = Vec::new();
    for (number, line) in file.lines() {
        let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.contains(':')) {
            let path = target.split('#').next().unwrap_or_default();
            if !path.is_empty() && !tree.has(&joined(&file.path, path)) {
                found.push(Offence::new(&file.path, number, format!("nothing is at `{target}`")));
            }
        }
    }
    found
}

/// The path that a link of a file means, from the root.
fn joined(file: &str, link: &str) -> String {
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    for part in link.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}

/// What the Rust files of the crates contain.
struct Known {
    functions: BTreeSet<String>,
    words: BTreeSet<String>,
}

impl Known {
    fn read(tree: &Tree) -> Self {
        let mut known = Self { functions: BTreeSet::new(), words: BTreeSet::new() };
        for (_, line) in tree.rust().flat_map(File::lines) {
            let words: Vec<&str> = line.split(|c| !is_word(c)).filter(|word| !word.is_empty()).collect();
            let code = line.split("//").next().unwrap_or_default();
            let functions = code.split("fn ").skip(1).filter_map(|rest| rest.split(|c| !is_word(c)).next());
            known.functions.extend(functions.map(str::to_owned));
            known.words.extend(words.into_iter().map(str::to_owned));
        }
        known
    }

    /// Whether the code has the word, as it stands or as the variant that is written so on the wire.
    fn has(&self, name: &str) -> bool {
        self.words.contains(name) || self.words.contains(&variant(name))
    }
}

/// `one_for_all` as `OneForAll`.
fn variant(name: &str) -> String {
    let words = name.split('_').filter_map(|word| word.split_at_checked(1));
    words.map(|(first, rest)| first.to_uppercase() + rest).collect()
}

fn is_checked(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    matches!(parts.as_slice(), ["ARCHITECTURE.md"] | ["specs", _, "spec.md"])
}

fn unknown_in(file: &File, known: &Known) -> Vec<Offence> {
    let mut found = Vec::new();
    let mut column = None;
    let mut section = false;
    for (number, line) in file.lines() {
        if line.starts_with('#') {
            section = says_proof(line);
        }
        let cells: Vec<&str> = line.split('|').collect();
        column = if line.starts_with('|') {
            column.or(cells.iter().position(|cell| says_proof(cell)))
        } else {
            None
        };
        let after = line.find("roved by");
        for (at, name) in names(line) {
            let cell = line[..at].matches('|').count();
            let proof = section
                || column.is_some_and(|column| column == cell)
                || after.is_some_and(|after| after < at);
            if proof && !known.functions.contains(name) {
                found.push(Offence::new(&file.path, number, format!("no test is called `{name}`")));
            } else if !proof && !known.has(name) {
                found.push(Offence::new(
                    &file.path,
                    number,
                    format!("nothing in crates/ is called `{name}`"),
                ));
            }
        }
    }
    found
}

/// Whether a heading or the head of a column announces tests.
fn says_proof(text: &str) -> bool {
    let text = text.trim_matches(['#', ' ', '*']).to_lowercase();
    matches!(text.as_str(), "proved by" | "test" | "tests")
}

/// The names of three or more words in backticks, with where they stand; of a path, its last part.
fn names(line: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut at = 0;
    for (index, part) in line.split('`').enumerate() {
        let name = part.trim_end_matches("()").rsplit("::").next().unwrap_or_default();
        let words = name.split('_').filter(|word| !word.is_empty()).count();
        let plain = name.chars().all(|c| is_word(c) && !c.is_uppercase());
        if index % 2 == 1 && words >= 3 && plain {
            found.push((at, name));
        }
        at += part.len() + 1;
    }
    found
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
