//! Nothing is lost: what a checkpoint holds, and what a restored checkout has.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use ipa_workspace::{Start, Workspace, WorkspaceError, Workspaces as _};
use proptest::prelude::*;

use crate::world::{World, agent, git_command, make_executable, put, tree_of};

type Tree = BTreeMap<PathBuf, (String, Vec<u8>)>;

/// The files that a checkpoint promises: all but what git keeps for itself, and folders, which it does not know.
fn files(workspace: &Workspace) -> Tree {
    let mut tree = tree_of(&workspace.path, &[".git"]);
    tree.retain(|path, (kind, _)| kind != "dir" && !path.components().any(|part| part.as_os_str() == ".git"));
    tree
}

async fn remove_and_restore(world: &World, workspace: &Workspace) -> Workspace {
    let status = world.git.status(&workspace.id).await.unwrap();
    let head = world.in_mirror(&["rev-parse", &format!("refs/ipa/ws/{}/HEAD", workspace.id)]);
    drop(status);
    let checkpoint = world.git.remove(&workspace.id).await.unwrap().checkpoint.unwrap();
    assert!(!workspace.path.exists());
    // What is in the trash must not be needed.
    std::fs::remove_dir_all(world.config.dirs.root.join(".trash")).unwrap();
    std::fs::create_dir(world.config.dirs.root.join(".trash")).unwrap();
    let head_after = world.in_mirror(&["rev-parse", &format!("{}^", checkpoint.commit)]);
    assert!(!head.is_empty());
    let mut spec = world.spec("Fix the retry");
    spec.start = Start::Restored {
        branch: workspace.branch.clone().unwrap(),
        base: workspace.base.clone(),
        head: head_after.parse().unwrap(),
        checkpoint: Some(checkpoint.commit),
    };
    world.git.provision(spec).await.unwrap()
}

#[tokio::test]
async fn a_restored_checkout_has_the_same_bytes() {
    let world = World::new();
    let workspace = world.provision().await;
    put(&workspace.path.join("README.md"), b"dirty \xff\x00 bytes\r\n");
    put(&workspace.path.join("name with\nnewline \" and ä"), "odd\n");
    put(&workspace.path.join("deep/er/untracked"), "u\n");
    put(&workspace.path.join("-n"), "dash\n");
    std::fs::remove_file(workspace.path.join("src/lib.rs")).unwrap();
    symlink("/etc/passwd", workspace.path.join("src/link")).unwrap();
    symlink("nowhere", workspace.path.join("dangling")).unwrap();
    put(&workspace.path.join("run.sh"), "#!/bin/sh\n");
    make_executable(&workspace.path.join("run.sh"));
    put(&workspace.path.join("staged"), "staged\n");
    agent(&workspace, &["add", "staged"]);
    put(&workspace.path.join("staged"), "and changed\n");
    let before = files(&workspace);
    let restored = remove_and_restore(&world, &workspace).await;
    assert_eq!(files(&restored), before);
    assert_eq!(agent(&restored, &["symbolic-ref", "--short", "HEAD"]), "ipa/t-12-fix-the-retry");
}

#[tokio::test]
async fn the_files_of_repositories_in_the_checkout_are_kept_and_their_commits_harvested() {
    let world = World::new();
    let workspace = world.provision().await;
    let inside = |path: &str| {
        let path = workspace.path.join(path);
        std::fs::create_dir_all(&path).unwrap();
        let inside = Workspace { path, ..workspace.clone() };
        agent(&inside, &["init", "-q"]);
        inside
    };
    let nested = inside("vendor/nested");
    put(&nested.path.join("file"), "committed\n");
    agent(&nested, &["add", "-A"]);
    agent(&nested, &["commit", "-q", "-m", "nested"]);
    let commit = agent(&nested, &["rev-parse", "HEAD"]);
    put(&nested.path.join("file"), "dirty\n");
    put(&nested.path.join("untracked"), "u\n");
    let inner = inside("vendor/nested/inner");
    put(&inner.path.join("x"), "inner\n");
    let unborn = inside("un'born");
    put(&unborn.path.join("y"), "unborn\n");
    put(&workspace.path.join("beside"), "b\n");
    let before = files(&workspace);
    assert_eq!(before.len(), 7, "{before:?}");
    let restored = remove_and_restore(&world, &workspace).await;
    assert_eq!(files(&restored), before);
    assert_eq!(world.in_mirror(&["show", &format!("{commit}:file")]), "committed");
    let refs = world.in_mirror(&["for-each-ref", "--format=%(objectname) %(refname)"]);
    assert!(refs.lines().any(|line| line.starts_with(&commit) && line.contains("/nested/")), "{refs}");
}

#[tokio::test]
async fn commits_on_other_branches_a_detached_head_and_the_stash_are_reachable_after_removal() {
    let world = World::new();
    let workspace = world.provision().await;
    let commit = |name: &str| {
        put(&workspace.path.join(name), name);
        agent(&workspace, &["add", "-A"]);
        agent(&workspace, &["commit", "-q", "-m", name]);
        agent(&workspace, &["rev-parse", "HEAD"])
    };
    agent(&workspace, &["checkout", "-q", "-b", "side"]);
    let side = commit("side");
    put(&workspace.path.join("README.md"), "stashed\n");
    agent(&workspace, &["stash", "-q"]);
    let stash = agent(&workspace, &["rev-parse", "refs/stash"]);
    agent(&workspace, &["checkout", "-q", "--detach"]);
    let detached = commit("detached");
    world.git.remove(&workspace.id).await.unwrap();
    for oid in [side, stash, detached] {
        let reachable = world.in_mirror(&["for-each-ref", "--contains", &oid, "refs/ipa/ws"]);
        assert!(!reachable.is_empty(), "{oid}");
    }
}

#[tokio::test]
async fn a_checkout_whose_git_folder_is_gone_keeps_its_files_safe_and_is_not_removed() {
    let world = World::new();
    let workspace = world.provision().await;
    put(&workspace.path.join("README.md"), "precious\n");
    std::fs::rename(workspace.path.join(".git"), workspace.tmp.join("git")).unwrap();
    let checkpoint = world.git.checkpoint(&workspace.id, "turn end".to_owned()).await.unwrap();
    assert_eq!(world.in_mirror(&["show", &format!("{}:README.md", checkpoint.commit)]), "precious");
    assert_eq!(world.in_mirror(&["rev-parse", &format!("{}^", checkpoint.commit)]), workspace.base.as_str());
    assert!(world.git.remove(&workspace.id).await.is_err());
    assert!(workspace.path.join("README.md").exists());
}

#[tokio::test]
async fn a_fetch_that_prunes_leaves_checkpoints() {
    let world = World::new();
    let workspace = world.provision().await;
    put(&workspace.path.join("README.md"), "precious\n");
    let checkpoint = world.git.checkpoint(&workspace.id, "turn end".to_owned()).await.unwrap();
    world.user(&["checkout", "-q", "-b", "other"]);
    world.user(&["branch", "-q", "-D", "main"]);
    let mut spec = world.spec("Another");
    spec.id = crate::world::id(2);
    world.git.provision(spec).await.unwrap();
    let heads = world.in_mirror(&["for-each-ref", "--format=%(refname)", "refs/heads"]);
    assert_eq!(heads, "refs/heads/other", "the fetch did prune");
    let kept = world.in_mirror(&["for-each-ref", "--format=%(objectname)", "refs/ipa/snap"]);
    assert_eq!(kept, checkpoint.commit.as_str());
    assert_eq!(world.in_mirror(&["show", &format!("{}:README.md", checkpoint.commit)]), "precious");
    assert_eq!(agent(&workspace, &["show", "HEAD:README.md"]), "hello");
}

#[tokio::test]
async fn what_git_cannot_keep_keeps_the_checkout() {
    let world = World::new();
    let workspace = world.provision().await;
    let nested = Workspace { path: workspace.path.join("nested"), ..workspace.clone() };
    put(&nested.path.join("file"), "x\n");
    agent(&nested, &["init", "-q", "-b", "main"]);
    // Its commit is lost: nobody could harvest it.
    put(&nested.path.join(".git/refs/heads/main"), format!("{}\n", "1".repeat(40)));
    let checkpoint = world.git.checkpoint(&workspace.id, "test".to_owned()).await.unwrap();
    assert_eq!(world.in_mirror(&["show", &format!("{}:nested/file", checkpoint.commit)]), "x");
    let error = world.git.remove(&workspace.id).await.unwrap_err();
    assert!(matches!(&error, WorkspaceError::Unsupported(it) if it.contains("nested")), "{error}");
    assert!(nested.path.join("file").exists());
}

#[tokio::test]
async fn a_fifo_holds_nothing_and_is_passed_over() {
    let world = World::new();
    let workspace = world.provision().await;
    let made = std::process::Command::new("mkfifo").arg(workspace.path.join("fifo")).status().unwrap();
    assert!(made.success());
    put(&workspace.path.join("README.md"), "x\n");
    let status = world.git.status(&workspace.id).await.unwrap();
    assert_eq!(status.changes.len(), 1);
    world.git.checkpoint(&workspace.id, "test".to_owned()).await.unwrap();
    world.git.commit(&workspace.id, "Work".to_owned()).await.unwrap();
    world.git.remove(&workspace.id).await.unwrap();
}

#[tokio::test]
async fn who_is_just_leaving_a_checkout_does_not_keep_it() {
    let world = World::new();
    let workspace = world.provision().await;
    let mut leaving =
        std::process::Command::new("sleep").arg("0.3").current_dir(&workspace.path).spawn().unwrap();
    world.git.remove(&workspace.id).await.unwrap();
    leaving.wait().unwrap();
    assert!(!workspace.path.exists());
}

#[tokio::test]
async fn a_checkout_in_which_a_process_stands_is_not_removed() {
    let world = World::new();
    let workspace = world.provision().await;
    let mut child = std::process::Command::new("cat")
        .current_dir(workspace.path.join("src"))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let error = world.git.remove(&workspace.id).await.unwrap_err();
    assert!(matches!(error, WorkspaceError::Busy(_)), "{error}");
    assert!(workspace.path.exists());
    drop(child.stdin.take());
    child.wait().unwrap();
    world.git.remove(&workspace.id).await.unwrap();
}

#[tokio::test]
async fn a_reset_ends_a_merge_in_conflict_and_a_stale_lock() {
    let world = World::new();
    let workspace = world.provision().await;
    agent(&workspace, &["checkout", "-q", "-b", "side"]);
    for (branch, text) in [("side", "one\n"), ("ipa/t-12-fix-the-retry", "two\n")] {
        agent(&workspace, &["checkout", "-q", branch]);
        put(&workspace.path.join("README.md"), text);
        agent(&workspace, &["commit", "-q", "-a", "-m", branch]);
    }
    let rebased = git_command(&workspace.path, &workspace.home, &["rebase", "side"]).output().unwrap();
    assert!(!rebased.status.success(), "there is a conflict");
    put(&workspace.path.join(".git/index.lock"), "");
    world.git.reset(&workspace.id, workspace.base.clone()).await.unwrap();
    assert_eq!(
        agent(&workspace, &["status", "--porcelain=v2", "--branch"]).lines().nth(1).unwrap(),
        "# branch.head ipa/t-12-fix-the-retry"
    );
    assert_eq!(agent(&workspace, &["rev-parse", "HEAD"]), workspace.base.as_str());
    assert_eq!(std::fs::read_to_string(workspace.path.join("README.md")).unwrap(), "hello\n");
}

#[tokio::test]
async fn an_agents_own_ignore_rules_do_not_hide_files_from_a_commit() {
    let world = World::new();
    let workspace = world.provision().await;
    put(&workspace.path.join(".git/info/exclude"), "hidden\n");
    put(&workspace.path.join("hidden"), "x\n");
    put(&workspace.path.join(".gitignore"), "ignored\n");
    put(&workspace.path.join("ignored"), "x\n");
    assert!(!agent(&workspace, &["status", "--porcelain"]).contains("hidden"), "the control");
    let head = world.git.commit(&workspace.id, "Work".to_owned()).await.unwrap().head;
    let names = world.in_mirror(&["ls-tree", "-r", "--name-only", head.as_str()]);
    assert_eq!(names.lines().collect::<Vec<_>>(), [".gitignore", "README.md", "hidden", "src/lib.rs"]);
}

/// What an agent may do to its files.
#[derive(Debug, Clone)]
enum Act {
    Write(PathBuf, Vec<u8>),
    Executable(PathBuf),
    Link(PathBuf, String),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf),
    Commit,
}

fn a_path() -> impl Strategy<Value = PathBuf> {
    // Few names, so that acts meet: files become folders and back.
    prop_oneof![
        Just("README.md"),
        Just("src/lib.rs"),
        Just("src"),
        Just("a"),
        Just("a/b"),
        Just("a/b/c"),
        Just("ä \"\n"),
        Just("-x"),
        Just("a b/%00"),
        Just(".hidden/.x"),
    ]
    .prop_map(PathBuf::from)
}

fn an_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (a_path(), proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), any::<u8>()], 0..20))
            .prop_map(|(path, bytes)| Act::Write(path, bytes)),
        1 => a_path().prop_map(Act::Executable),
        1 => (a_path(), "[a-z/.]{1,12}").prop_map(|(path, target)| Act::Link(path, target)),
        2 => a_path().prop_map(Act::Remove),
        1 => (a_path(), a_path()).prop_map(|(from, to)| Act::Rename(from, to)),
        1 => Just(Act::Commit),
    ]
}

/// Carries an act out as far as it makes sense, making room for it.
fn act(workspace: &Workspace, act: &Act) {
    let at = |path: &Path| workspace.path.join(path);
    let clear = |path: &Path| {
        let mut above = PathBuf::new();
        for part in path.components() {
            above.push(part);
            let is_file = at(&above).symlink_metadata().is_ok_and(|meta| !meta.is_dir());
            if is_file {
                std::fs::remove_file(at(&above)).unwrap();
            }
        }
        std::fs::remove_dir_all(at(path)).ok();
        std::fs::create_dir_all(at(path).parent().unwrap()).unwrap();
    };
    match act {
        Act::Write(path, bytes) => {
            clear(path);
            std::fs::write(at(path), bytes).unwrap();
        }
        Act::Executable(path) => {
            if at(path).symlink_metadata().is_ok_and(|meta| meta.is_file()) {
                make_executable(&at(path));
            }
        }
        Act::Link(path, target) => {
            clear(path);
            symlink(target, at(path)).unwrap();
        }
        Act::Remove(path) => clear(path),
        Act::Rename(from, to) => {
            if at(from).symlink_metadata().is_ok() && !to.starts_with(from) && !from.starts_with(to) {
                clear(to);
                std::fs::rename(at(from), at(to)).ok();
            }
        }
        Act::Commit => {
            agent(workspace, &["add", "-A"]);
            agent(workspace, &["commit", "-q", "--allow-empty", "-m", "x"]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_an_agent_did_to_its_files_is_restored(acts in proptest::collection::vec(an_act(), 1..12)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let world = World::new();
            let workspace = world.provision().await;
            for it in &acts {
                act(&workspace, it);
            }
            let before = files(&workspace);
            let restored = remove_and_restore(&world, &workspace).await;
            assert_eq!(files(&restored), before);
        });
    }
}
