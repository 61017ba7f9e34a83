//! A checkout is there whole or not at all, whatever ends the program that makes it.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ipa_workspace::{Config, GitWorkspaces, WorkspaceError, Workspaces as _};

use crate::world::{World, agent, git_in, id, put};

/// Makes the source large enough that making a checkout takes a while.
fn many_files(world: &World) {
    for n in 0..600 {
        world.put(&format!("dir{}/file{n}", n % 20), &format!("{n}\n").repeat(50));
    }
    world.user(&["add", "-A"]);
    world.user(&["commit", "-q", "-m", "many"]);
}

#[tokio::test]
async fn a_program_killed_at_any_moment_leaves_a_whole_checkout_or_none() {
    let world = World::new();
    many_files(&world);
    let mut complete = 0;
    let mut absent = 0;
    for step in 0_u32.. {
        let data = world.dir.path().join(format!("data{step}"));
        let mut child = Command::new(env!("CARGO_BIN_EXE_ipa-workspace-helper"))
            .args(["provision".as_ref(), world.source.as_os_str(), data.as_os_str()])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let end = Instant::now() + Duration::from_millis(u64::from(step) * 15);
        let mut ended = None;
        while ended.is_none() && Instant::now() < end {
            ended = child.try_wait().unwrap();
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let checkout = data.join(format!("workspaces/{}/work/my_repo", id(1)));
        if checkout.exists() {
            complete += 1;
            assert_eq!(git_in(&checkout, world.dir.path(), &["status", "--porcelain"]), "");
            assert_eq!(git_in(&checkout, world.dir.path(), &["ls-files"]).lines().count(), 602);
        } else {
            absent += 1;
        }
        // The next start finds its way from whatever is there.
        let mut config = Config { dirs: world.config.dirs.clone(), ..world.config.clone() };
        config.dirs.mirrors = data.join("mirrors");
        config.dirs.shadow = data.join("shadow");
        config.dirs.root = data.join("workspaces");
        let git = GitWorkspaces::open(config).unwrap();
        recover_patiently(&git, &data.join("workspaces/.staging")).await;
        let made = provision_patiently(&git, &world).await;
        assert_eq!(agent(&made, &["status", "--porcelain"]), "");
        assert!(git.status(&made.id).await.unwrap().changes.is_empty());
        if ended.is_some_and(|status| status.success()) {
            break;
        }
        assert!(step < 400, "it never ends");
    }
    assert!(complete > 0 && absent > 3, "{complete} complete, {absent} absent");
}

/// Git of the killed program may make a folder a moment later.
async fn recover_patiently(git: &GitWorkspaces, staging: &std::path::Path) {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        git.recover(vec![id(1)]).await.unwrap();
        if std::fs::read_dir(staging).unwrap().count() == 0 {
            return;
        }
        assert!(Instant::now() < end, "something stays in {}", staging.display());
    }
}

/// Git of the killed program may hold a lock of the mirror for a moment more.
async fn provision_patiently(git: &GitWorkspaces, world: &World) -> ipa_workspace::Workspace {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        match git.provision(world.spec("Fix the retry")).await {
            Ok(made) => return made,
            Err(error) => assert!(error.is_transient() && Instant::now() < end, "{error}"),
        }
    }
}

#[tokio::test]
async fn a_checkout_that_cannot_be_made_leaves_nothing_behind() {
    let world = World::new();
    // Where the task's folder belongs there is a file.
    let blocked = world.config.dirs.root.join(id(1).task.to_string());
    put(&blocked, "");
    let error = world.git.provision(world.spec("x")).await.unwrap_err();
    assert!(matches!(error, WorkspaceError::Io { .. }), "{error}");
    assert_eq!(std::fs::read_dir(world.config.dirs.root.join(".staging")).unwrap().count(), 0);
    std::fs::remove_file(&blocked).unwrap();
    world.git.provision(world.spec("x")).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_is_noticed_before_anything_is_made() {
    let world = World::new();
    let config = Config { reserve_bytes: u64::MAX / 2, ..world.config.clone() };
    let git = GitWorkspaces::open(config).unwrap();
    let error = git.provision(world.spec("x")).await.unwrap_err();
    assert!(matches!(error, WorkspaceError::DiskBudget { .. }), "{error}");
    assert!(git.list().await.unwrap().is_empty());
    assert_eq!(std::fs::read_dir(world.config.dirs.root.join(".staging")).unwrap().count(), 0);
}

#[tokio::test]
async fn many_checkouts_are_made_at_once_and_all_are_sound() {
    let world = World::new();
    many_files(&world);
    let made = (1..=8).map(|number| {
        let mut spec = world.spec("Fix");
        spec.id = id(number);
        world.git.provision(spec)
    });
    let made = futures::future::try_join_all(made).await.unwrap();
    let branches: std::collections::BTreeSet<_> = made.iter().map(|it| it.path.clone()).collect();
    assert_eq!(branches.len(), 8);
    for workspace in made {
        agent(&workspace, &["fsck", "--strict"]);
        assert_eq!(agent(&workspace, &["status", "--porcelain"]), "");
    }
    world.in_mirror(&["fsck", "--strict"]);
}

#[tokio::test]
async fn old_trash_is_deleted_and_young_trash_is_kept() {
    let world = World::new();
    let workspace = world.provision().await;
    world.git.remove(&workspace.id).await.unwrap();
    let trash = world.config.dirs.root.join(".trash");
    let count =
        || std::fs::read_dir(&trash).unwrap().filter(|it| it.as_ref().unwrap().path().is_dir()).count();
    let before = count();
    assert!(before > 0);
    world.git.recover(vec![]).await.unwrap();
    assert_eq!(count(), before);
    let config = Config { trash_age: Duration::ZERO, ..world.config.clone() };
    GitWorkspaces::open(config).unwrap().recover(vec![]).await.unwrap();
    assert_eq!(count(), 0);
}
