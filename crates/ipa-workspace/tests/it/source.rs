//! The repository that a person works in: read, never changed, but for the one branch that they accepted.

use std::collections::BTreeMap;
use std::path::Path;

use ipa_events::{BranchName, Oid, RepoSource};
use ipa_workspace::{
    Fingerprint, GitWorkspaces, Push, Start, WorkspaceError, WorkspaceSpec, Workspaces as _,
};

use crate::world::{World, agent, git_command, git_in, id, make_executable, put, tree_of};

/// A source with more than a thousand files, work in every state, hooks, a stash and a linked worktree.
fn busy_source() -> World {
    let world = World::new();
    for n in 0..1200 {
        world.put(&format!("src/{}/file{n}.rs", n % 30), &format!("fn f{n}() {{}}\n"));
    }
    world.user(&["add", "-A"]);
    world.user(&["commit", "-q", "-m", "many"]);
    world.put("README.md", "stashed\n");
    world.user(&["stash", "-q"]);
    world.user(&["tag", "v1"]);
    let linked = world.dir.path().join("linked");
    world.user(&["worktree", "add", "-q", "-b", "linked", linked.to_str().unwrap()]);
    let mark = world.dir.path().join("hook ran");
    for hook in
        ["post-receive", "pre-receive", "update", "post-update", "reference-transaction", "post-checkout"]
    {
        let path = world.source.join(".git/hooks").join(hook);
        put(&path, format!("#!/bin/sh\ntouch '{}'\n", mark.to_str().unwrap().replace('\'', "'\\''")));
        make_executable(&path);
    }
    world.put("src/0/file0.rs", "staged\n");
    world.user(&["add", "-A"]);
    world.put("src/0/file0.rs", "and changed\n");
    world.put("untracked", "mine\n");
    std::fs::remove_file(world.source.join("src/1/file1.rs")).unwrap();
    std::fs::remove_file(&mark).ok();
    world
}

type Change = fn(&World);

async fn fingerprint(world: &World) -> BTreeMap<String, String> {
    let Fingerprint { aspects } = world.git.fingerprint(world.repo()).await.unwrap().unwrap();
    aspects
}

fn differing(one: &BTreeMap<String, String>, other: &BTreeMap<String, String>) -> Vec<String> {
    assert_eq!(one.len(), other.len());
    one.keys().filter(|key| one[*key] != other[*key]).cloned().collect()
}

#[tokio::test]
async fn a_busy_source_is_the_same_after_a_task_but_for_the_published_branch() {
    let world = busy_source();
    let before = (tree_of(&world.source, &[]), fingerprint(&world).await);
    let workspace = world.provision().await;
    assert_eq!(workspace.left_out, 4, "staged, changed, untracked and deleted");
    put(&workspace.path.join("src/2/file2.rs"), "changed\n");
    let head = world.git.commit(&workspace.id, "Work".to_owned()).await.unwrap().head;
    world.git.checkpoint(&workspace.id, "test".to_owned()).await.unwrap();
    assert_eq!(tree_of(&world.source, &[]), before.0, "not a byte");
    assert_eq!(fingerprint(&world).await, before.1);

    let branch = workspace.branch.clone().unwrap();
    let push = Push { repo: world.repo(), branch: branch.clone(), commit: head.clone(), expected: None };
    world.git.publish(push).await.unwrap();
    world.git.remove(&workspace.id).await.unwrap();
    let after = tree_of(&world.source, &[]);
    for (path, contents) in &before.0 {
        assert_eq!(after.get(path), Some(contents), "{}", path.display());
    }
    let new_files: Vec<_> = after
        .iter()
        .filter(|(path, (kind, _))| !before.0.contains_key(*path) && kind != "dir")
        .map(|(path, _)| path.as_path())
        .filter(|path| !path.starts_with(".git/objects"))
        .collect();
    assert_eq!(new_files, [Path::new(".git/refs/heads").join(branch.as_str())]);
    assert_eq!(differing(&before.1, &fingerprint(&world).await), ["refs"]);
    assert_eq!(world.user(&["rev-parse", branch.as_str()]), head.as_str());
    assert!(!world.dir.path().join("hook ran").exists());
    // The control: the hooks do run when git is asked plainly.
    world.user(&["branch", "control"]);
    assert!(world.dir.path().join("hook ran").exists());
}

#[tokio::test]
async fn a_checked_out_branch_is_not_published_to_whatever_its_owner_configured() {
    let world = World::new();
    let linked = world.dir.path().join("linked");
    world.user(&["worktree", "add", "-q", "-b", "linked", linked.to_str().unwrap()]);
    world.user(&["config", "receive.denyCurrentBranch", "updateInstead"]);
    let workspace = world.provision().await;
    put(&workspace.path.join("README.md"), "changed\n");
    let commit = world.git.commit(&workspace.id, "Work".to_owned()).await.unwrap().head;
    for name in ["main", "linked"] {
        let branch: BranchName = name.parse().unwrap();
        let push = Push {
            repo: world.repo(),
            branch,
            commit: commit.clone(),
            expected: Some(workspace.base.clone()),
        };
        let error = world.git.publish(push).await.unwrap_err();
        assert!(error.to_string().contains("checked out"), "{error}");
        assert_eq!(world.user(&["rev-parse", name]), workspace.base.as_str());
    }
    assert_eq!(std::fs::read_to_string(world.source.join("README.md")).unwrap(), "hello\n");
    // The control: a plain push rewrites the files.
    agent(&workspace, &["push", "-q", world.source.to_str().unwrap(), "HEAD:main"]);
    assert_eq!(std::fs::read_to_string(world.source.join("README.md")).unwrap(), "changed\n");
}

#[tokio::test]
async fn each_change_of_a_source_shows_in_its_fingerprint() {
    let world = World::new();
    let mut last = fingerprint(&world).await;
    // A mere look is no change.
    world.user(&["status"]);
    assert_eq!(fingerprint(&world).await, last);
    let changes: [(Change, &[&str]); 8] = [
        (|world| drop(world.user(&["checkout", "-q", "-b", "new"])), &["HEAD", "refs"]),
        (|world| drop(world.user(&["tag", "v1"])), &["refs"]),
        (|world| drop(world.user(&["config", "user.name", "Eve"])), &["config"]),
        (|world| put(&world.source.join(".git/hooks/pre-commit"), "x"), &["hooks"]),
        (|world| world.put("untracked", "x\n"), &["status"]),
        (|world| world.put("untracked", "y\n"), &["status"]),
        (|world| drop(world.user(&["add", "-A"])), &["index", "status"]),
        (|world| drop(world.user(&["commit", "-q", "-m", "x"])), &["refs", "status"]),
    ];
    for (number, (change, wanted)) in changes.into_iter().enumerate() {
        if number == 7 {
            std::fs::remove_file(world.source.join(".git/hooks/pre-commit")).unwrap();
            last = fingerprint(&world).await;
        }
        change(&world);
        let now = fingerprint(&world).await;
        assert_eq!(differing(&last, &now), wanted, "change {number}");
        last = now;
    }
}

#[tokio::test]
async fn a_look_at_a_source_runs_nothing_that_it_configures() {
    let world = World::new();
    let mark = world.dir.path().join("sprung");
    let script = world.dir.path().join("trap");
    put(&script, format!("#!/bin/sh\ntouch \"{}\"\nexec cat\n", mark.to_str().unwrap().replace('$', "\\$")));
    let command = format!("sh '{}'", script.to_str().unwrap().replace('\'', "'\\''"));
    world.user(&["config", "filter.x.clean", &command]);
    world.user(&["config", "core.fsmonitor", &command]);
    world.put(".git/info/attributes", "* filter=x\n");
    world.put("README.md", "HELLO\n");
    fingerprint(&world).await;
    world.provision().await;
    assert!(!mark.exists());
    world.user(&["status"]);
    assert!(mark.exists(), "the control proves nothing");
}

#[tokio::test]
async fn a_name_that_is_taken_at_the_source_is_passed_over() {
    let world = World::new();
    world.user(&["branch", "ipa/t-12-fix-the-retry"]);
    world.user(&["branch", "ipa/t-12-fix-the-retry-2/sub"]);
    let workspace = world.provision().await;
    assert_eq!(workspace.branch.unwrap().as_str(), "ipa/t-12-fix-the-retry-3");
    let world = World::new();
    world.user(&["branch", "ipa"]);
    let workspace = world.provision().await;
    assert_eq!(workspace.branch.as_ref().unwrap().as_str(), "ipa-t-12-fix-the-retry");
    put(&workspace.path.join("x"), "x");
    let commit = world.git.commit(&workspace.id, "Work".to_owned()).await.unwrap().head;
    let branch = workspace.branch.unwrap();
    world.git.publish(Push { repo: world.repo(), branch, commit, expected: None }).await.unwrap();
}

#[tokio::test]
async fn what_a_source_lacks_is_said() {
    let world = World::new();
    let provision = async |path: &Path| {
        let mut spec = world.spec("x");
        spec.repo = path.to_str().unwrap().parse().unwrap();
        world.git.provision(spec).await
    };
    let at = |name: &str| world.dir.path().join(name);
    let home = world.dir.path();
    git_in(home, home, &["init", "-q", at("empty").to_str().unwrap()]);
    let error = provision(&at("empty")).await.unwrap_err();
    assert!(matches!(error, WorkspaceError::NoBranch { .. }), "{error}");
    std::fs::create_dir(at("plain")).unwrap();
    let error = provision(&at("plain")).await.unwrap_err();
    assert!(matches!(error, WorkspaceError::NoRepository { .. }), "{error}");
    world.user(&["commit", "-q", "--allow-empty", "-m", "second"]);
    let url = format!("file://{}", world.source.to_str().unwrap());
    git_in(home, home, &["clone", "-q", "--depth=1", &url, at("shallow").to_str().unwrap()]);
    let error = provision(&at("shallow")).await.unwrap_err();
    assert!(matches!(&error, WorkspaceError::Unsupported(it) if it.contains("shallow")), "{error}");
    git_in(home, home, &["init", "-q", "--object-format=sha256", at("sha256").to_str().unwrap()]);
    git_in(&at("sha256"), home, &["commit", "-q", "--allow-empty", "-m", "x"]);
    let error = provision(&at("sha256")).await.unwrap_err();
    assert!(matches!(&error, WorkspaceError::Unsupported(it) if it.contains("SHA-256")), "{error}");
}

#[tokio::test]
async fn a_source_without_a_branch_checked_out_is_begun_at_its_commit() {
    let world = World::new();
    world.user(&["checkout", "-q", "--detach"]);
    world.user(&["commit", "-q", "--allow-empty", "-m", "detached"]);
    let workspace = world.provision().await;
    assert_eq!(workspace.base.as_str(), world.user(&["rev-parse", "HEAD"]));
}

#[tokio::test]
async fn a_source_of_another_user_is_read_and_published_to() {
    let world = World::new();
    let chowned =
        std::process::Command::new("chown").args(["-R", "12345"]).arg(&world.source).output().unwrap();
    if !chowned.status.success() {
        // Only root can make one.
        return;
    }
    let control = git_command(&world.source, world.dir.path(), &["log"]).output().unwrap();
    assert!(String::from_utf8_lossy(&control.stderr).contains("dubious ownership"), "the control");
    let workspace = world.provision().await;
    put(&workspace.path.join("x"), "x");
    let commit = world.git.commit(&workspace.id, "Work".to_owned()).await.unwrap().head;
    let branch = workspace.branch.unwrap();
    world
        .git
        .publish(Push { repo: world.repo(), branch: branch.clone(), commit: commit.clone(), expected: None })
        .await
        .unwrap();
    assert_eq!(world.git.remote_head(world.repo(), branch).await.unwrap(), Some(commit));
}

#[tokio::test]
async fn a_repository_named_by_address_is_fetched_and_published_to() {
    let world = World::new();
    let bare = world.dir.path().join("bare.git");
    git_in(
        world.dir.path(),
        world.dir.path(),
        &["clone", "-q", "--bare", world.source.to_str().unwrap(), bare.to_str().unwrap()],
    );
    // An address has no quotes or spaces: the folder gets a plain name.
    let plain = tempfile::TempDir::new().unwrap();
    std::fs::rename(&bare, plain.path().join("r.git")).unwrap();
    let path = plain.path().join("r.git");
    let repo: RepoSource = format!("ssh://example.org{}", path.display()).parse().unwrap();
    // What takes the place of ssh runs the line that it is handed.
    let ssh = plain.path().join("ssh");
    put(&ssh, "#!/bin/sh\nfor line; do :; done\nexec sh -c \"$line\"\n");
    make_executable(&ssh);
    let mut config = world.config.clone();
    config.user_env.insert("GIT_SSH_COMMAND".into(), ssh.into());
    config.user_env.insert("GIT_SSH_VARIANT".into(), "simple".into());
    let git = GitWorkspaces::open(config).unwrap();
    let mut spec: WorkspaceSpec = world.spec("Over there");
    spec.repo = repo.clone();
    spec.start = Start::Base(Some("main".parse().unwrap()));
    let workspace = git.provision(spec).await.unwrap();
    assert_eq!((workspace.path.file_name().unwrap().to_str(), workspace.left_out), (Some("r"), 0));
    assert_eq!(git.fingerprint(repo.clone()).await.unwrap(), None);
    put(&workspace.path.join("x"), "x");
    let commit: Oid = git.commit(&workspace.id, "Work".to_owned()).await.unwrap().head;
    let branch = workspace.branch.unwrap();
    let push = Push { repo: repo.clone(), branch: branch.clone(), commit: commit.clone(), expected: None };
    git.publish(push.clone()).await.unwrap();
    assert_eq!(git.remote_head(repo, branch).await.unwrap(), Some(commit));
    let stale = git.publish(Push { commit: workspace.base, ..push }).await.unwrap_err();
    assert!(matches!(stale, WorkspaceError::Stale { .. }), "{stale}");
}

#[tokio::test]
async fn a_source_that_does_not_answer_may_answer_later() {
    let world = World::new();
    // Nothing listens there.
    let repo: RepoSource = "https://127.0.0.1:1/o/r.git".parse().unwrap();
    let error = world.git.remote_head(repo.clone(), "main".parse().unwrap()).await.unwrap_err();
    assert!(error.is_transient() && matches!(error, WorkspaceError::Failed { .. }), "{error}");
    let error = world.git.provision(WorkspaceSpec { repo, ..world.spec("x") }).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
}

#[tokio::test]
async fn a_file_url_has_the_protection_of_the_path_that_it_names() {
    let world = World::new();
    let repo: RepoSource = format!("file://{}", world.source.to_str().unwrap()).parse().unwrap();
    let fingerprint = world.git.fingerprint(repo.clone()).await.unwrap();
    assert!(fingerprint.is_some() && fingerprint == world.git.fingerprint(world.repo()).await.unwrap());
    let workspace = world.git.provision(WorkspaceSpec { repo, ..world.spec("x") }).await.unwrap();
    assert_eq!(workspace.repo, world.repo());
}

#[tokio::test]
async fn a_folder_in_a_submodules_place_stays_a_submodule() {
    let world = World::new();
    let other = world.dir.path().join("other");
    git_in(world.dir.path(), world.dir.path(), &["init", "-q", other.to_str().unwrap()]);
    git_in(&other, world.dir.path(), &["commit", "-q", "--allow-empty", "-m", "x"]);
    let oid = git_in(&other, world.dir.path(), &["rev-parse", "HEAD"]);
    world.put(".gitmodules", "[submodule \"sub\"]\n\tpath = sub\n\turl = https://example.org/sub\n");
    world.user(&["add", "-A"]);
    world.user(&["update-index", "--add", "--cacheinfo", &format!("160000,{oid},sub")]);
    world.user(&["commit", "-q", "-m", "submodule"]);
    let workspace = world.provision().await;
    assert!(workspace.path.join("sub").is_dir());
    for _ in 0..2 {
        assert!(world.git.status(&workspace.id).await.unwrap().changes.is_empty());
    }
    std::fs::remove_dir(workspace.path.join("sub")).unwrap();
    assert_eq!(world.git.status(&workspace.id).await.unwrap().changes.len(), 1);
    let mut other = world.spec("x");
    other.id = id(2);
    world.git.provision(other).await.unwrap();
}
