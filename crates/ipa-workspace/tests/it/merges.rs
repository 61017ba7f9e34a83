//! Merging into branches outside, and removing them: the part of the contract about that, and what only git has.

use ipa_events::{BranchName, Oid};
use ipa_workspace::{
    FileRoot, FileView, Identity, Merge, MergeAs, Push, SandboxBackend, WorkspaceError, Workspaces as _,
};

use crate::contract::{Subject, spec};
use crate::world::{World, agent, git_in, put};

/// What every implementation keeps to.
pub(crate) async fn all(make: &impl Fn() -> Subject) {
    for how in [MergeAs::Merge, MergeAs::Squash, MergeAs::Rebase] {
        a_merge_brings_the_work_to_the_branch_once(make(), how).await;
        a_conflict_names_its_paths_and_changes_nothing(make(), how).await;
    }
    a_branch_that_only_lags_behind_moves_ahead(make()).await;
    what_is_not_there_takes_nothing_in(make()).await;
    a_branch_is_removed_where_it_was_expected_only(make()).await;
}

fn name(text: &str) -> BranchName {
    text.parse().unwrap()
}

impl Subject {
    /// Commits a file on top of what a workspace has.
    async fn work(&self, number: u32, file: &str, text: &str) -> Oid {
        let made = self.workspaces.provision(spec(&self.repo, number)).await.unwrap();
        put(&made.path.join(file), text);
        self.workspaces.commit(&made.id, format!("Change {file}")).await.unwrap().head
    }

    async fn base(&self) -> Oid {
        self.workspaces.provision(spec(&self.repo, 1)).await.unwrap().base
    }

    async fn push(&self, branch: &str, commit: &Oid, expected: Option<&Oid>) {
        let (repo, branch) = (self.repo.clone(), name(branch));
        let push = Push { repo, branch, commit: commit.clone(), expected: expected.cloned() };
        self.workspaces.publish(push).await.unwrap();
    }

    async fn merge(&self, commit: &Oid, how: MergeAs) -> Result<Oid, WorkspaceError> {
        self.workspaces.merge(self.wanted(commit, how)).await
    }

    fn wanted(&self, commit: &Oid, how: MergeAs) -> Merge {
        Merge {
            repo: self.repo.clone(),
            base: name("trunk"),
            commit: commit.clone(),
            how,
            message: "Merge it".to_owned(),
            author: None,
        }
    }

    async fn head(&self, branch: &str) -> Option<Oid> {
        self.workspaces.remote_head(self.repo.clone(), name(branch)).await.unwrap()
    }

    async fn contains(&self, branch: &str, commit: &Oid) -> bool {
        self.workspaces.contains(self.repo.clone(), name(branch), commit.clone()).await.unwrap()
    }

    async fn text(&self, commit: &Oid, path: &str) -> FileView {
        let root = FileRoot::Commit { repo: self.repo.clone(), commit: commit.clone() };
        self.workspaces.read(root, path.parse().unwrap()).await.unwrap()
    }

    /// A branch `trunk` that went another way than the work of workspace 1, which is returned.
    async fn diverged(&self, theirs: &str, ours: &str) -> Oid {
        let base = self.base().await;
        self.push("trunk", &base, None).await;
        let other = self.work(2, theirs, "theirs\n").await;
        self.push("trunk", &other, Some(&base)).await;
        self.work(1, "more", "1\n").await;
        self.work(1, ours, "ours\n").await
    }
}

async fn a_merge_brings_the_work_to_the_branch_once(on: Subject, how: MergeAs) {
    let commit = on.diverged("theirs", "ours").await;
    assert!(!on.contains("trunk", &commit).await);
    let merged = on.merge(&commit, how).await.unwrap();
    assert_ne!(merged, commit);
    assert_eq!(on.head("trunk").await.as_ref(), Some(&merged));
    for (path, text) in [("theirs", "theirs\n"), ("ours", "ours\n"), ("more", "1\n")] {
        assert_eq!(on.text(&merged, path).await, FileView::Text { text: text.to_owned() });
    }
    assert!(on.contains("trunk", &commit).await);
    // The branch goes on, and what was merged stays merged, in whatever form it is asked for again.
    let later = on.merge(&on.work(3, "later", "x\n").await, MergeAs::Merge).await.unwrap();
    for again in [MergeAs::Merge, MergeAs::Squash, MergeAs::Rebase] {
        assert_eq!(on.merge(&commit, again).await.unwrap(), merged, "{how:?}, then {again:?}");
    }
    assert_eq!(on.head("trunk").await, Some(later));
}

async fn a_conflict_names_its_paths_and_changes_nothing(on: Subject, how: MergeAs) {
    let commit = on.diverged("README.md", "README.md").await;
    let before = on.head("trunk").await;
    let error = on.merge(&commit, how).await.unwrap_err();
    assert!(matches!(&error, WorkspaceError::Conflict { paths, .. } if paths == &["README.md"]), "{error}");
    assert!(error.to_string().contains("README.md") && !error.is_transient(), "{error}");
    assert_eq!(on.head("trunk").await, before);
    assert!(!on.contains("trunk", &commit).await);
}

async fn a_branch_that_only_lags_behind_moves_ahead(on: Subject) {
    on.push("trunk", &on.base().await, None).await;
    let commit = on.work(1, "ours", "ours\n").await;
    assert_eq!(on.merge(&commit, MergeAs::Rebase).await.unwrap(), commit);
    assert_eq!(on.head("trunk").await.as_ref(), Some(&commit));
    assert_eq!(on.merge(&commit, MergeAs::Rebase).await.unwrap(), commit);
    let next = on.work(1, "ours", "more\n").await;
    let merged = on.merge(&next, MergeAs::Merge).await.unwrap();
    assert_ne!(merged, next, "a merge is a commit of its own");
    assert_eq!(on.merge(&commit, MergeAs::Merge).await.unwrap(), commit);
}

async fn what_is_not_there_takes_nothing_in(on: Subject) {
    let commit = on.work(1, "ours", "ours\n").await;
    assert!(!on.contains("trunk", &commit).await);
    let error = on.merge(&commit, MergeAs::Squash).await.unwrap_err();
    assert!(matches!(error, WorkspaceError::NoBranch { .. }), "{error}");
    on.push("trunk", &on.base().await, None).await;
    let unknown = "1".repeat(40).parse().unwrap();
    assert!(!on.contains("trunk", &unknown).await);
    assert!(on.merge(&unknown, MergeAs::Squash).await.is_err());
}

async fn a_branch_is_removed_where_it_was_expected_only(on: Subject) {
    let base = on.base().await;
    let commit = on.work(1, "ours", "ours\n").await;
    let remove = |commit: &Oid| on.workspaces.delete_branch(on.repo.clone(), name("trunk"), commit.clone());
    remove(&base).await.unwrap();
    on.push("trunk", &commit, None).await;
    let stale = remove(&base).await.unwrap_err();
    assert!(
        matches!(&stale, WorkspaceError::Stale { actual: Some(actual), .. } if *actual == commit),
        "{stale}"
    );
    assert_eq!(on.head("trunk").await.as_ref(), Some(&commit));
    remove(&commit).await.unwrap();
    assert_eq!(on.head("trunk").await, None);
    remove(&commit).await.unwrap();
}

#[tokio::test]
async fn a_checked_out_branch_is_neither_merged_into_nor_removed() {
    let world = World::new();
    world.user(&["config", "receive.denyCurrentBranch", "updateInstead"]);
    world.user(&["config", "receive.denyDeleteCurrent", "ignore"]);
    let workspace = world.provision().await;
    put(&workspace.path.join("README.md"), "changed\n");
    let commit = world.git.commit(&workspace.id, "Work".to_owned()).await.unwrap().head;
    let merge = Merge {
        repo: world.repo(),
        base: name("main"),
        commit,
        how: MergeAs::Squash,
        message: "Merge it".to_owned(),
        author: None,
    };
    let error = world.git.merge(merge).await.unwrap_err();
    assert!(matches!(error, WorkspaceError::CheckedOut { .. }), "{error}");
    assert!(error.to_string().contains("switch to another one there"), "{error}");
    let error =
        world.git.delete_branch(world.repo(), name("main"), workspace.base.clone()).await.unwrap_err();
    assert!(matches!(error, WorkspaceError::CheckedOut { .. }), "{error}");
    assert_eq!(world.user(&["rev-parse", "main"]), workspace.base.as_str());
    assert_eq!(std::fs::read_to_string(world.source.join("README.md")).unwrap(), "hello\n");
}

#[tokio::test]
async fn a_rebase_keeps_authors_drops_what_is_there_and_believes_no_commit_of_an_agent() {
    let world = World::with(SandboxBackend::None);
    world.user(&["branch", "trunk"]);
    let workspace = world.provision().await;
    let stranger = "c".repeat(40);
    for (file, message) in [("a", "First\n\nIpa-Merged: ".to_owned() + &stranger), ("b", "Second".to_owned())]
    {
        put(&workspace.path.join(file), file);
        agent(&workspace, &["add", "-A"]);
        agent(&workspace, &["commit", "-q", "-m", &message]);
    }
    world.git.checkpoint(&workspace.id, "test".to_owned()).await.unwrap();
    let commit: Oid = agent(&workspace, &["rev-parse", "HEAD"]).parse().unwrap();
    let merge = |how, author| Merge {
        repo: world.repo(),
        base: name("trunk"),
        commit: commit.clone(),
        how,
        message: "All".to_owned(),
        author,
    };
    let merged = world.git.merge(merge(MergeAs::Rebase, None)).await.unwrap();
    assert_ne!(merged, commit, "it could have moved ahead, with what the agent claims");
    let claimed = world.git.contains(world.repo(), name("trunk"), stranger.parse().unwrap()).await.unwrap();
    assert!(!claimed);
    let log =
        |branch: &str| world.user(&["log", "--reverse", "--format=%an %cn %s", &format!("main..{branch}")]);
    assert_eq!(log("trunk"), "Ann ipa First\nAnn ipa Second");
    // Somebody has the first of the two already.
    world.user(&["branch", "-f", "trunk", "main"]);
    world.user(&["worktree", "add", "-q", "../t", "trunk"]);
    let there = world.dir.path().join("user/t");
    git_in(&there, world.dir.path(), &["commit", "-q", "--allow-empty", "-m", "Other"]);
    git_in(&there, world.dir.path(), &["cherry-pick", &format!("{merged}~1")]);
    world.user(&["worktree", "remove", "--force", "../t"]);
    let merged = world.git.merge(merge(MergeAs::Rebase, None)).await.unwrap();
    assert_eq!(log("trunk"), "Ann Ann Other\nAnn Ann First\nAnn ipa Second");
    let message = world.user(&["log", "-1", "--format=%B", merged.as_str()]);
    assert_eq!(message, format!("Second\n\nIpa-Merged: {commit}"));
    // As one commit, by whom it is said to be.
    world.user(&["branch", "-f", "trunk", "main"]);
    let author = Identity { name: "Bea".to_owned(), email: "bea@example.org".to_owned() };
    world.git.merge(merge(MergeAs::Squash, Some(author))).await.unwrap();
    assert_eq!(log("trunk"), "Bea ipa All");
}
