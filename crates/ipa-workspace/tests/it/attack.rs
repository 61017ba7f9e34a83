//! What an agent plants in its checkout does not run on the host's side. Each row first shows that the plant
//! works: plain git, as the host would run it, springs it.

use std::path::{Path, PathBuf};

use ipa_workspace::{DiffQuery, DiffTo, SandboxBackend, Workspace, Workspaces as _};

use crate::world::{World, agent, git_command, make_executable, put};

/// Where a planted command leaves its mark: in a folder of the user, where no sandbox lets it write.
struct Trap {
    mark: PathBuf,
    script: PathBuf,
}

impl Trap {
    /// The script passes its input on, so that a filter works.
    fn set(world: &World, workspace: &Workspace) -> Self {
        let mark = world.dir.path().join("sprung");
        let script = workspace.tmp.join("trap");
        put(
            &script,
            format!("#!/bin/sh\ntouch \"{}\"\ncase \"$1\" in cat) exec cat;; esac\nexit 0\n", escaped(&mark)),
        );
        make_executable(&script);
        Self { mark, script }
    }

    /// Tells whether it was sprung, and sets it again.
    fn sprung(&self) -> bool {
        std::fs::remove_file(&self.mark).is_ok()
    }

    fn command(&self) -> String {
        format!("sh '{}'", self.script.to_str().unwrap().replace('\'', "'\\''"))
    }
}

fn escaped(path: &Path) -> String {
    path.to_str().unwrap().replace('$', "\\$").replace('`', "\\`")
}

/// Runs everything that the host does with a checkout.
async fn host_does_everything(world: &World, workspace: &Workspace) {
    let git = &world.git;
    git.status(&workspace.id).await.unwrap();
    let to = DiffTo::Worktree(workspace.id.clone());
    let query = DiffQuery { repo: world.repo(), from: workspace.base.clone(), to };
    git.diff(query).await.unwrap();
    git.checkpoint(&workspace.id, "test".to_owned()).await.unwrap();
    git.commit(&workspace.id, "Work".to_owned()).await.unwrap();
}

/// One row: what is planted, and the plain git that springs it.
struct Row {
    name: &'static str,
    plant: fn(&Workspace, &Trap),
    plain: &'static [&'static str],
}

fn config(workspace: &Workspace, key: &str, value: &str) {
    agent(workspace, &["config", key, value]);
}

fn hook(workspace: &Workspace, trap: &Trap, name: &str) {
    let path = workspace.path.join(".git/hooks").join(name);
    put(&path, std::fs::read(&trap.script).unwrap());
    make_executable(&path);
}

const ROWS: [Row; 9] = [
    Row {
        name: "core.fsmonitor",
        plant: |workspace, trap| config(workspace, "core.fsmonitor", &trap.command()),
        plain: &["status"],
    },
    Row {
        name: "a clean filter by .gitattributes",
        plant: |workspace, trap| {
            config(workspace, "filter.x.clean", &format!("{} cat", trap.command()));
            put(&workspace.path.join(".gitattributes"), "* filter=x\n");
        },
        plain: &["status"],
    },
    Row {
        name: "a clean filter by info/attributes",
        plant: |workspace, trap| {
            config(workspace, "filter.x.clean", &format!("{} cat", trap.command()));
            put(&workspace.path.join(".git/info/attributes"), "* filter=x\n");
        },
        plain: &["diff"],
    },
    Row {
        name: "diff.external",
        plant: |workspace, trap| config(workspace, "diff.external", &trap.command()),
        plain: &["diff"],
    },
    Row {
        name: "textconv",
        plant: |workspace, trap| {
            config(workspace, "diff.x.textconv", &trap.command());
            put(&workspace.path.join(".git/info/attributes"), "* diff=x\n");
        },
        plain: &["diff"],
    },
    Row {
        name: "the hook post-index-change",
        plant: |workspace, trap| hook(workspace, trap, "post-index-change"),
        plain: &["add", "-A"],
    },
    Row {
        name: "the hook reference-transaction",
        plant: |workspace, trap| hook(workspace, trap, "reference-transaction"),
        plain: &["update-ref", "refs/heads/control", "HEAD"],
    },
    Row {
        name: "the hook pre-commit by core.hooksPath",
        plant: |workspace, trap| {
            let hooks = workspace.home.join("hooks");
            put(&hooks.join("pre-commit"), std::fs::read(&trap.script).unwrap());
            make_executable(&hooks.join("pre-commit"));
            config(workspace, "core.hooksPath", hooks.to_str().unwrap());
        },
        plain: &["commit", "--allow-empty", "-q", "-m", "control"],
    },
    Row {
        name: "an alias of gpg by gpg.program",
        plant: |workspace, trap| {
            config(workspace, "gpg.program", trap.script.to_str().unwrap());
            config(workspace, "commit.gpgsign", "true");
        },
        plain: &["commit", "--allow-empty", "-q", "-m", "control"],
    },
];

#[tokio::test]
async fn nothing_that_an_agent_plants_runs_outside_its_sandbox() {
    for row in ROWS {
        let world = World::new();
        let workspace = world.provision().await;
        let trap = Trap::set(&world, &workspace);
        (row.plant)(&workspace, &trap);
        put(&workspace.path.join("README.md"), "HELLO\n");
        trap.sprung();
        git_command(&workspace.path, &workspace.home, row.plain).output().unwrap();
        assert!(trap.sprung(), "the control of {} proves nothing", row.name);
        put(&workspace.path.join("README.md"), "Hello\n");
        host_does_everything(&world, &workspace).await;
        assert!(!trap.sprung(), "{} ran", row.name);
    }
}

#[tokio::test]
async fn looking_at_a_checkout_runs_nothing_of_it_even_without_a_sandbox() {
    for row in ROWS {
        let world = World::with(SandboxBackend::None);
        let workspace = world.provision().await;
        let trap = Trap::set(&world, &workspace);
        (row.plant)(&workspace, &trap);
        put(&workspace.path.join("README.md"), "HELLO\n");
        trap.sprung();
        world.git.status(&workspace.id).await.unwrap();
        world.git.checkpoint(&workspace.id, "test".to_owned()).await.unwrap();
        assert!(!trap.sprung(), "{} ran", row.name);
    }
}

#[tokio::test]
async fn a_repository_inside_the_checkout_runs_nothing_when_files_are_read() {
    // Without a sandbox, which would hide that it ran.
    let world = World::with(SandboxBackend::None);
    let workspace = world.provision().await;
    let trap = Trap::set(&world, &workspace);
    let nested = workspace.path.join("nested");
    std::fs::create_dir(&nested).unwrap();
    let inside = Workspace { path: nested.clone(), ..workspace.clone() };
    agent(&inside, &["init", "-q"]);
    put(&nested.join("file"), "x\n");
    agent(&inside, &["add", "-A"]);
    agent(&inside, &["commit", "-q", "-m", "x"]);
    config(&inside, "core.fsmonitor", &trap.command());
    config(&inside, "filter.x.clean", &format!("{} cat", trap.command()));
    put(&nested.join(".git/info/attributes"), "* filter=x\n");
    // Twice: the link must be in the index for git to look into the repository behind it.
    agent(&workspace, &["add", "-A"]);
    trap.sprung();
    put(&nested.join("file"), "y\n");
    agent(&workspace, &["add", "-A"]);
    assert!(trap.sprung(), "the control proves nothing");
    for text in ["z\n", "a\n"] {
        put(&nested.join("file"), text);
        world.git.status(&workspace.id).await.unwrap();
        world.git.checkpoint(&workspace.id, "test".to_owned()).await.unwrap();
    }
    assert!(!trap.sprung());
}

/// Plants a tree that names a blob which only a private repository has, and borrows from that repository.
fn steal(world: &World, workspace: &Workspace) -> String {
    let private = world.dir.path().join("private");
    std::fs::create_dir(&private).unwrap();
    put(&private.join("secret"), "the secret\n");
    let run = |args: &[&str]| crate::world::git_in(&private, world.dir.path(), args);
    run(&["init", "-q"]);
    run(&["add", "-A"]);
    run(&["commit", "-q", "-m", "private"]);
    let blob = run(&["rev-parse", "HEAD:secret"]);
    let alternates = workspace.path.join(".git/objects/info/alternates");
    let mut text = std::fs::read_to_string(&alternates).unwrap();
    text.push_str(private.join(".git/objects").to_str().unwrap());
    text.push('\n');
    std::fs::write(&alternates, text).unwrap();
    let tree = private.join("tree");
    std::fs::write(&tree, format!("100644 blob {blob}\tstolen\n")).unwrap();
    let mut mktree = git_command(&workspace.path, &workspace.home, &["mktree"]);
    let made = mktree.stdin(std::fs::File::open(&tree).unwrap()).output().unwrap();
    let tree = String::from_utf8(made.stdout).unwrap();
    let commit = agent(workspace, &["commit-tree", tree.trim(), "-p", "HEAD", "-m", "thief"]);
    agent(workspace, &["update-ref", "HEAD", &commit]);
    blob
}

#[tokio::test]
async fn a_borrowed_object_store_brings_no_secret_into_the_mirror() {
    for sandbox in [SandboxBackend::Landlock, SandboxBackend::None] {
        let world = World::with(sandbox);
        let workspace = world.provision().await;
        let blob = steal(&world, &workspace);
        // The control: a plain fetch into a bare repository of its own takes the secret along.
        let control = world.dir.path().join("control.git");
        let home = world.dir.path();
        crate::world::git_in(home, home, &["init", "-q", "--bare", control.to_str().unwrap()]);
        let path = workspace.path.to_str().unwrap();
        crate::world::git_in(&control, home, &["fetch", "-q", path, "+HEAD:refs/heads/x"]);
        assert_eq!(crate::world::git_in(&control, home, &["cat-file", "-p", &blob]), "the secret");

        let before = world.in_mirror(&["for-each-ref"]);
        assert!(world.git.commit(&workspace.id, "Work".to_owned()).await.is_err());
        assert!(world.git.remove(&workspace.id).await.is_err(), "a refused harvest keeps the checkout");
        let has = git_command(&world.mirror(), home, &["cat-file", "-e", &blob]).status().unwrap();
        assert!(!has.success(), "the secret is in the mirror");
        let new: Vec<String> = world.in_mirror(&["for-each-ref"]).lines().map(str::to_owned).collect();
        let new: Vec<&String> = new.iter().filter(|line| !before.contains(line.as_str())).collect();
        assert!(new.iter().all(|line| line.contains("refs/ipa/snap/")), "{new:?}");
        assert!(workspace.path.exists());
    }
}

#[tokio::test]
async fn a_git_folder_that_points_elsewhere_is_not_followed() {
    for sandbox in [SandboxBackend::Landlock, SandboxBackend::None] {
        let world = World::with(sandbox);
        let workspace = world.provision().await;
        let other = world.dir.path().join("other");
        std::fs::create_dir(&other).unwrap();
        put(&other.join("secret"), "the secret\n");
        for args in [&["init", "-q"][..], &["add", "-A"], &["commit", "-q", "-m", "private"]] {
            crate::world::git_in(&other, world.dir.path(), args);
        }
        std::fs::rename(workspace.path.join(".git"), workspace.tmp.join("old")).unwrap();
        put(&workspace.path.join(".git"), format!("gitdir: {}\n", other.join(".git").display()));
        assert_eq!(agent(&workspace, &["log", "-1", "--format=%s"]), "private", "the control");
        let secret = crate::world::git_in(&other, world.dir.path(), &["rev-parse", "HEAD"]);
        assert!(world.git.commit(&workspace.id, "Work".to_owned()).await.is_err());
        // The files are safe all the same.
        world.git.checkpoint(&workspace.id, "test".to_owned()).await.unwrap();
        let mut has = git_command(&world.mirror(), world.dir.path(), &["cat-file", "-e", &secret]);
        assert!(!has.status().unwrap().success());
    }
}

#[tokio::test]
async fn a_working_tree_moved_by_configuration_is_not_followed() {
    let world = World::new();
    let workspace = world.provision().await;
    let elsewhere = world.dir.path().join("elsewhere");
    put(&elsewhere.join("secret"), "the secret\n");
    config(&workspace, "core.worktree", elsewhere.to_str().unwrap());
    let control = agent(&workspace, &["ls-files", "--others"]);
    assert!(control.contains("secret"), "the control: {control}");
    put(&workspace.path.join("README.md"), "changed\n");
    let status = world.git.status(&workspace.id).await.unwrap();
    let paths: Vec<_> = status.changes.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(paths, ["README.md"]);
}

#[tokio::test]
async fn a_checkout_that_became_a_link_is_not_followed() {
    let world = World::new();
    let workspace = world.provision().await;
    let elsewhere = world.dir.path().join("elsewhere");
    put(&elsewhere.join("secret"), "the secret\n");
    std::fs::rename(&workspace.path, workspace.tmp.join("old")).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &workspace.path).unwrap();
    assert!(workspace.path.join("secret").exists(), "the control");
    let root = ipa_workspace::FileRoot::Worktree(workspace.id.clone());
    assert!(world.git.status(&workspace.id).await.is_err());
    assert!(world.git.read(root.clone(), "secret".parse().unwrap()).await.is_err());
    assert!(world.git.ls(root, "".parse().unwrap()).await.is_err());
    assert!(world.git.write(&workspace.id, "x".parse().unwrap(), vec![]).await.is_err());
    assert!(world.git.remove(&workspace.id).await.is_err());
    assert!(!elsewhere.join("x").exists());
}

#[tokio::test]
async fn a_submodule_address_that_is_an_option_is_refused_by_the_harvest() {
    let world = World::new();
    let workspace = world.provision().await;
    let modules = "[submodule \"x\"]\n\tpath = x\n\turl = -u./x\n";
    put(&workspace.path.join(".gitmodules"), modules);
    agent(&workspace, &["add", "-A"]);
    agent(&workspace, &["commit", "-q", "-m", "x"]);
    let error = world.git.commit(&workspace.id, "Work".to_owned()).await.unwrap_err();
    assert!(error.to_string().contains("gitmodulesUrl"), "{error}");
}
