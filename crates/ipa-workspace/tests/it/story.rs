//! The usual way of a checkout: made, worked in, committed, found again.

use std::path::Path;

use ipa_workspace::{SandboxBackend, Workspaces as _};

use crate::world::{World, agent, git_command, git_in, put};

async fn a_story(world: World) {
    let made = world.git.provision(world.spec("; $(touch x) --upload-pack=y")).await.unwrap();
    assert_eq!(made.branch.as_ref().unwrap().as_str(), "ipa/t-12-touch-x-upload-pack-y");
    assert_eq!(made.base.as_str(), world.user(&["rev-parse", "HEAD"]));
    assert_eq!(std::fs::read_to_string(made.path.join("README.md")).unwrap(), "hello\n");
    assert_eq!(world.git.provision(world.spec("another title")).await.unwrap(), made);
    assert_eq!(world.git.locate(&made.id).await.unwrap(), made);
    assert_eq!(world.git.list().await.unwrap(), std::slice::from_ref(&made));

    put(&made.path.join("new/file.txt"), "new\n");
    put(&made.path.join("README.md"), "changed\n");
    let committed = world.git.commit(&made.id, "Say it\n\nbody".to_owned()).await.unwrap();
    assert_eq!(agent(&made, &["rev-parse", "HEAD"]), committed.head.as_str());
    assert_eq!(agent(&made, &["status", "--porcelain"]), "");
    assert_eq!(agent(&made, &["log", "-1", "--format=%an %ae %B"]), "ipa ipa@localhost Say it\n\nbody");
    assert_eq!(world.in_mirror(&["show", &format!("{}:README.md", committed.head)]), "changed");
    let again = world.git.commit(&made.id, "Nothing".to_owned()).await.unwrap();
    assert_eq!(again, committed);
}

#[tokio::test]
async fn a_checkout_is_made_worked_in_committed_and_found_again() {
    a_story(World::new()).await;
}

#[tokio::test]
async fn the_same_goes_without_a_sandbox() {
    a_story(World::with(SandboxBackend::None)).await;
}

#[tokio::test]
async fn a_commit_leaves_no_housekeeping_behind() {
    let world = World::new();
    let workspace = world.provision().await;
    let traced_commit = |dir: &Path, home: &Path| {
        put(&dir.join("file"), "x\n");
        git_in(dir, home, &["add", "-A"]);
        let mut commit = git_command(dir, home, &["commit", "-q", "-m", "traced"]);
        let trace = commit.env("GIT_TRACE", "1").output().unwrap();
        String::from_utf8_lossy(&trace.stderr).contains("git maintenance run")
    };
    let nested = workspace.path.join("nested");
    std::fs::create_dir(&nested).unwrap();
    git_in(&nested, &workspace.home, &["init", "-q"]);
    assert!(!traced_commit(&nested, &workspace.home));
    assert!(!traced_commit(&workspace.path, &workspace.home));
    assert!(traced_commit(&world.source, world.dir.path()), "git cleans up behind a person");
}
