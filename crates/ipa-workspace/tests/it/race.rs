//! A folder that an agent swaps for a link while the host looks: no byte from outside is ever shown or kept.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use ipa_workspace::{FileRoot, FileView, Workspace, Workspaces as _};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::world::{World, git_command, put};

/// How often the host looks.
const LOOKS: u32 = 2000;
/// How often the naive control may look until it leaks.
const NAIVE_LOOKS: u32 = 2_000_000;

/// Swaps the folder `swap` with a link that leads outside, for as long as `work` runs.
async fn swapping<T>(workspace: &Workspace, outside: &Path, work: impl AsyncFnOnce() -> T) -> T {
    let (folder, link) = (workspace.path.join("swap"), workspace.path.join("link"));
    put(&folder.join("file"), "inside\n");
    std::os::unix::fs::symlink(outside, &link).unwrap();
    let stop = AtomicBool::new(false);
    let stop = std::sync::Arc::new(stop);
    let stopped = std::sync::Arc::clone(&stop);
    let swapper = std::thread::spawn(move || {
        while !stopped.load(Ordering::Relaxed) {
            renameat_with(CWD, &folder, CWD, &link, RenameFlags::EXCHANGE).unwrap();
        }
    });
    let result = work().await;
    stop.store(true, Ordering::Relaxed);
    swapper.join().unwrap();
    result
}

#[tokio::test]
async fn a_raced_link_shows_nothing_from_outside_where_checking_first_does() {
    let world = World::new();
    let workspace = world.provision().await;
    let outside = world.dir.path().join("outside");
    put(&outside.join("file"), "secret\n");
    let (leaked, naive) = swapping(&workspace, &outside, async || {
        let mut leaked = 0;
        let mut seen = 0;
        for _ in 0..LOOKS {
            let root = FileRoot::Worktree(workspace.id.clone());
            match world.git.read(root, "swap/file".parse().unwrap()).await {
                Ok(FileView::Text { text }) if text == "secret\n" => leaked += 1,
                Ok(_) => seen += 1,
                Err(_) => {}
            }
        }
        assert!(seen > 0, "the folder was never there");
        let naive = (0..NAIVE_LOOKS).any(|_| {
            let folder = workspace.path.join("swap");
            let checked = folder.symlink_metadata().is_ok_and(|meta| meta.is_dir());
            checked && std::fs::read(folder.join("file")).is_ok_and(|bytes| bytes == b"secret\n")
        });
        (leaked, naive)
    })
    .await;
    assert_eq!(leaked, 0);
    assert!(naive, "the control never leaked: the race proves nothing");
}

#[tokio::test]
async fn a_raced_link_brings_nothing_from_outside_into_a_checkpoint() {
    let world = World::new();
    let workspace = world.provision().await;
    let outside = world.dir.path().join("outside");
    for n in 0..200 {
        put(&outside.join(format!("file{n}")), format!("secret {n}\n"));
        put(&workspace.path.join(format!("swap/file{n}")), format!("inside {n}\n"));
    }
    swapping(&workspace, &outside, async || {
        for _ in 0..20 {
            // A walk over what changes meanwhile may fail; it must not keep what it should not have seen.
            world.git.checkpoint(&workspace.id, "test".to_owned()).await.ok();
        }
    })
    .await;
    for n in 0..200 {
        let path = outside.join(format!("file{n}"));
        let hash = git_command(&outside, world.dir.path(), &["hash-object", path.to_str().unwrap()]).output();
        let blob = String::from_utf8(hash.unwrap().stdout).unwrap();
        let shadow = world.config.dirs.shadow.join(workspace.id.to_string());
        let has = git_command(&shadow, world.dir.path(), &["--git-dir=.", "cat-file", "-e", blob.trim()]);
        assert!(!{ has }.status().unwrap().success(), "outside bytes were kept");
    }
}
