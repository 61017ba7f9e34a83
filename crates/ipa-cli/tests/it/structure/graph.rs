//! Who may depend on whom. Knows the drawing of the house (`ARCHITECTURE.md`) and cargo's metadata.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Offence;
use super::tree::Tree;

/// Each crate and exactly the crates of the house that it depends on.
const EDGES: [(&str, &[&str]); 7] = [
    ("ipa-events", &[]),
    ("ipa-workspace", &["ipa-events"]),
    ("ipa-agent", &["ipa-events"]),
    ("ipa-sync", &["ipa-events"]),
    ("ipa-pod", &["ipa-events", "ipa-workspace", "ipa-agent", "ipa-sync"]),
    ("ipa-server", &["ipa-events", "ipa-pod"]),
    // The program names the concrete types of every layer.
    ("ipa-cli", &["ipa-events", "ipa-workspace", "ipa-agent", "ipa-sync", "ipa-pod", "ipa-server"]),
];

/// A library, and all whose name begins with its name and a dash or underscore, with the crates that may use it
/// and those that may use it in their tests.
const CONFINED: [(&str, &[&str], &[&str]); 10] = [
    ("sqlx", &["ipa-events"], &[]),
    ("eventually", &["ipa-events"], &[]),
    ("gix", &["ipa-workspace"], &[]),
    ("landlock", &["ipa-workspace"], &[]),
    ("octocrab", &["ipa-sync"], &[]),
    ("ractor", &["ipa-pod"], &[]),
    ("axum", &["ipa-server"], &["ipa-sync", "ipa-pod", "ipa-cli"]),
    ("maud", &["ipa-server"], &[]),
    ("clap", &["ipa-cli"], &[]),
    ("tracing-subscriber", &["ipa-cli"], &[]),
];

struct Dependency {
    name: String,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Shipped,
    InTests,
}

struct Crate {
    name: String,
    manifest: String,
    dependencies: Vec<Dependency>,
}

/// Members that are not drawn, drawn ones that are no members, and every edge too many or too few. A crate's
/// tests may also use what its dependencies are built on, and itself.
pub(super) fn edges(tree: &Tree, metadata: &Value) -> Vec<Offence> {
    let drawn = BTreeMap::from(EDGES);
    let crates = crates(tree, metadata);
    let mut found = Vec::new();
    for name in drawn.keys().filter(|name| !crates.iter().any(|one| one.name == **name)) {
        found.push(Offence::new(
            "Cargo.toml",
            1,
            format!("the house has a crate {name}, the workspace has not"),
        ));
    }
    for one in &crates {
        let Some(allowed) = drawn.get(one.name.as_str()) else {
            found.push(Offence::new(&one.manifest, 1, format!("the house has no crate {}", one.name)));
            continue;
        };
        let used: BTreeSet<&str> = in_house(one, Kind::Shipped).collect();
        for name in used.iter().filter(|name| !allowed.contains(name)) {
            found.push(at(tree, one, name, format!("{} may not depend on {name}", one.name)));
        }
        for name in allowed.iter().filter(|name| !used.contains(*name)) {
            let what = format!("{} is drawn as depending on {name}, and does not", one.name);
            found.push(Offence::new(&one.manifest, 1, what));
        }
        let below = reachable(&drawn, &one.name);
        for name in in_house(one, Kind::InTests).filter(|name| !below.contains(name)) {
            found.push(at(tree, one, name, format!("the tests of {} may not depend on {name}", one.name)));
        }
    }
    found
}

/// Uses of a confined library by another crate than its own.
pub(super) fn confined(tree: &Tree, metadata: &Value) -> Vec<Offence> {
    let mut found = Vec::new();
    for one in crates(tree, metadata) {
        for dependency in &one.dependencies {
            for (library, users, in_tests) in CONFINED {
                let allowed = users.contains(&one.name.as_str())
                    || dependency.kind == Kind::InTests && in_tests.contains(&one.name.as_str());
                if is_of_family(&dependency.name, library) && !allowed {
                    let what = format!("{} may be used by {} only", dependency.name, users.join(", "));
                    found.push(at(tree, &one, &dependency.name, what));
                }
            }
        }
    }
    found
}

/// Crates whose manifest lacks `[lints] workspace = true`: they would be silently unlinted.
pub(super) fn linted(tree: &Tree, metadata: &Value) -> Vec<Offence> {
    crates(tree, metadata)
        .into_iter()
        .filter(|one| {
            let text = tree.get(&one.manifest).map(|file| file.text.as_str()).unwrap_or_default();
            let mut lines = text.lines().map(str::trim);
            lines.find(|line| *line == "[lints]").is_none()
                || !lines.take_while(|line| !line.starts_with('[')).any(|line| line == "workspace = true")
        })
        .map(|one| Offence::new(&one.manifest, 1, "lacks `[lints]` with `workspace = true`"))
        .collect()
}

/// The members, with their manifests as paths of the tree.
fn crates(tree: &Tree, metadata: &Value) -> Vec<Crate> {
    let packages = metadata["packages"].as_array().expect("metadata has packages");
    assert!(!packages.is_empty(), "metadata has no package");
    packages
        .iter()
        .map(|package| {
            let manifest = text(&package["manifest_path"]).replace('\\', "/");
            let same = tree.files.iter().filter(|file| manifest.ends_with(&format!("/{}", file.path)));
            let manifest = same.max_by_key(|file| file.path.len());
            Crate {
                name: text(&package["name"]).to_owned(),
                manifest: manifest.map(|file| file.path.clone()).unwrap_or_default(),
                dependencies: package["dependencies"].as_array().unwrap().iter().map(dependency).collect(),
            }
        })
        .collect()
}

fn dependency(value: &Value) -> Dependency {
    let kind = if value["kind"] == "dev" { Kind::InTests } else { Kind::Shipped };
    Dependency { name: text(&value["name"]).to_owned(), kind }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text in the metadata")
}

fn in_house(one: &Crate, kind: Kind) -> impl Iterator<Item = &str> {
    let chosen = one.dependencies.iter().filter(move |dependency| dependency.kind == kind);
    chosen.map(|dependency| dependency.name.as_str()).filter(|name| is_of_family(name, "ipa"))
}

fn reachable<'a>(drawn: &BTreeMap<&'a str, &'a [&'a str]>, from: &'a str) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::from([from]);
    for name in drawn.get(from).copied().unwrap_or_default() {
        seen.extend(reachable(drawn, name));
    }
    seen
}

fn is_of_family(name: &str, library: &str) -> bool {
    name.strip_prefix(library).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
}

/// The offence at the line of the manifest that names the dependency.
fn at(tree: &Tree, one: &Crate, dependency: &str, what: String) -> Offence {
    let line = tree.get(&one.manifest).and_then(|file| {
        file.lines().find(|(_, line)| {
            line.strip_prefix(dependency).is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
        })
    });
    Offence::new(&one.manifest, line.map_or(1, |(number, _)| number), what)
}
