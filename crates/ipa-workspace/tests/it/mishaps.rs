//! What happens to a checkout on an ordinary day, by accident or by an agent's own rules: it stays usable.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::Duration;

use ipa_events::Helper;
use ipa_workspace::{Start, Workspace, WorkspaceError, Workspaces as _};

use crate::world::{World, agent, git_command, id, make_executable, put, tree_of};

#[tokio::test]
async fn a_branch_that_was_renamed_beneath_its_old_name_is_harvested() {
    let world = World::new();
    let workspace = world.provision().await;
    let nested = Workspace { path: workspace.path.join("nested"), ..workspace.clone() };
    put(&nested.path.join("file"), "x\n");
    agent(&nested, &["init", "-q", "-b", "fix"]);
    agent(&nested, &["add", "-A"]);
    agent(&nested, &["commit", "-q", "-m", "nested"]);
    agent(&workspace, &["branch", "fix"]);
    world.git.checkpoint(&workspace.id, "test".to_owned()).await.unwrap();
    for inside in [&workspace, &nested] {
        agent(inside, &["branch", "-m", "fix", "fix/retry"]);
    }
    put(&workspace.path.join("README.md"), "changed\n");
    world.git.commit(&workspace.id, "Work".to_owned()).await.unwrap();
    world.git.remove(&workspace.id).await.unwrap();
    // Both are there: nothing is pruned.
    let refs = world.in_mirror(&["for-each-ref", "--format=%(refname)", "refs/ipa/ws"]);
    for branch in ["/fix/ipa-tip", "/fix/retry/ipa-tip"] {
        let found: Vec<_> =
            refs.lines().filter(|name| name.contains(&format!("/branches{branch}"))).collect();
        assert_eq!(found.len(), 2, "{branch}: {refs}");
    }
}

#[tokio::test]
async fn a_reset_is_stopped_by_no_rule_of_an_agent_and_deletes_nothing() {
    let world = World::new();
    let workspace = world.provision().await;
    put(&workspace.home.join(".config/git/ignore"), "by-home\n");
    put(&workspace.path.join(".git/info/exclude"), "by-exclude\n");
    put(&workspace.path.join(".gitignore"), "built/\n");
    put(&workspace.path.join("by-home"), "x\n");
    put(&workspace.path.join("deep/er/by-exclude"), "x\n");
    put(&workspace.path.join("built/-x \"\n"), "kept nowhere else\n");
    let nested = Workspace { path: workspace.path.join("nested"), ..workspace.clone() };
    put(&nested.path.join("file"), "x\n");
    agent(&nested, &["init", "-q"]);
    agent(&workspace, &["update-index", "--skip-worktree", "README.md"]);
    agent(&workspace, &["update-index", "--assume-unchanged", "src/lib.rs"]);
    put(&workspace.path.join("README.md"), "changed\n");
    put(&workspace.path.join("src/lib.rs"), "changed\n");
    assert_eq!(agent(&workspace, &["status", "--porcelain", "README.md", "by-home"]), "", "the control");
    agent(&workspace, &["config", "core.sparseCheckout", "true"]);
    put(&workspace.path.join(".git/info/sparse-checkout"), "/src/\n");
    world.git.reset(&workspace.id, workspace.base.clone()).await.unwrap();
    let files: Vec<_> = tree_of(&workspace.path, &[".git"]).into_keys().collect();
    assert_eq!(files, ["README.md", "src", "src/lib.rs"].map(std::path::PathBuf::from));
    assert_eq!(std::fs::read_to_string(workspace.path.join("README.md")).unwrap(), "hello\n");
    assert!(world.git.status(&workspace.id).await.unwrap().changes.is_empty());
    let trash = tree_of(&world.config.dirs.root.join(".trash"), &[]);
    assert!(trash.into_values().any(|(_, bytes)| bytes == b"kept nowhere else\n"));
}

#[tokio::test]
async fn what_is_ignored_at_the_commit_too_outlives_a_reset() {
    let world = World::new();
    world.put(".gitignore", "built/\n");
    world.user(&["add", "-A"]);
    world.user(&["commit", "-q", "-m", "rules"]);
    let workspace = world.provision().await;
    put(&workspace.path.join("built/x"), "x\n");
    put(&workspace.path.join("new/x"), "x\n");
    world.git.reset(&workspace.id, workspace.base.clone()).await.unwrap();
    assert!(workspace.path.join("built/x").exists() && !workspace.path.join("new").exists());
}

#[tokio::test]
async fn no_hook_of_an_agent_runs_when_the_host_works_in_its_checkout() {
    let world = World::new();
    let workspace = world.provision().await;
    // Where the sandbox would let it write.
    let mark = workspace.tmp.join("sprung");
    for name in ["post-commit", "post-checkout", "post-index-change", "reference-transaction", "post-merge"] {
        let hook = workspace.path.join(".git/hooks").join(name);
        put(&hook, "#!/bin/sh\ntouch \"$TMPDIR/sprung\"\n");
        make_executable(&hook);
    }
    put(&workspace.path.join("README.md"), "changed\n");
    world.git.commit(&workspace.id, "Work".to_owned()).await.unwrap();
    world.git.reset(&workspace.id, workspace.base.clone()).await.unwrap();
    assert!(!mark.exists());
    let mut plain = git_command(&workspace.path, &workspace.home, &["checkout", "-q", "-f", "HEAD"]);
    assert!(plain.env("TMPDIR", &workspace.tmp).status().unwrap().success());
    assert!(mark.exists(), "the control proves nothing");
}

#[tokio::test]
async fn a_checkout_that_was_deleted_is_made_anew() {
    let world = World::new();
    let workspace = world.provision().await;
    put(&workspace.path.join("README.md"), "precious\n");
    let checkpoint = world.git.checkpoint(&workspace.id, "test".to_owned()).await.unwrap();
    std::fs::remove_dir_all(&workspace.path).unwrap();
    let mut spec = world.spec("Fix the retry");
    spec.start = Start::Restored {
        branch: workspace.branch.clone().unwrap(),
        base: workspace.base.clone(),
        head: workspace.base.clone(),
        checkpoint: Some(checkpoint.commit),
    };
    let lease = std::fs::File::open(&workspace.lease).unwrap();
    lease.lock().unwrap();
    let error = world.git.provision(spec.clone()).await.unwrap_err();
    assert!(matches!(error, WorkspaceError::Busy(_)), "{error}");
    drop(lease);
    let restored = world.git.provision(spec).await.unwrap();
    assert_eq!(restored, workspace);
    assert_eq!(std::fs::read_to_string(restored.path.join("README.md")).unwrap(), "precious\n");
    assert_eq!(world.git.status(&restored.id).await.unwrap().changes.len(), 1);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_in_no_commit_as_it_was_before() {
    let world = World::new();
    let workspace = world.provision().await;
    put(&workspace.path.join("README.md"), "changed\n");
    put(&workspace.path.join("beside"), "x\n");
    let readme = workspace.path.join("README.md");
    let mode = |mode| std::fs::set_permissions(&readme, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o000);
    let error = world.git.commit(&workspace.id, "Work".to_owned()).await.unwrap_err();
    assert!(matches!(&error, WorkspaceError::Unsupported(it) if it.contains("README.md")), "{error}");
    assert_eq!(agent(&workspace, &["rev-parse", "HEAD"]), workspace.base.as_str());
    // What can be read is safe all the same.
    let checkpoint = world.git.checkpoint(&workspace.id, "test".to_owned()).await.unwrap();
    assert_eq!(world.in_mirror(&["show", &format!("{}:beside", checkpoint.commit)]), "x");
    mode(0o644);
    world.git.commit(&workspace.id, "Work".to_owned()).await.unwrap();
}

#[tokio::test]
async fn a_source_whose_changes_cannot_be_counted_is_provisioned_all_the_same() {
    let world = World::new();
    world.put("untracked", "x\n");
    put(&world.source.join(".git/index"), "no index");
    assert!(world.git.fingerprint(world.repo()).await.is_err(), "the control");
    assert_eq!(world.provision().await.left_out, 0);
}

#[tokio::test]
async fn folders_that_may_not_be_written_leave_the_trash_too() {
    let world = World::new();
    let trash = world.config.dirs.root.join(".trash");
    let module = trash.join("1--main.0/home/go/pkg/mod/example.org");
    put(&module.join("go.mod"), "module x\n");
    let elsewhere = world.dir.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, module.join("link")).unwrap();
    for dir in [elsewhere.as_path(), &module, module.parent().unwrap()] {
        std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o555)).unwrap();
    }
    // As somebody whom modes bind: without capabilities root is one.
    let helper = env!("CARGO_BIN_EXE_ipa-workspace-helper");
    let confined = |argv: &[&std::ffi::OsStr]| {
        let mut command = Command::new(helper);
        command.args([Helper::MARKER, "sandbox-exec", "--read", "/", "--write", "/", "--"]);
        command.args(argv).output().unwrap()
    };
    let control = confined(&["rm".as_ref(), "-rf".as_ref(), module.as_os_str()]);
    assert!(!control.status.success(), "the control");
    let data = world.config.dirs.root.parent().unwrap().as_os_str();
    let recovered = confined(&[helper.as_ref(), "recover".as_ref(), data]);
    assert!(recovered.status.success(), "{}", String::from_utf8_lossy(&recovered.stderr));
    assert!(!trash.join("1--main.0").exists());
    assert_eq!(elsewhere.metadata().unwrap().permissions().mode() & 0o777, 0o555, "no link is followed");
}

#[tokio::test]
async fn operations_that_wait_do_not_take_every_thread() {
    let world = World::new();
    let workspace = world.provision().await;
    let lock = world.config.dirs.shadow.join(format!("{}.lock", workspace.id));
    let lock = std::fs::File::open(lock).unwrap();
    lock.lock().unwrap();
    let mut waiting: Vec<_> = (0..600).map(|_| world.git.status(&workspace.id)).collect();
    for it in &mut waiting {
        assert!(futures::poll!(tokio::task::unconstrained(it)).is_pending());
    }
    let free = tokio::time::timeout(Duration::from_secs(20), tokio::task::spawn_blocking(|| ())).await;
    drop(lock);
    assert!(free.is_ok(), "no thread was left");
}

#[tokio::test]
async fn a_checkout_is_restored_at_the_head_that_its_owner_knows() {
    let world = World::new();
    let workspace = world.provision().await;
    put(&workspace.path.join("README.md"), "committed inside\n");
    agent(&workspace, &["commit", "-q", "-a", "-m", "inside"]);
    let inside = agent(&workspace, &["rev-parse", "HEAD"]);
    put(&workspace.path.join("new"), "x\n");
    std::fs::remove_file(workspace.path.join("src/lib.rs")).unwrap();
    let before = tree_of(&workspace.path.join("."), &[".git"]);
    let checkpoint = world.git.remove(&workspace.id).await.unwrap().checkpoint.unwrap();
    let mut spec = world.spec("Fix the retry");
    spec.id = id(1);
    spec.start = Start::Restored {
        branch: workspace.branch.clone().unwrap(),
        base: workspace.base.clone(),
        head: workspace.base.clone(),
        checkpoint: Some(checkpoint.commit),
    };
    let restored = world.git.provision(spec).await.unwrap();
    let mut after = tree_of(&restored.path.join("."), &[".git"]);
    // git knows no folders.
    after.insert("src".into(), ("dir".to_owned(), Vec::new()));
    assert_eq!(after, before);
    assert_eq!(agent(&restored, &["rev-parse", "HEAD"]), workspace.base.as_str());
    let refs = world.in_mirror(&["for-each-ref", "--format=%(objectname)", "refs/ipa/ws"]);
    assert!(refs.contains(&inside), "what was committed inside stays reachable: {refs}");
}
