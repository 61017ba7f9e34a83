//! Files that are not what they seem.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use ipa_workspace::{EntryKind, FileRoot, FileView, RelPath, WorkspaceError, Workspaces as _};

use crate::world::{World, make_executable, put};

fn path(text: &str) -> RelPath {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_fifo_does_not_block_and_a_link_is_shown_not_followed() {
    let world = World::new();
    let workspace = world.provision().await;
    put(&world.dir.path().join("secret"), "secret\n");
    symlink(world.dir.path().join("secret"), workspace.path.join("link")).unwrap();
    symlink(world.dir.path(), workspace.path.join("out")).unwrap();
    symlink("src", workspace.path.join("in")).unwrap();
    assert!(
        std::process::Command::new("mkfifo").arg(workspace.path.join("fifo")).status().unwrap().success()
    );
    let root = || FileRoot::Worktree(workspace.id.clone());
    let read = |text: &str| world.git.read(root(), path(text));
    let target = world.dir.path().join("secret").to_str().unwrap().to_owned();
    assert_eq!(read("link").await.unwrap(), FileView::Symlink { target });
    assert_eq!(read("fifo").await.unwrap(), FileView::Special);
    for leads_out in ["out/secret", "link/x"] {
        let error = read(leads_out).await.unwrap_err();
        assert!(matches!(error, WorkspaceError::NoSuchPath(_)), "{error}");
    }
    assert!(matches!(read("in/lib.rs").await.unwrap(), FileView::Text { .. }), "a link inside is one's own");
    assert!(world.git.ls(root(), path("out")).await.is_err());
    let kinds: Vec<_> = world.git.ls(root(), path("")).await.unwrap().entries;
    let kinds: Vec<_> = kinds.iter().map(|it| (it.name.as_str(), it.kind)).collect();
    let wanted = [
        ("src", EntryKind::Dir),
        ("README.md", EntryKind::File),
        ("in", EntryKind::Symlink),
        ("link", EntryKind::Symlink),
        ("out", EntryKind::Symlink),
        ("fifo", EntryKind::Special),
    ];
    assert_eq!(kinds, wanted, "and no .git");
}

#[tokio::test]
async fn a_write_replaces_a_link_instead_of_following_it_and_keeps_the_mode() {
    let world = World::new();
    let workspace = world.provision().await;
    let outside = world.dir.path().join("outside");
    put(&outside, "untouched\n");
    symlink(&outside, workspace.path.join("link")).unwrap();
    world.git.write(&workspace.id, path("link"), b"mine\n".to_vec()).await.unwrap();
    assert_eq!(std::fs::read_to_string(&outside).unwrap(), "untouched\n");
    assert_eq!(std::fs::read_to_string(workspace.path.join("link")).unwrap(), "mine\n");
    symlink(world.dir.path(), workspace.path.join("out")).unwrap();
    assert!(world.git.write(&workspace.id, path("out/new"), b"x".to_vec()).await.is_err());
    assert!(!world.dir.path().join("new").exists());
    put(&workspace.path.join("run.sh"), "#!/bin/sh\n");
    make_executable(&workspace.path.join("run.sh"));
    world.git.write(&workspace.id, path("run.sh"), b"#!/bin/sh\ntrue\n".to_vec()).await.unwrap();
    let mode = workspace.path.join("run.sh").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
    assert!(world.git.write(&workspace.id, path(""), vec![]).await.is_err());
}

#[tokio::test]
async fn a_giant_folder_is_cut_off() {
    let world = World::new();
    let workspace = world.provision().await;
    std::fs::create_dir(workspace.path.join("many")).unwrap();
    for n in 0..5001 {
        std::fs::write(workspace.path.join(format!("many/{n}")), "").unwrap();
    }
    let listed = world.git.ls(FileRoot::Worktree(workspace.id.clone()), path("many")).await.unwrap();
    assert_eq!((listed.entries.len(), listed.truncated), (5000, true));
}
