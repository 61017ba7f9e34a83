//! The repository as text: every file that is not built, not git's and not binary. Knows no rule.

use std::fs;
use std::path::Path;

/// A file with its path from the root, `/` between parts.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    /// The lines with their numbers, from 1.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    pub(super) fn extension(&self) -> &str {
        self.name().rsplit('.').next().unwrap_or_default()
    }
}

/// All files, sorted by path.
pub(crate) struct Tree {
    pub(crate) files: Vec<File>,
}

impl Tree {
    pub(crate) fn read(root: &Path) -> Self {
        let mut files = Vec::new();
        collect(root, "", &mut files);
        files.sort_by(|a, b| a.path.cmp(&b.path));
        assert!(!files.is_empty(), "no file under {}", root.display());
        Self { files }
    }

    /// The Rust files of the crates: sources, tests, examples and benches.
    pub(super) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.path.starts_with("crates/") && file.extension() == "rs")
    }

    /// The Rust files under a crate's `src`.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &File> {
        self.rust().filter(|file| file.path.split('/').nth(2) == Some("src"))
    }

    /// Whether there is such a file, or a folder with a file in it.
    pub(super) fn has(&self, path: &str) -> bool {
        let below = format!("{path}/");
        self.files.iter().any(|file| file.path == path || file.path.starts_with(&below))
    }

    pub(super) fn get(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }
}

fn collect(folder: &Path, prefix: &str, into: &mut Vec<File>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        let kind = entry.file_type().unwrap();
        // In a linked worktree `.git` is a file.
        if prefix.is_empty() && matches!(name.as_str(), "target" | ".git") {
            continue;
        }
        if kind.is_dir() {
            collect(&entry.path(), &path, into);
        } else if kind.is_file()
            && let Ok(text) = fs::read_to_string(entry.path())
        {
            into.push(File { path, text });
        }
    }
}
