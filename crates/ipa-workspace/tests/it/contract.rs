//! What every implementation of [`Workspaces`] keeps to.

use std::sync::Arc;

use ipa_events::{AgentId, BranchName, Handle, RepoSource, WorkspaceId};
use ipa_workspace::testing::{FakeOp, FakeWorkspaces};
use ipa_workspace::{
    Change, ChangeKind, DiffLine, DiffQuery, DiffTo, EntryKind, FileRoot, FileView, Push, RelPath,
    SandboxBackend, Start, WorkspaceError, WorkspaceSpec, Workspaces,
};
use tempfile::TempDir;

use crate::merges;
use crate::world::{World, id, put};

/// An implementation with a source whose branch `main` holds `README.md` and `src/lib.rs`.
pub(crate) struct Subject {
    pub(crate) workspaces: Arc<dyn Workspaces>,
    pub(crate) repo: RepoSource,
    _keep: Box<dyn Send>,
}

fn git(sandbox: SandboxBackend) -> Subject {
    let world = World::with(sandbox);
    Subject { workspaces: Arc::new(world.git.clone()), repo: world.repo(), _keep: Box::new(world) }
}

fn fake() -> Subject {
    let (dir, fake, repo) = fake_parts();
    Subject { workspaces: Arc::new(fake), repo, _keep: Box::new(dir) }
}

fn fake_parts() -> (TempDir, FakeWorkspaces, RepoSource) {
    let dir = TempDir::new().unwrap();
    let source = dir.path().join("source");
    put(&source.join("README.md"), "hello\n");
    put(&source.join("src/lib.rs"), "fn one() {}\nfn two() {}\n");
    let fake = FakeWorkspaces::open(&dir.path().join("data")).unwrap();
    (dir, fake, source.to_str().unwrap().parse().unwrap())
}

#[tokio::test]
async fn git_in_a_sandbox_keeps_the_contract() {
    all(|| git(SandboxBackend::Landlock)).await;
}

#[tokio::test]
async fn git_without_a_sandbox_keeps_the_contract() {
    all(|| git(SandboxBackend::None)).await;
}

#[tokio::test]
async fn the_double_keeps_the_contract() {
    all(fake).await;
}

#[tokio::test]
async fn the_double_fails_as_it_is_told_and_its_ids_depend_on_contents_only() {
    let (_dir, fake, repo) = fake_parts();
    fake.fail_next(FakeOp::Provision, WorkspaceError::Unsupported("no".to_owned()));
    let error = fake.provision(spec(&repo, 1)).await.unwrap_err();
    assert_eq!(error.to_string(), "no");
    let one = fake.provision(spec(&repo, 1)).await.unwrap();
    assert_eq!(fake.calls(FakeOp::Provision), 2);
    let (_other_dir, other, other_repo) = fake_parts();
    let two = other.provision(spec(&other_repo, 7)).await.unwrap();
    assert_eq!(one.base, two.base);
}

async fn all(make: impl Fn() -> Subject) {
    what_is_there_is_returned_as_it_is(make()).await;
    what_does_not_exist_is_named(make()).await;
    changes_are_shown_and_committed(make()).await;
    a_reset_is_preceded_by_a_checkpoint(make()).await;
    what_was_removed_can_be_restored(make()).await;
    a_leased_checkout_stays(make()).await;
    a_detached_checkout_is_made_anew(make()).await;
    a_branch_is_published_by_lease(make()).await;
    files_are_listed_read_and_written(make()).await;
    merges::all(&make).await;
    what_the_log_does_not_know_is_moved_aside(make()).await;
}

pub(crate) fn spec(repo: &RepoSource, number: u32) -> WorkspaceSpec {
    WorkspaceSpec {
        id: id(number),
        handle: Handle::new(u64::from(number)),
        title: "Fix the retry".into(),
        repo: repo.clone(),
        start: Start::Base(None),
    }
}

fn path(text: &str) -> RelPath {
    text.parse().unwrap()
}

async fn what_is_there_is_returned_as_it_is(on: Subject) {
    let made = on.workspaces.provision(spec(&on.repo, 1)).await.unwrap();
    assert_eq!(made.branch.as_ref().unwrap().as_str(), "ipa/t-1-fix-the-retry");
    put(&made.path.join("note"), "kept");
    assert_eq!(on.workspaces.provision(spec(&on.repo, 1)).await.unwrap(), made);
    assert_eq!(on.workspaces.locate(&made.id).await.unwrap(), made);
    let other = on.workspaces.provision(spec(&on.repo, 2)).await.unwrap();
    let mut listed = on.workspaces.list().await.unwrap();
    listed.sort_by_key(|it| it.branch.clone());
    assert_eq!(listed, [made.clone(), other]);
    assert!(
        made.path.join("note").exists() && made.home.is_dir() && made.tmp.is_dir() && made.lease.is_file()
    );
}

async fn what_does_not_exist_is_named(on: Subject) {
    let nobody = id(9);
    let not_found = |error: WorkspaceError| matches!(error, WorkspaceError::NotFound(id) if id == nobody);
    assert!(not_found(on.workspaces.locate(&nobody).await.unwrap_err()));
    assert!(not_found(on.workspaces.status(&nobody).await.unwrap_err()));
    assert!(not_found(on.workspaces.commit(&nobody, "x".to_owned()).await.unwrap_err()));
    assert!(not_found(on.workspaces.checkpoint(&nobody, "x".to_owned()).await.unwrap_err()));
    assert_eq!(on.workspaces.remove(&nobody).await.unwrap().checkpoint, None);
    on.workspaces.discard(&nobody).await.unwrap();
    let gone = "/nonexistent/repo".parse().unwrap();
    let error = on.workspaces.provision(spec(&gone, 1)).await.unwrap_err();
    assert!(matches!(&error, WorkspaceError::NoRepository { repo, .. } if *repo == gone), "{error}");
    let mut no_branch = spec(&on.repo, 1);
    no_branch.start = Start::Base(Some("nope".parse().unwrap()));
    let error = on.workspaces.provision(no_branch).await.unwrap_err();
    assert!(matches!(&error, WorkspaceError::NoBranch { branch, .. } if branch == "nope"), "{error}");
    assert!(on.workspaces.list().await.unwrap().is_empty());
}

async fn changes_are_shown_and_committed(on: Subject) {
    let made = on.workspaces.provision(spec(&on.repo, 1)).await.unwrap();
    let clean = on.workspaces.status(&made.id).await.unwrap();
    assert_eq!((&clean.head, clean.changes.len()), (&made.base, 0));
    put(&made.path.join("src/lib.rs"), "fn one() {}\nfn three() {}\n");
    put(&made.path.join("new"), "line\n");
    std::fs::remove_file(made.path.join("README.md")).unwrap();
    let kinds =
        |changes: &[Change]| changes.iter().map(|it| (it.path.clone(), it.kind.clone())).collect::<Vec<_>>();
    let wanted = [
        ("README.md".to_owned(), ChangeKind::Deleted),
        ("new".to_owned(), ChangeKind::Added),
        ("src/lib.rs".to_owned(), ChangeKind::Modified),
    ];
    assert_eq!(kinds(&on.workspaces.status(&made.id).await.unwrap().changes), wanted);

    let to = DiffTo::Worktree(made.id.clone());
    let shown = DiffQuery { repo: on.repo.clone(), from: made.base.clone(), to };
    let shown = on.workspaces.diff(shown).await.unwrap();
    let lib = &shown.files[2];
    assert_eq!((lib.added, lib.removed), (1, 1));
    let lines = [
        DiffLine::Context("fn one() {}".to_owned()),
        DiffLine::Removed("fn two() {}".to_owned()),
        DiffLine::Added("fn three() {}".to_owned()),
    ];
    assert_eq!(lib.hunks[0].lines, lines);

    let committed = on.workspaces.commit(&made.id, "Do it".to_owned()).await.unwrap();
    assert_ne!(committed.head, made.base);
    let to = DiffTo::Commit(committed.head.clone());
    let query = DiffQuery { repo: on.repo.clone(), from: made.base.clone(), to };
    assert_eq!(on.workspaces.diff(query).await.unwrap(), shown, "committed is what was shown");
    let after = on.workspaces.status(&made.id).await.unwrap();
    assert_eq!((&after.head, after.changes.len()), (&committed.head, 0));
    assert_eq!(on.workspaces.commit(&made.id, "Again".to_owned()).await.unwrap(), committed);
}

async fn a_reset_is_preceded_by_a_checkpoint(on: Subject) {
    let made = on.workspaces.provision(spec(&on.repo, 1)).await.unwrap();
    put(&made.path.join("README.md"), "draft\n");
    put(&made.path.join("junk/x"), "x\n");
    let first = on.workspaces.checkpoint(&made.id, "turn end".to_owned()).await.unwrap();
    assert_eq!(first.number, 1);
    assert_eq!(on.workspaces.checkpoint(&made.id, "turn end".to_owned()).await.unwrap(), first);
    put(&made.path.join("README.md"), "draft 2\n");
    let second = on.workspaces.reset(&made.id, made.base.clone()).await.unwrap();
    assert_eq!(second.number, 2);
    assert!(on.workspaces.status(&made.id).await.unwrap().changes.is_empty());
    assert_eq!(std::fs::read_to_string(made.path.join("README.md")).unwrap(), "hello\n");
    assert!(!made.path.join("junk/x").exists());
    let root = FileRoot::Commit { repo: on.repo.clone(), commit: second.commit };
    let text = on.workspaces.read(root, path("README.md")).await.unwrap();
    assert_eq!(text, FileView::Text { text: "draft 2\n".to_owned() });
}

async fn what_was_removed_can_be_restored(on: Subject) {
    let made = on.workspaces.provision(spec(&on.repo, 1)).await.unwrap();
    put(&made.path.join("src/lib.rs"), "committed\n");
    let head = on.workspaces.commit(&made.id, "Work".to_owned()).await.unwrap().head;
    put(&made.path.join("README.md"), "dirty\n");
    put(&made.path.join("untracked"), "new\n");
    let checkpoint = on.workspaces.remove(&made.id).await.unwrap().checkpoint.unwrap();
    assert!(!made.path.exists());
    assert_eq!(on.workspaces.remove(&made.id).await.unwrap().checkpoint, None);
    let mut again = spec(&on.repo, 1);
    again.start = Start::Restored {
        branch: made.branch.clone().unwrap(),
        base: made.base.clone(),
        head: head.clone(),
        checkpoint: Some(checkpoint.commit),
    };
    let restored = on.workspaces.provision(again).await.unwrap();
    assert_eq!(restored, made);
    let status = on.workspaces.status(&made.id).await.unwrap();
    assert_eq!(status.head, head);
    let paths: Vec<_> = status.changes.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(paths, ["README.md", "untracked"]);
    assert_eq!(std::fs::read_to_string(made.path.join("src/lib.rs")).unwrap(), "committed\n");
}

async fn a_leased_checkout_stays(on: Subject) {
    let made = on.workspaces.provision(spec(&on.repo, 1)).await.unwrap();
    let lease = std::fs::File::open(&made.lease).unwrap();
    lease.lock().unwrap();
    let error = on.workspaces.remove(&made.id).await.unwrap_err();
    assert!(matches!(error, WorkspaceError::Busy(_)), "{error}");
    assert!(made.path.join("README.md").exists());
    drop(lease);
    on.workspaces.remove(&made.id).await.unwrap();
}

async fn a_detached_checkout_is_made_anew(on: Subject) {
    let main = on.workspaces.provision(spec(&on.repo, 1)).await.unwrap();
    put(&main.path.join("README.md"), "for the check\n");
    let head = on.workspaces.commit(&main.id, "Work".to_owned()).await.unwrap().head;
    let mut check = spec(&on.repo, 1);
    check.id = WorkspaceId { task: main.id.task, agent: AgentId::check() };
    check.start = Start::Detached(head.clone());
    for _ in 0..2 {
        let made = on.workspaces.provision(check.clone()).await.unwrap();
        assert_eq!((&made.branch, &made.base), (&None, &head));
        assert_eq!(std::fs::read_to_string(made.path.join("README.md")).unwrap(), "for the check\n");
        assert!(!made.path.join("leftover").exists());
        put(&made.path.join("leftover"), "x");
    }
    on.workspaces.discard(&check.id).await.unwrap();
    assert!(on.workspaces.locate(&check.id).await.is_err());
    assert!(on.workspaces.discard(&main.id).await.is_err(), "a branch is not discarded");
    assert!(main.path.exists());
}

async fn a_branch_is_published_by_lease(on: Subject) {
    let made = on.workspaces.provision(spec(&on.repo, 1)).await.unwrap();
    put(&made.path.join("new"), "1\n");
    let first = on.workspaces.commit(&made.id, "One".to_owned()).await.unwrap().head;
    put(&made.path.join("new"), "2\n");
    let second = on.workspaces.commit(&made.id, "Two".to_owned()).await.unwrap().head;
    let branch: BranchName = made.branch.clone().unwrap();
    let there = || on.workspaces.remote_head(on.repo.clone(), branch.clone());
    let push = |commit: &ipa_events::Oid, expected: Option<&ipa_events::Oid>| Push {
        repo: on.repo.clone(),
        branch: branch.clone(),
        commit: commit.clone(),
        expected: expected.cloned(),
    };
    assert_eq!(there().await.unwrap(), None);
    on.workspaces.publish(push(&first, None)).await.unwrap();
    assert_eq!(there().await.unwrap().as_ref(), Some(&first));
    on.workspaces.publish(push(&first, None)).await.unwrap();
    let stale = on.workspaces.publish(push(&second, None)).await.unwrap_err();
    assert!(
        matches!(&stale, WorkspaceError::Stale { actual: Some(actual), .. } if *actual == first),
        "{stale}"
    );
    let stale = on.workspaces.publish(push(&second, Some(&made.base))).await.unwrap_err();
    assert!(matches!(stale, WorkspaceError::Stale { .. }), "{stale}");
    assert_eq!(there().await.unwrap().as_ref(), Some(&first));
    on.workspaces.publish(push(&second, Some(&first))).await.unwrap();
    assert_eq!(there().await.unwrap().as_ref(), Some(&second));
}

async fn files_are_listed_read_and_written(on: Subject) {
    let made = on.workspaces.provision(spec(&on.repo, 1)).await.unwrap();
    let now = || FileRoot::Worktree(made.id.clone());
    let base = || FileRoot::Commit { repo: on.repo.clone(), commit: made.base.clone() };
    for root in [now(), base()] {
        let listed = on.workspaces.ls(root.clone(), path("")).await.unwrap();
        let names: Vec<_> =
            listed.entries.iter().map(|it| (it.name.as_str(), it.kind, it.size_bytes)).collect();
        assert_eq!(names, [("src", EntryKind::Dir, None), ("README.md", EntryKind::File, Some(6))]);
        let read = on.workspaces.read(root.clone(), path("README.md")).await.unwrap();
        assert_eq!(read, FileView::Text { text: "hello\n".to_owned() });
        for missing in ["nope", "src/nope", "README.md/x"] {
            let error = on.workspaces.read(root.clone(), path(missing)).await.unwrap_err();
            assert!(matches!(error, WorkspaceError::NoSuchPath(_)), "{missing}: {error}");
        }
        assert!(on.workspaces.ls(root, path("nope")).await.is_err());
    }
    on.workspaces.write(&made.id, path("a/b/c"), b"\xff\x00".to_vec()).await.unwrap();
    let read = on.workspaces.read(now(), path("a/b/c")).await.unwrap();
    assert_eq!(read, FileView::Binary { size_bytes: 2 });
    on.workspaces.write(&made.id, path("big"), vec![b'x'; (1 << 20) + 1]).await.unwrap();
    let read = on.workspaces.read(now(), path("big")).await.unwrap();
    let head = "x".repeat(64 << 10);
    assert_eq!(read, FileView::TooLarge { size_bytes: (1 << 20) + 1, head });
    assert!(on.workspaces.read(base(), path("big")).await.is_err());
}

async fn what_the_log_does_not_know_is_moved_aside(on: Subject) {
    let known = on.workspaces.provision(spec(&on.repo, 1)).await.unwrap();
    let unknown = on.workspaces.provision(spec(&on.repo, 2)).await.unwrap();
    let recovery = on.workspaces.recover(vec![known.id.clone()]).await.unwrap();
    assert_eq!(recovery.quarantined.len(), 1);
    assert!(!unknown.path.exists() && known.path.exists());
    let inside = recovery.quarantined[0].join("work").join(on.repo.name()).join("README.md");
    assert!(inside.exists(), "moved, not deleted");
    let again = on.workspaces.recover(vec![known.id.clone()]).await.unwrap();
    assert_eq!(again, ipa_workspace::Recovery::default());
}
