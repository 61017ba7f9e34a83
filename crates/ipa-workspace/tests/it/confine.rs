//! The sandbox is what it says it is: each refusal beside the same act without it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ipa_events::Helper;
use ipa_workspace::{
    Config, Dirs, GitWorkspaces, Needs, SandboxBackend, SandboxPrefix, SharedLogin, Workspace,
    WorkspaceError, Workspaces as _, probe_sandbox,
};

use crate::world::{World, agent, env, id, put, tree_of};

/// Runs a shell line in the checkout behind a prefix, which may be empty.
fn shell(prefix: &SandboxPrefix, workspace: &Workspace, line: &str) -> Output {
    let mut argv = prefix.argv.clone();
    argv.extend(["sh".into(), "-c".into(), line.into()]);
    let mut command = Command::new(&argv[0]);
    command.args(&argv[1..]).env_clear().envs(env(&workspace.home)).current_dir(&workspace.path);
    command.output().unwrap()
}

fn quoted(path: &Path) -> String {
    format!("'{}'", path.to_str().unwrap().replace('\'', "'\\''"))
}

fn nothing(prefix: &SandboxPrefix) -> SandboxPrefix {
    SandboxPrefix { argv: Vec::new(), ..prefix.clone() }
}

#[tokio::test]
async fn what_is_outside_of_a_workspace_is_neither_read_nor_written_from_inside() {
    let world = World::new();
    let workspace = world.provision().await;
    let mut other = world.spec("Other");
    other.id = id(2);
    let other = world.git.provision(other).await.unwrap();
    let prefix = world.git.sandbox(&workspace.id, Needs::default()).await.unwrap();
    let enforced = &prefix.enforced;
    assert_eq!(
        (enforced.backend.as_str(), enforced.fs_read, enforced.fs_write, enforced.net),
        ("landlock", true, true, false)
    );
    // What landlock has no say in is said, and is so.
    for missing in ["network", "modes and times", "socket with a path"] {
        assert!(enforced.missing.iter().any(|it| it.contains(missing)), "{:?}", enforced.missing);
    }
    for held in ["writes", "reads", "environment", "signals", "terminals"] {
        assert!(enforced.held.iter().any(|it| it.contains(held)), "{:?}", enforced.held);
    }
    assert!(!enforced.held.iter().any(|it| enforced.missing.contains(it)), "{enforced:?}");
    let outside_mode = format!("chmod 640 {}", quoted(&world.source.join("README.md")));
    assert!(shell(&prefix, &workspace, &outside_mode).status.success());

    put(&world.dir.path().join(".ssh/id"), "canary\n");
    let outside = world.dir.path().join("outside");
    put(&outside.join("file"), "x\n");
    let refused = [
        format!("cat {}", quoted(&world.dir.path().join(".ssh/id"))),
        format!("ls {}", quoted(world.dir.path())),
        format!("cat {}", quoted(&other.path.join("README.md"))),
        format!("cat {}", quoted(&workspace.lease)),
        format!("echo x > {}", quoted(&workspace.lease)),
        format!("echo x > {}", quoted(&outside.join("new"))),
        format!("echo x >> {}", quoted(&outside.join("file"))),
        format!("mkdir {}", quoted(&outside.join("dir"))),
        format!("mv README.md {}", quoted(&outside.join("moved"))),
        format!("ln -s x {}", quoted(&outside.join("link"))),
        format!("rm {}", quoted(&outside.join("file"))),
        format!("echo x > {}", quoted(&world.source.join("README.md"))),
        format!("echo x > {}", quoted(&world.mirror().join("config"))),
        format!("echo x > {}", quoted(&workspace.home.parent().unwrap().join("record.json"))),
        format!("ls {}", quoted(&world.config.dirs.shadow)),
        "ls /dev".to_owned(),
    ];
    for line in &refused {
        let output = shell(&prefix, &workspace, line);
        assert!(!output.status.success(), "allowed: {line}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("ermission denied") || said.contains("cross-device"), "{line}: {said}");
    }
    // The control: each of them works without the sandbox.
    put(&workspace.path.join("README.md"), "x\n");
    for line in &refused {
        let output = shell(&nothing(&prefix), &workspace, line);
        assert!(
            output.status.success(),
            "the control of {line}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[tokio::test]
async fn an_agent_can_do_its_work_inside() {
    let world = World::new();
    let workspace = world.provision().await;
    let prefix = world.git.sandbox(&workspace.id, Needs::default()).await.unwrap();
    let lines = [
        "echo x > new && cat new && rm new".to_owned(),
        format!("echo x > {}/file", quoted(&workspace.home)),
        format!("echo x > {}/file && mv {0}/file .", quoted(&workspace.tmp)),
        "ls /usr/bin > /dev/null && cat /etc/passwd > /dev/null && cat /proc/self/status > /dev/null"
            .to_owned(),
        "git add -A && git commit -q -m inside && git log -1 --format=%an".to_owned(),
        "git fetch -q origin && git status --porcelain".to_owned(),
    ];
    for line in lines {
        let output = shell(&prefix, &workspace, &line);
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(agent(&workspace, &["log", "-1", "--format=%an"]), "ipa");
    let pushed = shell(&prefix, &workspace, "git push origin HEAD:refs/heads/evil");
    assert!(!pushed.status.success());
    assert!(!world.in_mirror(&["for-each-ref"]).contains("evil"));
    // The control.
    assert!(shell(&nothing(&prefix), &workspace, "git push -q origin HEAD:refs/heads/evil").status.success());
}

#[tokio::test]
async fn what_a_run_needs_is_opened_for_it_and_nothing_beside_it() {
    let world = World::new();
    let workspace = world.provision().await;
    let dir = world.dir.path();
    for name in ["readable/file", "writable/file", "neither/file"] {
        put(&dir.join(name), "x\n");
    }
    let needs = Needs {
        read: vec![dir.join("readable"), dir.join("missing")],
        write: vec![dir.join("writable")],
        login: None,
    };
    let prefix = world.git.sandbox(&workspace.id, needs).await.unwrap();
    let can = |line: &str, name: &str| {
        shell(&prefix, &workspace, &format!("{line} {}", quoted(&dir.join(name)))).status.success()
    };
    assert!(can("cat", "readable/file") && can("cat", "writable/file") && !can("cat", "neither/file"));
    assert!(can("echo x >", "writable/new") && !can("echo x >", "readable/new"));
}

#[tokio::test]
async fn of_a_shared_login_one_file_is_read_and_nothing_is_written() {
    let world = World::new();
    let workspace = world.provision().await;
    let folder = world.dir.path().join("home/.claude");
    for name in [".credentials.json", "settings.json"] {
        put(&folder.join(name), "x\n");
    }
    let file = folder.join(".credentials.json");
    let login = Some(SharedLogin { of: "claude".to_owned(), file: file.clone() });
    let prefix = world.git.sandbox(&workspace.id, Needs { login, ..Needs::default() }).await.unwrap();
    assert_eq!(prefix.enforced.login.as_deref(), Some("claude"));
    let can = |line: &str, name: &str| {
        shell(&prefix, &workspace, &format!("{line} {}", quoted(&folder.join(name)))).status.success()
    };
    assert!(can("cat", ".credentials.json"));
    let refused = [
        ("cat", "settings.json"),
        ("ls", ""),
        ("echo x >>", ".credentials.json"),
        ("rm", ".credentials.json"),
        ("mkdir", ".oauth_refresh.lock"),
        ("echo x >", ".credentials.json.tmp"),
        ("mv README.md", ".credentials.json"),
    ];
    for (line, name) in refused {
        assert!(!can(line, name), "{line} {name}");
    }
    // Who renews it puts another file in its place, and that was not shared with who runs already.
    let (tmp, quoted_file) = (quoted(&workspace.tmp), quoted(&file));
    let line = format!("touch {tmp}/began; until [ -e {tmp}/go ]; do sleep 0.02; done; cat {quoted_file}");
    let late = std::thread::scope(|scope| {
        let late = scope.spawn(|| shell(&prefix, &workspace, &line));
        while !workspace.tmp.join("began").exists() && !late.is_finished() {
            std::thread::yield_now();
        }
        put(&folder.join("new"), "y\n");
        std::fs::rename(folder.join("new"), &file).unwrap();
        put(&workspace.tmp.join("go"), "");
        late.join().unwrap()
    });
    assert!(String::from_utf8_lossy(&late.stderr).contains("ermission denied"), "{late:?}");
    assert!(can("cat", ".credentials.json"), "the next one reads it");
}

#[tokio::test]
async fn a_program_is_tried_as_it_would_run_and_leaves_nothing() {
    let world = World::new();
    let workspace = world.provision().await;
    let file = world.dir.path().join("needed");
    put(&file, "x\n");
    let needs = Needs { read: vec![file.clone()], ..Needs::default() };
    let real = world.git.sandbox(&workspace.id, needs.clone()).await.unwrap().enforced;
    let before = tree_of(&world.config.dirs.root, &[]);
    let trial = world.git.trial(needs).await.unwrap();
    assert_eq!(trial.prefix.enforced, real);
    let place = Workspace { path: trial.home.clone(), home: trial.home.clone(), ..workspace.clone() };
    let can = |line: String| shell(&trial.prefix, &place, &line).status.success();
    assert!(can(format!("cat {} > here", quoted(&file))));
    assert!(!can(format!("cat {}", quoted(&workspace.path.join("README.md")))));
    assert!(!can(format!("echo x > {}", quoted(&file))));
    drop(trial);
    assert!(tree_of(&world.config.dirs.root, &[]) == before, "something was left");
}

#[tokio::test]
async fn a_process_outside_is_neither_signalled_nor_looked_into_from_inside() {
    let world = World::new();
    let workspace = world.provision().await;
    let prefix = world.git.sandbox(&workspace.id, Needs::default()).await.unwrap();
    let mut child = Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
    let line = format!("kill -0 {}", child.id());
    assert!(!shell(&prefix, &workspace, &line).status.success());
    assert!(shell(&nothing(&prefix), &workspace, &line).status.success(), "the control");
    let line = format!("cat /proc/{}/environ", child.id());
    assert!(!shell(&prefix, &workspace, &line).status.success());
    assert!(shell(&nothing(&prefix), &workspace, &line).status.success(), "the control");
    drop(child.stdin.take());
    child.wait().unwrap();
}

#[tokio::test]
async fn without_a_working_sandbox_nothing_runs_unless_it_was_asked_for() {
    let world = World::new();
    let workspace = world.provision().await;
    let broken = Helper { program: "/bin/false".into(), args: Vec::new() };
    let config = Config { helper: broken, ..world.config.clone() };
    let git = GitWorkspaces::open(config.clone()).unwrap();
    let error = git.sandbox(&workspace.id, Needs::default()).await.unwrap_err();
    assert!(matches!(error, WorkspaceError::NoSandbox(_)), "{error}");
    assert!(git.commit(&workspace.id, "x".to_owned()).await.is_err());
    let git = GitWorkspaces::open(Config { sandbox: SandboxBackend::None, ..config }).unwrap();
    let prefix = git.sandbox(&workspace.id, Needs::default()).await.unwrap();
    assert_eq!(
        (prefix.argv.len(), prefix.enforced.backend.as_str(), prefix.enforced.fs_write),
        (0, "none", false)
    );
}

#[tokio::test]
async fn what_would_be_enforced_is_told_without_a_checkout_and_leaves_nothing() {
    let world = World::new();
    let workspace = world.provision().await;
    let real = world.git.sandbox(&workspace.id, Needs::default()).await.unwrap().enforced;
    let root = &world.config.dirs.root;
    let before = tree_of(root, &[]);
    assert_eq!(probe_sandbox(&world.config).unwrap(), real);
    assert_eq!(tree_of(root, &[]), before, "a probe beside workspaces");

    let dir = tempfile::TempDir::new().unwrap();
    let [mirrors, shadow, root] =
        ["mirrors", "shadow", "root"].map(|name| dir.path().join("not/yet").join(name));
    let config = Config { dirs: Dirs { mirrors, shadow, root }, ..world.config.clone() };
    assert_eq!(probe_sandbox(&config).unwrap(), real);
    let broken = Helper { program: "/bin/false".into(), args: Vec::new() };
    let broken = Config { helper: broken, ..config.clone() };
    assert!(matches!(probe_sandbox(&broken), Err(WorkspaceError::NoSandbox(_))));
    let wide = Config { read_also: vec!["/".into()], ..config.clone() };
    let error = probe_sandbox(&wide).unwrap_err();
    assert!(matches!(&error, WorkspaceError::NoSandbox(why) if why.contains("reads outside")), "{error}");
    let off = Config { sandbox: SandboxBackend::None, ..broken };
    assert_eq!(probe_sandbox(&off).unwrap().backend, "none");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_program_without_network_opens_no_connection() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let connect = |flags: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ipa-workspace-helper"));
        command.args([Helper::MARKER, "sandbox-exec", "--read", "/", "--write", "/dev/null"]).args(flags);
        let line = format!("exec 3<>/dev/tcp/127.0.0.1/{port}");
        command.args(["--", "bash", "-c", &line]).output().unwrap()
    };
    let refused = connect(&["--no-network"]);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("ermission denied"));
    assert!(connect(&[]).status.success(), "the control");
}

#[test]
fn a_link_in_the_place_of_a_folder_of_ours_opens_nothing() {
    let dir = tempfile::TempDir::new().unwrap();
    put(&dir.path().join("secret/file"), "x");
    std::os::unix::fs::symlink(dir.path().join("secret"), dir.path().join("work")).unwrap();
    let cat = |flag: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ipa-workspace-helper"));
        command.args([
            Helper::MARKER,
            "sandbox-exec",
            "--read",
            "/usr",
            "--read",
            "/lib",
            "--read",
            "/lib64",
            flag,
        ]);
        command.arg(dir.path().join("work")).args(["--", "cat"]).arg(dir.path().join("secret/file"));
        command.output().unwrap().status
    };
    assert_eq!(cat("--own").code(), Some(125));
    assert_eq!(cat("--view").code(), Some(125));
    assert!(cat("--read").success(), "the control");
}

#[tokio::test]
async fn no_terminal_of_the_user_is_opened_from_inside() {
    let world = World::new();
    let workspace = world.provision().await;
    let prefix = world.git.sandbox(&workspace.id, Needs::default()).await.unwrap();
    let mut terminals = vec![PathBuf::from("/dev/tty")];
    // A pair of our own, for a machine at which nobody sits.
    let pair = std::fs::File::options().read(true).write(true).open("/dev/ptmx");
    if let Ok(pair) = &pair {
        // Others' come and go.
        let name = rustix::pty::ptsname(pair, Vec::new()).unwrap();
        terminals.push(PathBuf::from(name.to_str().unwrap()));
    }
    for terminal in terminals {
        let line = format!(": <> {}", quoted(&terminal));
        let said = |prefix| String::from_utf8(shell(prefix, &workspace, &line).stderr).unwrap();
        assert!(said(&prefix).contains("ermission denied"), "{}", terminal.display());
        // The control: it may have nothing to say, but it is reached.
        assert!(!said(&nothing(&prefix)).contains("ermission denied"), "the control");
    }
}

#[tokio::test]
async fn what_is_said_of_sockets_with_a_path_is_so() {
    let world = World::new();
    let workspace = world.provision().await;
    let prefix = world.git.sandbox(&workspace.id, Needs::default()).await.unwrap();
    let dir = tempfile::TempDir::new().unwrap();
    let socket = dir.path().join("s");
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    listener.set_nonblocking(true).unwrap();
    let ground = [workspace.tmp.clone(), dir.path().to_owned()];
    let probe = |argv: &[std::ffi::OsString]| {
        let helper = env!("CARGO_BIN_EXE_ipa-workspace-helper");
        let mut line: Vec<std::ffi::OsString> = argv.to_vec();
        line.extend([helper.into(), Helper::MARKER.into(), "sandbox-probe".into()]);
        let mut command = Command::new(&line[0]);
        command.args(&line[1..]).args(&ground).output().unwrap();
        listener.accept().is_ok()
    };
    assert!(probe(&[]), "the control");
    let needs = Needs { read: vec![env!("CARGO_BIN_EXE_ipa-workspace-helper").into()], ..Needs::default() };
    let prefix =
        SandboxPrefix { argv: world.git.sandbox(&workspace.id, needs).await.unwrap().argv, ..prefix };
    let is_missing = prefix.enforced.missing.iter().any(|it| it.contains("socket with a path"));
    assert_eq!(probe(&prefix.argv), is_missing);
}
