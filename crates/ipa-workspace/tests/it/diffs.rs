//! What a comparison shows, and where it stops.

use ipa_workspace::{ChangeKind, DiffQuery, DiffSet, DiffTo, Workspace, Workspaces as _};

use crate::world::{World, agent, make_executable, put};

async fn diff(world: &World, workspace: &Workspace) -> DiffSet {
    let to = DiffTo::Worktree(workspace.id.clone());
    let query = DiffQuery { repo: world.repo(), from: workspace.base.clone(), to };
    world.git.diff(query).await.unwrap()
}

#[tokio::test]
async fn what_cannot_be_shown_as_lines_says_why() {
    let world = World::new();
    let long: String = (0..100).map(|n: u32| n.to_string() + "\n").collect();
    world.put("long", &long);
    world.user(&["add", "-A"]);
    world.user(&["commit", "-q", "-m", "long"]);
    let workspace = world.provision().await;
    put(&workspace.path.join("binary"), b"a\x00b");
    put(&workspace.path.join("large"), "x\n".repeat(600_000));
    put(&workspace.path.join("lines"), "\n".repeat(20_001));
    std::fs::rename(workspace.path.join("long"), workspace.path.join("moved")).unwrap();
    put(&workspace.path.join("moved"), long.replace("\n50\n", "\nfifty\n"));
    std::fs::create_dir(workspace.path.join("nested")).unwrap();
    let nested = Workspace { path: workspace.path.join("nested"), ..workspace.clone() };
    agent(&nested, &["init", "-q"]);
    agent(&nested, &["commit", "-q", "--allow-empty", "-m", "x"]);
    make_executable(&workspace.path.join("README.md"));
    let shown = diff(&world, &workspace).await;
    let lines: Vec<String> = shown
        .files
        .iter()
        .map(|file| {
            let hidden = file.hidden.as_deref().unwrap_or("shown");
            format!("{} +{} -{} {hidden} {}", file.change.path, file.added, file.removed, file.hunks.len())
        })
        .collect();
    let wanted = [
        "README.md +0 -0 shown 0",
        "binary +0 -0 binary 0",
        "large +600000 -0 too large 0",
        "lines +20001 -0 too large 0",
        "moved +1 -1 shown 1",
        "nested +0 -0 submodule 0",
    ];
    assert_eq!(lines, wanted);
    assert_eq!(shown.files[4].change.kind, ChangeKind::Renamed { from: "long".to_owned() });
    assert!(!shown.truncated);
}

#[tokio::test]
async fn a_comparison_stops_at_two_thousand_files() {
    let world = World::new();
    let workspace = world.provision().await;
    for n in 0..2001 {
        put(&workspace.path.join(format!("many/{n}")), format!("{n}\n"));
    }
    let shown = diff(&world, &workspace).await;
    assert_eq!((shown.files.len(), shown.truncated), (2000, true));
}
