//! A bare repository and what a forge does with one: refs, commits, the three kinds of merge. Knows the git program
//! and nothing of pull requests.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A bare repository on disk.
#[derive(Debug, Clone)]
pub(crate) struct Git {
    dir: PathBuf,
}

/// What a comparison of two commits counts.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) commits: usize,
    pub(crate) files: usize,
    pub(crate) additions: usize,
    pub(crate) deletions: usize,
}

/// The environment of every git here: nothing of the machine's but the search path.
pub(crate) fn environment(home: &Path) -> BTreeMap<String, String> {
    let path = std::env::var("PATH").unwrap();
    let home = home.to_str().unwrap();
    [
        ("PATH", path.as_str()),
        ("HOME", home),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_AUTHOR_NAME", "Ann"),
        ("GIT_AUTHOR_EMAIL", "ann@example.org"),
        ("GIT_COMMITTER_NAME", "Ann"),
        ("GIT_COMMITTER_EMAIL", "ann@example.org"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

impl Git {
    /// Makes a repository with one commit on `main`.
    pub(crate) fn init(dir: &Path) -> Self {
        std::fs::create_dir_all(dir).unwrap();
        let git = Self { dir: dir.to_owned() };
        git.run(&["init", "-q", "--bare", "-b", "main"]);
        git.run(&["config", "http.receivepack", "true"]);
        git.run(&["config", "gc.auto", "0"]);
        git.commit("main", "README.md", "hello\n", "first");
        git
    }

    /// All branches with their commits.
    pub(crate) fn branches(&self) -> BTreeMap<String, String> {
        let listed = self.run(&["for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", "refs/heads"]);
        let pairs = listed.lines().filter_map(|line| line.rsplit_once(' '));
        pairs.map(|(name, commit)| (name.to_owned(), commit.to_owned())).collect()
    }

    pub(crate) fn head(&self, branch: &str) -> Option<String> {
        self.try_run(&["rev-parse", "-q", "--verify", &format!("refs/heads/{branch}^{{commit}}")]).ok()
    }

    /// How many parents the newest commit of a branch has, and how many commits there are.
    pub(crate) fn history(&self, branch: &str) -> (usize, usize) {
        let listed = self.run(&["rev-list", "--parents", branch]);
        let parents = listed.lines().next().map_or(0, |line| line.split(' ').count() - 1);
        (parents, listed.lines().count())
    }

    pub(crate) fn has_commit(&self, commit: &str) -> bool {
        self.try_run(&["cat-file", "-e", &format!("{commit}^{{commit}}")]).is_ok()
    }

    /// Writes one file on a branch, which begins at `main` when it is new; the new commit.
    pub(crate) fn commit(&self, branch: &str, file: &str, text: &str, message: &str) -> String {
        let parent = self.head(branch).or_else(|| self.head("main"));
        let index = self.dir.join("index.person");
        let index = index.to_str().unwrap();
        let with_index = |args: &[&str]| self.with(args, &[("GIT_INDEX_FILE", index)], "").unwrap();
        match &parent {
            Some(parent) => with_index(&["read-tree", parent]),
            None => with_index(&["read-tree", "--empty"]),
        };
        let blob = self.with(&["hash-object", "-w", "--stdin"], &[], text).unwrap();
        with_index(&["update-index", "--add", "--cacheinfo", &format!("100644,{blob},{file}")]);
        let tree = with_index(&["write-tree"]);
        let parents: Vec<&str> = parent.as_deref().into_iter().collect();
        let commit = self.commit_tree(&tree, &parents, message);
        self.run(&["update-ref", &format!("refs/heads/{branch}"), &commit]);
        commit
    }

    /// Removes a branch; whether it was there.
    pub(crate) fn delete(&self, branch: &str) -> bool {
        let name = format!("refs/heads/{branch}");
        self.head(branch).is_some() && self.try_run(&["update-ref", "-d", &name]).is_ok()
    }

    /// Lets every push fail with these words.
    pub(crate) fn refuse_pushes(&self, words: &str) {
        let hook = self.dir.join("hooks/pre-receive");
        std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
        std::fs::write(&hook, format!("#!/bin/sh\necho '{words}' >&2\nexit 1\n")).unwrap();
        std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// What `head` adds to `base`.
    pub(crate) fn size(&self, base: &str, head: &str) -> Size {
        let commits = self.run(&["rev-list", "--count", &format!("{base}..{head}")]).parse().unwrap();
        let Ok(numbers) = self.try_run(&["diff", "--numstat", &format!("{base}...{head}")]) else {
            return Size { commits, ..Size::default() };
        };
        let mut size = Size { commits, ..Size::default() };
        for line in numbers.lines() {
            let mut fields = line.split('\t').map(|field| field.parse().unwrap_or(0));
            size.files += 1;
            size.additions += fields.next().unwrap_or(0);
            size.deletions += fields.next().unwrap_or(0);
        }
        size
    }

    /// The part of the difference that shows a line of the new side of a file, up to that line.
    pub(crate) fn hunk(&self, base: &str, head: &str, path: &str, line: u64) -> Option<String> {
        let diff = self.try_run(&["diff", &format!("{base}...{head}"), "--", path]).ok()?;
        let mut hunk: Vec<&str> = Vec::new();
        let mut at = 0;
        for row in diff.lines() {
            if let Some(header) = row.strip_prefix("@@ ") {
                let new = header.split('+').nth(1)?.split([',', ' ']).next()?;
                at = new.parse::<u64>().ok()?;
                hunk = vec![row];
            } else if !hunk.is_empty() {
                hunk.push(row);
                let is_new_side = !row.starts_with(['-', '\\']);
                if is_new_side && at == line {
                    return Some(hunk.join("\n"));
                }
                at += u64::from(is_new_side);
            }
        }
        None
    }

    /// The tree of a merge of two commits; none when they conflict.
    pub(crate) fn merged_tree(&self, base: &str, head: &str) -> Option<String> {
        self.try_run(&["merge-tree", "--write-tree", base, head]).ok()
    }

    /// Merges with a commit of two parents.
    pub(crate) fn merge(&self, base: &str, head: &str, message: &str) -> Option<String> {
        Some(self.commit_tree(&self.merged_tree(base, head)?, &[base, head], message))
    }

    /// Puts everything into one commit on top of `base`.
    pub(crate) fn squash(&self, base: &str, head: &str, message: &str) -> Option<String> {
        Some(self.commit_tree(&self.merged_tree(base, head)?, &[base], message))
    }

    /// Replays each commit of `head` on top of `base`.
    pub(crate) fn rebase(&self, base: &str, head: &str) -> Option<String> {
        let commits =
            self.run(&["rev-list", "--reverse", "--topo-order", "--no-merges", &format!("{base}..{head}")]);
        commits.lines().try_fold(base.to_owned(), |tip, commit| {
            let from = format!("--merge-base={commit}^");
            let tree = self.try_run(&["merge-tree", "--write-tree", &from, &tip, commit]).ok()?;
            let message = self.run(&["show", "-s", "--format=%B", commit]);
            Some(self.commit_tree(&tree, &[&tip], &message))
        })
    }

    /// Moves a branch from one commit to another; false when it has moved in between.
    pub(crate) fn advance(&self, branch: &str, from: &str, to: &str) -> bool {
        self.try_run(&["update-ref", &format!("refs/heads/{branch}"), to, from]).is_ok()
    }

    fn commit_tree(&self, tree: &str, parents: &[&str], message: &str) -> String {
        let mut args = vec!["commit-tree", tree, "-m", message];
        args.extend(parents.iter().flat_map(|parent| ["-p", parent]));
        self.run(&args)
    }

    #[track_caller]
    fn run(&self, args: &[&str]) -> String {
        self.try_run(args).unwrap_or_else(|error| panic!("git {args:?}: {error}"))
    }

    fn try_run(&self, args: &[&str]) -> Result<String, String> {
        self.with(args, &[], "")
    }

    fn with(&self, args: &[&str], more: &[(&str, &str)], input: &str) -> Result<String, String> {
        let mut command = Command::new("git");
        command.current_dir(&self.dir).args(args).env_clear().envs(environment(&self.dir));
        command.envs(more.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
        let output = child.wait_with_output().unwrap();
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}
