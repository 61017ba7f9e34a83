//! A folder that an agent swaps for a link while the host looks: no byte from outside is ever shown or kept.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use ipa_workspace::{FileRoot, FileView, Workspace, Workspaces as _};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::world::{World, git_command, git_in, put};

/// How often the host looks.
const LOOKS: u32 = 2000;
/// How often the naive control may look until it leaks.
const NAIVE_LOOKS: u32 = 2_000_000;
/// How often the naive control may run git until that leaks.
const NAIVE_ADDS: usize = 2_000;

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
    let has_outside = |git_dir: &Path| {
        (0..200).any(|n| {
            let path = outside.join(format!("file{n}"));
            let hash = git_in(&outside, world.dir.path(), &["hash-object", path.to_str().unwrap()]);
            let mut has = git_command(git_dir, world.dir.path(), &["--git-dir=.", "cat-file", "-e", &hash]);
            has.status().unwrap().success()
        })
    };
    let secret = git_in(&outside, world.dir.path(), &["hash-object", "file7"]);
    let (kept, leaked) = swapping(&workspace, &outside, async || {
        let mut kept = Vec::new();
        for _ in 0..20 {
            // A walk over what changes meanwhile may fail; it must not keep what it should not have seen.
            kept.extend(world.git.checkpoint(&workspace.id, "test".to_owned()).await.ok());
        }
        // The control: plain git, told to read files of a folder that was looked at before.
        let folder = workspace.path.join("swap");
        let control = world.dir.path().join("control.git");
        git_in(world.dir.path(), world.dir.path(), &["init", "-q", "--bare", control.to_str().unwrap()]);
        let file = folder.join("file7");
        let add = ["hash-object", "-w", file.to_str().unwrap()];
        let leaked = (0..NAIVE_LOOKS)
            .filter(|_| folder.symlink_metadata().is_ok_and(|meta| meta.is_dir()))
            .take(NAIVE_ADDS)
            .any(|_| {
                let said = git_command(&control, world.dir.path(), &add).output().unwrap().stdout;
                String::from_utf8(said).unwrap().trim() == secret
            });
        (kept, leaked)
    })
    .await;
    assert!(leaked, "the control never leaked: the race proves nothing");
    let is_of_inside = |commit: &str| {
        let names = world.in_mirror(&["ls-tree", "-r", "--name-only", commit]);
        let raced = names.lines().find(|name| name.contains("/file"));
        raced
            .is_some_and(|name| world.in_mirror(&["show", &format!("{commit}:{name}")]).starts_with("inside"))
    };
    assert!(kept.iter().any(|it| is_of_inside(it.commit.as_str())), "{} checkpoints, none of it", kept.len());
    let shadow = world.config.dirs.shadow.join(workspace.id.to_string());
    assert!(!has_outside(&shadow) && !has_outside(&world.mirror()), "outside bytes were kept");
}
